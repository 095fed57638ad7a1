package adaptertest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/gosocketio/socketio"
)

// listening has servers note the server-side events that they get.
func (c *cluster) listening(event string) <-chan int {
	heard := make(chan int, 10)
	for i, s := range c.servers {
		s.OnServerSideEmit(event, func(e *socketio.ServerSideEvent) error {
			var n int
			var data []byte
			if err := e.Decode(&n, &data); err != nil || n != 1 || !bytes.Equal(data, []byte{2}) {
				c.Errorf("server %d got %v, %v", i, e.Args(), err)
			}
			heard <- i
			return nil
		})
	}
	return heard
}

func serverSideEmit(c *cluster) {
	heard, done := c.listening("hello"), c.listening("done")
	c.do(c.servers[0].ServerSideEmit("hello", 1, []byte{2}))
	c.do(c.servers[c.last()].ServerSideEmit("done", 1, []byte{2})) // reaches the first, if there is another
	var got []int
	for range len(c.servers) - 1 {
		got = append(got, get(c, heard))
		get(c, done)
	}
	slices.Sort(got)
	if !slices.Equal(got, c.all(0)) || len(heard) != 0 {
		c.Errorf("heard by %v", got)
	}
}

func serverSideEmitWithAck(c *cluster) {
	for i, s := range c.servers {
		s.OnServerSideEmit("number", func(e *socketio.ServerSideEvent) error { return e.Ack([]any{i, []byte{byte(i)}}) })
	}
	var got []string
	for reply, err := range c.servers[0].ServerSideEmitWithAck(c.ctx, "number") {
		if err != nil {
			c.Fatal(err)
		}
		got = append(got, fmt.Sprint(reply.Args()...))
	}
	slices.Sort(got)
	var want []string
	for _, i := range c.all(0) {
		want = append(want, fmt.Sprintf("[%d [%d]]", i, i))
	}
	if !slices.Equal(got, want) {
		c.Errorf("got %q, want %q", got, want)
	}
}

func serverSideEmitMissing(c *cluster) {
	for i, s := range c.servers {
		s.OnServerSideEmit("number", func(e *socketio.ServerSideEvent) error {
			if i == c.last() {
				return nil // no answer
			}
			return e.Ack(i)
		})
	}
	ctx, cancel := context.WithTimeout(c.ctx, missingTime)
	defer cancel()
	n, last := 0, error(nil)
	for _, err := range c.servers[0].ServerSideEmitWithAck(ctx, "number") {
		if err == nil {
			n++
		}
		last = err
	}
	var missing *socketio.MissingError
	switch {
	case len(c.servers) == 1:
		if n != 0 || last != nil {
			c.Errorf("%d answers, %v", n, last)
		}
	case n != len(c.servers)-2 || !errors.As(last, &missing) || missing.Missing != 1:
		c.Errorf("%d answers, %v", n, last)
	}
}

func serverLeaves(c *cluster) {
	if len(c.servers) == 1 {
		return
	}
	asked, gone := make(chan struct{}), make(chan struct{})
	for i, s := range c.servers {
		s.OnServerSideEmit("number", func(e *socketio.ServerSideEvent) error {
			if i == c.last() {
				close(asked)
				return nil
			}
			return e.Ack(i)
		})
	}
	go func() {
		defer close(gone)
		<-asked
		if err := c.servers[c.last()].Shutdown(c.ctx); err != nil {
			c.Error(err)
		}
	}()
	began := time.Now()
	n := 0
	for _, err := range c.servers[0].ServerSideEmitWithAck(c.ctx, "number") {
		if err != nil {
			c.Error(err)
		}
		n++
	}
	if n != len(c.servers)-2 || time.Since(began) > patience/2 {
		c.Errorf("%d answers after %v", n, time.Since(began))
	}
	// It is not there any more, for anybody.
	for i := range c.last() {
		c.await("the server is forgotten", func() bool {
			known, err := c.adapters[i].ServerCount(c.ctx)
			return err == nil && known == len(c.servers)-1
		})
	}
	ids, err := c.servers[0].AllSockets(c.ctx)
	if err != nil || len(ids) != len(c.sockets)-1 {
		c.Errorf("%d sockets, %v", len(ids), err)
	}
	<-gone
}
