package socketio_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/engineio"
)

// A client that does not read is cut off when its queue is full, with a cause that says so; nobody
// else notices.
func TestSlowClient(t *testing.T) {
	f := start(t, func(e *socketio.Config) { e.MaxBufferedBytes = 300_000 })
	main := f.Of("/")
	disconnected := disconnects(main)
	stalled, healthy := f.WebSocket(), f.WebSocket()
	slow, _ := main.Socket(stalled.Join("/", ""))
	healthy.Join("/", "")

	big := strings.Repeat("x", 100_000)
	for i := 0; slow.Connected(); i++ {
		if i == 1000 {
			t.Fatal("100 MB were queued for a client that does not read")
		}
		if err := main.Emit("e", i, big); err != nil {
			t.Fatal(err)
		}
		healthy.Want(fmt.Sprintf(`42["e",%d,"%s"]`, i, big)) // at once, whatever the other one does
	}
	d := wait(t, disconnected)
	if d.socket != slow || d.reason != socketio.ReasonTransportError || !errors.Is(slow.Err(), engineio.ErrQueueFull) {
		t.Errorf("%v", d.socket.Err())
	}
	if err := slow.Emit("e"); !errors.Is(err, socketio.ErrClosed) {
		t.Errorf("Emit returned %v", err)
	}
	if err := main.Emit("last"); err != nil {
		t.Fatal(err)
	}
	healthy.Want(`42["last"]`)
}

// The emit that fills the queue says so.
func TestEmitToFullQueue(t *testing.T) {
	f := start(t, func(e *socketio.Config) { e.MaxBufferedPackets = 3 })
	connected := connects(f.Of("/"))
	p := f.Polling()
	p.Join("/", "")
	s := wait(t, connected)
	for i := range 3 {
		if err := s.Emit("e", i, []byte{1}); err != nil { // a packet with its attachments is one
			t.Fatal(err)
		}
	}
	if err := s.Emit("e", 3); !errors.Is(err, engineio.ErrQueueFull) {
		t.Errorf("Emit returned %v", err)
	}
	if err := s.Emit("e", 4); !errors.Is(err, socketio.ErrClosed) && !errors.Is(err, engineio.ErrQueueFull) {
		t.Errorf("Emit returned %v", err)
	}
	p.WantGone()
}
