package load

import (
	"bytes"
	"context"
	"fmt"
	"sync/atomic"
	"time"
)

// Broadcast has one connection send to all, itself included; the next message goes when all have the last one. An operation
// is a delivery.
func Broadcast(ctx context.Context, t *Target, o Options) (*Result, error) {
	o.Rooms = 1
	return fanOut(ctx, "broadcast", t, o, func(int) (join, event, want string) {
		event = `["broadcast",` + payload(o.Size) + `]`
		return "", event, event
	})
}

// Rooms spreads the connections over Options.Rooms rooms, in each of which one sends to all as in [Broadcast].
func Rooms(ctx context.Context, t *Target, o Options) (*Result, error) {
	o.Rooms = max(o.Rooms, 1)
	return fanOut(ctx, "rooms", t, o, func(room int) (join, event, want string) {
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
	got     atomic.Int64 // how many members have the message
	first   *histogram
	last    *histogram
}

func fanOut(ctx context.Context, name string, t *Target, o Options, messages func(room int) (join, event, want string)) (*Result, error) {
	r, err := begin(ctx, name, t, o)
	if err != nil {
		return nil, err
	}
	r.result.Size = o.Size
	conns, err := r.open(o.Conns)
	var first, last histogram
	if err == nil {
		groups := make([]*group, min(o.Rooms, len(conns)))
		for i := range groups {
			join, event, want := messages(i)
			groups[i] = r.group(conns[i], t.event("2", event), []byte("2"+t.namespace()+want), &first, &last)
			for j := i; j < len(conns) && err == nil; j += len(groups) {
				groups[i].size++
				if join != "" {
					err = conns[j].enter(join)
				}
				for k := 0; k < o.Joins && err == nil; k++ {
					err = conns[j].enter(fmt.Sprintf(`["join","own-%d-%d"]`, j, k))
				}
			}
		}
		if err == nil {
			r.each(conns, func(i int, c *Conn) error {
				g := groups[i%len(groups)]
				if g.sender == c {
					if err := g.send(); err != nil {
						return err
					}
				}
				return g.receive(c)
			})
			r.measure()
		}
	}
	r.result.First, r.result.Last = first.summary(), last.summary()
	return r.finish(err)
}

func (r *run) group(sender *Conn, frame, want []byte, first, last *histogram) *group {
	return &group{r: r, sender: sender, frame: frame, want: want, started: time.Now(), first: first, last: last}
}

// enter asks to join a room and waits for the answer.
func (c *Conn) enter(event string) error {
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
