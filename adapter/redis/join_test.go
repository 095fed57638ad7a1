package redis

import (
	"fmt"
	"testing"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/adapter/redis/redistest"
	"github.com/gosocketio/socketio/internal/brokertest"
	"github.com/gosocketio/socketio/siotest"
)

// Once Join has returned, and once a client knows that it is connected, nothing is missed that others
// send to the room or the socket.
func TestJoinedIsSubscribed(t *testing.T) {
	each(t, func(t *testing.T, _ *redistest.Server, c Config) {
		a, b := socketio.New(socketio.Config{Adapter: New(c)}), socketio.New(socketio.Config{Adapter: New(c)})
		siotest.Serve(t, a)
		serving := siotest.Serve(t, b)
		for i := range 50 {
			client, err := serving.Connect(brokertest.Limit(t), "/", nil)
			if err != nil {
				t.Fatal(err)
			}
			if err := a.To(client.ID()).Emit("to the socket"); err != nil {
				t.Fatal(err)
			}
			socket, _ := b.Socket(client.ID())
			room := fmt.Sprint("room", i)
			socket.Join(room)
			if err := a.To(room).Emit("to the room"); err != nil {
				t.Fatal(err)
			}
			for _, want := range []string{"to the socket", "to the room"} {
				if m, err := client.Next(brokertest.Limit(t)); err != nil || m.Event() != want {
					t.Fatalf("round %d: got %v, %v, want %q", i, m, err, want)
				}
			}
		}
	})
}

// A subscription to a room that Redis confirms when Join has long returned is a gap.
func TestJoinedLate(t *testing.T) {
	each(t, func(t *testing.T, redis *redistest.Server, c Config) {
		b := start(t, "bbbbbb", c)
		l, member := b.Link("/")
		if rooms, routed := l.(adapter.Router); routed { // else it is subscribed to everything
			defer redis.Continue()
			brokertest.LateRoom(t, b, rooms, member, redis.Stop, redis.Continue)
		}
	})
}
