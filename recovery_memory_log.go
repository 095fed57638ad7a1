package socketio

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"strings"
	"time"

	"github.com/gosocketio/socketio/engineio"
)

// loggedEvent is an immutable event that clients may have missed.
type loggedEvent struct {
	unit   *engineio.Prepared
	rooms  []string // everybody if empty
	except []string
	at     time.Duration // on the recovery's clock
	cost   int
}

// loggedEventOverhead is the size of an event in the log besides its bytes and rooms.
const loggedEventOverhead = 200

func newLoggedEvent(unit *engineio.Prepared, rooms, except []string, at time.Duration) *loggedEvent {
	cost := unit.Len() + loggedEventOverhead + sizeOf(rooms) + sizeOf(except)
	return &loggedEvent{unit, rooms, except, at, cost}
}

// sizeOf returns the size of a list of rooms, in bytes.
func sizeOf(rooms []string) (n int) {
	for _, room := range rooms {
		n += len(room) + 16
	}
	return n
}

// targetsMember tells whether an event for rooms, except others, targets a member of in.
func targetsMember(rooms, except []string, in map[string]struct{}) bool {
	for _, room := range except {
		if _, is := in[room]; is {
			return false
		}
	}
	for _, room := range rooms {
		if _, is := in[room]; is {
			return true
		}
	}
	return len(rooms) == 0
}

// eventLog holds a namespace's latest events in the order sent, at the positions 1, 2, 3...
//
// recovery.mu guards it.
type eventLog struct {
	epoch  string // starts all offsets: another server, or namespace of this name, has another one
	lost   uint64 // the events up to this position have been dropped
	events []*loggedEvent
	bytes  int
}

// position returns the position of the last event.
func (l *eventLog) position() uint64 { return l.lost + uint64(len(l.events)) }

// add appends an event and returns its position.
//
// Beyond maxBytes the oldest events are dropped, but not this one.
func (l *eventLog) add(e *loggedEvent, maxBytes int) uint64 {
	l.events = append(l.events, e)
	l.bytes += e.cost
	position := l.position()
	for l.bytes > maxBytes && len(l.events) > 1 {
		l.dropOldest()
	}
	return position
}

// expire drops the events that were sent before the given time.
func (l *eventLog) expire(before time.Duration) {
	for len(l.events) > 0 && l.events[0].at < before {
		l.dropOldest()
	}
}

func (l *eventLog) dropOldest() {
	l.bytes -= l.events[0].cost
	l.events[0] = nil
	l.events = l.events[1:]
	l.lost++
	if len(l.events) == 0 {
		l.events = nil
	}
}

// after copies events behind a position, which must not be lost, into dst. It returns how many.
func (l *eventLog) after(position uint64, dst []*loggedEvent) int {
	return copy(dst, l.events[position-l.lost:])
}

// An offset is how clients know a position: the epoch, and the position as digits.
const (
	epochLen   = 6
	offsetLen  = epochLen + len(zeroDigits)
	zeroDigits = "AAAAAAAA"
	digits     = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
)

func newEpoch() string {
	var raw [6]byte
	_, _ = rand.Read(raw[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(raw[:])[:epochLen]
}

// putDigits writes a position over the digits of an offset.
func putDigits(at []byte, position uint64) {
	for i := len(zeroDigits) - 1; i >= 0; i-- {
		at[i] = digits[position&63]
		position >>= 6
	}
}

// parse returns the position of an offset; ok is false when this log never gave out the offset.
func (l *eventLog) parse(offset string) (position uint64, ok bool) {
	if len(offset) != offsetLen || offset[:epochLen] != l.epoch {
		return 0, false
	}
	for _, c := range []byte(offset[epochLen:]) {
		d := strings.IndexByte(digits, c)
		if d < 0 {
			return 0, false
		}
		position = position<<6 | uint64(d)
	}
	return position, position <= l.position()
}

// maxPositionBytes limits the size of a positionSet, in bytes: two for most runs.
const maxPositionBytes = 1 << 10

// positionSet holds the log positions of the events sent to a session, as runs of consecutive ones.
//
// The session's rooms at its end would not tell: they may have changed. recovery.mu guards it.
type positionSet struct {
	from  uint64 // the positions up to here are unknown
	first uint64 // the latest run
	last  uint64 // 0: there is no run
	older []byte // the runs before it, each as the gap before it and its length
	end   uint64 // of the last run in older; from if there is none
}

func newPositionSet(from uint64) positionSet { return positionSet{from: from, end: from} }

// add adds a position behind all others. It returns false if it is the latest one already.
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
			t.dropOlderHalf()
		}
	}
	t.first, t.last = position, position
	return true
}

func (t *positionSet) dropOlderHalf() {
	n := 0
	for n < maxPositionBytes/2 {
		_, last, size := nextRun(t.older[n:], t.from)
		t.from = last
		n += size
	}
	t.older = append(t.older[:0], t.older[n:]...)
}

// nextRun decodes the run behind a position.
func nextRun(b []byte, after uint64) (first, last uint64, size int) {
	gap, n := binary.Uvarint(b)
	length, m := binary.Uvarint(b[n:])
	first = after + gap
	return first, first + length - 1, n + m
}

// positionReader looks up ascending positions in a positionSet, which must not change meanwhile.
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

// has tells whether the set has a position, which must be behind those asked for before.
func (r *positionReader) has(position uint64) bool {
	for position > r.last && r.last < r.t.last {
		r.next()
	}
	return r.first <= position && position <= r.last
}
