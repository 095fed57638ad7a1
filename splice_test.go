package socketio_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/adapter/clusterwire"
	"github.com/gosocketio/socketio/protocol/msgpack"
)

// remote is a broker that passes on what a test says that another server has sent, and drops what
// this server sends.
type remote struct{ member adapter.Member }

var _ adapter.Broker = (*remote)(nil)

func (r *remote) Start(context.Context, string, func(error)) error { return nil }
func (r *remote) Stats() adapter.BrokerStats                       { return adapter.BrokerStats{} }
func (r *remote) Close(context.Context) error                      { return nil }
func (r *remote) Join(_ context.Context, m adapter.Member) (adapter.Link, error) {
	if m.Namespace() == "/" {
		r.member = m
	}
	return nowhere{}, nil
}

type nowhere struct{}

func (nowhere) Publish(*adapter.Message) error    { return nil }
func (nowhere) Reply(_, _ *adapter.Message) error { return nil }
func (nowhere) Close() error                      { return nil }

// withRemote makes remote the broker of a server.
func withRemote(c *socketio.Config) *remote {
	r := new(remote)
	c.Adapter = adapter.NewNode(r, adapter.ClusterConfig{}).Adapter
	return r
}

// receive handles a broadcast as it came from the broker.
func (r *remote) receive(t testing.TB, text string) {
	m, err := clusterwire.Read(text)
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	r.member.Receive(m)
}

// wireBroadcast is a broadcast as another server sends it.
func wireBroadcast(t testing.TB, o adapter.Options, event string, args ...any) string {
	t.Helper()
	data, _, err := clusterwire.Encode(&adapter.Message{
		UID: "322f43d08df0018a", Namespace: "/", Type: adapter.MessageBroadcast,
		Packet: &adapter.Packet{Event: event, Args: args}, Options: o,
	})
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// The JSON of an event that another server sent goes to clients as it is, binary data as attachments.
// Listeners and hooks get it decoded.
func TestRemoteBroadcastIsSpliced(t *testing.T) {
	var c socketio.Config
	var hooked []string
	c.Hooks.Emit = func(i socketio.EmitInfo) {
		hooked = append(hooked, fmt.Sprint(i.Event, i.Recipients, i.Failed, i.Err))
	}
	r := withRemote(&c)
	s, e := serve(t, c)
	conn := e.WebSocket()
	room := conn.Join("/", "")
	var seen []string
	seeOutgoing := func() func() {
		return s.OnAnyOutgoing(func(_ *socketio.Socket, event string, args []any) {
			seen = append(seen, fmt.Sprint(event, args))
		})
	}
	r.receive(t, `{"type":3,"data":{"packet":{"type":2,"data":[ "e", 1.50 ,{"a":[]}]},`+
		`"opts":{"rooms":["`+room+`"]}},"uid":"x","nsp":"/"}`)
	off := seeOutgoing()
	r.receive(t, `{"type":3,"data":{"packet":{"type":2,"data":["\u0065",{"_placeholder":true,"num":9}],"id":7},`+
		`"opts":{}},"uid":"x","nsp":"/"}`)
	r.receive(t, wireBroadcast(t, adapter.Options{Rooms: []string{room}}, "bin", []byte{1}, "x", []byte{}))
	r.receive(t, wireBroadcast(t, adapter.Options{Rooms: []string{room}}, "bytes\xff", "\xff"))
	off()
	conn.Want(`42[ "e", 1.50 ,{"a":[]}]`, `427["\u0065",{"_placeholder":true,"num":9}]`,
		`452-["bin",{"_placeholder":true,"num":0},"x",{"_placeholder":true,"num":1}]`)
	conn.WantBinary([]byte{1}, []byte{})
	conn.Want("42[\"bytes\uFFFD\",\"\uFFFD\"]")
	if got := strings.Join(hooked, "; "); got != "e1 0 <nil>; e1 0 <nil>; bin1 0 <nil>; bytes\uFFFD1 0 <nil>" {
		t.Errorf("the hook saw %q", got)
	}
	if got := strings.Join(seen, "; "); got != "e[map[_placeholder:true num:9]]; bin[[1] x []]; bytes\uFFFD[\uFFFD]" {
		t.Errorf("the listener saw %q", got)
	}
}

// A parser of its own, and the offset of recovery, go with it.
func TestRemoteBroadcastForms(t *testing.T) {
	c := socketio.Config{ConnectionStateRecovery: &socketio.ConnectionStateRecovery{}}
	r := withRemote(&c)
	_, e := serve(t, c)
	conn := e.WebSocket()
	conn.Send("40")
	room := conn.Read()[len(`40{"sid":"`):][:20]
	r.receive(t, wireBroadcast(t, adapter.Options{Rooms: []string{room}}, "e", 1, []byte{2}))
	text := conn.Read()
	head := `451-["e",1,{"_placeholder":true,"num":0},"`
	if !strings.HasPrefix(text, head) || len(text) != len(head)+14+2 {
		t.Errorf("got %s", text)
	}
	conn.WantBinary([]byte{2})

	c = socketio.Config{Parser: msgpack.Parser}
	r = withRemote(&c)
	s, e := serve(t, c)
	conn = e.WebSocket()
	joined := make(chan struct{})
	s.OnConnection(func(*socketio.Socket) { close(joined) })
	for _, m := range encode(t, `0`) {
		conn.SendBinary(m)
	}
	wait(t, joined)
	if _, _, err := conn.Next(); err != nil { // the CONNECT
		t.Fatal(err)
	}
	r.receive(t, `{"type":3,"data":{"packet":{"type":2,"data":["e",{"a":1.0}]},"opts":{}},"uid":"x","nsp":"/"}`)
	conn.WantBinary(encode(t, `2["e",{"a":1}]`)...)
}

func encode(t *testing.T, text string) (messages [][]byte) {
	t.Helper()
	list, err := msgpack.Parser.Encode([]byte(text), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range list {
		messages = append(messages, m.Data)
	}
	return messages
}

// A broadcast of another server, from the broker's text to the client: for nobody here, for one
// socket, and for one socket without the write (a volatile one, whose client cannot be written to).
func BenchmarkDelivered(b *testing.B) {
	for name, arg := range map[string]any{
		"32 B":         strings.Repeat("x", 18),
		"1 KiB text":   strings.Repeat("x", 1012),
		"1 KiB binary": []byte(strings.Repeat("x", 1012)),
	} {
		for _, to := range []string{"nobody", "one", "no write"} {
			b.Run(name+"/"+to, func(b *testing.B) {
				r, text := delivery(b, to, arg)
				b.ReportAllocs()
				for b.Loop() {
					r.receive(b, text)
				}
			})
		}
	}
}

// delivery returns a server's adapter and a broadcast, as BenchmarkDelivered has them.
func delivery(t testing.TB, to string, arg any) (*remote, string) {
	t.Helper()
	var c socketio.Config
	r := withRemote(&c)
	s, e := serve(t, c)
	o := adapter.Options{Rooms: []string{"room1"}}
	switch to {
	case "one":
		conn := e.WebSocket()
		o.Rooms[0] = conn.Join("/", "")
		go func() {
			buf := make([]byte, 64<<10)
			for {
				if _, err := conn.Raw().Read(buf); err != nil {
					return
				}
			}
		}()
	case "no write":
		joined := make(chan string, 1)
		s.OnConnection(func(x *socketio.Socket) { joined <- x.ID() })
		e.Polling().Send("40")
		o.Rooms[0] = <-joined
		o.Flags.Volatile = true
	}
	return r, wireBroadcast(t, o, "message", arg)
}

func TestDeliveredAllocations(t *testing.T) {
	skipUnderRace(t)
	for to, most := range map[string]float64{"nobody": 3, "one": 7} {
		r, text := delivery(t, to, strings.Repeat("x", 1012))
		n := testing.AllocsPerRun(1000, func() { r.receive(t, text) })
		if n > most {
			t.Errorf("%v allocations for %s", n, to)
		}
		t.Logf("%v allocations for %s", n, to)
	}
}
