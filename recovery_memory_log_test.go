package socketio

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/gosocketio/socketio/engineio"
)

// A trail against a set: it never errs behind from, and stays small.
func TestTrail(t *testing.T) {
	for seed := range uint64(50) {
		random := rand.New(rand.NewPCG(seed, 3))
		start := random.Uint64N(1 << 40)
		tr := newPositionSet(start)
		in := map[uint64]bool{}
		position := start
		for range random.IntN(3000) {
			position += 1 + random.Uint64N(4)*random.Uint64N(1+seed)
			tr.add(position)
			in[position] = true
			if len(tr.older) > maxPositionBytes {
				t.Fatalf("%d bytes", len(tr.older))
			}
		}
		if seed == 0 && tr.from != start {
			t.Errorf("a single run is forgotten")
		}
		reader := tr.reader()
		step := 1 + random.Uint64N(2)
		for p := tr.from + 1; p < position+10; p += step {
			if got := reader.has(p); got != in[p] {
				t.Fatalf("seed %d: has(%d) is %v; the trail is from %d", seed, p, got, tr.from)
			}
		}
	}
}

func TestEventLog(t *testing.T) {
	l := eventLog{epoch: newEpoch()}
	shared := offsetEvent{frames: make([]byte, 100), unit: engineio.Prepare(make([]byte, 100))}
	for i := range uint64(10) {
		if l.add(shared, []string{"r"}, nil, 5, 1000); l.position() != i+1 {
			t.Fatalf("position %d, want %d", l.position(), i+1)
		}
	}
	if l.lost != 7 || l.count != 3 || l.bytes != 3*(100+loggedEventOverhead+17) {
		t.Errorf("lost %d, %d events of %d bytes", l.lost, l.count, l.bytes)
	}
	var some [2]loggedEvent
	for position, want := range map[uint64]int{7: 2, 8: 2, 9: 1, 10: 0} {
		if got := l.after(position, some[:]); got != want {
			t.Errorf("%d events after %d, want %d", got, position, want)
		}
	}
	l.expire(5)
	if l.count != 3 {
		t.Error("expired too early")
	}
	l.expire(6)
	if l.count != 0 || l.bytes != 0 || l.position() != 10 {
		t.Errorf("position %d, %d events of %d bytes", l.position(), l.count, l.bytes)
	}
}

// What the log packs together is what was added, whatever was dropped before it.
func TestEventLogPacks(t *testing.T) {
	l := eventLog{epoch: newEpoch()}
	random := rand.New(rand.NewPCG(1, 2))
	frames := make([]byte, maxPackedEvent)
	sizes := []int{0} // by position
	for position := range uint64(5000) {
		n := 1 + random.IntN(maxPackedEvent)
		sizes = append(sizes, n)
		for i := range frames[:n] {
			frames[i] = byte(position + 1)
		}
		l.add(offsetEvent{frames: frames[:n]}, nil, nil, time.Duration(position), 60_000)
		if random.IntN(1000) == 0 {
			l.expire(time.Duration(position - uint64(random.IntN(3))))
		}
	}
	events := make([]loggedEvent, 1000)
	events = events[:l.after(l.lost, events)]
	if len(events) != l.count || len(events) < 60 {
		t.Fatalf("%d events, the log has %d", len(events), l.count)
	}
	for i := range events {
		position := l.lost + 1 + uint64(i)
		want := bytes.Repeat([]byte{byte(position)}, sizes[position])
		if !bytes.Equal(events[i].frames, want) {
			t.Fatalf("position %d is %d bytes of %d, want %d", position, len(events[i].frames), events[i].frames[0], len(want))
		}
	}
	if most := l.count/len(logBlock{}) + 2; len(l.blocks) > most {
		t.Errorf("%d blocks for %d events", len(l.blocks), l.count)
	}
}

func TestOffset(t *testing.T) {
	l := eventLog{epoch: newEpoch(), lost: 1<<48 - 1}
	for _, position := range []uint64{0, 1, 63, 64, 1 << 30, 1<<48 - 1} {
		at := make([]byte, len(zeroDigits))
		putDigits(at, position)
		if got, ok := l.parse(l.epoch + string(at)); got != position || !ok {
			t.Errorf("%d became %d, %v", position, got, ok)
		}
	}
	l.lost = 7
	for _, offset := range []string{"", l.epoch, l.epoch + "AAAAAAAI", l.epoch + "AAAAAA=H", l.epoch + "AAAAAAAAH",
		"x" + l.epoch[1:] + "AAAAAAAH", strings.Repeat("é", 7)} {
		if offset[:min(len(offset), epochLen)] == l.epoch && len(offset) == offsetLen && offset[offsetLen-2:] == "AH" {
			continue
		}
		if got, ok := l.parse(offset); ok {
			t.Errorf("%q is %d", offset, got)
		}
	}
}

func TestConcerns(t *testing.T) {
	in := map[string]struct{}{"a": {}, "b": {}}
	for _, c := range []struct {
		rooms, except []string
		want          bool
	}{
		{nil, nil, true},
		{[]string{"x", "b"}, nil, true},
		{[]string{"x"}, nil, false},
		{nil, []string{"a"}, false},
		{[]string{"a"}, []string{"b"}, false},
		{[]string{"a"}, []string{"x"}, true},
	} {
		if got := targetsMember(c.rooms, c.except, in); got != c.want {
			t.Errorf("to %q except %q: %v", c.rooms, c.except, got)
		}
	}
}
