package rooms

import (
	"sync"
)

// Index is a set of members and their rooms. It is safe for concurrent use. Use [New].
type Index[M any] struct {
	hooks func() []*Hooks
	watch func(room string, exists bool) // nil: none
	count func(room string, members int) // nil: none

	mu       sync.RWMutex
	members  map[string]*member[M]
	rooms    map[string]*room[M] // an own room is here only when another member is in it
	everyone room[M]
	slots    uint32   // slots handed out so far
	free     []uint32 // slots of removed members

	marks sync.Pool // *bitset
}

// New returns an empty index. It calls hooks at each change for the hooks to run; nil means none.
func New[M any](hooks func() []*Hooks) *Index[M] {
	if hooks == nil {
		hooks = func() []*Hooks { return nil }
	}
	return &Index[M]{
		hooks:   hooks,
		members: make(map[string]*member[M]),
		rooms:   make(map[string]*room[M]),
	}
}

// Watch has fn called when a room gets its first member and when it has lost its last one, for each
// room in turn. It must be called before the index is used.
//
// fn runs under the lock of the index: it must not use the index, block, or call code of a user.
func (x *Index[M]) Watch(fn func(room string, exists bool)) { x.watch = fn }

// WatchCounts has fn called with the number of members of a room when that has changed. Members in
// their own rooms are not counted. It must be called before the index is used.
//
// fn runs under the lock of the index, as that of [Index.Watch].
func (x *Index[M]) WatchCounts(fn func(room string, members int)) { x.count = fn }

// changes returns an empty list of changes.
func (x *Index[M]) changes() changes { return changes{hooks: x.hooks(), watch: x.watch} }

// Add registers m under id, in the room named id. It returns false, and does nothing, when the id
// is taken.
func (x *Index[M]) Add(id string, m M) bool {
	changed := x.changes()
	x.mu.Lock()
	if _, taken := x.members[id]; taken {
		x.mu.Unlock()
		return false
	}
	n := &member[M]{id: id, value: m, slot: x.takeSlotLocked()}
	n.memberships = n.inline[:0]
	n.add(&x.everyone)
	x.members[id] = n
	if x.rooms[id] == nil {
		changed.add(created, id, id)
	}
	changed.add(joined, id, id)
	x.mu.Unlock()
	changed.notify()
	return true
}

func (x *Index[M]) takeSlotLocked() uint32 {
	if n := len(x.free); n > 0 {
		slot := x.free[n-1]
		x.free = x.free[:n-1]
		return slot
	}
	x.slots++
	return x.slots - 1
}

// Remove takes the member out of every room and forgets it. It returns false when the id is
// unknown.
func (x *Index[M]) Remove(id string) bool {
	changed := x.changes()
	x.mu.Lock()
	m := x.members[id]
	if m == nil {
		x.mu.Unlock()
		return false
	}
	x.leaveOwnLocked(m, &changed)
	for len(m.memberships) > 1 {
		x.leaveLocked(m, uint32(len(m.memberships)-1), &changed)
	}
	m.remove(0)
	delete(x.members, id)
	x.free = append(x.free, m.slot)
	x.mu.Unlock()
	changed.notify()
	return true
}

// Join puts the member into rooms. It ignores an unknown id: the member may just have been removed.
func (x *Index[M]) Join(id string, rooms ...string) {
	changed := x.changes()
	x.mu.Lock()
	if m := x.members[id]; m != nil {
		for _, name := range rooms {
			x.joinLocked(m, name, &changed)
		}
	}
	x.mu.Unlock()
	changed.notify()
}

// Leave takes the member out of one room. It ignores unknown ids and rooms it is not in.
func (x *Index[M]) Leave(id, name string) {
	changed := x.changes()
	x.mu.Lock()
	if m := x.members[id]; m != nil {
		if name == id {
			x.leaveOwnLocked(m, &changed)
		} else if r := x.rooms[name]; r != nil {
			if i, in := m.find(r); in {
				x.leaveLocked(m, i, &changed)
			}
		}
	}
	x.mu.Unlock()
	changed.notify()
}

// joinLocked puts the member into one room.
func (x *Index[M]) joinLocked(m *member[M], name string, changed *changes) {
	if name == m.id {
		if !m.leftOwn {
			return
		}
		m.leftOwn = false
		if x.rooms[name] == nil {
			changed.add(created, name, m.id)
		}
		changed.add(joined, name, m.id)
		return
	}
	r := x.rooms[name]
	if r == nil {
		r = &room[M]{name: name}
		x.rooms[name] = r
		if x.ownerLocked(name) == nil {
			changed.add(created, name, m.id)
		}
	} else if _, in := m.find(r); in {
		return
	}
	m.add(r)
	changed.add(joined, name, m.id)
	x.countedLocked(r)
}

// countedLocked tells the number of members of a room.
func (x *Index[M]) countedLocked(r *room[M]) {
	if x.count != nil {
		x.count(r.name, r.live)
	}
}

// leaveLocked ends membership i, which is that in a named room.
func (x *Index[M]) leaveLocked(m *member[M], i uint32, changed *changes) {
	r := m.memberships[i].room
	m.remove(i)
	changed.add(left, r.name, m.id)
	x.countedLocked(r)
	if r.live == 0 {
		delete(x.rooms, r.name)
		if x.ownerLocked(r.name) == nil {
			changed.add(deleted, r.name, m.id)
		}
	}
}

// leaveOwnLocked takes the member out of its own room.
func (x *Index[M]) leaveOwnLocked(m *member[M], changed *changes) {
	if m.leftOwn {
		return
	}
	m.leftOwn = true
	changed.add(left, m.id, m.id)
	if x.rooms[m.id] == nil {
		changed.add(deleted, m.id, m.id)
	}
}

// ownerLocked returns the member whose own room this is, if it is still in it.
func (x *Index[M]) ownerLocked(name string) *member[M] {
	if m := x.members[name]; m != nil && !m.leftOwn {
		return m
	}
	return nil
}

// Get returns the member under id.
func (x *Index[M]) Get(id string) (m M, ok bool) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	if n := x.members[id]; n != nil {
		return n.value, true
	}
	return m, false
}

// Len returns the number of members.
func (x *Index[M]) Len() int {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return len(x.members)
}

// Rooms returns the rooms of the member, its own first and the others in no particular order.
// It returns nil when the id is unknown.
func (x *Index[M]) Rooms(id string) []string {
	x.mu.RLock()
	defer x.mu.RUnlock()
	m := x.members[id]
	if m == nil {
		return nil
	}
	names := make([]string, 0, len(m.memberships))
	if !m.leftOwn {
		names = append(names, id)
	}
	for _, s := range m.memberships[1:] {
		names = append(names, s.room.name)
	}
	return names
}

// In reports whether the member is in the room.
func (x *Index[M]) In(id, name string) bool {
	x.mu.RLock()
	defer x.mu.RUnlock()
	m := x.members[id]
	if m == nil {
		return false
	}
	if name == id {
		return !m.leftOwn
	}
	r := x.rooms[name]
	if r == nil {
		return false
	}
	_, in := m.find(r)
	return in
}

// RoomLen returns the number of members in the room, 0 when there is no such room.
func (x *Index[M]) RoomLen(name string) int {
	x.mu.RLock()
	defer x.mu.RUnlock()
	n := 0
	if x.ownerLocked(name) != nil {
		n++
	}
	if r := x.rooms[name]; r != nil {
		n += r.live
	}
	return n
}

// AllRooms returns the names of all rooms with members, own rooms included, in no particular order.
func (x *Index[M]) AllRooms() []string {
	x.mu.RLock()
	defer x.mu.RUnlock()
	names := make([]string, 0, len(x.rooms)+len(x.members))
	for name := range x.rooms {
		names = append(names, name)
	}
	for id, m := range x.members {
		if !m.leftOwn && x.rooms[id] == nil {
			names = append(names, id)
		}
	}
	return names
}

// Counts calls fn with each room and the number of its members, as WatchCounts has them, under the same
// lock: fn sees no change twice, and none goes past it.
func (x *Index[M]) Counts(fn func(room string, members int)) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	for name, r := range x.rooms {
		fn(name, r.live)
	}
}

// RoomCount returns the number of rooms that Counts has.
func (x *Index[M]) RoomCount() int {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return len(x.rooms)
}

// Members returns the ids of the members of a room in join order, nil when there is no such room.
func (x *Index[M]) Members(name string) []string {
	x.mu.RLock()
	defer x.mu.RUnlock()
	var ids []string
	x.eachLocked(name, func(m *member[M]) { ids = append(ids, m.id) })
	return ids
}

// eachLocked calls f for every member of a room. The caller must hold x.mu.
func (x *Index[M]) eachLocked(name string, f func(*member[M])) {
	if m := x.ownerLocked(name); m != nil {
		f(m)
	}
	if r := x.rooms[name]; r != nil {
		for _, e := range r.entries {
			if e.member != nil {
				f(e.member)
			}
		}
	}
}

// Hooks are called when rooms change. Each is optional.
//
// They run on the goroutine that made the change, after the lock is released, so they may use the
// index. The hooks of one call run in order (Create before Join, Leave before Delete). Those of
// concurrent calls may interleave.
type Hooks struct {
	// Create runs when a room gets its first member.
	Create func(room string)
	// Join runs when a member enters a room that it was not in.
	Join func(room, id string)
	// Leave runs when a member leaves a room that it was in.
	Leave func(room, id string)
	// Delete runs when a room lost its last member.
	Delete func(room string)
}

// changes collects, under the lock, the calls of the hooks after it. Without hooks it stays empty.
type changes struct {
	hooks []*Hooks
	watch func(room string, exists bool)
	list  []change
}

type change struct {
	kind kind
	room string
	id   string
}

type kind uint8

const (
	created kind = iota
	joined
	left
	deleted
)

func (c *changes) add(k kind, room, id string) {
	if c.watch != nil && (k == created || k == deleted) {
		c.watch(room, k == created)
	}
	if len(c.hooks) > 0 {
		c.list = append(c.list, change{k, room, id})
	}
}

// notify runs the hooks. The caller must not hold the lock.
func (c *changes) notify() {
	for _, e := range c.list {
		for _, h := range c.hooks {
			h.call(e)
		}
	}
}

func (h *Hooks) call(e change) {
	switch {
	case e.kind == created && h.Create != nil:
		h.Create(e.room)
	case e.kind == joined && h.Join != nil:
		h.Join(e.room, e.id)
	case e.kind == left && h.Leave != nil:
		h.Leave(e.room, e.id)
	case e.kind == deleted && h.Delete != nil:
		h.Delete(e.room)
	}
}
