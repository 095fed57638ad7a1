package redis

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/adapter/redis/redistest"
)

// sink is a member that wants nothing.
type sink struct{}

func (sink) Namespace() string        { return "/" }
func (sink) Receive(*adapter.Message) {}
func (sink) Gap(error)                {}

// BenchmarkReceive is the way of a message from the connection to the member, which does not want it.
func BenchmarkReceive(b *testing.B) {
	for _, size := range []int{32, 1024} {
		m := event("other", 1, "room1")
		m.Packet = &adapter.Packet{Event: "e", Args: []any{strings.Repeat("x", size)}}
		c := &connection{cfg: Config{Prefix: "socket.io"}, uid: "other"}
		classic := newClassicLink(c, nil, sink{})
		text, err := classic.encode(m)
		if err != nil {
			b.Fatal(err)
		}
		payload := string(text)
		classic = newClassicLink(&connection{uid: "me"}, nil, sink{})
		b.Run(fmt.Sprint("pubsub/", size), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				classic.receive("x", payload)
			}
		})
		b.Run(fmt.Sprint("pubsub/echo/", size), func(b *testing.B) {
			own := newClassicLink(c, nil, sink{})
			b.ReportAllocs()
			for b.Loop() {
				own.receive("x", payload)
			}
		})
	}
}

// BenchmarkPublish compares a publisher with a bare client that sends in batches.
func BenchmarkPublish(b *testing.B) {
	redis := redistest.Start(b)
	for _, size := range []int{32, 1024} {
		text := strings.Repeat("x", size)
		b.Run(fmt.Sprint("bare/", size), func(b *testing.B) {
			client, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{redis.Addr()}, DisableCache: true})
			if err != nil {
				b.Fatal(err)
			}
			defer client.Close()
			subscriber, release := client.Dedicate() // as a server is one
			defer release()
			subscriber.SetPubSubHooks(rueidis.PubSubHooks{OnMessage: func(rueidis.PubSubMessage) {}})
			if err := subscriber.Do(b.Context(), client.B().Subscribe().Channel("c").Build()).Error(); err != nil {
				b.Fatal(err)
			}
			const batch = 512
			for n := 0; b.Loop(); n++ {
				if n%batch != 0 {
					continue
				}
				commands := make(rueidis.Commands, batch)
				for i := range commands {
					commands[i] = client.B().Publish().Channel("c").Message(text).Build()
				}
				for _, r := range client.DoMulti(b.Context(), commands...) {
					if err := r.Error(); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
		for _, wire := range []Wire{PubSub, Sharded} {
			b.Run(fmt.Sprint(strings.ReplaceAll(wire.String(), "/", ""), "/", size), func(b *testing.B) {
				c, err := Config{URL: redis.URL(), Wire: wire}.resolve()
				if err != nil {
					b.Fatal(err)
				}
				broker := newBroker(c)
				if err := broker.Start(b.Context(), "aaaaaa", func(err error) { b.Error(err) }); err != nil {
					b.Fatal(err)
				}
				l, err := broker.Join(b.Context(), sink{})
				if err != nil {
					b.Fatal(err)
				}
				for b.Loop() {
					m := event("aaaaaa", 0)
					m.Packet = &adapter.Packet{Event: "e", Args: []any{text}}
					for l.Publish(m) != nil { // it is full
						time.Sleep(time.Millisecond)
					}
				}
				if err := broker.Close(b.Context()); err != nil {
					b.Fatal(err)
				}
			})
		}
	}
}
