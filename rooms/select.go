package rooms

import (
	"slices"
)

// Select appends to dst every member that is in one of the rooms in and in none of the rooms
// except.
//
// With no rooms, in means everyone. The package comment has the order. Unknown rooms are empty.
func (x *Index[M]) Select(dst []M, in, except []string) []M {
	x.mu.RLock()
	defer x.mu.RUnlock()

	if len(in) <= 1 { // no member can come twice, so only several exclusions need a set
		switch lone, n := x.excludedLocked(except); n {
		case 0:
			return x.copyRoomLocked(dst, in, nil)
		case 1:
			return x.copyRoomLocked(dst, in, lone)
		}
	}

	// A marked member is left out, because it is excluded or because it has been appended.
	marks := x.takeMarksLocked()
	defer x.marks.Put(marks)
	for _, name := range except {
		x.eachLocked(name, func(m *member[M]) { marks.testAndSet(m.slot) })
	}
	if len(in) == 0 {
		return appendUnmarked(dst, x.everyone.entries, *marks)
	}
	for _, name := range in {
		if m := x.ownerLocked(name); m != nil && !marks.testAndSet(m.slot) {
			dst = append(dst, m.value)
		}
		if r := x.rooms[name]; r != nil {
			dst = appendUnmarked(dst, r.entries, *marks)
		}
	}
	return dst
}

// excludedLocked counts the members of the rooms, up to two, and returns one of them.
// "Everyone but the sender" is the common case and needs no set.
func (x *Index[M]) excludedLocked(except []string) (lone *member[M], n int) {
	for _, name := range except {
		if m := x.ownerLocked(name); m != nil && m != lone {
			lone = m
			n++
		}
		if r := x.rooms[name]; r != nil {
			return nil, 2 // such a room has members; the set has to say which
		}
	}
	return lone, n
}

// copyRoomLocked appends the members of the only room in in, or everyone, but not lone.
func (x *Index[M]) copyRoomLocked(dst []M, in []string, lone *member[M]) []M {
	from := &x.everyone
	if len(in) == 1 {
		if m := x.ownerLocked(in[0]); m != nil && m != lone {
			dst = append(dst, m.value)
		}
		if from = x.rooms[in[0]]; from == nil {
			return dst
		}
	}
	dst = slices.Grow(dst, from.live)
	for _, e := range from.entries {
		if e.member != nil && e.member != lone {
			dst = append(dst, e.member.value)
		}
	}
	return dst
}

func appendUnmarked[M any](dst []M, entries []entry[M], marks bitset) []M {
	for _, e := range entries {
		if e.member != nil && !marks.testAndSet(e.member.slot) {
			dst = append(dst, e.member.value)
		}
	}
	return dst
}

// takeMarksLocked returns an empty set that is large enough for every member.
func (x *Index[M]) takeMarksLocked() *bitset {
	marks, _ := x.marks.Get().(*bitset)
	if marks == nil {
		marks = new(bitset)
	}
	words := int(x.slots+63) / 64
	if cap(*marks) < words {
		*marks = make(bitset, words, words+words/2)
	}
	*marks = (*marks)[:words]
	clear(*marks)
	return marks
}

// bitset is a set of member slots.
type bitset []uint64

// testAndSet adds slot and reports whether it was there.
func (b bitset) testAndSet(slot uint32) bool {
	word, bit := &b[slot/64], uint64(1)<<(slot%64)
	was := *word&bit != 0
	*word |= bit
	return was
}
