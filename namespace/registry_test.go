package namespace_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/gosocketio/socketio/internal/leak"
	"github.com/gosocketio/socketio/namespace"
)

func TestMain(m *testing.M) { leak.Main(m) }

type registry = namespace.Registry[*string, string]

// counts are the calls of a registry's functions.
type counts struct{ made, added, removed atomic.Int32 }

func newRegistry(cleanup bool) (*registry, *counts) {
	c := new(counts)
	return &registry{
		Make: func(name string, _ *namespace.Pattern[*string, string]) (*string, error) {
			if name == "/broken" {
				return nil, errors.New("broken")
			}
			c.made.Add(1)
			return &name, nil
		},
		Added:   func(*string) { c.added.Add(1) },
		Removed: func(*string) { c.removed.Add(1) },
		Cleanup: cleanup,
	}, c
}

func prefix(p string) func(string, json.RawMessage) bool {
	return func(name string, _ json.RawMessage) bool { return strings.HasPrefix(name, p) }
}

func names(list []*string) (all []string) {
	for _, n := range list {
		all = append(all, *n)
	}
	return all
}

func enter(t *testing.T, r *registry, name string) *string {
	t.Helper()
	n, ok, err := r.Enter(name, nil)
	if !ok || err != nil {
		t.Fatalf("Enter(%q): %v, %v", name, ok, err)
	}
	return n
}

func TestOfMakesEachNameOnce(t *testing.T) {
	r, c := newRegistry(false)
	a, err := r.Of("/b")
	b, _ := r.Of("/b")
	if err != nil || a != b || c.added.Load() != 1 {
		t.Errorf("%v, %p, %p, added %d", err, a, b, c.added.Load())
	}
	_, _ = r.Of("/a")
	if got := names(r.All()); !slices.Equal(got, []string{"/a", "/b"}) {
		t.Errorf("All: %v", got)
	}
	if _, err := r.Of("/broken"); err == nil {
		t.Error("an error of Make was lost")
	}
}

func TestPatternsAreAskedInOrder(t *testing.T) {
	r, _ := newRegistry(false)
	fn := r.AddPattern("function", false, prefix("/x"))
	re := r.AddPattern("regexp", true, prefix("/x"))
	enter(t, r, "/x1")
	_, _ = r.Of("/x2") // an explicit pattern only
	if got := names(fn.Children()); !slices.Equal(got, []string{"/x1"}) || fn.Owner != "function" {
		t.Errorf("%s has %v", fn.Owner, got)
	}
	if got := names(re.Children()); !slices.Equal(got, []string{"/x2"}) {
		t.Errorf("%s has %v", re.Owner, got)
	}
	if _, ok, err := r.Enter("/y", nil); ok || err != nil {
		t.Errorf("Enter of a name that nothing matches: %v, %v", ok, err)
	}
	r.AddPattern("broken", false, prefix("/broken"))
	if _, ok, err := r.Enter("/broken", nil); ok || err == nil {
		t.Errorf("Enter where Make fails: %v, %v", ok, err)
	}
}

func TestTheLastVisitorRemoves(t *testing.T) {
	r, c := newRegistry(true)
	p := r.AddPattern("p", true, prefix("/x"))
	first := enter(t, r, "/x")
	if enter(t, r, "/x") != first {
		t.Error("two namespaces have one name")
	}
	r.Leave("/x")
	if c.removed.Load() != 0 {
		t.Error("removed while there is a visitor")
	}
	r.Leave("/x")
	if c.removed.Load() != 1 || len(p.Children()) != 0 || len(r.All()) != 0 {
		t.Errorf("removed %d, %d children", c.removed.Load(), len(p.Children()))
	}
	_, _ = r.Of("/x/stays")
	enter(t, r, "/x/stays")
	r.Leave("/x/stays")
	if got := names(r.All()); !slices.Equal(got, []string{"/x/stays"}) {
		t.Errorf("what Of made is gone: %v", got)
	}
}

// Visitors that come and go at the same time get a namespace that exists, and none is left at the end.
// There is one at a time: the next one is made when Removed has returned.
func TestVisitorsAtTheSameTime(t *testing.T) {
	r, c := newRegistry(true)
	r.AddPattern("p", false, prefix("/x"))
	var alive atomic.Int32
	made, removed := r.Make, r.Removed
	r.Make = func(name string, p *namespace.Pattern[*string, string]) (*string, error) {
		if n := alive.Add(1); n != 1 {
			t.Errorf("%d at once", n)
		}
		return made(name, p)
	}
	r.Removed = func(n *string) {
		removed(n)
		alive.Add(-1)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 1000 {
				enter(t, r, "/x")
				r.Leave("/x")
			}
		})
	}
	wg.Wait()
	if n := len(r.All()); n != 0 || c.made.Load() != c.removed.Load() || c.added.Load() != c.removed.Load() {
		t.Errorf("%d left, made %d, removed %d", n, c.made.Load(), c.removed.Load())
	}
}

// The cost of a child that goes does not depend on how many there are: compare the figures of the sizes.
func BenchmarkChildrenComeAndGo(b *testing.B) {
	for _, n := range []int{1_000, 10_000, 100_000} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			r, _ := newRegistry(true)
			r.AddPattern("p", false, prefix("/"))
			for b.Loop() {
				for i := range n {
					_, _, _ = r.Enter("/"+strconv.Itoa(i), nil)
				}
				for i := range n {
					r.Leave("/" + strconv.Itoa(n-1-i))
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/child")
		})
	}
}
