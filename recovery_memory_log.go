package socketio

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"strings"
	"time"

	"github.com/gosocketio/socketio/engineio"
)

// loggedEvent is an event that clients may have missed.
type loggedEvent struct {
	frames []byte
	unit   *engineio.Prepared // has the frames when queues share them; otherwise nil
	rooms  []string           // everybody if empty
	except []string
	at     time.Duration // on the recovery's clock
}

// loggedEventOverhead is the size of an event in the log besides its bytes and rooms.
const loggedEventOverhead = 200

// cost returns the size of the event in the log, in bytes.
func (e *loggedEvent) cost() int {
	return len(e.frames) + loggedEventOverhead + sizeOf(e.rooms) + sizeOf(e.except)
}

// prepared returns the event for the outbox of a client that missed it.
func (e *loggedEvent) prepared() *engineio.Prepared {
	if e.unit != nil {
		return e.unit
	}
	return engineio.Prepare(e.frames)
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
// Events to one socket are many and small, so the log allocates room for several at a time.
// recovery.mu guards it.
type eventLog struct {
	epoch  string // starts all offsets: another server, or namespace of this name, has another one
	lost   uint64 // the events up to this position have been dropped
	count  int    // of events
	bytes  int
	blocks []*logBlock
	start  int       // of the first event in the first block
	spare  *logBlock // the last one that was dropped
	packed []byte    // the frames of the latest events that are not shared
}

// logBlock is room for events.
type logBlock [32]loggedEvent

const (
	maxPackedEvent = 512     // the most bytes of an event whose frames are packed with others
	maxPacked      = 4 << 10 // the most bytes of frames packed together
)

// position returns the position of the last event.
func (l *eventLog) position() uint64 { return l.lost + uint64(l.count) }

// slot returns the place of event i in the log, counted from the oldest.
func (l *eventLog) slot(i int) *loggedEvent {
	i += l.start
	return &l.blocks[i/len(logBlock{})][i%len(logBlock{})]
}

// add appends an event, at the next position.
//
// Beyond maxBytes the oldest events are dropped, but not this one.
func (l *eventLog) add(e offsetEvent, rooms, except []string, at time.Duration, maxBytes int) {
	if e.unit == nil {
		e.frames = l.pack(e.frames)
	}
	if (l.start+l.count)%len(logBlock{}) == 0 {
		l.blocks = append(l.blocks, l.block())
	}
	added := l.slot(l.count)
	*added = loggedEvent{e.frames, e.unit, rooms, except, at}
	l.count++
	l.bytes += added.cost()
	for l.bytes > maxBytes && l.count > 1 {
		l.dropOldest()
	}
}

// block returns an empty block.
func (l *eventLog) block() (b *logBlock) {
	if b, l.spare = l.spare, nil; b == nil {
		b = new(logBlock)
	}
	return b
}

// pack returns a copy of frames, made beside those of the events before.
func (l *eventLog) pack(frames []byte) []byte {
	if len(l.packed)+len(frames) > cap(l.packed) {
		l.packed = make([]byte, 0, max(len(frames), min(2*cap(l.packed), maxPacked)))
	}
	n := len(l.packed)
	l.packed = append(l.packed, frames...)
	return l.packed[n:len(l.packed):len(l.packed)]
}

// expire drops the events that were sent before the given time.
func (l *eventLog) expire(before time.Duration) {
	for l.count > 0 && l.slot(0).at < before {
		l.dropOldest()
	}
}

func (l *eventLog) dropOldest() {
	e := l.slot(0)
	l.bytes -= e.cost()
	*e = loggedEvent{}
	l.lost++
	l.count--
	l.start++
	if l.start == len(logBlock{}) {
		l.spare, l.blocks[0] = l.blocks[0], nil
		l.blocks, l.start = l.blocks[1:], 0
	}
	if l.count == 0 {
		l.clear()
	}
}

// clear drops all events.
func (l *eventLog) clear() { *l = eventLog{epoch: l.epoch, lost: l.position()} }

// after copies events behind a position, which must not be lost, into dst. It returns how many.
func (l *eventLog) after(position uint64, dst []loggedEvent) int {
	first := int(position - l.lost)
	n := min(len(dst), l.count-first)
	for i := range n {
		dst[i] = *l.slot(first + i)
	}
	return n
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
