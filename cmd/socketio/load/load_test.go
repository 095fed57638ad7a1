package load

import (
	"bytes"
	"math"
	"testing"
	"testing/iotest"
	"time"

	"github.com/gosocketio/socketio/internal/leak"
)

func TestMain(m *testing.M) { leak.Main(m) }

// What is added to a histogram comes out again within 1 %.
func TestHistogram(t *testing.T) {
	for _, d := range []time.Duration{0, time.Microsecond, 127 * time.Microsecond, 128 * time.Microsecond, 1234567 * time.Microsecond, time.Hour} {
		var h histogram
		h.add(d)
		if got := h.quantile(.5); got > d || d-got > d/100 {
			t.Errorf("%v: got %v", d, got)
		}
	}
	var h histogram
	for i := range 1000 {
		h.add(time.Duration(i+1) * time.Millisecond)
	}
	got := h.summary()
	for _, q := range []struct{ got, want int64 }{{got.P50, 500_000}, {got.P90, 900_000}, {got.P99, 990_000}, {got.Max, 1_000_000}, {got.N, 1000}} {
		if q.got < q.want-q.want/50 || q.got > q.want+q.want/50 {
			t.Errorf("got %+v", got)
		}
	}
	if (&histogram{}).summary() != nil {
		t.Error("an empty histogram has a summary")
	}
}

// The back-off stays within the bounds of the official client's.
func TestBackoff(t *testing.T) {
	for n, want := range []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 5 * time.Second, 5 * time.Second} {
		for range 100 {
			if d := backoff(n); d < want/2 || d > want+want/2 {
				t.Errorf("attempt %d: %v", n, d)
			}
		}
	}
	if d := backoff(math.MaxInt); d > 8*time.Second {
		t.Errorf("after many attempts: %v", d)
	}
}

// Frames are read at any chunking, small and large.
func TestFrames(t *testing.T) {
	var wire []byte
	sizes := []int{0, 1, 125, 126, 511, 512, 65_535, 65_536, 200_000}
	for _, n := range sizes {
		f := newFrame(opText, bytes.Repeat([]byte("x"), n))
		head := len(f) - n - 4
		f[1] &^= 0x80 // a server does not mask
		wire = append(append(wire, f[:head]...), f[head+4:]...)
	}
	in := frames{from: iotest.OneByteReader(bytes.NewReader(wire))}
	for _, n := range sizes {
		op, p, err := in.next()
		if err != nil || op != opText || len(p) != n {
			t.Fatalf("want %d bytes: got %d %d %v", n, op, len(p), err)
		}
	}
	in = frames{from: bytes.NewReader([]byte{0x82, 127, 0, 0, 0, 1, 0, 0, 0, 0})}
	if _, _, err := in.next(); err == nil {
		t.Error("a frame of 4 GB was taken")
	}
}

// bursts is a server that sends several frames at a time.
type bursts struct {
	burst, left []byte
	reads       int
}

func (b *bursts) Read(p []byte) (int, error) {
	if len(b.left) == 0 {
		b.left = b.burst
	}
	n := copy(p, b.left)
	b.left = b.left[n:]
	b.reads++
	return n, nil
}

// A burst is soon read at once: otherwise its messages are answered in pieces, which cost the server more.
func TestFramesOfBurst(t *testing.T) {
	const messages = 16
	frame := append([]byte{0x81, 71}, bytes.Repeat([]byte("x"), 71)...)
	server := &bursts{burst: bytes.Repeat(frame, messages)}
	in := frames{from: server, buf: make([]byte, smallBuffer)}
	before := 0
	for range 10 {
		before = server.reads
		for range messages {
			if _, p, err := in.next(); err != nil || len(p) != 71 {
				t.Fatal(len(p), err)
			}
		}
	}
	if n := server.reads - before; n != 1 {
		t.Errorf("%d reads for the last burst", n)
	}
}

// Replies may have an offset behind them; events of other names are none of the test's.
func TestReplies(t *testing.T) {
	want := []byte(`2/n,["echo","x"]`)
	for got, is := range map[string][2]bool{
		`2/n,["echo","x"]`:      {true, false},
		`2/n,["echo","x","o1"]`: {true, false},
		`2/n,["echo","y"]`:      {false, false},
		`2/n,["echo","x",1]`:    {false, false},
		`2/n,["auth",{}]`:       {false, true},
		`3/n,1["x"]`:            {false, false},
	} {
		if r, f := isReply([]byte(got), want), foreign([]byte(got), want); r != is[0] || f != is[1] {
			t.Errorf("%s: reply %v, foreign %v", got, r, f)
		}
	}
	for m, want := range map[string]string{`2["a","off"]`: "off", `2["a",1]`: "", `31["x"]`: "", "": "", `51-["a",{},"off"]`: "off"} {
		if got := offset([]byte(m)); got != want {
			t.Errorf("offset of %s: %q", m, got)
		}
	}
}
