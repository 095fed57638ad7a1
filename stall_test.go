package socketio_test

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gobwas/ws"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/internal/rawclient"
)

// A client that is held back ends with ErrHandlerStalled when no handler of it has ended for
// HandlerStallTimeout. Handlers that end more slowly than heartbeats, but do end, cost it nothing.
func TestLimitHandlerStallTimeout(t *testing.T) {
	const stall = 10 * limit
	overTransports(t, func(t *testing.T, open func(*rawclient.Endpoint) rawConn) {
		s, e := servePipe(t, socketio.Config{
			HandlerStallTimeout: stall, PingInterval: time.Hour, MaxInboxEvents: 4,
		})
		var cause error
		socketio.On(s, "e", func(e *socketio.Event, i int) error {
			if i < 6 {
				time.Sleep(stall - tick)
				return nil
			}
			<-e.Socket().Context().Done()
			cause = e.Socket().Err()
			return nil
		})
		conn := open(e)
		conn.Join("/", "")
		go func() {
			for i := range 12 { // of which the server takes some
				if c, ok := conn.(*rawclient.Conn); ok {
					_ = c.TrySend(fmt.Sprintf(`42["e",%d]`, i))
					continue
				}
				_, _ = conn.(*rawclient.Poller).Post(fmt.Sprintf(`42["e",%d]`, i))
			}
		}()
		wantSessions(t, s, 6*(stall-tick)+stall-tick, 1)
		wantSessions(t, s, 2*tick, pollersLinger(conn))
		if !errors.Is(cause, socketio.ErrHandlerStalled) {
			t.Errorf("the cause is %v", cause)
		}
	})
}

// Back-pressure costs no client its connection: a client of either protocol that leaves when
// nothing comes from the server for PingInterval + PingTimeout gets all its events handled, though
// handlers take many times that.
func TestBackPressureKeepsHeartbeats(t *testing.T) {
	const interval, timeout, events = time.Second, time.Second, 100
	for _, protocol := range []int{4, 3} {
		t.Run(fmt.Sprint("protocol ", protocol), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, e := servePipe(t, socketio.Config{
					AllowEIO3: true, PingInterval: interval, PingTimeout: timeout, MaxInboxEvents: 10,
				})
				var handled atomic.Int32
				socketio.On0(s, "e", func(*socketio.Event) error {
					time.Sleep(600 * time.Millisecond)
					handled.Add(1)
					return nil
				})
				c, err := e.Dial(t.Context(), fmt.Sprintf("EIO=%d&transport=websocket", protocol), nil)
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close()
				write, end := make(chan string, 10*events), make(chan struct{})
				defer close(end)
				send := func() { // the reader must not wait for the server to read, as over TCP
					for {
						select {
						case p := <-write:
							if c.TrySend(p) != nil {
								return
							}
						case <-end:
							return
						}
					}
				}
				go send()
				write <- "40"
				for joined := false; !joined; { // a client sends no event before it has joined
					f, err := ws.ReadFrame(c.Raw())
					if err != nil {
						t.Fatal(err)
					}
					joined = strings.HasPrefix(string(f.Payload), "40")
				}
				for range events {
					write <- `42["e"]`
				}
				if protocol == 3 {
					go func() { // engine.io-client 3 pings like this, and less often
						for {
							select {
							case <-time.After(interval):
								write <- "2"
							case <-end:
								return
							}
						}
					}()
				}
				last := time.Now()
				for int(handled.Load()) < events {
					f, err := ws.ReadFrame(c.Raw())
					if err != nil || f.Header.OpCode == ws.OpClose {
						t.Fatalf("ended after %d events: %v", handled.Load(), err)
					}
					if silent := time.Since(last); silent >= interval+timeout {
						t.Errorf("nothing came for %v, and the client would have left", silent)
					}
					last = time.Now()
					if string(f.Payload) == "2" {
						write <- "3"
					}
				}
				if n := s.Engine().Sessions(); n != 1 {
					t.Errorf("%d sessions", n)
				}
			})
		})
	}
}
