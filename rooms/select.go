package rooms

import "slices"

// Select appends to dst every member that is in one of the rooms in and in none of the rooms except; with no rooms
// given, in means everyone. The package comment tells the order. Unknown rooms are empty.
func (x *Index[M]) Select(dst []M, in, except []string) []M {
	x.mu.RLock()
	defer x.mu.RUnlock()

	if len(in) <= 1 { // nobody can be met twice: a set is needed only to leave out several
		switch lone, n := x.excluded(except); n {
		case 0:
			return x.copyRoom(dst, in, nil)
		case 1:
			return x.copyRoom(dst, in, lone)
		}
	}

	// One set does both jobs: a marked member is left out, because it was excluded or because it has been listed.
	marks := x.takeMarks()
	defer x.putMarks(marks)
	for _, name := range except {
		x.mark(marks, name)
	}
	if len(in) == 0 {
		return appendUnmarked(dst, x.everyone.entries, *marks)
	}
	for _, name := range in {
		if m := x.owner(name); m != nil && !marks.testAndSet(m.slot) {
			dst = append(dst, m.value)
		}
		if r := x.rooms[name]; r != nil {
			dst = appendUnmarked(dst, r.entries, *marks)
		}
	}
	return dst
}

// excluded counts the members of the rooms up to two, and returns one of them. "Everybody but the sender" is the
// common case and needs no set.
func (x *Index[M]) excluded(except []string) (lone *member[M], n int) {
	for _, name := range except {
		if m := x.owner(name); m != nil && m != lone {
			lone = m
			n++
		}
		if r := x.rooms[name]; r != nil {
			return nil, 2 // a room that exists has at least one member; the set will tell who
		}
	}
	return lone, n
}

// copyRoom appends the members of the only room in in, or everyone, but not lone.
func (x *Index[M]) copyRoom(dst []M, in []string, lone *member[M]) []M {
	from := &x.everyone
	if len(in) == 1 {
		if m := x.owner(in[0]); m != nil && m != lone {
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

func (x *Index[M]) mark(marks *bitset, name string) {
	if m := x.owner(name); m != nil {
		marks.testAndSet(m.slot)
	}
	if r := x.rooms[name]; r != nil {
		for _, e := range r.entries {
			if e.member != nil {
				marks.testAndSet(e.member.slot)
			}
		}
	}
}

// takeMarks returns an empty set with room for every member.
func (x *Index[M]) takeMarks() *bitset {
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

func (x *Index[M]) putMarks(marks *bitset) { x.marks.Put(marks) }
