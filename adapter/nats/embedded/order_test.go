package embedded

import (
	"errors"
	"testing"
	"time"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/internal/brokertest"
	"github.com/gosocketio/socketio/siotest"
)

// What one server sends to a room, to several and to all arrives in that order on another node.
func TestOrder(t *testing.T) {
	first := address(t)
	a, err := serve(t, Config{Listen: first})
	if err != nil {
		t.Fatal(err)
	}
	b, err := serve(t, Config{Listen: address(t), Routes: []string{first}})
	if err != nil {
		t.Fatal(err)
	}
	counts(t, a, 2)
	counts(t, b, 2)
	b.OnConnection(func(s *socketio.Socket) { s.Join("room", "other") })
	client, err := siotest.Serve(t, b).Connect(brokertest.Limit(t), "/", nil)
	if err != nil {
		t.Fatal(err)
	}
	// The subscriptions to the rooms are there when an event to them arrives.
	ready := make(chan struct{})
	go func() {
		defer close(ready)
		for range 2 {
			if _, err := client.Receive(brokertest.Limit(t), "ready"); err != nil {
				t.Error(err)
			}
		}
	}()
	for waiting := true; waiting; {
		if err := a.To("room").Emit("ready"); err != nil {
			t.Fatal(err)
		}
		select {
		case <-ready:
			waiting = false
		case <-time.After(10 * time.Millisecond):
		}
	}
	const n = 5000
	for i := range n {
		var err error
		switch i % 4 {
		case 0:
			err = a.Emit("n", i)
		case 1:
			err = a.To("room").Emit("n", i)
		case 2:
			err = a.To("other", "nobody's", "room").Emit("n", i)
		case 3:
			err = a.To("other").Except("nobody's").Emit("n", i)
		}
		if err != nil && !errors.Is(err, adapter.ErrBrokerStalled) {
			t.Fatal(err)
		}
	}
	for i := range n {
		m, err := client.Receive(brokertest.Limit(t), "n")
		if err != nil {
			t.Fatal(err)
		}
		if got := m.Args()[0]; got != float64(i) {
			t.Fatalf("got %v, want %d", got, i)
		}
	}
}
