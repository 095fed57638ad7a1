package socketio_test

import (
	"context"
	"fmt"
	"regexp"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/gosocketio/socketio"
)

// children are dynamic namespaces that a client has joined.
func children(t testing.TB, f *fixture, n int) *socketio.Parent {
	t.Helper()
	p := f.OfRegexp(regexp.MustCompile(`^/n[0-9]+$`))
	joined := make(chan struct{}, n)
	p.OnConnection(func(*socketio.Socket) { joined <- struct{}{} })
	conn := f.WebSocket()
	for i := range n {
		conn.Send(fmt.Sprintf("40/n%d,", i))
	}
	for range n {
		wait(t, joined)
	}
	t.Cleanup(conn.Close)
	return p
}

// The disconnect callbacks of a connection's sockets need no goroutine each, whatever ends them.
func TestDisconnectingThousandSocketsTakesFewGoroutines(t *testing.T) {
	const n = 1000
	for name, end := range map[string]func(f *fixture, s *socketio.Socket){
		"the connection breaks":    func(_ *fixture, s *socketio.Socket) { s.Conn().Discard(nil) },
		"the server disconnects":   func(_ *fixture, s *socketio.Socket) { s.Disconnect(true) },
		"the server is shut down":  func(f *fixture, _ *socketio.Socket) { _ = f.Shutdown(context.Background()) },
		"the client breaks a rule": func(f *fixture, s *socketio.Socket) { socketio.BreakRule(s) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { // where no callback is slow
				f := startPipe(t, func(c *socketio.Config) { c.CleanupEmptyChildNamespaces = true })
				var most, ran atomic.Int64
				p := children(t, f, n)
				for _, ns := range p.Children() {
					ns.OnDisconnect(func(*socketio.Socket, socketio.Reason) {
						most.Store(max(most.Load(), int64(runtime.NumGoroutine())))
						ran.Add(1)
					})
				}
				s := p.Children()[0].Sockets()[0]
				synctest.Wait()
				before := runtime.NumGoroutine()
				end(f, s)
				synctest.Wait()
				if more := int(most.Load()) - before; ran.Load() != n || more > n/10 {
					t.Errorf("%d callbacks ran, with %d more goroutines", ran.Load(), more)
				}
				if left := len(p.Children()); left > 0 {
					t.Errorf("%d namespaces are left", left)
				}
			})
		})
	}
}

// Callbacks that block, or end their goroutine, keep no others waiting.
func TestBlockingDisconnectCallbacksDelayNoOthers(t *testing.T) {
	const n = 300
	f := start(t)
	p := children(t, f, n)
	var all sync.WaitGroup
	all.Add(n)
	for i, ns := range p.Children() {
		ns.OnDisconnect(func(*socketio.Socket, socketio.Reason) {
			all.Done()
			if i%3 == 0 {
				runtime.Goexit()
			}
			all.Wait() // for those of all the others
		})
	}
	p.Children()[0].Sockets()[0].Conn().Discard(nil)
	done := make(chan struct{})
	go func() { all.Wait(); close(done) }()
	wait(t, done)
}
