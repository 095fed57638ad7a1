package adapter_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/adapter/adaptertest"
)

// Two servers of which one is too old name each other, once, with both versions and what to do. What they
// say as official servers do is understood.
func TestVersions(t *testing.T) {
	for name, bus := range map[string]*adaptertest.Bus{"heard": {}, "counted": {Counted: true}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				old := joinAs(t, bus, "old", adapter.ClusterConfig{}.WithVersion(1, 1))
				middle := joinAs(t, bus, "middle", adapter.ClusterConfig{}.WithVersion(2, 1))
				recent := joinAs(t, bus, "recent", adapter.ClusterConfig{}.WithVersion(3, 2))
				for _, s := range []*server{old, middle, recent} {
					if err := s.Announce("http://" + s.UID()); err != nil {
						t.Error(err)
					}
				}
				time.Sleep(time.Minute)
				for _, x := range []struct {
					s, foreign *server
					text       string
				}{
					{old, recent, "speaks version 3 of the protocol of Go servers and understands 2 or later, " +
						"this server 1 and 1 or later: upgrade this one"},
					{middle, nil, ""},
					{recent, old, "speaks version 1 of the protocol of Go servers and understands 1 or later, " +
						"this server 3 and 2 or later: upgrade the other one"},
				} {
					var version *adapter.VersionError
					errs := x.s.reported()
					switch {
					case x.foreign == nil && len(errs) == 0:
					case x.foreign == nil || len(errs) != 1 || !errors.As(errs[0], &version) || version.UID != x.foreign.UID() ||
						!errors.Is(errs[0], adapter.ErrBroker) || !strings.HasSuffix(errs[0].Error(), x.text):
						t.Errorf("reported %v, want %s", errs, x.text)
					}
					for _, other := range x.s.Servers() {
						known, ok := x.s.ServerByTag(t.Context(), tagOf(other.UID, old, middle, recent))
						if foreign := x.foreign != nil && other.UID == x.foreign.UID(); ok == foreign ||
							(other.Address == "") != foreign || ok && known.Address != other.Address {
							t.Errorf("knows %+v, by its tag %+v", other, known)
						}
					}
					if n := len(x.s.Servers()); n != 2 {
						t.Errorf("%d servers", n)
					}
					if n, err := x.s.ServerCount(t.Context()); n != 3 || err != nil {
						t.Errorf("%d servers, %v", n, err)
					}
					if ids, err := x.s.fetch(t.Context()); err != nil || !slices.Equal(ids, []string{"middle", "old", "recent"}) {
						t.Errorf("sockets %q, %v", ids, err)
					}
				}
				// It is forgotten like any other.
				bus.Kill(2)
				time.Sleep(12 * time.Second)
				if ids, err := old.fetch(t.Context()); err != nil || len(ids) != 2 || len(old.Servers()) != 1 {
					t.Errorf("sockets %q, %v, servers %+v", ids, err, old.Servers())
				}
			})
		})
	}
}

func tagOf(uid string, all ...*server) string {
	return all[slices.IndexFunc(all, func(s *server) bool { return s.UID() == uid })].Tag()
}

// A server that is not understood and does not answer is named among the missing, in every namespace.
func TestForeignServerIsMissing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		members := make(captive)
		s := &server{}
		made, err := adapter.NewNode(members, adapter.ClusterConfig{}).Adapter(s)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = made.Close() }()
		s.Cluster = made.(*adapter.Cluster)
		say := func(kind adapter.MessageType, h *adapter.Hello) {
			members[""].Receive(&adapter.Message{UID: "b", Type: kind, Rooms: []string{"/other"}, Count: 1, Hello: h})
		}
		say(adapter.MessageHeartbeat, &adapter.Hello{Protocol: 8, Oldest: 7})
		members["/test"].Receive(&adapter.Message{UID: "b", Namespace: "/test", Type: adapter.MessageAdapterClose})
		var missing *adapter.MissingServersError
		if _, err := s.fetch(t.Context()); !errors.As(err, &missing) || !slices.Equal(missing.UIDs, []string{"b"}) {
			t.Errorf("got %v", err)
		}
		// It goes while it is asked.
		time.AfterFunc(time.Second, func() { say(adapter.MessageAdapterClose, nil) })
		began := time.Now()
		if _, err := s.fetch(t.Context()); err != nil || time.Since(began) != time.Second {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		// The same server, upgraded, has only the namespaces of its list.
		say(adapter.MessageHeartbeat, &adapter.Hello{Protocol: 8, Oldest: 7})
		say(adapter.MessageHeartbeat, &adapter.Hello{Protocol: 8, Oldest: 1})
		if _, err := s.fetch(t.Context()); err != nil {
			t.Error(err)
		}
		if n := len(s.reported()); n != 2 {
			t.Errorf("%d reports", n)
		}
	})
}
