package adapter_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/adapter/adaptertest"
)

// Servers tell where they take relayed requests: at once, and again to those that come later. One that
// is killed is forgotten after HeartbeatTimeout.
func TestDirectory(t *testing.T) {
	for name, bus := range map[string]*adaptertest.Bus{"heard": {}, "counted": {Counted: true}, "kept": {Kept: true}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := join(t, bus, "a")
				if err := a.Announce("http://a"); err != nil {
					t.Fatal(err)
				}
				b := join(t, bus, "b")
				began := time.Now()
				if s, ok := b.ServerByTag(t.Context(), a.Tag()); !ok || s.UID != a.UID() || s.Address != "http://a" {
					t.Errorf("a newcomer knows %+v", s)
				}
				if took := time.Since(began); took > time.Second {
					t.Errorf("it waits for %v", took)
				}
				if err := a.Announce("http://new"); err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
				if all := b.Servers(); len(all) != 1 || all[0].Address != "http://new" || all[0].Age != 0 {
					t.Errorf("it knows %+v", all)
				}
				time.Sleep(time.Minute)
				if all := b.Servers(); len(all) != 1 || all[0].Age > adapter.DefaultHeartbeatInterval {
					t.Errorf("after a minute it knows %+v", all)
				}
				bus.Kill(0)
				time.Sleep(4 * time.Second)
				if s, ok := b.ServerByTag(t.Context(), a.Tag()); !ok || s.Age < 4*time.Second {
					t.Errorf("too early: %v, %+v", ok, s)
				}
				time.Sleep(8 * time.Second)
				if _, ok := b.ServerByTag(t.Context(), a.Tag()); ok || len(b.Servers()) > 0 {
					t.Errorf("a server that was killed is known: %+v", b.Servers())
				}
			})
		})
	}
}

// What others say of themselves takes no more memory than its bounds.
func TestHellosAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		members := make(captive)
		made, err := adapter.NewNode(members, adapter.ClusterConfig{}).Adapter(&server{})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = made.Close() }()
		x := made.(*adapter.Cluster)
		say := func(uid, address string) {
			members[""].Receive(&adapter.Message{
				UID: uid, Type: adapter.MessageHeartbeat, Rooms: []string{"/test"}, Count: 1,
				Hello: &adapter.Hello{Protocol: 1, Oldest: 1, Address: address},
			})
		}
		say(strings.Repeat("u", 200), "long uid")
		if all := x.Servers(); len(all) != 0 {
			t.Errorf("known: %+v", all)
		}
		say("b", strings.Repeat("x", adapter.MaxAddress+1))
		if all := x.Servers(); len(all) != 1 || all[0].Address != "" {
			t.Errorf("known: %+v", all)
		}
		const limit = 1 << 14
		for i := range limit + 10 {
			say(fmt.Sprint("s", i), "http://s")
		}
		if n := len(x.Servers()); n != limit {
			t.Errorf("%d servers are known", n)
		}
	})
}
