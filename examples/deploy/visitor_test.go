//go:build linux

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"time"
)

// visitor is a client that behaves as the official one: it reconnects after 0.5 to 1.5 s, then after
// longer, keeps what it emits meanwhile, and asks for recovery. It emits numbers to a room of its own,
// and so gets them back.
type visitor struct {
	dial func(context.Context) (link, error)
	room string

	mu       sync.Mutex
	link     link // nil while it is not connected
	sent     int  // numbers that were given to the connection, or are kept
	kept     []string
	received []int
	downs    int             // connections that ended
	away     []time.Duration // how long each of them was replaced by no other
	fresh    int             // how often it came back as another socket
	sid, pid string
	offset   string
}

// live runs until ctx ends. ready is called when it is connected for the first time.
func (v *visitor) live(ctx context.Context, ready func(error)) {
	var lost time.Time
	for attempt := 0; ctx.Err() == nil; attempt++ {
		if !lost.IsZero() {
			delay := min(time.Second<<min(attempt, 3), 5*time.Second)
			pause(ctx, time.Duration((0.5+rand.Float64())*float64(delay)))
		}
		c, err := v.connect(ctx)
		if err != nil {
			if lost.IsZero() {
				ready(err)
				return
			}
			continue
		}
		v.mu.Lock()
		if lost.IsZero() {
			ready(nil)
		} else {
			v.away = append(v.away, time.Since(lost))
		}
		v.mu.Unlock()
		stop := context.AfterFunc(ctx, c.close)
		for err == nil {
			_, err = v.read(c)
		}
		stop()
		attempt, lost = -1, time.Now()
		v.mu.Lock()
		v.link = nil
		if ctx.Err() == nil {
			v.downs++
		}
		v.mu.Unlock()
		c.close()
	}
}

// pause waits, unless ctx ends.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// connect makes a connection, joins "/" and sends what was kept.
func (v *visitor) connect(ctx context.Context) (link, error) {
	l, err := v.dial(ctx)
	if err != nil {
		return nil, err
	}
	timeout := time.AfterFunc(dialTimeout, l.close)
	defer timeout.Stop()
	v.mu.Lock()
	hello := "40"
	if v.pid != "" {
		hello = fmt.Sprintf(`40{"pid":%q,"offset":%q}`, v.pid, v.offset)
	}
	v.mu.Unlock()
	err = l.send(hello)
	for connected := false; err == nil && !connected; {
		connected, err = v.read(l)
	}
	if err != nil {
		l.close()
		return nil, err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	for len(v.kept) > 0 && l.send(v.kept[0]) == nil {
		v.kept = v.kept[1:]
	}
	v.link = l
	return l, nil
}

// read reads packets, and tells whether the answer to CONNECT was among them.
func (v *visitor) read(l link) (connected bool, err error) {
	packets, err := l.next()
	for _, p := range packets {
		connected = v.take(p) || connected
	}
	return connected, err
}

// take takes a packet, and tells whether it is the answer to CONNECT.
func (v *visitor) take(packet string) (connected bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if answer, ok := strings.CutPrefix(packet, "40"); ok {
		var ids struct{ Sid, Pid string }
		_ = json.Unmarshal([]byte(answer), &ids)
		if v.sid != "" && v.sid != ids.Sid {
			v.fresh++
		}
		v.sid, v.pid = ids.Sid, ids.Pid
		return true
	}
	var event []any
	if json.Unmarshal([]byte(strings.TrimPrefix(packet, "42")), &event) == nil && len(event) == 3 && event[0] == "room" {
		n, _ := event[1].(float64)
		v.received = append(v.received, int(n))
		v.offset, _ = event[2].(string)
	}
	return false
}

// emit emits the next number, or keeps it until the visitor is connected.
func (v *visitor) emit() {
	v.mu.Lock()
	defer v.mu.Unlock()
	packet := fmt.Sprintf(`42["room",%q,%d]`, v.room, v.sent)
	v.sent++
	if v.link != nil && v.link.send(packet) == nil {
		return
	}
	v.kept = append(v.kept, packet)
	if v.link != nil { // the official client reconnects then, too
		v.link.close()
	}
}

// join joins the room.
func (v *visitor) join() error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.link == nil {
		return errors.New("not connected")
	}
	return v.link.send(`42["join",` + strconv.Quote(v.room) + `]`)
}

// has tells whether everything that was emitted has come back.
func (v *visitor) has() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return len(v.received) >= v.sent
}
