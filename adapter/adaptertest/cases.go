package adaptertest

import (
	"fmt"
	"slices"

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
	first := c.servers[0]
	c.do(first.Local().Emit("test"), first.Local().SocketsJoin("here"), first.To("here").Emit("joined"))
	if m, err := c.clients[0].Next(c.ctx); err != nil || m.Event() != "test" {
		c.Fatalf("got %v, %v", m, err)
	}
	c.want([]int{0}, "joined")
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
		want := slices.Sorted(slices.Values([]string{s.ID(), "room1"}))
		if r.ID() != s.ID() || !slices.Equal(rooms, want) {
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

// What one goroutine does arrives in that order, everywhere, and once.
func order(c *cluster) {
	const n = 300
	first := c.servers[0]
	for i := range n {
		switch i % 3 {
		case 0:
			c.do(first.Emit("e", i))
		case 1:
			c.do(first.In("room").Emit("e", "nobody yet"), first.SocketsJoin("room"), first.To("room").Emit("e", i))
		case 2:
			c.do(first.SocketsLeave("room"), first.To("room").Emit("e", "nobody now"), first.Emit("e", i, []byte{byte(i)}))
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
