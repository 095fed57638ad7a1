package socketio

import "encoding/binary"

// maxPositionBytes limits what a trail remembers, in bytes: two for most runs.
const maxPositionBytes = 1 << 10

// positionSet is which positions of the log hold events that were sent to a session, as runs of consecutive ones. It says more
// than the rooms that the session is in at the end: those may have changed since. recovery.mu guards it.
type positionSet struct {
	from  uint64 // nothing is known of the positions up to here
	first uint64 // the latest run
	last  uint64 // 0: there is none
	older []byte // the runs before it: how many positions lie between them, how many are in each
	end   uint64 // of the last one in older; from if there is none
}

// newPositionSet is the trail of a session that begins.
func newPositionSet(from uint64) positionSet { return positionSet{from: from, end: from} }

// add takes in a position behind all others. It returns false if the position is the latest already.
func (t *positionSet) add(position uint64) bool {
	switch {
	case position == t.last:
		return false
	case t.last != 0 && position == t.last+1:
		t.last = position
		return true
	}
	if t.last != 0 {
		t.older = binary.AppendUvarint(t.older, t.first-t.end)
		t.older = binary.AppendUvarint(t.older, t.last-t.first+1)
		t.end = t.last
		if len(t.older) > maxPositionBytes {
			t.shorten()
		}
	}
	t.first, t.last = position, position
	return true
}

// shorten forgets the older half.
func (t *positionSet) shorten() {
	n := 0
	for n < maxPositionBytes/2 {
		_, last, size := nextRun(t.older[n:], t.from)
		t.from = last
		n += size
	}
	t.older = append(t.older[:0], t.older[n:]...)
}

// nextRun decodes a run behind a position.
func nextRun(b []byte, after uint64) (first, last uint64, size int) {
	gap, n := binary.Uvarint(b)
	length, m := binary.Uvarint(b[n:])
	first = after + gap
	return first, first + length - 1, n + m
}

// positionReader tells for ascending positions whether they are in a trail, which must not change meanwhile.
type positionReader struct {
	t           *positionSet
	rest        []byte
	first, last uint64
}

func (t *positionSet) reader() positionReader {
	r := positionReader{t: t, rest: t.older, last: t.from}
	r.next()
	return r
}

func (r *positionReader) next() {
	if len(r.rest) == 0 {
		r.first, r.last = r.t.first, r.t.last
		return
	}
	var n int
	r.first, r.last, n = nextRun(r.rest, r.last)
	r.rest = r.rest[n:]
}

// has tells whether a position, behind those asked for before, is in the trail.
func (r *positionReader) has(position uint64) bool {
	for position > r.last && r.last < r.t.last {
		r.next()
	}
	return r.first <= position && position <= r.last
}
