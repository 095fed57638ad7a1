package adapter_test

import (
	"fmt"

	"github.com/gosocketio/socketio/adapter"
)

// printer is a host that prints what it delivers; a namespace would write it to connections.
type printer struct{ recorder }

func (h *printer) Deliver(p *adapter.Packet, o adapter.Options) error {
	for _, s := range h.a.Select(nil, o) {
		fmt.Println(s.ID(), "gets", p.Event, p.Args)
	}
	return nil
}

func ExampleMemory() {
	h := &printer{}
	a, _ := adapter.Memory(h)
	h.a = a
	for _, id := range []string{"ann", "bob", "cleo"} {
		a.Add(socket(id))
	}
	a.Join("ann", "tea")
	a.Join("bob", "tea")
	_ = a.Broadcast(
		&adapter.Packet{Event: "ready", Args: []any{"pot", 1}},
		adapter.Options{Rooms: []string{"tea"}, Except: []string{"bob"}})
	// Output: ann gets ready [pot 1]
}
