package engineio_test

import (
	"bytes"
	"math/rand/v2"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsflate"

	"github.com/gosocketio/socketio/engineio"
	"github.com/gosocketio/socketio/engineio/wire"
)

const (
	offer    = "permessage-deflate; client_max_window_bits" // of browsers and of Node's ws
	accepted = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
)

// deflate is compression with the default threshold.
func deflate() engineio.Config {
	return engineio.Config{PerMessageDeflate: &engineio.PerMessageDeflate{}}
}

// compressedFrame builds a masked frame of a compressed message.
func compressedFrame(t *testing.T, op ws.OpCode, payload string) []byte {
	t.Helper()
	f, err := wsflate.CompressFrame(ws.NewFrame(op, true, []byte(payload)))
	if err != nil {
		t.Fatal(err)
	}
	return ws.MustCompileFrame(ws.MaskFrame(f))
}

// wantFrame reads a frame and fails the test unless it is a message that is, or is not, compressed.
func (c *socket) wantFrame(op ws.OpCode, payload string, compressed bool) {
	c.Helper()
	if err := c.SetReadDeadline(time.Now().Add(patience)); err != nil {
		c.Fatal(err)
	}
	f, err := ws.ReadFrame(c.r)
	if err != nil {
		c.Fatal(err)
	}
	if f.Header.Rsv1() != compressed || f.Header.Rsv2() || f.Header.Rsv3() {
		c.Errorf("RSV1 is %t, want %t", f.Header.Rsv1(), compressed)
	}
	if f.Header.Rsv1() {
		if f, err = wsflate.DecompressFrame(f); err != nil {
			c.Fatal(err)
		}
	}
	if f.Header.OpCode != op || string(f.Payload) != payload {
		c.Fatalf("got a %d of %d bytes, want a %d of %d", f.Header.OpCode, len(f.Payload), op, len(payload))
	}
}

func (c *socket) raw(b []byte) {
	c.Helper()
	if _, err := c.Write(b); err != nil {
		c.Fatal(err)
	}
}

// Messages go both ways, compressed where that is worth it.
func TestDeflateEcho(t *testing.T) {
	noise := make([]byte, 2000)
	_, _ = rand.NewChaCha8([32]byte{}).Read(noise)
	s := start(t, deflate())
	conn := s.dialDeflate(direct)
	conn.open()
	session := next(t, s.sessions)
	if !session.Stats().PerMessageDeflate || s.engine.Stats().PerMessageDeflate != 1 {
		t.Error("the stats do not know of it")
	}
	for _, c := range []struct {
		name       string
		op         ws.OpCode
		payload    string
		compressed bool
	}{
		{"text", ws.OpText, "4" + strings.Repeat("a", 1023), true},
		{"below the threshold", ws.OpText, "4" + strings.Repeat("a", 1022), false},
		{"binary", ws.OpBinary, strings.Repeat("\xff\x00", 512), true},
		{"incompressible", ws.OpBinary, string(noise), false},
		{"empty", ws.OpBinary, "", false},
		{"large", ws.OpText, "4" + strings.Repeat("large ", 160_000), true},
	} {
		t.Run(c.name, func(t *testing.T) {
			conn.T = t
			// Twice, for the context must not be carried over.
			for range 2 {
				conn.raw(compressedFrame(t, c.op, c.payload))
				conn.wantFrame(c.op, c.payload, c.compressed)
			}
			conn.raw(ws.MustCompileFrame(ws.MaskFrame(ws.NewFrame(c.op, true, []byte(c.payload)))))
			conn.wantFrame(c.op, c.payload, c.compressed)
		})
	}
	conn.T = t
	t.Run("no compressed bytes at all", func(t *testing.T) {
		conn.raw([]byte{0xc2, 0x80, 0, 0, 0, 0})
		conn.wantFrame(ws.OpBinary, "", false)
	})
	t.Run("in fragments, a ping between them", func(t *testing.T) {
		text := "4" + strings.Repeat("fragment ", 1000)
		f, err := wsflate.CompressFrame(ws.NewTextFrame([]byte(text)))
		if err != nil {
			t.Fatal(err)
		}
		half := len(f.Payload) / 2
		first := ws.NewFrame(ws.OpText, false, f.Payload[:half])
		first.Header.Rsv = ws.Rsv(true, false, false)
		rest := ws.NewFrame(ws.OpContinuation, true, f.Payload[half:])
		for _, f := range []ws.Frame{first, ws.NewPingFrame([]byte("hello")), rest} {
			conn.raw(ws.MustCompileFrame(ws.MaskFrame(f)))
		}
		conn.wantFrame(ws.OpPong, "hello", false)
		conn.wantFrame(ws.OpText, text, true)
	})
	t.Run("not this one", func(t *testing.T) {
		text := strings.Repeat("a", 5000)
		if err := engineio.LinkOf(session).Write(engineio.Now, engineio.Message{Frames: wire.AppendText(nil, wire.Message, []byte(text)), NoCompress: true}); err != nil {
			t.Fatal(err)
		}
		conn.wantFrame(ws.OpText, "4"+text, false)
	})
	t.Run("a message and its attachments", func(t *testing.T) {
		text, small, large := strings.Repeat("a", 2000), "small", strings.Repeat("large", 1000)
		frames := wire.AppendText(nil, wire.Message, []byte(text))
		frames = wire.AppendBinary(frames, []byte(small))
		frames = wire.AppendBinary(frames, []byte(large))
		if err := engineio.LinkOf(session).Write(engineio.Now, engineio.Message{Frames: frames}); err != nil {
			t.Fatal(err)
		}
		conn.wantFrame(ws.OpText, "4"+text, true)
		conn.wantFrame(ws.OpBinary, small, false)
		conn.wantFrame(ws.OpBinary, large, true)
	})
}

// A threshold of 1 compresses everything but control frames.
func TestDeflateEverything(t *testing.T) {
	s := start(t, engineio.Config{PerMessageDeflate: &engineio.PerMessageDeflate{Threshold: 1, Level: 9}})
	conn := s.dialDeflate(direct)
	conn.open()
	conn.raw(ws.MustCompileFrame(ws.MaskFrame(ws.NewPingFrame([]byte(strings.Repeat("a", 100))))))
	conn.wantFrame(ws.OpPong, strings.Repeat("a", 100), false)
	text := "4" + strings.Repeat("a", 50)
	conn.send(text)
	conn.wantFrame(ws.OpText, text, true)
}

// The form of the connection and the compression go together: protocol 3 with its type byte, clients without binary, and a
// session that came from polling.
func TestDeflateForms(t *testing.T) {
	binary := strings.Repeat("binary", 1000)
	open := func(s *server, q string) (*socket, *engineio.Session) {
		conn := s.dialDeflate(q)
		conn.open()
		return conn, next(s.T, s.sessions)
	}
	t.Run("protocol 3", func(t *testing.T) {
		c := deflate()
		c.AllowEIO3 = true
		s := start(t, c)
		conn, _ := open(s, "EIO=3&transport=websocket")
		conn.raw(compressedFrame(t, ws.OpBinary, "\x04"+binary))
		conn.wantFrame(ws.OpBinary, "\x04"+binary, true)
	})
	t.Run("base64", func(t *testing.T) {
		s := start(t, deflate())
		conn, x := open(s, direct+"&b64=1")
		if err := x.Send([]byte{1, 2, 3}, true); err != nil {
			t.Fatal(err)
		}
		conn.wantFrame(ws.OpText, "bAQID", false)
		if err := x.Send(make([]byte, 3000), true); err != nil {
			t.Fatal(err)
		}
		conn.wantFrame(ws.OpText, "b"+strings.Repeat("AAAA", 1000), true)
	})
	t.Run("after an upgrade", func(t *testing.T) {
		s := start(t, deflate())
		q := s.polling()
		x := next(t, s.sessions)
		conn := s.dialDeflate(direct + q[strings.Index(q, "&sid="):])
		conn.raw(compressedFrame(t, ws.OpText, "2probe"))
		conn.want("3probe")
		long := strings.Repeat("a", 3000)
		if err := x.Send([]byte(long), false); err != nil { // still by polling
			t.Fatal(err)
		}
		if got := s.request("GET", q, ""); got.body != "4"+long {
			t.Fatalf("polled %q", got.body)
		}
		if err := x.Send([]byte(binary), true); err != nil { // waits for the upgrade
			t.Fatal(err)
		}
		conn.send("5")
		conn.wantFrame(ws.OpBinary, binary, true)
	})
}

// A message to many is compressed once, however many it goes to, and whatever else they are.
func TestDeflateOnceForMany(t *testing.T) {
	c := deflate()
	c.AllowEIO3 = true
	s := start(t, c)
	var conns []*socket
	for i := range 40 {
		var conn *socket
		switch i % 4 {
		case 0:
			conn = s.dial(direct)
		case 1:
			conn = s.dialDeflate("EIO=3&transport=websocket")
		default:
			conn = s.dialDeflate(direct)
		}
		conn.open()
		conns = append(conns, conn)
	}
	text := strings.Repeat("to many ", 1000)
	p := engineio.Prepare(wire.AppendText(nil, wire.Message, []byte(text)))
	done := make(chan error, len(conns))
	for range conns {
		x := next(t, s.sessions)
		go func() { done <- engineio.LinkOf(x).Write(engineio.Now, engineio.Message{Prepared: p}) }()
	}
	for range conns {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	for i, conn := range conns {
		conn.wantFrame(ws.OpText, "4"+text, i%4 != 0)
	}
	// Once for each of the two forms.
	if n := s.engine.Stats().Deflated; n != 2 {
		t.Errorf("compressed %d times", n)
	}
}

// Compressed messages that the kernel takes in pieces arrive whole and in order.
func TestDeflatePartialWrites(t *testing.T) {
	text := make([]byte, 1<<20)
	r := rand.New(rand.NewPCG(1, 2))
	for i := range text {
		text[i] = "0123456789abcdef"[r.IntN(16)]
	}
	prepared := func(b []byte) engineio.Message { return engineio.Message{Prepared: engineio.Prepare(b)} }
	frames := func(b []byte) engineio.Message { return engineio.Message{Frames: b} }
	for _, how := range []struct {
		when    engineio.When
		message func([]byte) engineio.Message
	}{{engineio.Now, frames}, {engineio.Now, prepared}, {engineio.Later, frames}} {
		s := start(t, engineio.Config{PerMessageDeflate: &engineio.PerMessageDeflate{}, MaxBufferedBytes: 32 << 20})
		conn := s.dialDeflate(direct)
		conn.open()
		x := next(t, s.sessions)
		if err := conn.Conn.(*net.TCPConn).SetReadBuffer(256 << 10); err != nil {
			t.Fatal(err)
		}
		const n = 8
		for i := range n {
			frames := wire.AppendText(nil, wire.Message, append([]byte{'0' + byte(i)}, text...))
			m := how.message(frames)
			if err := engineio.LinkOf(x).Write(how.when, m); err != nil {
				t.Fatal(err)
			}
			if m.Prepared == nil {
				clear(frames) // they were the caller's
			}
		}
		if waits, _ := x.Buffered(); waits == 0 {
			t.Error("the kernel took everything at once")
		}
		for i := range n {
			conn.wantFrame(ws.OpText, "4"+string(rune('0'+i))+string(text), true)
		}
	}
}

// Frames are not touched by being sent compressed.
func TestDeflateLeavesFramesAlone(t *testing.T) {
	s := start(t, deflate())
	conn := s.dialDeflate(direct)
	conn.open()
	frames := wire.AppendText(nil, wire.Message, []byte(strings.Repeat("a", 2000)))
	before := bytes.Clone(frames)
	if err := engineio.LinkOf(next(t, s.sessions)).Write(engineio.Now, engineio.Message{Frames: frames}); err != nil {
		t.Fatal(err)
	}
	conn.wantFrame(ws.OpText, "4"+strings.Repeat("a", 2000), true)
	if !bytes.Equal(frames, before) {
		t.Error("the frames were changed")
	}
}

// A connection that agreed to compressed messages, and has had one each way, holds no more memory than another with a goroutine.
func TestDeflateIdleMemory(t *testing.T) {
	const conns, budget = 300, 1024 // a window alone takes 32 KB
	text := "4" + strings.Repeat("a", 20_000)
	inflatable, plain := compressedFrame(t, ws.OpText, text), ws.MustCompileFrame(ws.MaskFrame(ws.NewTextFrame([]byte(text))))
	c := deflate()
	c.ConnectionMode = engineio.PortableMode // which those that compress are in anyway
	s := start(t, c)
	memory := func() int {
		runtime.GC()
		runtime.GC() // what is pooled goes with the second
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int(m.HeapAlloc + m.StackInuse)
	}
	cost := func(header ...string) int {
		before := memory()
		for range conns {
			_, conn := s.upgradeWith(direct, header...)
			conn.open()
			if header != nil {
				conn.raw(inflatable)
			} else {
				conn.raw(plain)
			}
			conn.wantFrame(ws.OpText, text, header != nil)
			next(t, s.sessions)
		}
		return (memory() - before) / conns
	}
	cost() // what is made once
	without, with := cost(), cost("Sec-WebSocket-Extensions: "+offer)
	t.Logf("%d bytes for each connection and its client without compression, %d with", without, with)
	if with > without+budget {
		t.Errorf("a connection that compresses holds %d bytes, another %d", with, without)
	}
}
