package rooms

// room is an ordered set of members: a slice in join order with holes where members left.
// The index's list of everyone is one too, without a name.
type room[M any] struct {
	name    string
	entries []entry[M]
	live    int
}

// entry is one member of a room. index is that of its membership, which points back here, so that
// closing holes needs no search.
type entry[M any] struct {
	member *member[M] // nil: a hole
	index  uint32
}

// push appends m, whose membership of this index will point here.
func (r *room[M]) push(m *member[M], index uint32) uint32 {
	r.entries = append(r.entries, entry[M]{m, index})
	r.live++
	return uint32(len(r.entries) - 1)
}

// drop leaves a hole at position at, and closes all holes once they outnumber the members.
// So every hole pays for one move.
func (r *room[M]) drop(at uint32) {
	r.entries[at] = entry[M]{}
	r.live--
	const few = 16
	if len(r.entries) > few && r.live < len(r.entries)/2 {
		r.closeHoles()
	}
}

func (r *room[M]) closeHoles() {
	kept := r.entries[:0]
	// A room that shrank a lot gives its memory back. One that shrank a little keeps it, because
	// rooms that lose members tend to gain some.
	if cap(r.entries) > 4*r.live {
		kept = make([]entry[M], 0, 2*r.live)
	}
	for _, e := range r.entries {
		if e.member != nil {
			e.member.memberships[e.index].at = uint32(len(kept))
			kept = append(kept, e)
		}
	}
	if len(kept) > 0 && &kept[0] == &r.entries[0] {
		clear(r.entries[len(kept):])
	}
	r.entries = kept
}

// member is one id with its value and the rooms it is in.
type member[M any] struct {
	id      string
	value   M
	slot    uint32 // dense number, the member's bit in a set
	leftOwn bool   // it left the room named after its id

	// memberships[0] is that in the list of everyone, the others are in rooms.
	memberships []membership[M]
	inline      [3]membership[M] // the first memory of memberships
	// byRoom finds a membership when there are too many to search; nil before that.
	byRoom map[*room[M]]uint32
}

// membership is a member's position in one room: that of its entry.
type membership[M any] struct {
	room *room[M]
	at   uint32
}

// maxLinear is the number of memberships up to which a linear search is cheaper than a map.
const maxLinear = 12

// find returns the index of the membership in r.
func (m *member[M]) find(r *room[M]) (uint32, bool) {
	if m.byRoom != nil {
		i, ok := m.byRoom[r]
		return i, ok
	}
	for i := range m.memberships {
		if m.memberships[i].room == r {
			return uint32(i), true
		}
	}
	return 0, false
}

// add puts m at the end of r.
func (m *member[M]) add(r *room[M]) {
	i := uint32(len(m.memberships))
	m.memberships = append(m.memberships, membership[M]{r, r.push(m, i)})
	switch {
	case m.byRoom != nil:
		m.byRoom[r] = i
	case len(m.memberships) > maxLinear:
		m.byRoom = make(map[*room[M]]uint32, 2*maxLinear)
		for i := range m.memberships {
			m.byRoom[m.memberships[i].room] = uint32(i)
		}
	}
}

// remove ends membership i. The last one takes its index.
func (m *member[M]) remove(i uint32) {
	gone := m.memberships[i]
	last := uint32(len(m.memberships) - 1)
	if i != last {
		moved := m.memberships[last]
		m.memberships[i] = moved
		moved.room.entries[moved.at].index = i
		if m.byRoom != nil {
			m.byRoom[moved.room] = i
		}
	}
	m.memberships[last] = membership[M]{}
	m.memberships = m.memberships[:last]
	if m.byRoom != nil {
		delete(m.byRoom, gone.room)
	}
	gone.room.drop(gone.at)
}
