package adaptertest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/adapter"
)

// Servers know each other by their tags, also one that comes later, and forget one that has gone.
func directory(c *cluster) {
	address := func(server int) string { return fmt.Sprintf("http://10.0.0.%d:3000", server) }
	of := func(server int) adapter.Directory {
		d, ok := c.adapters[server].(adapter.Directory)
		if !ok {
			c.Fatal("the adapter knows no servers")
		}
		return d
	}
	knows := func(server int, others ...int) bool {
		all := of(server).Servers()
		for _, s := range all {
			i := slices.IndexFunc(others, func(i int) bool { return s.Tag == of(i).Tag() })
			if i < 0 || s.Address != address(others[i]) || s.Protocol == 0 || s.Age < 0 || s.Age > patience {
				return false
			}
		}
		return len(all) == len(others)
	}
	for i := range c.servers {
		c.do(of(i).Announce(address(i)))
	}
	c.await("the servers know each other", func() bool { return knows(0, 1) && knows(1, 0) })

	// A server that joins later knows the others at its first lookup.
	c.addServer(c.spare)
	c.do(of(2).Announce(address(2)))
	for i := range 2 {
		if s, ok := of(2).ServerByTag(c.ctx, of(i).Tag()); !ok || s.Address != address(i) {
			c.Errorf("a newcomer knows of server %d: %v, %+v", i, ok, s)
		}
	}
	c.await("the newcomer is known", func() bool { return knows(0, 1, 2) && knows(1, 0, 2) })
	for _, tag := range []string{"", "------", of(0).Tag(), of(1).Tag() + "x"} {
		if s, ok := of(0).ServerByTag(c.ctx, tag); ok {
			c.Errorf("tag %q is that of %+v", tag, s)
		}
	}
	if of(0).Announce(strings.Repeat("x", adapter.MaxAddress+1)) == nil {
		c.Error("a long address is accepted")
	}
	out := presence(c)
	gone := of(1).Tag()
	c.do(c.servers[1].Shutdown(c.ctx))
	c.await("a server that has gone is forgotten", func() bool { return knows(0, 2) && knows(2, 0) })
	if s, ok := of(0).ServerByTag(c.ctx, gone); ok {
		c.Errorf("a server that has gone is %+v", s)
	}
	c.await("its rooms are empty", func() bool {
		n, err := c.servers[0].In("room b").Count(c.ctx)
		return n.Sockets == 0 && n.Servers == 2 && err == nil
	})
	if room := get(c, out); room != "room b" {
		c.Errorf("the last one out of %s", room)
	}
}

// presence counts the sockets of three servers. It returns rooms that become empty.
func presence(c *cluster) (out <-chan string) {
	c.addClient(2)
	c.sockets[0].Join("room a")
	c.sockets[1].Join("room a", "room b")
	c.sockets[2].Join("room a", "room c")
	in, left := make(chan string, 10), make(chan string, 10)
	c.Cleanup(c.servers[0].OnPresence(socketio.PresenceHooks{
		FirstIn: func(room string) { in <- room }, LastOut: func(room string) { left <- room },
	}))
	for room, want := range map[string]int{"room a": 3, "room b": 1, "room c": 1, "room d": 0} {
		if n, err := c.servers[0].In(room).Count(c.ctx); n.Sockets != want || n.Servers != 3 || err != nil {
			c.Errorf("%s: %+v, %v; want %d", room, n, err, want)
		}
	}
	if n, err := c.servers[2].Count(c.ctx); n.Sockets != 3 || err != nil {
		c.Errorf("all: %+v, %v", n, err)
	}
	got := []string{get(c, in), get(c, in), get(c, in)}
	if slices.Sort(got); !slices.Equal(got, []string{"room a", "room b", "room c"}) {
		c.Errorf("first in %q", got)
	}
	return left
}
