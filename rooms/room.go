package rooms

// room is an ordered set of members: a slice in join order with holes where somebody left. The index's list of
// everyone is one too, without a name.
type room[M any] struct {
	name    string
	entries []entry[M]
	live    int
}

// entry is one member's place in a room. seat is the position in the member's list that points back here, so that
// closing holes needs no search.
type entry[M any] struct {
	member *member[M] // nil: a hole
	seat   uint32
}

// push appends m, whose seat at position seat will point here.
func (r *room[M]) push(m *member[M], seat uint32) uint32 {
	r.entries = append(r.entries, entry[M]{m, seat})
	r.live++
	return uint32(len(r.entries) - 1)
}

// drop leaves a hole at position at, and closes all holes once they are more than the members: every hole pays for
// one move.
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
	// A room that shrank a lot gives its memory back; one that shrank a little keeps it, since rooms that lose
	// members tend to gain some.
	if cap(r.entries) > 4*r.live {
		kept = make([]entry[M], 0, 2*r.live)
	}
	for _, e := range r.entries {
		if e.member != nil {
			e.member.seats[e.seat].at = uint32(len(kept))
			kept = append(kept, e)
		}
	}
	if len(kept) > 0 && &kept[0] == &r.entries[0] {
		clear(r.entries[len(kept):])
	}
	r.entries = kept
}
