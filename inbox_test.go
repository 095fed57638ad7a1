package socketio_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/engineio"
	"github.com/gosocketio/socketio/internal/rawclient"
)

// A client that sends faster than its handlers work is not read from meanwhile, and loses nothing.
func TestInboxIsBounded(t *testing.T) {
	const (
		total   = 500
		payload = 20_000 // more than the engine reads at once
		few     = 2      // what may have been read before reading stopped
	)
	for name, limit := range map[string]func(*socketio.Config){
		"events": func(c *socketio.Config) { c.MaxInboxEvents = 10 },
		"bytes":  func(c *socketio.Config) { c.MaxInboxBytes = 10 * payload },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var seen, handled atomic.Int32
				f := startPipe(t, func(c *socketio.Config) {
					limit(c)
					c.EngineEvents.Message = func(*engineio.Session, []byte, bool) { seen.Add(1) }
				})
				release := make(chan struct{})
				f.Of("/").Handle("e", func(*socketio.Event) error {
					<-release
					handled.Add(1)
					return nil
				})
				conn := f.WebSocket()
				conn.Join("/", "")
				packet := fmt.Sprintf(`42["e","%s"]`, strings.Repeat("x", payload))
				sent := make(chan error, 1)
				go func() {
					for range total {
						if err := conn.TrySend(packet); err != nil {
							sent <- err
							return
						}
					}
					sent <- nil
				}()

				synctest.Wait() // the client cannot send any more, everybody waits
				if got := seen.Load(); got > 11+few {
					t.Errorf("%d events were taken", got)
				}
				for range 3 { // as the handler proceeds, so does the client
					before := handled.Load()
					for range 8 {
						release <- struct{}{}
					}
					synctest.Wait()
					if got := seen.Load() - before; got > 20+few {
						t.Errorf("%d events are waiting", got)
					}
				}
				close(release)
				if err := wait(t, sent); err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
				if got := handled.Load(); got != total {
					t.Errorf("%d events were handled", got)
				}
			})
		})
	}
}

// Joins and leaves are work too: a client cannot pile up sockets whose callbacks are slow.
func TestJoinsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const limit = 10
		var seen, connected, disconnected atomic.Int32
		f := startPipe(t, func(c *socketio.Config) {
			c.MaxInboxEvents = limit
			c.EngineEvents.Message = func(*engineio.Session, []byte, bool) { seen.Add(1) }
		})
		release := make(chan struct{})
		f.Of("/").OnConnection(func(*socketio.Socket) { connected.Add(1) })
		f.Of("/").OnDisconnect(func(*socketio.Socket, socketio.Reason) {
			<-release
			disconnected.Add(1)
		})
		conn := f.WebSocket()
		for range limit { // each round is answered before the next one starts, so that every socket connects
			conn.Join("/", "")
			conn.Send("41")
			synctest.Wait()
		}
		before := seen.Load()
		sent := make(chan error, 1)
		go func() {
			err := conn.TrySend("40")
			for range 20 {
				if err == nil {
					err = conn.TrySend(fmt.Sprintf(`40/none,{"x":"%s"}`, strings.Repeat("x", 20_000)))
				}
			}
			sent <- err
		}()
		synctest.Wait()
		if got := seen.Load() - before; got > 3 { // the CONNECT, and what one read may bring
			t.Errorf("%d packets were taken while the disconnect functions were blocked", got)
		}
		close(release)
		answers := map[string]int{}
		for range 21 {
			answers[conn.Read()[:2]]++
		}
		if answers["40"] != 1 || answers["44"] != 20 {
			t.Errorf("answers: %v", answers)
		}
		if err := wait(t, sent); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if c, d := connected.Load(), disconnected.Load(); c != d+1 {
			t.Errorf("%d connected, %d disconnected", c, d)
		}
	})
}

// Over polling, the next body is not read before there is room for what it holds.
func TestInboxOverPolling(t *testing.T) {
	const batch = 50
	f := start(t, func(c *socketio.Config) { c.MaxInboxEvents = 4 })
	release, done := make(chan struct{}), make(chan struct{})
	var handled atomic.Int32
	f.Of("/").Handle("e", func(*socketio.Event) error {
		<-release
		if handled.Add(1) == 2*batch {
			close(done)
		}
		return nil
	})
	p := f.Polling()
	p.Join("/", "")
	events := make([]string, batch)
	for i := range events {
		events[i] = `42["e"]`
	}
	posted := make(chan string, 2)
	go func() {
		for range 2 {
			_, body := p.Post(events...)
			posted <- body
		}
	}()
	for range batch / 2 {
		release <- struct{}{}
	}
	if n := len(posted); n > 1 {
		t.Errorf("%d bodies were taken while most of the first one waited", n)
	}
	close(release)
	wait(t, done)
	for range 2 {
		if body := wait(t, posted); body != "ok" {
			t.Errorf("POST got %q", body)
		}
	}
}

// A handler may wait for an acknowledgement of its own client also when the answer comes behind
// more events than may wait: meanwhile they may take eight times MaxInboxBytes, and no more.
func TestAskBehindFullInbox(t *testing.T) {
	const events, size = 100, 1000
	packet := func(i int) string { return fmt.Sprintf(`42["e",%d,"%s"]`, i, strings.Repeat("x", size)) }
	for name, config := range map[string]socketio.Config{
		"events": {MaxInboxEvents: 4},
		"bytes":  {MaxInboxBytes: events * (size + 300) / 8},
	} {
		t.Run(name, func(t *testing.T) {
			overTransports(t, func(t *testing.T, open func(*rawclient.Endpoint) rawConn) {
				var handled, asked atomic.Int32
				config := config
				config.PingInterval = time.Hour
				s, e := servePipe(t, config)
				socketio.On(s, "e", func(e *socketio.Event, i int) error {
					if i == 0 {
						if _, err := e.Socket().EmitWithAck(e.Socket().Context(), "question"); err != nil {
							t.Error("no answer:", err)
						}
						asked.Add(1)
					}
					handled.Add(1)
					return nil
				})
				conn := open(e)
				conn.Join("/", "")
				sent := make(chan struct{})
				go func() {
					defer close(sent)
					for i := range events {
						conn.Send(packet(i))
					}
					conn.Send("430[]")
				}()
				conn.(interface{ Want(...string) }).Want(`420["question"]`)
				<-sent
				synctest.Wait()
				if handled.Load() != events || asked.Load() != 1 {
					t.Errorf("%d of %d events were handled", handled.Load(), events)
				}
			})
		})
	}
}

// A client that owes an acknowledgement and does not send it takes no more memory than that.
func TestAskBehindEndlessEvents(t *testing.T) {
	overTransports(t, func(t *testing.T, open func(*rawclient.Endpoint) rawConn) {
		const inbox, cost = 20_000, 1000 + 256
		var received atomic.Int32
		s, e := servePipe(t, socketio.Config{
			PingInterval: time.Hour, MaxInboxBytes: inbox, AckTimeout: limit,
			Hooks: socketio.Hooks{Receive: func(socketio.ReceiveInfo) { received.Add(1) }},
		})
		ended := make(chan error, 1)
		s.Handle("ask", func(e *socketio.Event) error {
			_, err := e.Socket().EmitWithAck(e.Socket().Context(), "question")
			ended <- err
			return nil
		})
		s.Handle("e", func(*socketio.Event) error { return nil })
		conn := open(e)
		conn.Join("/", "")
		conn.Send(`42["ask"]`)
		conn.(interface{ Want(...string) }).Want(`420["question"]`)
		sent := make(chan struct{})
		go func() {
			defer close(sent)
			packet := `42["e","` + strings.Repeat("x", 1000-8) + `"]`
			for range 1000 {
				conn.Send(packet)
			}
		}()
		synctest.Wait()
		if n := int(received.Load()); n > 8*inbox/cost+3 || n < 7*inbox/cost {
			t.Errorf("%d events wait", n)
		}
		if err := <-ended; err == nil {
			t.Error("it was answered")
		}
		<-sent
		synctest.Wait()
		if n := received.Load(); n != 1001 {
			t.Errorf("%d events were received", n)
		}
	})
}
