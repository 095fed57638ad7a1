package load

import (
	"bytes"
	"context"
	"fmt"
	"sync/atomic"
	"time"
)

// Broadcast has one connection send to all, itself included: Options.Outstanding messages in one write, and the next ones when
// all have the last. An operation is a delivery.
func Broadcast(ctx context.Context, t *Target, o Options) (*Result, error) {
	o.Rooms = 1
	return fanOut(ctx, "broadcast", t, o, []handler{t.broadcastHandler()}, func(int) (join, event, want string) {
		event = `["broadcast",` + payload(o.Size) + `]`
		return "", event, event
	})
}

// Rooms spreads the connections over Options.Rooms rooms, in each of which one sends to all as in [Broadcast].
func Rooms(ctx context.Context, t *Target, o Options) (*Result, error) {
	o.Rooms = max(o.Rooms, 1)
	return fanOut(ctx, "rooms", t, o, t.roomHandlers(), func(room int) (join, event, want string) {
		name := fmt.Sprintf(`"room-%d"`, room)
		return `["join",` + name + `]`, `["room",` + name + `,` + payload(o.Size) + `]`, `["room",` + payload(o.Size) + `]`
	})
}

// group is the connections that get each other's messages.
type group struct {
	r       *run
	sender  *Conn
	frame   []byte
	want    []byte
	size    int64
	pace    time.Duration // between messages; 0: as soon as the last has arrived everywhere
	started time.Time
	sent    atomic.Int64 // when, since started
	got     atomic.Int64 // how many have arrived at a member
	first   *histogram
	last    *histogram
}

func fanOut(ctx context.Context, name string, t *Target, o Options, handlers []handler, messages func(room int) (join, event, want string)) (*Result, error) {
	r, err := begin(ctx, name, t, o, handlers...)
	if err != nil {
		return nil, err
	}
	o.Outstanding = max(o.Outstanding, 1)
	r.result.Size, r.result.Outstanding = o.Size, o.Outstanding
	var first, last histogram
	groups := make([]*group, min(o.Rooms, o.Conns))
	joins := make([]string, len(groups))
	for i := range groups {
		join, event, want := messages(i)
		joins[i] = join
		groups[i] = r.group(bytes.Repeat(t.event("2", event), o.Outstanding), []byte("2"+t.namespace()+want), &first, &last)
		groups[i].size = int64((o.Conns - i + len(groups) - 1) / len(groups) * o.Outstanding)
	}
	var joined atomic.Int64
	ready := make(chan struct{})
	_, err = r.open(o.Conns, func(i int, c *Conn) error {
		g := groups[i%len(groups)]
		if i < len(groups) {
			g.sender = c
		}
		if err := r.enterAll(c, joins[i%len(groups)], i, o.Joins); err != nil {
			return err
		}
		if joined.Add(1) == int64(o.Conns) {
			close(ready)
		}
		return g.receive(c)
	})
	if err == nil {
		select {
		case <-ready:
		case <-r.ctx.Done():
		case <-time.After(t.Timeout):
			err = fmt.Errorf("load: %d of %d connections have joined their rooms", joined.Load(), o.Conns)
		}
	}
	for _, g := range groups {
		if err == nil && r.ctx.Err() == nil { // an interrupt may come before all have joined
			err = g.send()
		}
	}
	if err == nil {
		r.measure()
	}
	r.result.First, r.result.Last = first.summary(), last.summary()
	return r.finish(err)
}

func (r *run) group(frame, want []byte, first, last *histogram) *group {
	return &group{r: r, frame: frame, want: want, started: time.Now(), first: first, last: last}
}

// enterAll joins a room, "" for none, and so many rooms of the connection's own.
func (r *run) enterAll(c *Conn, join string, i, own int) error {
	if join != "" {
		if err := r.enter(c, join); err != nil {
			return err
		}
	}
	for k := range own {
		if err := r.enter(c, fmt.Sprintf(`["join","own-%d-%d"]`, i, k)); err != nil {
			return err
		}
	}
	return nil
}

// enter asks to join a room and waits for the answer.
func (r *run) enter(c *Conn, event string) error {
	return r.within(c, func() error {
		if err := c.Write(c.t.event("2", "0"+event)); err != nil {
			return err
		}
		for {
			_, m, err := c.Next()
			if err != nil {
				return err
			}
			if bytes.HasPrefix(m, []byte("3"+c.t.namespace()+"0[")) {
				return nil
			}
		}
	})
}

func (g *group) send() error {
	g.got.Store(0)
	g.sent.Store(int64(time.Since(g.started)))
	return g.sender.Write(g.frame)
}

// receive takes the group's messages until the run ends. Who gets the last copy has the next one sent.
func (g *group) receive(c *Conn) error {
	for {
		_, m, err := c.Next()
		if err != nil {
			return err
		}
		if !isReply(m, g.want) {
			if !foreign(m, g.want) {
				g.r.wrong(m)
			}
			continue
		}
		took := time.Since(g.started) - time.Duration(g.sent.Load())
		g.r.ops.Add(1)
		n := g.got.Add(1)
		if g.r.measuring.Load() {
			g.r.latency.add(took)
			if n == 1 {
				g.first.add(took)
			}
			if n == g.size {
				g.last.add(took)
			}
		}
		if n != g.size {
			continue
		}
		if g.pace > took {
			g.r.pause(g.pace - took)
		}
		if err := g.send(); err != nil && g.r.ctx.Err() == nil {
			return err
		}
	}
}
