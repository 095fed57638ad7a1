package socketio_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/internal/rawclient"
)

// The handlers of an event run on the event loop until they have been slow, then on goroutines for
// a while, then on the loop again.
func TestSlowHandlersLeaveTheEventLoop(t *testing.T) {
	f := start(t, func(c *socketio.Config) { c.ConnectionMode = socketio.EventLoopMode })
	onLoop := make(chan bool, 1)
	f.Of("/").Handle("where", func(e *socketio.Event) error {
		stack := make([]byte, 64<<10)
		onLoop <- strings.Contains(string(stack[:runtime.Stack(stack, false)]), "netloop.(*Loop)")
		var slow bool
		if err := e.Decode(&slow); err != nil {
			return err
		}
		if slow {
			time.Sleep(3 * time.Millisecond)
		}
		return nil
	})
	// In turn, so that no socket still has a worker from its last event: that one would go on.
	conns := make([]*rawclient.Conn, 20)
	for i := range conns {
		conns[i] = f.WebSocket()
		conns[i].Join("/", "")
	}
	sent := 0
	where := func(slow bool) bool {
		conn := conns[sent%len(conns)]
		sent++
		conn.Send(fmt.Sprintf(`420["where",%t]`, slow))
		conn.Want("430[]")
		return wait(t, onLoop)
	}
	for sent < len(conns) && !where(false) { // a busy machine may still have the worker of a join
	}
	if sent == len(conns) {
		t.Error("the first events run on goroutines")
	}
	for range 3 {
		where(true)
	}
	n := 0
	for ; !where(false); n++ {
		if n > 1100 {
			t.Fatal("no event runs on the event loop again")
		}
	}
	if n < 500 { // Stalled may have counted the last slow runs once more
		t.Errorf("the loop tries again after %d events", n)
	}
}
