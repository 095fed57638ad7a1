package adapter_test

import (
	"context"
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

// mail is a broker in memory: it hands messages to the servers on a list. One for a real broker
// writes them to a topic of the namespace, and gives what it reads there to Member.Receive.
type mail struct {
	everybody *[]adapter.Member
}

func (b *mail) Start(context.Context, string, func(error)) error { return nil }

func (b *mail) Join(_ context.Context, m adapter.Member) (adapter.Link, error) {
	*b.everybody = append(*b.everybody, m)
	return (*letters)(b), nil
}

func (b *mail) Stats() adapter.BrokerStats {
	return adapter.BrokerStats{Broker: "mail", Connected: true}
}
func (b *mail) Close(context.Context) error { return nil }

// letters is the link of a namespace.
type letters mail

func (l *letters) Publish(m *adapter.Message) error {
	for _, member := range *l.everybody {
		if member.Namespace() == m.Namespace {
			member.Receive(m)
		}
	}
	return nil
}

// Reply sends to everybody: who did not ask ignores it.
func (l *letters) Reply(_, m *adapter.Message) error { return l.Publish(m) }

func (l *letters) Close() error { return nil }

func ExampleNode() {
	var everybody []adapter.Member
	servers := make([]adapter.Adapter, 2)
	for i := range servers {
		h := &printer{}
		// A program writes Config{Adapter: node.Adapter}, and the server calls it.
		node := adapter.NewNode(&mail{everybody: &everybody}, adapter.ClusterConfig{})
		x, err := node.Adapter(h)
		if err != nil {
			log.Fatal(err)
		}
		h.a, servers[i] = x, x
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
