package postgres

import (
	"cmp"
	"strconv"
	"strings"

	"github.com/gosocketio/socketio/internal/brokers"
)

// position is where a message is in the log: its number, and when the log was begun, because another one
// counts from 1 again. Numbers have no gaps: the next one is missing only if it was deleted.
type position struct{ made, seq int64 }

// parsePosition parses the form that String gives.
func parsePosition(s string) (p position, ok bool) {
	made, seq, found := strings.Cut(s, ".")
	if !found {
		return position{}, false
	}
	var err1, err2 error
	p.made, err1 = strconv.ParseInt(made, 10, 64)
	p.seq, err2 = strconv.ParseInt(seq, 10, 64)
	return p, err1 == nil && err2 == nil && p.made >= 0 && p.seq >= 0
}

func (p position) String() string {
	return strconv.FormatInt(p.made, 10) + "." + strconv.FormatInt(p.seq, 10)
}

func (p position) compare(q position) int {
	return cmp.Or(cmp.Compare(p.made, q.made), cmp.Compare(p.seq, q.seq))
}

// comparePositions compares two positions. What is no position is before all of them.
func comparePositions(a, b string) int {
	return brokers.ComparePositions(a, b, parsePosition, position.compare)
}
