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

// What waits for the handlers of one connection: MaxInboxEvents and MaxInboxBytes may; with one more, be it an event or a byte, the
// connection is not read from, and what a client sends far above that waits at the client. None of it is lost.
func TestLimitInbox(t *testing.T) {
	const events, overhead = 10, 256
	packet := func(i, size int) string {
		text := fmt.Sprintf(`["e",%d,""]`, i)
		return "42" + text[:len(text)-2] + strings.Repeat("x", size-len(text)) + `"]`
	}
	const size = 100 // of each payload
	for name, c := range map[string]struct {
		config socketio.Config
		sizes  []int
		paused bool
	}{
		"events at the limit": {socketio.Config{MaxInboxEvents: events}, same(size, events), false},
		"events, one above":   {socketio.Config{MaxInboxEvents: events}, same(size, events+1), true},
		"events, far above":   {socketio.Config{MaxInboxEvents: events}, same(size, 50*events), true},
		"bytes at the limit":  {socketio.Config{MaxInboxBytes: events * (size + overhead)}, same(size, events), false},
		"bytes, one above":    {socketio.Config{MaxInboxBytes: events * (size + overhead)}, append(same(size, events-1), size+1), true},
		"bytes, far above":    {socketio.Config{MaxInboxBytes: events * (size + overhead)}, same(size, 50*events), true},
	} {
		t.Run(name, func(t *testing.T) {
			overTransports(t, func(t *testing.T, open func(*rawclient.Endpoint) rawConn) {
				var waiting, handled atomic.Int32
				var paused atomic.Bool
				c := c
				c.config.PingInterval = time.Hour
				c.config.Hooks.Receive = func(socketio.ReceiveInfo) { waiting.Add(1) }
				c.config.Hooks.Pause = func(i socketio.PauseInfo) { paused.Store(i.Paused) }
				s, e := servePipe(t, c.config)
				goOn := make(chan struct{})
				socketio.On(s, "e", func(_ *socketio.Event, i int) error {
					<-goOn
					if n := handled.Add(1); int(n) != i+1 {
						t.Errorf("event %d is the %dth", i, n)
					}
					return nil
				})
				conn := open(e)
				conn.Join("/", "")
				synctest.Wait()
				sent := make(chan struct{})
				go func() {
					defer close(sent)
					for i, size := range c.sizes {
						conn.Send(packet(i, size))
					}
				}()
				synctest.Wait()
				if paused.Load() != c.paused {
					t.Errorf("paused: %t", paused.Load())
				}
				// The one that is too many has been read, and one may have come behind it.
				if n := int(waiting.Load()); n > events+2 || !c.paused && n != len(c.sizes) {
					t.Errorf("%d events wait", n)
				}
				close(goOn)
				<-sent
				synctest.Wait()
				if n := int(handled.Load()); n != len(c.sizes) || paused.Load() {
					t.Errorf("%d of %d events were handled, paused: %t", n, len(c.sizes), paused.Load())
				}
			})
		})
	}
}

// same is n times v.
func same(v, n int) []int {
	list := make([]int, n)
	for i := range list {
		list[i] = v
	}
	return list
}
