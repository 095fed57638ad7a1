package socketio

import (
	"crypto/rand"
	"encoding/base64"
	"strings"
	"time"

	"github.com/gosocketio/socketio/engineio"
)

// loggedEvent is an event that clients may have missed. It is never changed.
type loggedEvent struct {
	unit   *engineio.Prepared
	rooms  []string // everybody if empty
	except []string
	at     time.Duration // on the recovery's clock
	cost   int
}

// eventOverheadLogged is what an event in the log costs besides its bytes and the names of rooms.
const eventOverheadLogged = 200

func newLoggedEvent(unit *engineio.Prepared, rooms, except []string, at time.Duration) *loggedEvent {
	e := &loggedEvent{unit: unit, rooms: rooms, except: except, at: at, cost: unit.Len() + eventOverheadLogged}
	for _, list := range [...][]string{rooms, except} {
		for _, room := range list {
			e.cost += len(room) + 16
		}
	}
	return e
}

// concerns tells whether an event for rooms, except others, was sent to somebody who is in these.
func concerns(rooms, except []string, in map[string]struct{}) bool {
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

// eventLog is the latest events of a namespace, in the order in which they were sent. Each has a position: 1, 2, 3...
// recovery.mu guards it.
type eventLog struct {
	epoch  string // of all offsets; those of another server, or of a namespace that was removed, have another one
	lost   uint64 // the events up to this position are forgotten
	events []*loggedEvent
	bytes  int
}

// position is that of the last event.
func (l *eventLog) position() uint64 { return l.lost + uint64(len(l.events)) }

// add appends an event and returns its position. Beyond maxBytes the oldest are forgotten, this one too if need be.
func (l *eventLog) add(e *loggedEvent, maxBytes int) uint64 {
	l.events = append(l.events, e)
	l.bytes += e.cost
	position := l.position()
	for l.bytes > maxBytes {
		l.forget()
	}
	return position
}

// expire forgets the events that were sent before.
func (l *eventLog) expire(before time.Duration) {
	for len(l.events) > 0 && l.events[0].at < before {
		l.forget()
	}
}

func (l *eventLog) forget() {
	l.bytes -= l.events[0].cost
	l.events[0] = nil
	l.events = l.events[1:]
	l.lost++
	if len(l.events) == 0 {
		l.events = nil
	}
}

// after copies events behind a position, which must not be lost, into dst and returns how many.
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

// putDigits writes a position to where the digits of an offset are.
func putDigits(at []byte, position uint64) {
	for i := len(zeroDigits) - 1; i >= 0; i-- {
		at[i] = digits[position&63]
		position >>= 6
	}
}

// parse returns the position of an offset. ok is false when it is none that this log gave out.
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
