package adaptertest

import (
	"bytes"
	"errors"
	"slices"
	"time"

	"github.com/gosocketio/socketio"
)

// answering has each client answer one event with its number and some bytes.
func (c *cluster) answering(event string, who ...int) {
	for _, i := range who {
		go func() {
			m, err := c.clients[i].Receive(c.ctx, event)
			if err == nil {
				err = m.Ack(i, "a second value is not carried")
			}
			if err != nil {
				c.Error(err)
			}
		}()
	}
}

func broadcastWithAck(c *cluster) {
	c.answering("test", c.all()...)
	var got []int
	for reply, err := range c.servers[0].EmitWithAck(c.ctx, "test", []byte{1}) {
		var i int
		if err := errors.Join(err, reply.Decode(&i)); err != nil {
			c.Fatal(err)
		}
		got = append(got, i)
	}
	slices.Sort(got)
	if !slices.Equal(got, c.all()) {
		c.Errorf("answers of %v", got)
	}

	for i := range c.clients {
		go func() {
			m, err := c.clients[i].Receive(c.ctx, "binary")
			if err == nil {
				var sent []byte
				err = errors.Join(m.Decode(&sent), m.Ack(append(sent, byte(i))))
			}
			if err != nil {
				c.Error(err)
			}
		}()
	}
	n := 0
	for reply, err := range c.servers[c.last()].EmitWithAck(c.ctx, "binary", []byte{9}) {
		var data []byte
		if err := errors.Join(err, reply.Decode(&data)); err != nil || !bytes.HasPrefix(data, []byte{9}) || len(data) != 2 {
			c.Fatalf("got %v, %v", data, err)
		}
		n++
	}
	if n != len(c.clients) {
		c.Errorf("%d answers", n)
	}
}

func broadcastWithAckOfNobody(c *cluster) {
	for reply, err := range c.servers[0].To("nobody's").EmitWithAck(c.ctx, "test") {
		c.Errorf("got %v, %v", reply.Args(), err)
	}
	c.want(nil, "")
}

// missingTime is how long a test waits for an answer that does not come. The others come within it, also on
// a busy machine.
const missingTime = time.Second

func broadcastWithAckMissing(c *cluster) {
	c.answering("test", c.all(c.last())...)
	n, last := 0, error(nil)
	for _, err := range c.servers[0].Timeout(missingTime).EmitWithAck(c.ctx, "test") {
		if err == nil {
			n++
		}
		last = err
	}
	var missing *socketio.MissingError
	if n != len(c.clients)-1 || !errors.Is(last, socketio.ErrTimeout) ||
		!errors.As(last, &missing) || missing.Missing != 1 {
		c.Errorf("%d answers, %v", n, last)
	}
}

func oneAck(c *cluster) {
	for i := range c.clients {
		c.answering("test", i)
		found := false
		for s, err := range c.servers[0].In(c.sockets[i].ID()).FetchSockets(c.ctx) {
			if err != nil {
				c.Fatal(err)
			}
			found = true
			reply, err := s.EmitWithAck(c.ctx, "test")
			var n int
			if err := errors.Join(err, reply.Decode(&n)); err != nil || n != i {
				c.Errorf("client %d answered %d, %v", i, n, err)
			}
		}
		if !found {
			c.Errorf("socket %d is not found", i)
		}
	}
}
