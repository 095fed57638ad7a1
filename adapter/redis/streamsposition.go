package redis

import (
	"cmp"
	"math"
	"strconv"
	"strings"

	"github.com/gosocketio/socketio/internal/brokers"
)

// position is the id of an entry: the time in milliseconds and a number.
type position struct{ ms, seq uint64 }

// parsePosition parses an id of the form 123-4.
func parsePosition(s string) (p position, ok bool) {
	p.ms, p.seq, ok = brokers.ParsePosition[uint64](s, "-", 10)
	return p, ok
}

func (p position) String() string {
	return strconv.FormatUint(p.ms, 10) + "-" + strconv.FormatUint(p.seq, 10)
}

// next returns the position after p. Redis before 6.2 has no ranges that exclude their start.
func (p position) next() position {
	if p.seq++; p.seq == 0 {
		p.ms++
	}
	return p
}

// previous returns the position before p, which is not 0-0.
func (p position) previous() position {
	if p.seq--; p.seq == math.MaxUint64 {
		p.ms--
	}
	return p
}

func (p position) compare(q position) int {
	return cmp.Or(cmp.Compare(p.ms, q.ms), cmp.Compare(p.seq, q.seq))
}

// comparePositions compares two ids.
func comparePositions(a, b string) int {
	return brokers.ComparePositions(a, b, parsePosition, position.compare)
}

// seen recognises entries that a writer has sent twice: it cannot always know whether an entry has
// arrived. Each writer numbers its entries. Memory is bounded: about 1 KiB for each of the last
// 1,024 to 2,048 writers.
type seen struct {
	writers, old map[string]*window // when writers is full it becomes old
}

const (
	maxWriters = 1024
	// windowSize is twice the largest batch: what is sent twice is one batch.
	windowSize = 1024
)

// window is the numbers of one writer: the largest, and which of those below it were there.
type window struct {
	largest uint64
	had     [windowSize / 64]uint64
}

// again tells whether the value of a field seq was there before. Entries without it never were.
func (s *seen) again(sequence string) bool {
	dot := strings.LastIndexByte(sequence, '.')
	if dot < 1 || dot > 64 {
		return false
	}
	n, err := strconv.ParseUint(sequence[dot+1:], 10, 64)
	if err != nil {
		return false
	}
	name := sequence[:dot]
	w := s.writers[name]
	if w == nil {
		if w = s.old[name]; w == nil {
			w = new(window)
		}
		if s.writers == nil || len(s.writers) >= maxWriters {
			s.writers, s.old = make(map[string]*window), s.writers
		}
		s.writers[strings.Clone(name)] = w
	}
	return w.again(n)
}

func (w *window) again(n uint64) bool {
	switch {
	case n > w.largest:
		for i := w.largest + 1; i < n && i-w.largest <= windowSize; i++ {
			w.had[i/64%(windowSize/64)] &^= 1 << (i % 64)
		}
		w.largest = n
	case w.largest-n >= windowSize, w.had[n/64%(windowSize/64)]&(1<<(n%64)) != 0:
		return true
	}
	w.had[n/64%(windowSize/64)] |= 1 << (n % 64)
	return false
}
