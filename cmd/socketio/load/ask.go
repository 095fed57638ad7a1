package load

import (
	"bytes"
	"context"
	"fmt"
	"time"
)

// Ask has one connection ask all, itself included, and again when the server has told how many answered. An operation is an
// acknowledgement.
func Ask(ctx context.Context, t *Target, o Options) (*Result, error) {
	r, err := begin(ctx, "ask", t, o, t.askHandler())
	if err != nil {
		return nil, err
	}
	r.result.Size = o.Size
	a := asking{
		run: r, ask: t.event("2", `1["ask-all",`+payload(o.Size)+`]`), question: []byte(`["ask",` + payload(o.Size) + `]`),
		all: fmt.Appendf(nil, "3%s1[%d]", t.namespace(), o.Conns),
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
	ask      []byte // frame of the first connection
	question []byte // what comes then, without its type and id
	all      []byte // the answer to ask
}

// answer acknowledges what the server asks until the run ends. The first connection asks for the next question.
func (a *asking) answer(c *Conn, first bool) error {
	asked := time.Now()
	if first {
		c.Queue(a.ask)
	}
	event, answer := []byte("2"+a.t.namespace()), "3"
	for {
		if err := c.Flush(); err != nil {
			return err
		}
		_, m, err := c.Next()
		if err != nil {
			return err
		}
		id, ok := bytes.CutSuffix(m, a.question)
		if id, isEvent := bytes.CutPrefix(id, event); ok && isEvent {
			a.ops.Add(1)
			c.Queue(a.t.event(answer, string(id)+"[]"))
			continue
		}
		switch {
		case first && bytes.Equal(m, a.all):
			now := time.Now()
			if a.measuring.Load() {
				a.latency.add(now.Sub(asked))
			}
			asked = now
			c.Queue(a.ask)
		case !foreign(m, event):
			a.wrong(m)
		}
	}
}
