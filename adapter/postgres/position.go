package postgres

import (
	"cmp"
	"strconv"

	"github.com/gosocketio/socketio/internal/brokers"
)

// position is where a message is in the log: its number, and when the log was begun, because another one
// counts from 1 again. Numbers have no gaps: the next one is missing only if it was deleted.
type position struct{ made, seq int64 }

// parsePosition parses the form that String gives.
func parsePosition(s string) (p position, ok bool) {
	p.made, p.seq, ok = brokers.ParsePosition[int64](s, ".", 10)
	return p, ok
}

func (p position) String() string {
	return strconv.FormatInt(p.made, 10) + "." + strconv.FormatInt(p.seq, 10)
}

func (p position) compare(q position) int {
	return cmp.Or(cmp.Compare(p.made, q.made), cmp.Compare(p.seq, q.seq))
}
