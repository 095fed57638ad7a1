package adapter_test

import (
	"encoding/json"
	"fmt"
	"log"

	"github.com/gosocketio/socketio/adapter"
)

// printer is a host that prints what it delivers; a namespace would write it to connections.
type printer struct{ recorder }

func (h *printer) Deliver(p *adapter.Packet, o adapter.Options) error {
	for _, s := range h.a.Select(nil, o) {
		args, _ := json.Marshal(p.Args)
		fmt.Printf("%s gets %s %s\n", s.ID(), p.Event, args)
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
	// Output: ann gets ready ["pot",1]
}

// line is a transport: it hands messages to the adapter at its other end. One for a broker writes
// them to a topic of the namespace, and gives what it reads there to Cluster.Receive.
type line struct{ other *adapter.Cluster }

func (l *line) Publish(m *adapter.Message) error {
	if l.other != nil {
		l.other.Receive(m)
	}
	return nil
}

func (l *line) PublishResponse(_ string, m *adapter.Message) error { return l.Publish(m) }

func ExampleCluster() {
	var here, there line
	servers := make([]*adapter.Cluster, 2)
	for i, l := range []*line{&here, &there} {
		h := &printer{}
		x, err := adapter.NewCluster(h, l, adapter.ClusterConfig{})
		if err != nil {
			log.Fatal(err)
		}
		h.a, servers[i] = x, x
	}
	here.other, there.other = servers[1], servers[0]
	for i, x := range servers {
		if err := x.Start(); err != nil {
			log.Fatal(err)
		}
		x.Add(socket(fmt.Sprint("socket", i)))
	}
	if err := servers[0].Broadcast(&adapter.Packet{Event: "ready", Args: []any{"pot"}}, adapter.Options{}); err != nil {
		log.Fatal(err)
	}
	for _, x := range servers {
		_ = x.Close()
	}
	// Output:
	// socket0 gets ready ["pot"]
	// socket1 gets ready ["pot"]
}
