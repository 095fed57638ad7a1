package brokertest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/gosocketio/socketio/adapter"
)

// StartError starts a broker, joins a namespace and closes it. It returns the error of one of the first
// two.
func StartError(ctx context.Context, t *testing.T, broker adapter.Broker) error {
	t.Helper()
	err := broker.Start(ctx, "aaaaaa", func(error) {})
	if err == nil {
		_, err = broker.Join(ctx, NewMember("/"))
	}
	if err := broker.Close(t.Context()); err != nil {
		t.Error(err)
	}
	return err
}

// Stalled tests that what waits is bounded: a has a limit of 100,000 bytes, and its broker stands still.
func Stalled(t *testing.T, a *Server, l adapter.Link) {
	t.Helper()
	var err error
	for n := 0; err == nil; n++ {
		if n > 100_000 {
			t.Fatal("no error")
		}
		err = l.Publish(Event(a.UID, n))
	}
	if !errors.Is(err, adapter.ErrBrokerStalled) {
		t.Errorf("got %v", err)
	}
	if n := a.Stats().QueuedBytes; n > 100_000 || n < 50_000 {
		t.Errorf("%d bytes wait", n)
	}
}

// Restart tests that a broker that dies and comes back is a gap, and that what a publishes meanwhile
// waits and reaches b.
func Restart(t *testing.T, a, b *Server, kill, restart func()) {
	t.Helper()
	linkA, _ := a.Link("/")
	_, memberB := b.Link("/")
	kill()
	Await(t, "both know", func() bool { return !a.Stats().Connected && !b.Stats().Connected })
	for i := range 10 {
		Publish(t, linkA, Event(a.UID, i))
	}
	restart()
	Await(t, "both are back, and all is sent", func() bool {
		return a.Stats().Connected && b.Stats().Connected && a.Stats().QueuedBytes == 0
	})
	memberB.WantsGap(t)
	Publish(t, linkA, Event(a.UID, 99))
	memberB.Rising(t, 99) // the first ones may have come before the subscriptions
	Await(t, "all are sent, once", func() bool { return a.Stats().Sent == 11 })
	if s := a.Stats(); s.Failed > 0 {
		t.Errorf("stats are %+v", s)
	}
}

// LateRoom tests that a subscription to a room that the broker confirms late, when Settle has
// returned, is a gap. Between stop and proceed the broker stands still for b. On a busy machine other
// subscriptions may be late, too.
func LateRoom(t *testing.T, b *Server, rooms adapter.Router, m *Member, stop, proceed func()) {
	t.Helper()
	late := uint64(0)
	open := func(room string) {
		rooms.RoomOpened(room)
		began := time.Now()
		rooms.Settle(t.Context())
		if time.Since(began) >= settleFor {
			late++
		}
	}
	open("room1")
	stop()
	open("room2")
	proceed()
	m.wantsGap(t, adapter.ErrBrokerStalled)
	open("room3")
	if n := b.Stats().Gaps; late == 0 || n > late {
		t.Errorf("%d of 3 subscriptions were late, stats are %+v", late, b.Stats())
	}
}

// settleFor is how long Settle of a Router waits at most.
const settleFor = time.Second

// Rising receives events of [Event] until that with the number end, and returns how many. Some may be
// missing, but they are in order and none comes twice.
func (m *Member) Rising(t *testing.T, end int) (received uint64) {
	t.Helper()
	for last := -1; last != end; received++ {
		var n int
		if _, err := fmt.Sscanf(string(m.Next(t).Packet.Data), `["n",%d]`, &n); err != nil || n <= last {
			t.Fatalf("%d came after %d, %v", n, last, err)
		}
		last = n
	}
	return received
}
