package redis

import (
	"errors"
	"fmt"
	"testing"
	"time"

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
			client, err := serving.Connect(t.Context(), "/", nil)
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
				if m, err := client.Next(t.Context()); err != nil || m.Event() != want {
					t.Fatalf("round %d: got %v, %v, want %q", i, m, err, want)
				}
			}
		}
	})
}

// What is missed because Redis confirms the subscription to a room when Join has long returned is a gap.
func TestJoinedLate(t *testing.T) {
	each(t, func(t *testing.T, redis *redistest.Server, c Config) {
		b := start(t, "bbbbbb", c)
		l, member := b.Link("/")
		rooms, routed := l.(adapter.Router)
		if !routed {
			return // it is subscribed to everything
		}
		rooms.RoomOpened("room1")
		rooms.Settle(t.Context())
		redis.Stop()
		defer redis.Continue()
		rooms.RoomOpened("room2")
		rooms.Settle(t.Context())
		redis.Continue()
		select {
		case err := <-member.Gaps:
			if !errors.Is(err, adapter.ErrBrokerStalled) {
				t.Errorf("the gap is %v", err)
			}
		case <-time.After(brokertest.Patience):
			t.Fatal("no gap")
		}
		rooms.RoomOpened("room3")
		rooms.Settle(t.Context())
		if len(member.Gaps) > 0 || b.Stats().Gaps != 1 {
			t.Errorf("another gap, stats are %+v", b.Stats())
		}
	})
}
