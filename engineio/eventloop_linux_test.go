package engineio_test

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"

	"github.com/gobwas/ws"

	"github.com/gosocketio/socketio/engineio"
)

// Connections on an event loop have no goroutine, and Stats says where they are.
func TestEventLoopNeedsNoGoroutines(t *testing.T) {
	s := start(t, engineio.Config{ConnectionMode: engineio.EventLoopMode})
	count := func() int {
		// Those of net/http that took the handshakes, and those that told of a close, end by themselves.
		n := runtime.NumGoroutine()
		for again := 0; again < 100 && n > 0; again++ {
			runtime.Gosched()
			n = min(n, runtime.NumGoroutine())
		}
		return n
	}
	first := s.dial(direct)
	first.open()
	before := count()
	const n = 50
	for range n {
		c := s.dial(direct)
		c.open()
		c.send("4hello")
		c.want("4hello")
	}
	if after := count(); after > before+n/2 {
		t.Errorf("%d goroutines for %d connections", after-before, n)
	}
	if got := s.engine.Stats(); got.WebSocket != n+1 || got.EventLoop != n+1 {
		t.Errorf("got %+v", got)
	}
	if got := next(t, s.sessions).Stats(); !got.EventLoop {
		t.Errorf("got %+v", got)
	}
}

// A connection that cannot give up its descriptor is served all the same.
func TestEventLoopLeavesTLSAlone(t *testing.T) {
	s := startOn(t, engineio.Config{ConnectionMode: engineio.EventLoopMode}, httptest.NewUnstartedServer, (*httptest.Server).StartTLS)
	d := ws.Dialer{TLSConfig: s.client.Transport.(*http.Transport).TLSClientConfig.Clone()}
	d.TLSConfig.NextProtos = nil
	conn, r, _, err := d.Dial(t.Context(), strings.Replace(s.url, "https", "wss", 1)+"?"+direct)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	c := wrap(t, conn, r)
	c.open()
	c.send("4hello")
	c.want("4hello")
	if got := s.engine.Stats(); got.WebSocket != 1 || got.EventLoop != 0 {
		t.Errorf("got %+v", got)
	}
}

// What may have to be inflated, which takes its time, is not read on an event loop.
func TestEventLoopLeavesCompressionAlone(t *testing.T) {
	c := deflate()
	c.ConnectionMode = engineio.EventLoopMode
	s := start(t, c)
	for _, c := range []*socket{s.dial(direct), s.dialDeflate(direct)} {
		c.open() // is written before the connection has moved to where it is read
		c.send("4hello")
		c.want("4hello")
	}
	if got := s.engine.Stats(); got.WebSocket != 2 || got.EventLoop != 1 || got.PerMessageDeflate != 1 {
		t.Errorf("got %+v", got)
	}
}

// Sessions that are not read from, and peers that do not read, keep nobody else on their loop waiting.
func TestEventLoopGoesOn(t *testing.T) {
	s := start(t, engineio.Config{ConnectionMode: engineio.EventLoopMode, MaxBufferedBytes: 64 << 20})
	var paused, deaf []*engineio.Session
	for i := range 8 { // enough for every loop to have one of each
		c := s.dial(direct)
		c.open()
		x := next(t, s.sessions)
		if i%2 == 0 {
			engineio.LinkOf(x).PauseReading()
			c.send("4later")
			paused = append(paused, x)
		} else {
			if err := x.Send(make([]byte, 16<<20), true); err != nil {
				t.Fatal(err)
			}
			deaf = append(deaf, x)
		}
	}
	for range 8 {
		c := s.dial(direct)
		c.open()
		c.send("4now")
		c.want("4now")
	}
	for _, x := range deaf {
		if bytes, _ := x.Buffered(); bytes == 0 {
			t.Error("a peer that does not read has taken 16 MiB")
		}
	}
	for _, x := range paused {
		engineio.LinkOf(x).ResumeReading()
	}
}

// A peer that went away is noticed even while its session is not read from.
func TestEventLoopNoticesResetWhilePaused(t *testing.T) {
	s := start(t, engineio.Config{ConnectionMode: engineio.EventLoopMode})
	c := s.dial(direct)
	c.open()
	engineio.LinkOf(next(t, s.sessions)).PauseReading()
	_ = c.Conn.(*net.TCPConn).SetLinger(0) // makes Close a reset
	_ = c.Close()
	if got := next(t, s.closings); got.reason != engineio.ReasonTransportClose || got.cause == nil || errors.Is(got.cause, io.EOF) {
		t.Errorf("got %+v", got)
	}
}

// An event of the application that blocks, as it must not, stalls its own session only.
func TestEventLoopGoesOnWithoutWhatBlocks(t *testing.T) {
	release := make(chan struct{})
	blocked := make(chan struct{}, 100)
	s := start(t, engineio.Config{ConnectionMode: engineio.EventLoopMode, Events: engineio.Events{
		Message: func(x *engineio.Session, data []byte, binary bool) {
			if string(data) == "block" {
				blocked <- struct{}{}
				<-release
			}
			_ = x.Send(data, binary)
		},
	}})
	var stuck []*socket
	for range 8 { // enough for every loop
		c := s.dial(direct)
		c.open()
		c.send("4block")
		next(t, blocked)
		stuck = append(stuck, c)
	}
	for range 8 {
		c := s.dial(direct)
		c.open()
		c.send("4hello")
		c.want("4hello")
	}
	close(release)
	for _, c := range stuck {
		c.send("4later")
		c.want("4block")
		c.want("4later")
	}
}
