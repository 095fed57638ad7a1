package socketio_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/internal/rawclient"
)

// A handler may wait for an acknowledgement of its own client also when the answer comes behind more
// events than may wait: meanwhile they may take eight times MaxInboxBytes, and no more.
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
