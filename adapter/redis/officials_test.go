package redis

import (
	"fmt"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/adapter/redis/redistest"
	"github.com/gosocketio/socketio/internal/brokertest"
)

// While there is an official server, the events of all rooms come, each once: it emits to a room at
// once after it has told sockets to join.
func TestOfficials(t *testing.T) {
	redis := redistest.Start(t)
	c := Config{URL: redis.URL()}
	a, b := start(t, "aaaaaaaa", c), start(t, "bbbbbbbb", c)
	a.Link("/")
	linkB, memberB := b.Link("/")
	router := linkB.(adapter.Router)
	patterns := func(n string) func() bool {
		return func() bool { return redis.Do("PUBSUB", "NUMPAT") == n }
	}
	if !patterns("0")() {
		t.Error("among our own servers there is a subscription to all rooms")
	}

	client, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{redis.Addr()}, DisableCache: true})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	official, release := client.Dedicate()
	defer release()
	official.SetPubSubHooks(rueidis.PubSubHooks{OnMessage: func(rueidis.PubSubMessage) {}})
	err = official.Do(t.Context(), client.B().Subscribe().Channel("socket.io-request#/#").Build()).Error()
	if err != nil {
		t.Fatal(err)
	}
	await(t, "a subscription to all rooms", func() bool {
		return linkB.(*routedLink).allRooms.Load() && b.Broker.(*classic).flushed() && patterns("1")()
	})

	encoder := newClassicLink(&connection{cfg: Config{Prefix: "socket.io"}, uid: "UUrwTY"}, nil, brokertest.NewMember("/"))
	emit := func(n int, rooms ...string) {
		t.Helper()
		m := event("UUrwTY", n, rooms...)
		data, err := encoder.encode(m)
		if err != nil {
			t.Fatal(err)
		}
		publish := client.B().Publish().Channel(encoder.target(m)).Message(rueidis.BinaryString(data)).Build()
		if err := client.Do(t.Context(), publish).Error(); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 300 { // before, while and after the subscription to the room is made and ended
		room := fmt.Sprint("room", i%7)
		emit(4*i, room)
		router.RoomOpened(room)
		emit(4*i+1, room)
		emit(4*i + 2)
		if i%2 == 0 {
			await(t, "both are subscribed", func() bool { return b.Broker.(*classic).flushed() })
		}
		router.RoomClosed(room)
		emit(4*i+3, room)
	}
	for n := range 1200 {
		memberB.Wants(t, n)
	}

	c.Prefix = "socket.io" // one that starts later has it before it is ready
	d := start(t, "dddddddd", c)
	_, memberD := d.Link("/")
	await(t, "it is subscribed to all rooms", func() bool { return d.Broker.(*classic).flushed() })
	emit(1, "room")
	memberD.Wants(t, 1)
	memberB.Wants(t, 1)

	release()
	await(t, "the subscriptions to all rooms end", patterns("0"))
	if n := len(memberB.Messages) + len(memberD.Messages); n > 0 {
		t.Errorf("%d events came twice", n)
	}
}

// flushed reports whether the server has answered to all subscriptions.
func (x *classic) flushed() bool {
	f := x.subs.(*feed)
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.flushed == f.wanted
}

// A namespace may be asked as soon as it has subscribed, before Join has returned.
func TestQuestionsWhileJoining(t *testing.T) {
	c := Config{URL: redistest.Start(t).URL()}
	a, b := start(t, "aaaaaa", c), start(t, "bbbbbbbb", c)
	for i := range 20 {
		asking, _ := a.Link(fmt.Sprint("/", i))
		joined, ended := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(ended)
			for range 1000 {
				m := &adapter.Message{Type: adapter.MessageFetchSockets, UID: "aaaaaa", RequestID: "r"}
				if err := asking.Publish(m); err != nil {
					t.Error(err)
				}
				select {
				case <-joined:
					return
				case <-time.After(10 * time.Microsecond):
				}
			}
		}()
		_, member := b.Link(fmt.Sprint("/", i))
		close(joined)
		<-ended
		publishNow(t, asking, &adapter.Message{Type: adapter.MessageFetchSockets, UID: "aaaaaa", RequestID: "r"})
		if m := member.Next(t); m.Type != adapter.MessageFetchSockets {
			t.Errorf("got a message of type %d", m.Type)
		}
	}
}
