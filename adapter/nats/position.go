package nats

import (
	"cmp"
	"strconv"
	"strings"
	"time"

	"github.com/gosocketio/socketio/internal/brokers"
)

// position is where a message is in the stream: its sequence, and when the stream was made, because
// another one of that name counts from 1 again.
type position struct{ made, seq uint64 }

// madeAt returns the first part of a position, in milliseconds.
func madeAt(created time.Time) uint64 { return uint64(created.UnixMilli()) }

// parsePosition parses the form that String gives.
func parsePosition(s string) (p position, ok bool) {
	made, seq, found := strings.Cut(s, ".")
	if !found {
		return position{}, false
	}
	var err1, err2 error
	p.made, err1 = strconv.ParseUint(made, 36, 64)
	p.seq, err2 = strconv.ParseUint(seq, 10, 64)
	return p, err1 == nil && err2 == nil
}

func (p position) String() string {
	return strconv.FormatUint(p.made, 36) + "." + strconv.FormatUint(p.seq, 10)
}

func (p position) compare(q position) int {
	return cmp.Or(cmp.Compare(p.made, q.made), cmp.Compare(p.seq, q.seq))
}

// comparePositions compares two positions. What is no position is before all of them.
func comparePositions(a, b string) int {
	return brokers.ComparePositions(a, b, parsePosition, position.compare)
}
