package socketio_test

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/gosocketio/socketio"
)

// A handler that writes to a client that has just gone is no fault to warn of, though its socket may not have heard of it yet.
func TestWritingToAClientThatIsGoneIsNoWarning(t *testing.T) {
	var log strings.Builder
	handled := make(chan struct{})
	gone := make(chan struct{})
	f := start(t, func(c *socketio.Config) {
		c.Logger = slog.New(slog.NewTextHandler(&log, nil))
	})
	ns := f.Of("/")
	ns.Handle("x", func(e *socketio.Event) error {
		defer close(handled)
		s := e.Socket()
		s.Conn().Discard(nil)
		return s.Emit("y")
	})
	ns.OnDisconnect(func(*socketio.Socket, socketio.Reason) { close(gone) })
	w := f.WebSocket()
	w.Join("/", "")
	w.Send(`42["x"]`)
	<-handled
	<-gone // the handler's error has been reported before
	if log.Len() > 0 {
		t.Errorf("logged: %s", &log)
	}
}
