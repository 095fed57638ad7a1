package adapter_test

import (
	"fmt"

	"github.com/gosocketio/socketio/adapter"
)

// printer is a host that prints what it delivers; a namespace would write it to connections.
type printer struct{ recorder }

func (printer) Deliver(to []adapter.Socket, p *adapter.Packet, _ adapter.Flags) error {
	for _, s := range to {
		fmt.Println(s.ID(), "gets", p.Event, p.Args)
	}
	return nil
}

func ExampleMemory() {
	a, _ := adapter.Memory(&printer{})
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
