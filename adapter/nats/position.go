package nats

import (
	"cmp"
	"strconv"
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
	p.made, p.seq, ok = brokers.ParsePosition[uint64](s, ".", 36)
	return p, ok
}

func (p position) String() string {
	return strconv.FormatUint(p.made, 36) + "." + strconv.FormatUint(p.seq, 10)
}

func (p position) compare(q position) int {
	return cmp.Or(cmp.Compare(p.made, q.made), cmp.Compare(p.seq, q.seq))
}
