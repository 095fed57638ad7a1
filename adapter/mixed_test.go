package adapter_test

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/adapter/adaptertest"
)

// official is a server that knows others by the heartbeats in its namespace, as those in Node do.
type official struct {
	*stranger
	uid string
}

func (o *official) send(kind adapter.MessageType) error {
	return o.link.Publish(&adapter.Message{UID: o.uid, Namespace: "/test", Type: kind})
}

// read returns the types of what others have sent since the last call.
func (o *official) read() (types []adapter.MessageType) {
	for {
		select {
		case m := <-o.got:
			if m.UID != o.uid {
				types = append(types, m.Type)
			}
		default:
			return types
		}
	}
}

// Where official servers may be, Go servers announce themselves in the namespace, and send heartbeats
// there only as long as there is an official server.
func TestMixed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bus := adaptertest.NewBus()
		start := func(id string) *server {
			s := &server{}
			made, err := bus.Adapter(adapter.ClusterConfig{Mixed: true})(s)
			if err != nil {
				t.Fatal(err)
			}
			s.Cluster = made.(*adapter.Cluster)
			s.a = s.Cluster
			s.Add(socket(id))
			t.Cleanup(func() { _ = s.Close() })
			return s
		}
		want := func(n int, all ...*server) {
			t.Helper()
			for i, s := range all {
				if got, err := s.ServerCount(t.Context()); got != n || err != nil {
					t.Errorf("server %d knows %d servers, %v; want %d", i, got, err, n)
				}
			}
		}
		beats := func(o *official, d time.Duration) (n int) {
			o.read()
			time.Sleep(d)
			for _, kind := range o.read() {
				if kind != adapter.MessageHeartbeat {
					t.Errorf("type %d", kind)
				}
				n++
			}
			return n
		}
		a, listener := start("a"), &official{stranger: subscribe(t, bus, "watch")}
		synctest.Wait()
		listener.read()
		b := start("b")
		want(2, a, b)
		if got := listener.read(); !slices.Equal(got, []adapter.MessageType{adapter.MessageInitialHeartbeat}) {
			t.Errorf("a server that comes sends %v in the namespace", got)
		}
		if n := beats(listener, time.Minute); n != 0 {
			t.Errorf("Go servers among themselves sent %d heartbeats in the namespace", n)
		}

		// One comes: it is answered by each, and then hears of each every 5 s.
		node := &official{stranger: subscribe(t, bus, "node"), uid: "node"}
		node.read()
		if err := node.send(adapter.MessageInitialHeartbeat); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if got := node.read(); !slices.Equal(got, []adapter.MessageType{adapter.MessageHeartbeat, adapter.MessageHeartbeat}) {
			t.Errorf("a new server is answered with %v", got)
		}
		alive := time.NewTicker(5 * time.Second)
		stop := make(chan struct{})
		go func() {
			for {
				select {
				case <-alive.C:
					if err := node.send(adapter.MessageHeartbeat); err != nil {
						t.Error(err)
					}
				case <-stop:
					return
				}
			}
		}()
		want(3, a, b)
		if n := beats(node, time.Minute); n < 22 || n > 26 {
			t.Errorf("%d heartbeats of two servers in a minute", n)
		}
		want(3, a, b)

		// One that starts later learns of it by the answer to its announcement.
		c := start("c")
		if err := node.send(adapter.MessageHeartbeat); err != nil { // what an official server answers
			t.Error(err)
		}
		want(4, c)

		// It goes, and is not sent heartbeats any more.
		close(stop)
		if err := node.send(adapter.MessageAdapterClose); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		want(3, a, b, c)
		if n := beats(node, time.Minute); n != 0 {
			t.Errorf("%d heartbeats in the namespace after the official server has gone", n)
		}

		// It is heard again, without an announcement, and soon hears of the others.
		if err := node.send(adapter.MessageHeartbeat); err != nil {
			t.Fatal(err)
		}
		if n := beats(node, time.Second); n != 3 {
			t.Errorf("%d heartbeats at once, want 3", n)
		}
		time.Sleep(11 * time.Second) // it is silent for too long
		want(3, a, b, c)
		if errs := errors.Join(a.reported()...); errs != nil {
			t.Error(errs)
		}
	})
}
