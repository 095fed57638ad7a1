package socketio_test

import (
	"runtime"
	"sync"
	"testing"

	"github.com/gosocketio/socketio"
)

// A connection may break at the very moment when its socket is connected: its session knows that the socket has gone, or there is
// none.
func TestDisconnectedWhileItIsConnected(t *testing.T) {
	f := start(t, recovering(socketio.ConnectionStateRecovery{}))
	main := f.Of("/")
	var clients sync.WaitGroup
	for range 8 {
		clients.Go(func() {
			for range 100 {
				c, err := f.TryWebSocket()
				if err != nil {
					t.Error(err)
					return
				}
				_ = c.TrySend("40")
				c.Close()
			}
		})
	}
	clients.Wait()
	for f.Engine().Sessions() > 0 || main.Len() > 0 {
		runtime.Gosched()
	}
	if n := socketio.StaleSessions(main); n > 0 {
		t.Errorf("%d sessions do not know that their sockets have gone", n)
	}
}
