package engineio_test

import (
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/gobwas/ws"

	"github.com/gosocketio/socketio/engineio"
	"github.com/gosocketio/socketio/engineio/wire"
)

// A message written to an idle WebSocket session allocates nothing: it leaves in the caller's goroutine.
func TestWriteAllocations(t *testing.T) {
	s := start(t, engineio.Config{})
	c := s.dial(direct)
	c.open()
	go func() { _, _ = io.Copy(io.Discard, c.r) }()
	x := engineio.LinkOf(next(t, s.sessions))
	frames := wire.AppendText(nil, wire.Message, []byte(`2["event","hello"]`))
	if n := testing.AllocsPerRun(200, func() { _ = x.Write(engineio.Now, engineio.Message{Frames: frames}) }); n > 1 {
		t.Errorf("%v allocations, want at most 1", n)
	}
}

func BenchmarkWrite(b *testing.B) {
	s, c := benchServer(b)
	go func() { _, _ = io.Copy(io.Discard, c) }()
	x := <-s
	link := engineio.LinkOf(x)
	frames := wire.AppendText(nil, wire.Message, []byte(`2["event","hello"]`))
	b.ReportAllocs()
	for b.Loop() {
		// Never more than the reader at the other end keeps up with: this is about writing, not about a full queue.
		for n, _ := x.Buffered(); n > 1<<20; n, _ = x.Buffered() {
			runtime.Gosched()
		}
		if err := link.Write(engineio.Now, engineio.Message{Frames: frames}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEcho(b *testing.B) {
	_, c := benchServer(b)
	text := "4" + strings.Repeat("x", 32)
	frame := ws.MustCompileFrame(ws.MaskFrameWith(ws.NewTextFrame([]byte(text)), [4]byte{1, 2, 3, 4}))
	buf := make([]byte, 2+len(text))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Write(frame); err != nil {
			b.Fatal(err)
		}
		if _, err := io.ReadFull(c, buf); err != nil {
			b.Fatal(err)
		}
	}
}
