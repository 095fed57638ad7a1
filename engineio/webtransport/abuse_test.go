package webtransport_test

import (
	"context"
	"encoding/binary"
	"errors"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
	"github.com/quic-go/quic-go/quicvarint"
	quicwt "github.com/quic-go/webtransport-go"

	"github.com/gosocketio/socketio/engineio"
	"github.com/gosocketio/socketio/engineio/webtransport"
)

// At the limit, one above, far above.
func TestMaxPayload(t *testing.T) {
	const limit = 10_000
	for _, c := range []struct {
		name string
		size uint64
		ok   bool
	}{{"at the limit", limit, true}, {"one above", limit + 1, false}, {"far above", 1 << 62, false}} {
		t.Run(c.name, func(t *testing.T) {
			s := start(t, engineio.Config{MaxPayload: limit})
			x, _ := s.direct()
			x.write(binary.BigEndian.AppendUint64([]byte{0xff}, c.size))
			if !c.ok { // judged before anything of it has come
				if cause := s.wantClosing(engineio.ReasonParseError); !errors.Is(cause, engineio.ErrPayloadTooLarge) {
					t.Errorf("cause %v", cause)
				}
				x.wantClosed()
				return
			}
			x.write([]byte(strings.Repeat("x", limit)))
			if got := next(t, s.messages); len(got.data) != limit {
				t.Errorf("%d bytes", len(got.data))
			}
		})
	}
}

// Streams beyond the first are never accepted: QUIC limits them, and the session goes on.
func TestManyStreams(t *testing.T) {
	t.Attr("covers", "abuse/CVE-2026-21434")
	s := start(t, engineio.Config{})
	c, x := s.direct()
	before := runtime.NumGoroutine()
	count := func(open func(context.Context) error) (n int) {
		for ; n < 1000; n++ {
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			err := open(ctx)
			cancel()
			if err != nil {
				break
			}
		}
		return n
	}
	if n := count(func(ctx context.Context) error {
		str, err := c.session.OpenStreamSync(ctx)
		if err == nil {
			_, err = str.Write([]byte("\x010"))
			str.CancelWrite(1)
			str.CancelRead(1)
		}
		return err
	}); n > 100 {
		t.Errorf("%d bidirectional streams", n)
	}
	if n := count(func(ctx context.Context) error {
		str, err := c.session.OpenUniStreamSync(ctx)
		if err == nil {
			_, err = str.Write([]byte("\x010"))
		}
		return err
	}); n > 8 {
		t.Errorf("%d unidirectional streams", n)
	}
	if err := x.Send([]byte("still here"), false); err != nil {
		t.Fatal(err)
	}
	c.want("4still here")
	if n := s.engine.Sessions(); n != 1 {
		t.Errorf("%d sessions", n)
	}
	if n := runtime.NumGoroutine() - before; n > 20 {
		t.Errorf("%d more goroutines", n)
	}
}

// connect asks for a session with bare HTTP/3 and returns its stream.
func (s *server) connect(c *quic.Config) *http3.RequestStream {
	s.Helper()
	c.EnableDatagrams, c.EnableStreamResetPartialDelivery = true, true
	conn, err := quic.DialAddr(s.context(), s.addr, s.tls(), c)
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { _ = conn.CloseWithError(0, "") })
	h3 := (&http3.Transport{EnableDatagrams: true}).NewClientConn(conn)
	str, err := h3.OpenRequestStream(s.context())
	if err != nil {
		s.Fatal(err)
	}
	r, err := http.NewRequestWithContext(s.context(), http.MethodConnect, "https://"+s.addr+engineio.DefaultPath, nil)
	if err != nil {
		s.Fatal(err)
	}
	r.Proto = "webtransport"
	if err := str.SendRequestHeader(r); err != nil {
		s.Fatal(err)
	}
	return str
}

// A reason to close that never ends takes no memory, and a session without a stream its time only.
func TestEndlessCapsule(t *testing.T) {
	t.Attr("covers", "abuse/CVE-2026-21434")
	s := start(t, engineio.Config{UpgradeTimeout: 500 * time.Millisecond})
	str := s.connect(&quic.Config{})
	if res, err := str.ReadResponse(); err != nil || res.StatusCode != http.StatusOK { //nolint:bodyclose // the body is the session
		t.Fatalf("%+v, %v", res, err)
	}
	const closeSession, total = 0x2843, 32 << 20
	b := quicvarint.Append(quicvarint.Append(nil, closeSession), 1<<40)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	piece := make([]byte, 64<<10)
	for sent := 0; sent < total; sent += len(piece) {
		if _, err := str.Write(append(b, piece...)); err != nil {
			break // the server had enough of it
		}
		b = nil
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > total/4 {
		t.Errorf("the heap grew by %d bytes", grown)
	}
	// Shutdown, at the end of the test, shows that nothing holds on to it.
}

// A client that takes nothing of the answer to its request does not hold the server's end up.
func TestAnswerThatIsNotTaken(t *testing.T) {
	t.Attr("covers", "abuse/CVE-2026-21434")
	webtransport.SetAnswerTimeout(t, 100*time.Millisecond)
	answering := make(chan struct{})
	s := start(t, engineio.Config{UpgradeTimeout: 100 * time.Millisecond, Events: engineio.Events{
		Headers: func(h http.Header, _ *http.Request) {
			h.Set("Padding", strings.Repeat("x", 64<<10))
			close(answering)
		},
	}})
	s.connect(&quic.Config{InitialStreamReceiveWindow: 4096, MaxStreamReceiveWindow: 4096}) // nobody reads it
	next(t, answering)
	done := make(chan error, 1)
	go func() { done <- s.engine.Shutdown(s.context()) }()
	if err := next(t, done); err != nil {
		t.Error(err)
	}
}

// A client that does not read is cut off within WriteTimeout, and closing its session does not wait for it.
func TestSlowPeer(t *testing.T) {
	s := start(t, engineio.Config{WriteTimeout: 500 * time.Millisecond}) // for the handshake, too
	d := &quicwt.Transport{TLSClientConfig: s.tls(), QUICConfig: &quic.Config{
		EnableDatagrams: true, EnableStreamResetPartialDelivery: true,
		InitialStreamReceiveWindow: 8192, MaxStreamReceiveWindow: 8192,
	}}
	t.Cleanup(func() { _ = d.Close() })
	_, session, err := d.Dial(s.context(), "https://"+s.addr+engineio.DefaultPath, nil) //nolint:bodyclose // the body is the session
	if err != nil {
		t.Fatal(err)
	}
	c := &client{TB: t, session: session}
	c.open("0")
	c.handshake()
	x := next(t, s.sessions)
	if err := x.Send(make([]byte, 100_000), true); err != nil {
		t.Fatal(err)
	}
	if cause := s.wantClosing(engineio.ReasonTransportError); !errors.Is(cause, engineio.ErrSlowPeer) {
		t.Errorf("cause %v", cause)
	}
	c.wantClosed()
}
