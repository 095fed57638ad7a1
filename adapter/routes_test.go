package adapter_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gosocketio/socketio/adapter"
)

// router is a broker whose link writes down the rooms that it is told of.
type router struct {
	adapter.Link
	mu  sync.Mutex
	log []string
}

func (r *router) note(what string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.log = append(r.log, what)
}

// want fails the test unless the link was told of these rooms so far.
func (r *router) want(t *testing.T, rooms string) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	if d := cmp.Diff(strings.Fields(rooms), r.log); d != "" {
		t.Error(d)
	}
}

func (r *router) Start(context.Context, string, func(error)) error           { return nil }
func (r *router) Join(context.Context, adapter.Member) (adapter.Link, error) { return r, nil }
func (r *router) Stats() adapter.BrokerStats                                 { return adapter.BrokerStats{} }
func (r *router) Count(context.Context) (int, error)                         { return 1, nil }
func (r *router) Publish(*adapter.Message) error                             { return nil }
func (r *router) RoomOpened(room string)                                     { r.note("+" + room) }
func (*router) Settle(context.Context)                                       {}
func (r *router) RoomClosed(room string)                                     { r.note("-" + room) }

// closer tells the two Close methods of a broker and its link apart.
type closer struct{ *router }

func (closer) Close(context.Context) error { return nil }

func (r *router) Close() error { return nil }

func routed(t *testing.T, recovery time.Duration) (*server, *router) {
	t.Helper()
	r := &router{}
	s := &server{recovery: recovery}
	made, err := adapter.NewNode(closer{r}, adapter.ClusterConfig{}).Adapter(s)
	if err != nil {
		t.Fatal(err)
	}
	s.Cluster = made.(*adapter.Cluster)
	t.Cleanup(func() { _ = s.Close() })
	return s, r
}

func TestRoutes(t *testing.T) {
	s, r := routed(t, 0)
	s.Add(socket("a"))
	s.Add(socket("b"))
	s.Join("a", "x", "y")
	s.Join("b", "x")
	s.Leave("a", "x")
	s.Leave("a", "y")
	s.Remove("b")
	r.want(t, "+a +b +x +y -y -b -x")
}

// Where clients are recovered from the memory of this server, rooms stay open as long as they may
// come back: what is sent meanwhile is kept for them.
func TestRoutesOfClientsThatAreAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, r := routed(t, time.Minute)
		s.Add(socket("a"))
		s.Join("a", "x", "y")
		s.Remove("a")
		time.Sleep(30 * time.Second)
		s.Add(socket("b"))
		s.Join("b", "x")
		s.Leave("b", "x")
		r.want(t, "+a +x +y +b")
		time.Sleep(30 * time.Second)
		synctest.Wait()
		r.want(t, "+a +x +y +b -a -y")
		time.Sleep(30 * time.Second)
		synctest.Wait()
		r.want(t, "+a +x +y +b -a -y -x")
		s.Join("b", "x")
		r.want(t, "+a +x +y +b -a -y -x +x")
	})
}
