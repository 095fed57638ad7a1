package rooms

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

// Rooms returns the rooms that the member is in, its own first and the others in no particular order; nil when the
// id is unknown.
func (x *Index[M]) Rooms(id string) []string {
	x.mu.RLock()
	defer x.mu.RUnlock()
	m := x.members[id]
	if m == nil {
		return nil
	}
	names := make([]string, 0, len(m.seats))
	if !m.leftOwn {
		names = append(names, id)
	}
	for _, s := range m.seats[1:] {
		names = append(names, s.room.name)
	}
	return names
}

// In tells whether the member is in the room.
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
	if x.owner(name) != nil {
		n++
	}
	if r := x.rooms[name]; r != nil {
		n += r.live
	}
	return n
}

// AllRooms returns the names of all rooms that have members, own rooms included, in no particular order.
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

// Members returns the ids of the members of a room in join order, nil when there is no such room.
func (x *Index[M]) Members(name string) []string {
	x.mu.RLock()
	defer x.mu.RUnlock()
	var ids []string
	x.each(name, func(m *member[M]) { ids = append(ids, m.id) })
	return ids
}

// each runs f for every member of a room. The lock is held.
func (x *Index[M]) each(name string, f func(*member[M])) {
	if m := x.owner(name); m != nil {
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
