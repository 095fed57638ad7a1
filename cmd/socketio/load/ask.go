package load

import (
	"bytes"
	"context"
	"fmt"
	"time"
)

// Ask has one connection ask all, itself included, and again when the server has told how many answered. An
// operation is an acknowledgement.
func Ask(ctx context.Context, t *Target, o Options) (*Result, error) {
	r, err := begin(ctx, "ask", t, o, t.askHandler())
	if err != nil {
		return nil, err
	}
	r.result.Size = o.Size
	a := asking{
		run:      r,
		ask:      t.event("2", `1["ask-all",`+payload(o.Size)+`]`),
		all:      fmt.Appendf(nil, "3%s1[%d]", t.namespace(), o.Conns),
		event:    []byte("2" + t.namespace()),
		question: []byte(`["ask",` + payload(o.Size) + `]`),
	}
	conns, err := r.open(o.Conns, nil)
	if err == nil {
		r.each(conns, func(i int, c *Conn) error { return a.answer(c, i == 0) })
		r.measure()
	}
	return r.finish(err)
}

type asking struct {
	*run
	ask             []byte // the frame that the first connection sends
	all             []byte // the answer to it
	event, question []byte // what a question begins and ends with; its id is between them
}

// answer acknowledges what the server asks until the run ends. The first connection asks for the next question.
func (a *asking) answer(c *Conn, first bool) error {
	asked := time.Now()
	if first {
		c.Queue(a.ask)
	}
	for {
		if err := c.Flush(); err != nil {
			return err
		}
		_, m, err := c.Next()
		if err != nil {
			return err
		}
		switch id, ok := bytes.CutSuffix(m, a.question); {
		case ok && bytes.HasPrefix(id, a.event):
			a.ops.Add(1)
			c.Queue(a.t.event("3", string(id[len(a.event):])+"[]"))
		case first && bytes.Equal(m, a.all):
			now := time.Now()
			if a.measuring.Load() {
				a.latency.add(now.Sub(asked))
			}
			asked = now
			c.Queue(a.ask)
		case !foreign(m, a.all):
			a.wrong(m)
		}
	}
}
