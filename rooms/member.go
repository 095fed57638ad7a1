package rooms

// member is one id with its value and the rooms it is in.
type member[M any] struct {
	id      string
	value   M
	slot    uint32 // dense number, the member's bit in a set
	leftOwn bool   // it left the room named after its id

	// seats[0] is the place in the list of everyone, the others are rooms.
	seats  []seat[M]
	inline [3]seat[M] // what seats starts with: most members are in a room or two
	// byRoom finds a seat when there are too many to search; nil before that.
	byRoom map[*room[M]]uint32
}

// seat is a member's place in one room: entry at of that room.
type seat[M any] struct {
	room *room[M]
	at   uint32
}

// searched is the number of seats up to which a linear search is cheaper than a map.
const searched = 12

// find returns the position of the seat in r.
func (m *member[M]) find(r *room[M]) (uint32, bool) {
	if m.byRoom != nil {
		i, ok := m.byRoom[r]
		return i, ok
	}
	for i := range m.seats {
		if m.seats[i].room == r {
			return uint32(i), true
		}
	}
	return 0, false
}

// sit puts m at the end of r.
func (m *member[M]) sit(r *room[M]) {
	i := uint32(len(m.seats))
	m.seats = append(m.seats, seat[M]{r, r.push(m, i)})
	switch {
	case m.byRoom != nil:
		m.byRoom[r] = i
	case len(m.seats) > searched:
		m.byRoom = make(map[*room[M]]uint32, 2*searched)
		for i := range m.seats {
			m.byRoom[m.seats[i].room] = uint32(i)
		}
	}
}

// rise gives up seat i; the last seat takes its number.
func (m *member[M]) rise(i uint32) {
	gone := m.seats[i]
	last := uint32(len(m.seats) - 1)
	if i != last {
		moved := m.seats[last]
		m.seats[i] = moved
		moved.room.entries[moved.at].seat = i
		if m.byRoom != nil {
			m.byRoom[moved.room] = i
		}
	}
	m.seats[last] = seat[M]{}
	m.seats = m.seats[:last]
	if m.byRoom != nil {
		delete(m.byRoom, gone.room)
	}
	gone.room.drop(gone.at)
}
