package adaptertest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/siotest"
)

func broadcast(c *cluster) {
	c.do(c.servers[0].Emit("test", 1, "2", []byte{3, 4}, map[string]any{"é": []any{[]byte{5}, nil, true}}))
	c.want(c.all(), "test", 1, "2", []byte{3, 4}, map[string]any{"é": []any{[]byte{5}, nil, true}})
	c.do(c.servers[c.last()].Emit("empty"))
	c.want(c.all(), "empty")
	c.do(c.servers[0].Emit("large", int64(1)<<60, 1.5))
	c.want(c.all(), "large", float64(int64(1)<<60), 1.5)
}

func broadcastElsewhere(c *cluster) {
	var others []*siotest.Client
	for i := range c.servers {
		others = append(others, c.connect(i, "/custom"))
	}
	c.do(c.servers[0].Of("/custom").Emit("test"), c.servers[0].Of("/custom").Emit("end"))
	for _, client := range others {
		for _, event := range []string{"test", "end"} {
			m, err := client.Next(c.ctx)
			if err != nil || m.Event() != event {
				c.Fatalf("got %v, %v; want %s", m, err, event)
			}
		}
	}
	c.want(nil, "")
}

func broadcastToRooms(c *cluster) {
	last := c.last()
	c.sockets[last].Join("room1")
	c.do(c.servers[0].To("room1").Emit("test"))
	c.want([]int{last}, "test")
	c.do(c.servers[0].To("room1", c.sockets[last].ID(), c.sockets[0].ID(), "nobody's").Emit("once"))
	c.want([]int{0, last}, "once")
	c.do(c.sockets[last].To("room1").Emit("not me"))
	c.want(nil, "")
	c.do(c.servers[0].To("nobody's").Emit("never"))
	c.want(nil, "")
}

func broadcastExcept(c *cluster) {
	last := c.last()
	c.sockets[last].Join("room1")
	c.do(c.servers[0].Except("room1").Emit("test"))
	c.want(c.all(last), "test")
	c.do(c.servers[0].To(c.sockets[0].ID(), "room1").Except(c.sockets[0].ID()).Emit("test"))
	if last == 0 {
		c.want(nil, "")
	} else {
		c.want([]int{last}, "test")
	}
}

func broadcastLocal(c *cluster) {
	c.do(c.servers[0].Local().Emit("test"), c.servers[0].Local().SocketsJoin("here"), c.servers[0].To("here").Emit("joined"))
	if m, err := c.clients[0].Next(c.ctx); err != nil || m.Event() != "test" {
		c.Fatalf("got %v, %v", m, err)
	}
	c.want([]int{0}, "joined")
}

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

func broadcastWithAckMissing(c *cluster) {
	c.answering("test", c.all(c.last())...)
	n, last := 0, error(nil)
	for _, err := range c.servers[0].Timeout(300*time.Millisecond).EmitWithAck(c.ctx, "test") {
		if err == nil {
			n++
		}
		last = err
	}
	var missing *socketio.MissingError
	if n != len(c.clients)-1 || !errors.As(last, &missing) || missing.Missing != 1 || !errors.Is(last, socketio.ErrTimeout) {
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

// in waits until these sockets, and no others, are in a room.
func (c *cluster) in(room string, who ...int) {
	c.Helper()
	c.await(fmt.Sprintf("%v are in %s", who, room), func() bool {
		for i, s := range c.sockets {
			if slices.Contains(s.Rooms(), room) != slices.Contains(who, i) {
				return false
			}
		}
		return true
	})
}

func socketsJoin(c *cluster) {
	last := c.last()
	c.do(c.servers[0].SocketsJoin("everybody", "twice"))
	c.in("everybody", c.all()...)
	c.in("twice", c.all()...)
	c.sockets[last].Join("room1")
	c.do(c.servers[0].In("room1").SocketsJoin("room2"))
	c.in("room2", last)
	c.do(c.servers[0].In(c.sockets[last].ID()).SocketsJoin("room3"))
	c.in("room3", last)
	c.do(c.servers[0].Except("room3").SocketsJoin("room4"))
	c.in("room4", c.all(last)...)
}

func socketsLeave(c *cluster) {
	last := c.last()
	for _, s := range c.sockets {
		s.Join("a", "b", "c", "d")
	}
	c.sockets[last].Join("room1")
	c.do(c.servers[0].SocketsLeave("a", "b"))
	c.in("a")
	c.in("b")
	c.do(c.servers[0].In("room1").SocketsLeave("c"))
	c.in("c", c.all(last)...)
	c.do(c.servers[0].In(c.sockets[last].ID()).SocketsLeave("d"))
	c.in("d", c.all(last)...)
}

func socketsDisconnect(c *cluster) {
	c.do(c.servers[0].Emit("before"), c.servers[0].DisconnectSockets(true))
	for i, client := range c.clients {
		if m, err := client.Next(c.ctx); err != nil || m.Event() != "before" {
			c.Errorf("client %d got %v, %v", i, m, err)
		}
		select {
		case <-client.Done():
		case <-c.ctx.Done():
			c.Fatalf("client %d stays", i)
		}
		if client.Reason() != siotest.ReasonServerDisconnect {
			c.Errorf("client %d was told %q", i, client.Reason())
		}
		select {
		case <-client.Conn().Done():
		case <-c.ctx.Done():
			c.Fatalf("the connection of client %d stays", i)
		}
	}
}

var sharedKey = socketio.NewSharedKey[map[string]int]("shared")

func socketsFetched(c *cluster) {
	last := c.last()
	fetch := func(o socketio.Operator) (ids []string) {
		for s, err := range o.FetchSockets(c.ctx) {
			if err != nil {
				c.Fatal(err)
			}
			ids = append(ids, s.ID())
		}
		slices.Sort(ids)
		return ids
	}
	var want []string
	for _, s := range c.sockets {
		want = append(want, s.ID())
	}
	slices.Sort(want)
	if got := fetch(c.servers[0].Except()); !slices.Equal(got, want) {
		c.Errorf("got %q, want %q", got, want)
	}
	if got := fetch(c.servers[0].Local()); !slices.Equal(got, []string{c.sockets[0].ID()}) {
		c.Errorf("here: got %q", got)
	}
	if got := fetch(c.servers[0].In("nobody's")); len(got) != 0 {
		c.Errorf("nobody: got %q", got)
	}

	s := c.sockets[last]
	s.Join("room1")
	sharedKey.Set(s, map[string]int{"n": 7})
	for r, err := range c.servers[0].In(s.ID()).FetchSockets(c.ctx) {
		if err != nil {
			c.Fatal(err)
		}
		if _, local := r.Local(); local != (last == 0) {
			c.Errorf("local is %v", local)
		}
		rooms := slices.Sorted(slices.Values(r.Rooms()))
		if want := slices.Sorted(slices.Values([]string{s.ID(), "room1"})); r.ID() != s.ID() || !slices.Equal(rooms, want) {
			c.Errorf("%s is in %q", r.ID(), rooms)
		}
		var auth struct{ From string }
		if err := r.Handshake().DecodeAuth(&auth); err != nil || auth.From != fmt.Sprint(last) {
			c.Errorf("auth %+v, %v", auth, err)
		}
		if v, ok := sharedKey.GetRemote(r); !ok || v["n"] != 7 {
			c.Errorf("data %v, %v", v, ok)
		}
		c.do(r.Join("room2"))
		c.in("room2", last)
		c.do(r.Leave("room2"))
		c.in("room2")
		c.do(r.Emit("direct", 1))
	}
	c.want([]int{last}, "direct", 1)
}

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
		got = append(got, <-heard)
		<-done
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
	ctx, cancel := context.WithTimeout(c.ctx, 300*time.Millisecond)
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
	asked := make(chan struct{})
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
}

// What one goroutine does arrives in that order, everywhere, and once.
func order(c *cluster) {
	const n = 300
	for i := range n {
		switch i % 3 {
		case 0:
			c.do(c.servers[0].Emit("e", i))
		case 1:
			c.do(c.servers[0].In("room").Emit("e", "nobody is there yet"), c.servers[0].SocketsJoin("room"), c.servers[0].To("room").Emit("e", i))
		case 2:
			c.do(c.servers[0].SocketsLeave("room"), c.servers[0].To("room").Emit("e", "nobody is there any more"), c.servers[0].Emit("e", i, []byte{byte(i)}))
		}
	}
	for i, client := range c.clients {
		for want := range n {
			m, err := client.Next(c.ctx)
			if err != nil {
				c.Fatal(err)
			}
			if got := m.Args()[0]; got != float64(want) {
				c.Fatalf("client %d got %v, want %d", i, got, want)
			}
		}
	}
}

// Sockets that are gone, or about to come, are no concern of those that stay.
func churn(c *cluster) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 50 {
			client, err := c.serving[c.last()].Connect(c.ctx, "/", nil)
			if err != nil {
				c.Error(err)
				return
			}
			client.Conn().Close()
		}
	}()
	for n := 0; ; n++ {
		c.do(c.servers[0].Emit("e", n), c.servers[0].SocketsJoin("room"))
		for _, err := range c.servers[0].In("room").FetchSockets(c.ctx) {
			c.do(err)
		}
		for i, client := range c.clients {
			m, err := client.Next(c.ctx)
			if err != nil {
				c.Fatal(err)
			}
			if m.Args()[0] != float64(n) {
				c.Fatalf("client %d got %s, want %d", i, m, n)
			}
		}
		select {
		case <-done:
			return
		default:
		}
	}
}
