package main

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/gosocketio/socketio/cmd/socketio/load"
)

// client is a Socket.IO client of a node. It records the numbers of the events "n" and acknowledges
// the others.
type client struct {
	conn *load.Conn
	seen func(number int32) // called for each event "n"; nil if nobody wants to know

	mu       sync.Mutex
	numbers  []int32
	arrivals []time.Time
	err      error // why the connection ended
}

func connect(ctx context.Context, n *node, seen func(number int32)) (*client, error) {
	t := &load.Target{URL: "http://" + n.address + "/socket.io/"}
	if err := t.Check(); err != nil {
		return nil, err
	}
	conn, err := t.Dial(ctx, "", nil)
	if err != nil {
		return nil, err
	}
	c := &client{conn: conn, seen: seen}
	go c.read()
	return c, nil
}

func (c *client) read() {
	for {
		_, m, err := c.conn.Next()
		now := time.Now()
		c.mu.Lock()
		if err != nil {
			c.err = err
			c.mu.Unlock()
			return
		}
		n, ok := number(m)
		if ok {
			c.numbers = append(c.numbers, n)
			c.arrivals = append(c.arrivals, now)
		}
		c.mu.Unlock()
		if ok && c.seen != nil {
			c.seen(n)
		}
		if id := ackID(m); id != nil {
			_ = c.conn.Write(ackFrame(id)) // when it fails, Next does too
		}
	}
}

// number reads the number of an event: 2["n",17,"…"].
func number(m []byte) (int32, bool) {
	rest, ok := bytes.CutPrefix(m, []byte(`2["n",`))
	if !ok {
		return 0, false
	}
	end := bytes.IndexAny(rest, ",]")
	if end < 0 {
		return 0, false
	}
	n, err := strconv.ParseInt(string(rest[:end]), 10, 32)
	return int32(n), err == nil
}

// ackID returns the digits of an event that wants an acknowledgement: 217["q"].
func ackID(m []byte) []byte {
	end := bytes.IndexByte(m, '[')
	if end < 2 || m[0] != '2' {
		return nil
	}
	return m[1:end]
}

// ackFrame is the masked text frame of an acknowledgement; its mask is zero.
func ackFrame(id []byte) []byte {
	text := slices.Concat([]byte("43"), id, []byte("[1]"))
	return append([]byte{0x81, 0x80 | byte(len(text)), 0, 0, 0, 0}, text...)
}

// has tells whether an event has arrived.
func (c *client) has(n int32) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Contains(c.numbers, n)
}

// tally is what became of the events 0 to sent-1.
type tally struct {
	lost, doubled, disorder int
	silence                 time.Duration // the longest time without an event, from a moment on
}

func (t tally) String() string {
	return fmt.Sprintf("%d lost, %d twice, %d out of order, silence %v",
		t.lost, t.doubled, t.disorder, t.silence.Round(time.Millisecond))
}

// tally counts what has arrived. The silence is counted from since on.
func (c *client) tally(sent int, since time.Time) tally {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := count(c.numbers, sent)
	last := since
	for _, at := range c.arrivals {
		if at.After(since) {
			t.silence = max(t.silence, at.Sub(last))
			last = at
		}
	}
	return t
}

// count compares what has arrived with 0 to sent-1. An event is out of order when a later one had
// arrived before it.
func count(numbers []int32, sent int) (t tally) {
	seen := make([]bool, sent)
	newest := int32(-1)
	for _, n := range numbers {
		switch {
		case n < 0 || int(n) >= sent || seen[n]:
			t.doubled++
			continue
		case n < newest:
			t.disorder++
		}
		seen[n] = true
		newest = max(newest, n)
	}
	for _, s := range seen {
		if !s {
			t.lost++
		}
	}
	return t
}
