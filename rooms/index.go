package rooms

import "sync"

// Index is a set of members and their rooms. It is safe for concurrent use. Use [New].
type Index[M any] struct {
	hooks func() []*Hooks

	mu       sync.RWMutex
	members  map[string]*member[M]
	rooms    map[string]*room[M] // own rooms are here only when somebody else is in them
	everyone room[M]
	slots    uint32   // slots handed out so far
	free     []uint32 // slots of removed members

	marks sync.Pool // *bitset
}

// New returns an empty index. At each change it asks hooks whom to tell about it; nil if nobody ever is.
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

// Add registers m under id, in the room named id. It returns false, and does nothing, when the id is taken.
func (x *Index[M]) Add(id string, m M) bool {
	told := changes{hooks: x.hooks()}
	x.mu.Lock()
	if _, taken := x.members[id]; taken {
		x.mu.Unlock()
		return false
	}
	n := &member[M]{id: id, value: m, slot: x.takeSlot()}
	n.seats = n.inline[:0]
	n.sit(&x.everyone)
	x.members[id] = n
	if x.rooms[id] == nil {
		told.add(created, id, id)
	}
	told.add(joined, id, id)
	x.mu.Unlock()
	told.tell()
	return true
}

func (x *Index[M]) takeSlot() uint32 {
	if n := len(x.free); n > 0 {
		slot := x.free[n-1]
		x.free = x.free[:n-1]
		return slot
	}
	x.slots++
	return x.slots - 1
}

// Remove takes the member out of every room and forgets it. It returns false when the id is unknown.
func (x *Index[M]) Remove(id string) bool {
	told := changes{hooks: x.hooks()}
	x.mu.Lock()
	m := x.members[id]
	if m == nil {
		x.mu.Unlock()
		return false
	}
	x.leaveOwn(m, &told)
	for len(m.seats) > 1 {
		x.leave(m, uint32(len(m.seats)-1), &told)
	}
	m.rise(0)
	delete(x.members, id)
	x.free = append(x.free, m.slot)
	x.mu.Unlock()
	told.tell()
	return true
}

// Join puts the member into rooms; those it is in already are skipped. An unknown id is ignored: the member may
// have been removed a moment ago.
func (x *Index[M]) Join(id string, rooms ...string) {
	told := changes{hooks: x.hooks()}
	x.mu.Lock()
	if m := x.members[id]; m != nil {
		for _, name := range rooms {
			x.join(m, name, &told)
		}
	}
	x.mu.Unlock()
	told.tell()
}

// Leave takes the member out of one room. Unknown ids and rooms it is not in are ignored.
func (x *Index[M]) Leave(id, name string) {
	told := changes{hooks: x.hooks()}
	x.mu.Lock()
	if m := x.members[id]; m != nil {
		if name == id {
			x.leaveOwn(m, &told)
		} else if r := x.rooms[name]; r != nil {
			if i, in := m.find(r); in {
				x.leave(m, i, &told)
			}
		}
	}
	x.mu.Unlock()
	told.tell()
}

func (x *Index[M]) join(m *member[M], name string, told *changes) {
	if name == m.id {
		if !m.leftOwn {
			return
		}
		m.leftOwn = false
		if x.rooms[name] == nil {
			told.add(created, name, m.id)
		}
		told.add(joined, name, m.id)
		return
	}
	r := x.rooms[name]
	if r == nil {
		r = &room[M]{name: name}
		x.rooms[name] = r
		if x.owner(name) == nil {
			told.add(created, name, m.id)
		}
	} else if _, in := m.find(r); in {
		return
	}
	m.sit(r)
	told.add(joined, name, m.id)
}

// leave gives up seat i, which is that of a named room.
func (x *Index[M]) leave(m *member[M], i uint32, told *changes) {
	r := m.seats[i].room
	m.rise(i)
	told.add(left, r.name, m.id)
	if r.live == 0 {
		delete(x.rooms, r.name)
		if x.owner(r.name) == nil {
			told.add(deleted, r.name, m.id)
		}
	}
}

func (x *Index[M]) leaveOwn(m *member[M], told *changes) {
	if m.leftOwn {
		return
	}
	m.leftOwn = true
	told.add(left, m.id, m.id)
	if x.rooms[m.id] == nil {
		told.add(deleted, m.id, m.id)
	}
}

// owner returns the member whose own room this is and who is still in it.
func (x *Index[M]) owner(name string) *member[M] {
	if m := x.members[name]; m != nil && !m.leftOwn {
		return m
	}
	return nil
}
