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

	"github.com/gosocketio/socketio/internal/rawclient"
)

// visitor is a client that behaves as the official one: it reconnects after 0.5 to 1.5 s, then after
// longer, keeps what it emits meanwhile, and asks for recovery. It emits numbers to a room of its own,
// and so gets them back.
type visitor struct {
	e    *rawclient.Endpoint
	room string

	mu       sync.Mutex
	conn     *rawclient.Conn // nil while it is not connected
	sent     int             // numbers that were given to the connection, or are kept
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
		stop := context.AfterFunc(ctx, c.Close)
		for err == nil {
			var packet string
			packet, _, err = c.Next()
			v.take(packet)
		}
		stop()
		attempt, lost = -1, time.Now()
		v.mu.Lock()
		v.conn = nil
		if ctx.Err() == nil {
			v.downs++
		}
		v.mu.Unlock()
		c.Close()
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
func (v *visitor) connect(ctx context.Context) (*rawclient.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	c, err := v.e.Dial(ctx, "EIO=4&transport=websocket", nil)
	if err != nil {
		return nil, err
	}
	defer context.AfterFunc(ctx, c.Close)()
	v.mu.Lock()
	hello := "40"
	if v.pid != "" {
		hello = fmt.Sprintf(`40{"pid":%q,"offset":%q}`, v.pid, v.offset)
	}
	v.mu.Unlock()
	err = c.TrySend(hello)
	for connected := false; err == nil && !connected; {
		var packet string
		packet, _, err = c.Next() // first the open packet
		connected = v.take(packet)
	}
	if err != nil {
		c.Close()
		return nil, err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	for len(v.kept) > 0 && c.TrySend(v.kept[0]) == nil {
		v.kept = v.kept[1:]
	}
	v.conn = c
	return c, nil
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
	if v.conn == nil || v.conn.TrySend(packet) != nil {
		v.kept = append(v.kept, packet)
	}
}

// join joins the room.
func (v *visitor) join() error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.conn == nil {
		return errors.New("not connected")
	}
	return v.conn.TrySend(`42["join",` + strconv.Quote(v.room) + `]`)
}

// has tells whether everything that was emitted has come back.
func (v *visitor) has() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return len(v.received) >= v.sent
}
