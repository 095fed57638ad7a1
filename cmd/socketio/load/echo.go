package load

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"time"
)

// payload is what messages carry: a JSON string of n characters, with its quotes.
func payload(n int) string { return `"` + strings.Repeat("x", n) + `"` }

// payload is the payload of a message: a string, or an object of about Size bytes. Its keys are sorted and its numbers
// short, so that every server sends it back as it came.
func (o *Options) payload() string {
	if !o.Object {
		return payload(o.Size)
	}
	b := []byte(`{"rows":[`)
	for i := 0; len(b) < o.Size-60; i++ {
		b = fmt.Appendf(b, `{"id":%d,"name":"user %d","ok":true,"score":%d.5,"tags":["a","b"]},`, i, i, i)
	}
	return string(b) + "null]}"
}

// exchange is a message and what must come back.
type exchange struct {
	send    []byte   // frames
	replies [][]byte // messages; the last may have an offset behind it
}

// Echo keeps Options.Outstanding messages of Options.Size on their way on each connection: each that comes back is followed by
// the next. An operation is a message that came back.
func Echo(ctx context.Context, t *Target, o Options) (*Result, error) {
	return pingPong(ctx, "echo", t, o, t.echoHandler(), func() exchange {
		event := `["echo",` + o.payload() + `]`
		return exchange{t.event("2", event), [][]byte{[]byte("2" + t.namespace() + event)}}
	})
}

// Ack is [Echo] with acknowledgements.
func Ack(ctx context.Context, t *Target, o Options) (*Result, error) {
	return pingPong(ctx, "ack", t, o, t.ackHandler(), func() exchange {
		return exchange{
			t.event("2", `1["ack",`+o.payload()+`]`),
			[][]byte{[]byte("3" + t.namespace() + "1[" + o.payload() + "]")},
		}
	})
}

// Binary is [Echo] with one binary attachment, of Options.Size bytes.
func Binary(ctx context.Context, t *Target, o Options) (*Result, error) {
	return pingPong(ctx, "binary", t, o, t.binaryHandler(), func() exchange {
		data := bytes.Repeat([]byte{0xa5}, o.Size)
		event := `["bin",{"_placeholder":true,"num":0}]`
		return exchange{
			append(t.event("51-", event), t.binary(data)...),
			[][]byte{[]byte("51-" + t.namespace() + event), data},
		}
	})
}

func pingPong(ctx context.Context, name string, t *Target, o Options, h handler, message func() exchange) (*Result, error) {
	o.Outstanding = max(o.Outstanding, 1)
	r, err := begin(ctx, name, t, o, h)
	if err != nil {
		return nil, err
	}
	r.result.Outstanding, r.result.Size = o.Outstanding, o.Size
	conns, err := r.open(o.Conns, nil)
	if err == nil {
		x := message()
		r.each(conns, func(_ int, c *Conn) error { return r.converse(c, x) })
		r.measure()
	}
	return r.finish(err)
}

// converse exchanges messages until the run ends.
func (r *run) converse(c *Conn, x exchange) error {
	sent := make([]time.Time, r.o.Outstanding) // in the order of the replies
	for i := range sent {
		sent[i] = time.Now()
		c.Queue(x.send)
	}
	for i := 0; ; i = (i + 1) % len(sent) {
		for _, want := range x.replies {
			if err := r.expect(c, want); err != nil {
				return err
			}
		}
		now := time.Now()
		r.ops.Add(1)
		if r.measuring.Load() {
			r.latency.add(now.Sub(sent[i]))
		}
		sent[i] = now
		c.Queue(x.send)
	}
}

// expect takes the next message, which should be want.
func (r *run) expect(c *Conn, want []byte) error {
	for {
		if err := c.Flush(); err != nil {
			return err
		}
		_, m, err := c.Next()
		if err != nil {
			return err
		}
		if isReply(m, want) {
			return nil
		}
		if !foreign(m, want) {
			r.wrong(m)
			return nil
		}
	}
}

// foreign tells whether a message is an event of another name than the expected one: many servers greet their clients.
func foreign(got, want []byte) bool {
	if len(got) == 0 || got[0] != '2' {
		return false
	}
	start := bytes.Index(want, []byte(`["`))
	if start < 0 || want[0] == '3' {
		return true
	}
	name := want[:start+2+bytes.IndexByte(want[start+2:], '"')+1]
	name = append([]byte("2"), name[1:]...)
	return !bytes.HasPrefix(got, name)
}

// isReply tells whether a message is the expected one, perhaps with the offset behind it that servers with connection state
// recovery add.
func isReply(got, want []byte) bool {
	if bytes.Equal(got, want) {
		return true
	}
	open := len(want) - 1
	return len(got) > len(want) && want[open] == ']' && bytes.Equal(got[:open], want[:open]) && bytes.HasPrefix(got[open:], []byte(`,"`))
}
