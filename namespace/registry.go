// Package namespace keeps which namespaces a server has.
//
// It knows their names, the patterns by which they are made when a client asks for them, and their
// end. It knows no sockets: the caller says what a namespace is (the type parameter N), and what
// the owner of a pattern is (P).
//
// Registry.mu guards everything. It is not held while a function of the caller runs.
package namespace

import (
	"cmp"
	"container/list"
	"encoding/json"
	"slices"
	"sync"
)

// Registry is the namespaces of one server. Its fields must be set before it is used.
type Registry[N, P any] struct {
	// Make makes the namespace with this name. The pattern is nil where none matches.
	Make func(name string, pattern *Pattern[N, P]) (N, error)
	// Added is called once for each namespace, after it was added.
	Added func(N)
	// Removed is called when the last visitor has left a namespace that does not stay, after it was
	// removed.
	Removed func(N)
	// Cleanup removes a namespace that was made for a client when its last visitor leaves.
	Cleanup bool

	mu       sync.RWMutex
	entries  map[string]*entry[N, P]
	busy     map[string]chan struct{} // names whose namespace is being made or has been removed; closed after that
	patterns []*Pattern[N, P]         // in the order in which they are asked
}

// entry is one namespace.
type entry[N, P any] struct {
	name      string
	namespace N
	pattern   *Pattern[N, P] // nil: none
	place     *list.Element  // in the pattern's children
	temporary bool           // removed with its last visitor
	visitors  int            // counted only where it is temporary
}

// Pattern makes namespaces for the names that it matches.
type Pattern[N, P any] struct {
	// Owner is what the pattern was added with.
	Owner P

	registry *Registry[N, P]
	match    func(name string, auth json.RawMessage) bool
	explicit bool
	children list.List // of *entry
}

// AddPattern adds a pattern, behind those that are there. match is called with the name that a
// client asks for and what it sent with its CONNECT, or nil. An explicit pattern is also asked for
// the names of [Registry.Of], without auth.
func (r *Registry[N, P]) AddPattern(
	owner P, explicit bool, match func(name string, auth json.RawMessage) bool,
) *Pattern[N, P] {
	p := &Pattern[N, P]{Owner: owner, registry: r, match: match, explicit: explicit}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.patterns = append(slices.Clip(r.patterns), p)
	return p
}

// Children returns the namespaces that the pattern made and that exist, in the order in which they
// were made.
func (p *Pattern[N, P]) Children() []N {
	p.registry.mu.RLock()
	defer p.registry.mu.RUnlock()
	children := make([]N, 0, p.children.Len())
	for e := p.children.Front(); e != nil; e = e.Next() {
		children = append(children, e.Value.(*entry[N, P]).namespace)
	}
	return children
}

// All returns the namespaces in the order of their names.
func (r *Registry[N, P]) All() []N {
	r.mu.RLock()
	entries := make([]*entry[N, P], 0, len(r.entries))
	for _, e := range r.entries {
		entries = append(entries, e)
	}
	r.mu.RUnlock()
	slices.SortFunc(entries, func(a, b *entry[N, P]) int { return cmp.Compare(a.name, b.name) })
	all := make([]N, len(entries))
	for i, e := range entries {
		all[i] = e.namespace
	}
	return all
}

// Of returns the namespace with this name. It makes one that stays when there is none.
func (r *Registry[N, P]) Of(name string) (n N, err error) {
	e := r.lookup(name)
	if e == nil {
		pattern := r.pattern(func(p *Pattern[N, P]) bool { return p.explicit && p.match(name, nil) })
		e, err = r.add(name, pattern, false)
	}
	if err != nil {
		return n, err
	}
	return e.namespace, nil
}

// Enter returns the namespace that a client asks for, and makes it when a pattern matches; ok is
// false when there is none. The client is a visitor until [Registry.Leave] is called.
func (r *Registry[N, P]) Enter(name string, auth json.RawMessage) (n N, ok bool, err error) {
	for {
		e := r.lookup(name)
		if e == nil {
			p := r.pattern(func(p *Pattern[N, P]) bool { return p.match(name, auth) })
			if p == nil {
				return n, false, nil
			}
			if e, err = r.add(name, p, r.Cleanup); err != nil {
				return n, false, err
			}
		}
		if !e.temporary || r.visit(e) {
			return e.namespace, true, nil
		}
	}
}

// visit counts a visitor of a temporary namespace. It returns false when the namespace has been
// removed meanwhile.
func (r *Registry[N, P]) visit(e *entry[N, P]) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.entries[e.name] != e {
		return false
	}
	e.visitors++
	return true
}

// Leave ends what one Enter began. The last visitor removes a namespace that does not stay.
func (r *Registry[N, P]) Leave(name string) {
	e := r.lookup(name)
	if !e.temporary {
		return
	}
	r.mu.Lock()
	e.visitors--
	last := e.visitors == 0
	if last {
		delete(r.entries, name)
		e.pattern.children.Remove(e.place)
		r.takeLocked(name)
	}
	r.mu.Unlock()
	if last {
		defer func() {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.releaseLocked(name)
		}()
		r.Removed(e.namespace)
	}
}

// takeLocked has others wait until the name is released.
func (r *Registry[N, P]) takeLocked(name string) {
	if r.busy == nil {
		r.busy = make(map[string]chan struct{})
	}
	r.busy[name] = make(chan struct{})
}

func (r *Registry[N, P]) releaseLocked(name string) {
	close(r.busy[name])
	delete(r.busy, name)
}

// take waits until nobody makes or removes a namespace with this name, and takes the name unless there is one.
func (r *Registry[N, P]) take(name string) (there *entry[N, P]) {
	for {
		r.mu.Lock()
		there, busy := r.entries[name], r.busy[name]
		if there == nil && busy == nil {
			r.takeLocked(name)
		}
		r.mu.Unlock()
		if there != nil || busy == nil {
			return there
		}
		<-busy
	}
}

func (r *Registry[N, P]) lookup(name string) *entry[N, P] {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.entries[name]
}

// pattern returns the first pattern for which matches returns true, or nil.
func (r *Registry[N, P]) pattern(matches func(*Pattern[N, P]) bool) *Pattern[N, P] {
	r.mu.RLock()
	patterns := r.patterns
	r.mu.RUnlock()
	if i := slices.IndexFunc(patterns, matches); i >= 0 {
		return patterns[i]
	}
	return nil
}

// add makes a namespace, unless another goroutine just did.
func (r *Registry[N, P]) add(name string, p *Pattern[N, P], temporary bool) (*entry[N, P], error) {
	if e := r.take(name); e != nil {
		return e, nil
	}
	e, err := r.make(name, p, temporary)
	if err != nil {
		return nil, err
	}
	r.Added(e.namespace)
	return e, nil
}

// make makes a namespace whose name was taken, and releases the name.
func (r *Registry[N, P]) make(name string, p *Pattern[N, P], temporary bool) (e *entry[N, P], err error) {
	defer func() { // also when Make panics
		r.mu.Lock()
		defer r.mu.Unlock()
		r.releaseLocked(name) // at the same moment as the namespace is there: it may go at once
		if e == nil {
			return
		}
		if r.entries == nil {
			r.entries = make(map[string]*entry[N, P])
		}
		r.entries[name] = e
		if p != nil {
			e.place = p.children.PushBack(e)
		}
	}()
	made, err := r.Make(name, p)
	if err != nil {
		return nil, err
	}
	return &entry[N, P]{name: name, namespace: made, pattern: p, temporary: temporary}, nil
}
