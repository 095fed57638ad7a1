package socketio_test

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"testing"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/internal/rawclient"
)

// crowd is some clients in "/", and one in "/other" that must never hear anything.
type crowd struct {
	f       *fixture
	main    *socketio.Namespace
	conns   []*rawclient.Conn
	sockets []*socketio.Socket
	other   *rawclient.Conn
}

// gather makes a crowd of n. Client i is in the rooms that rooms[i] lists.
func gather(t *testing.T, rooms ...[]string) *crowd {
	t.Helper()
	f := start(t)
	c := &crowd{f: f, main: f.Of("/")}
	// A handler with an answer: what it answers comes behind what was sent before.
	sync := func(e *socketio.Event) error { return e.Ack() }
	c.main.Handle("sync", sync)
	f.Of("/other").Handle("sync", sync)
	for _, r := range rooms {
		conn := f.WebSocket()
		id := conn.Join("/", "")
		s, ok := c.main.Socket(id)
		if !ok {
			t.Fatalf("no socket %s", id)
		}
		s.Join(r...)
		c.conns = append(c.conns, conn)
		c.sockets = append(c.sockets, s)
	}
	c.other = f.WebSocket()
	c.other.Join("/other", "")
	return c
}

// heard checks that exactly the listed clients got the packet, once.
func (c *crowd) heard(t *testing.T, packet string, who ...int) {
	t.Helper()
	for i, conn := range c.conns {
		if slices.Contains(who, i) {
			conn.Want(packet)
		}
		conn.Send(`420["sync"]`)
		conn.Want(`430[]`)
	}
	c.other.Send(`42/other,0["sync"]`)
	c.other.Want(`43/other,0[]`)
}

func TestBroadcast(t *testing.T) {
	t.Attr("covers", "easy/43 socketio/messaging-many/1 socketio/messaging-many/3 socketio/messaging-many/4 "+
		"socketio/messaging-many/5 socketio/messaging-many/6 socketio/messaging-many/12 "+
		"socketio/messaging-many/13 socketio/namespaces/25 socketio/namespaces/26 "+
		"socketio/namespaces/27 socketio/uws/2 socketio/uws/6 socketio/uws/7 socketio/uws/8")
	for _, c := range []struct {
		name string
		to   func(c *crowd) socketio.Operator
		want []int
	}{
		{"namespace", func(c *crowd) socketio.Operator { return c.main.Compress(true) }, []int{0, 1, 2, 3}},
		{"room", func(c *crowd) socketio.Operator { return c.main.To("a") }, []int{0, 1}},
		{"In is To", func(c *crowd) socketio.Operator { return c.main.In("b") }, []int{1, 2}},
		{"two rooms", func(c *crowd) socketio.Operator { return c.main.To("a").In("b") }, []int{0, 1, 2}},
		{"two rooms at once", func(c *crowd) socketio.Operator { return c.main.To("a", "b") }, []int{0, 1, 2}},
		{"room except room", func(c *crowd) socketio.Operator { return c.main.To("a").Except("b") }, []int{0}},
		{"except room", func(c *crowd) socketio.Operator { return c.main.Except("a") }, []int{2, 3}},
		{"except id", func(c *crowd) socketio.Operator { return c.main.Except(c.sockets[1].ID()) }, []int{0, 2, 3}},
		{"one id", func(c *crowd) socketio.Operator { return c.main.To(c.sockets[3].ID()) }, []int{3}},
		{"unknown room", func(c *crowd) socketio.Operator { return c.main.To("x") }, nil},
		{"no room", func(c *crowd) socketio.Operator { return c.main.To() }, nil},
		{"empty list of rooms, then one", func(c *crowd) socketio.Operator { return c.main.To().To("a") }, []int{0, 1}},
		{"local", func(c *crowd) socketio.Operator { return c.main.Local() }, []int{0, 1, 2, 3}},
		{"volatile", func(c *crowd) socketio.Operator { return c.main.Volatile() }, []int{0, 1, 2, 3}},
		{"socket broadcast", func(c *crowd) socketio.Operator { return c.sockets[0].Broadcast() }, []int{1, 2, 3}},
		{"socket to room", func(c *crowd) socketio.Operator { return c.sockets[0].To("a") }, []int{1}},
		{"socket in room", func(c *crowd) socketio.Operator { return c.sockets[0].In("b") }, []int{1, 2}},
		{"socket except", func(c *crowd) socketio.Operator { return c.sockets[0].Except("b") }, []int{3}},
		{"socket except id", func(c *crowd) socketio.Operator { return c.sockets[0].Except(c.sockets[1].ID()) }, []int{2, 3}},
		{"socket local", func(c *crowd) socketio.Operator { return c.sockets[0].Local() }, []int{1, 2, 3}},
		{"socket volatile to room", func(c *crowd) socketio.Operator { return c.sockets[0].Volatile().To("a") }, []int{1}},
		{"socket to its own id", func(c *crowd) socketio.Operator { return c.sockets[0].To(c.sockets[0].ID()) }, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			crowd := gather(t, []string{"a"}, []string{"a", "b"}, []string{"b"}, nil)
			for _, s := range crowd.sockets {
				writable(t, s)
			}
			if err := c.to(crowd).Emit("e", 1, "x"); err != nil {
				t.Fatal(err)
			}
			crowd.heard(t, `42["e",1,"x"]`, c.want...)
		})
	}
}

// A socket that left the room named after its id is not spared any more.
func TestBroadcastToSenderWithoutItsRoom(t *testing.T) {
	t.Attr("covers", "easy/43")
	c := gather(t, nil, nil)
	c.sockets[0].Leave(c.sockets[0].ID())
	if err := c.sockets[0].Broadcast().Send("hi"); err != nil {
		t.Fatal(err)
	}
	c.heard(t, `42["message","hi"]`, 0, 1)
}

func TestBroadcastBinary(t *testing.T) {
	t.Attr("covers", "adapter/index/5 socketio/messaging-many/2 socketio/uws/4")
	c := gather(t, nil, nil)
	data := []byte{1, 2, 3}
	if err := c.main.Emit("bin", map[string]any{"a": data}, data[:0]); err != nil {
		t.Fatal(err)
	}
	for _, conn := range c.conns {
		conn.Want(`452-["bin",{"a":{"_placeholder":true,"num":0}},{"_placeholder":true,"num":1}]`)
		conn.WantBinary([]byte{1, 2, 3}, []byte{})
	}
	c.heard(t, "")
}

// A broadcast to others from a socket, binary, and what goes to that socket alone.
func TestBroadcastBinaryToOthers(t *testing.T) {
	t.Attr("covers", "socketio/messaging-many/7")
	c := gather(t, []string{"a"}, []string{"a"}, nil)
	s := c.sockets[0]
	if err := errors.Join(s.To("a").Emit("bin", []byte{1}), s.Emit("own", []byte{2})); err != nil {
		t.Fatal(err)
	}
	c.conns[1].Want(`451-["bin",{"_placeholder":true,"num":0}]`)
	c.conns[1].WantBinary([]byte{1})
	c.conns[0].Want(`451-["own",{"_placeholder":true,"num":0}]`)
	c.conns[0].WantBinary([]byte{2})
	c.heard(t, "")
}

// counted counts how often it is encoded.
type counted struct{ n *int }

func (c counted) MarshalJSON() ([]byte, error) {
	*c.n++
	return []byte(`1`), nil
}

// A broadcast is encoded once, frame and all, however many it is for; not at all for nobody.
func TestBroadcastEncodesOnce(t *testing.T) {
	t.Attr("covers", "socketio/messaging-many/20")
	c := gather(t, nil, nil, nil)
	n := 0
	if err := c.main.Emit("e", counted{&n}); err != nil || n != 1 {
		t.Errorf("encoded %d times, %v", n, err)
	}
	c.heard(t, `42["e",1]`, 0, 1, 2)
	if err := c.main.To("nobody").Emit("e", counted{&n}); err != nil || n != 1 {
		t.Errorf("encoded %d times, %v", n, err)
	}
}

func TestBroadcastErrors(t *testing.T) {
	t.Attr("covers", "easy/37 socketio/namespaces/23 socketio/socket/50")
	c := gather(t, nil)
	if err := c.main.Emit("connect"); !errors.Is(err, socketio.ErrReservedEvent) {
		t.Errorf("reserved name: %v", err)
	}
	if err := c.sockets[0].Emit("disconnecting"); !errors.Is(err, socketio.ErrReservedEvent) {
		t.Errorf("reserved name: %v", err)
	}
	if err := c.main.Emit("e", func() {}); err == nil {
		t.Error("a function was encoded")
	}
	if err := c.main.To("nobody").Emit("e", func() {}); err != nil {
		t.Errorf("encoded for nobody: %v", err)
	}
	for name, want := range map[string]bool{"connect": true, "connection": true, "new_namespace": true, "e": false} {
		if err := c.main.ServerSideEmit(name, 1); errors.Is(err, socketio.ErrReservedEvent) != want {
			t.Errorf("ServerSideEmit(%s): %v", name, err)
		}
	}
	c.heard(t, "")
}

// Operators are values: deriving one leaves the other as it is.
func TestOperatorIsImmutable(t *testing.T) {
	t.Attr("covers", "easy/41 socketio/namespaces/3 socketio/messaging-many/14")
	c := gather(t, []string{"a"}, []string{"b"}, []string{"c"})
	base := c.main.To("a")
	b, both := base.To("b"), base.To("c")
	none := base.Except("a")
	_ = base.Volatile().Compress(false).Local().Timeout(0)
	for _, x := range []struct {
		o    socketio.Operator
		want []int
	}{{b, []int{0, 1}}, {both, []int{0, 2}}, {none, nil}, {base, []int{0}}} {
		if err := x.o.Emit("e"); err != nil {
			t.Fatal(err)
		}
		c.heard(t, `42["e"]`, x.want...)
	}
	s := c.sockets[0]
	others := s.To("b")
	_ = others.To("c").Except("b").Volatile()
	if err := errors.Join(s.Emit("direct"), others.Emit("e"), s.Send("again")); err != nil {
		t.Fatal(err)
	}
	c.conns[0].Want(`42["direct"]`, `42["message","again"]`)
	c.conns[1].Want(`42["e"]`)
	c.heard(t, "")
}

func TestRooms(t *testing.T) {
	t.Attr("covers", "easy/39 socketio/messaging-many/8 socketio/messaging-many/10 socketio/messaging-many/11 "+
		"socketio/socket/53 socketio/uws/10")
	c := gather(t, nil)
	s := c.sockets[0]
	check := func(want ...string) {
		t.Helper()
		got := s.Rooms()
		slices.Sort(got)
		want = append(want, s.ID())
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("rooms %q, want %q", got, want)
		}
	}
	check()
	s.Join("a", "b")
	s.Join("a")
	check("a", "b")
	if got := c.main.AllRooms(); len(got) != 3 || c.main.RoomLen("a") != 1 || c.main.RoomLen("x") != 0 {
		t.Errorf("rooms %q, %d in a", got, c.main.RoomLen("a"))
	}
	s.Leave("a")
	s.Leave("never there")
	check("b")
	disconnected := disconnects(c.main)
	s.Disconnect(false)
	wait(t, disconnected)
	s.Join("late")
	if got := c.main.AllRooms(); len(got) != 0 {
		t.Errorf("rooms %q", got)
	}
	if got := s.Rooms(); len(got) != 0 {
		t.Errorf("rooms after the disconnect: %q", got)
	}
}

// A middleware may join many rooms, and some of them twice: the time grows with their number, not with its square.
func TestManyRoomsOfAMiddleware(t *testing.T) {
	const many = 200_000
	f := start(t)
	main := f.Of("/")
	pending := make(chan int, 1)
	main.Use(func(s *socketio.Socket) error {
		rooms := make([]string, many)
		for i := range rooms {
			rooms[i] = strconv.Itoa(i)
		}
		s.Join(rooms...)
		s.Join(rooms[:2]...)
		pending <- len(s.Rooms())
		return nil
	})
	connected := connects(main)
	f.WebSocket().Join("/", "")
	if n := wait(t, pending); n != many {
		t.Errorf("%d rooms before the connection", n)
	}
	if n := len(wait(t, connected).Rooms()); n != many+1 {
		t.Errorf("%d rooms after it", n)
	}
}

func TestFetchSockets(t *testing.T) {
	t.Attr("covers", "socketio/utility-methods/1 socketio/utility-methods/2 socketio/namespaces/16 "+
		"socketio/namespaces/17 socketio/namespaces/18")
	c := gather(t, []string{"a"}, []string{"a", "b"}, nil)
	ids := func(o socketio.Operator) (list []string) {
		for s, err := range o.FetchSockets(context.Background()) {
			if err != nil {
				t.Fatal(err)
			}
			local, ok := s.Local()
			if !ok || local.ID() != s.ID() || !slices.Contains(s.Rooms(), s.ID()) {
				t.Errorf("socket %s: local %v, rooms %q", s.ID(), local, s.Rooms())
			}
			list = append(list, s.ID())
		}
		return list
	}
	id := func(who ...int) (list []string) {
		for _, i := range who {
			list = append(list, c.sockets[i].ID())
		}
		return list
	}
	for _, x := range []struct {
		o    socketio.Operator
		want []string
	}{
		{c.main.Local(), id(0, 1, 2)},
		{c.main.To("a"), id(0, 1)},
		{c.main.To("a").Except("b"), id(0)},
		{c.main.To("x"), nil},
		{c.main.To(), nil},
	} {
		if got := ids(x.o); !slices.Equal(got, x.want) {
			t.Errorf("got %q, want %q", got, x.want)
		}
	}
	for want, o := range map[int]socketio.Operator{3: c.main.Local(), 2: c.main.To("a"), 1: c.main.In("b", "x"),
		0: c.main.To("x")} {
		if got, err := o.AllSockets(t.Context()); err != nil || len(got) != want || want == 1 && got[0] != c.sockets[1].ID() {
			t.Errorf("ids %q, %v", got, err)
		}
	}
	if got, err := c.main.AllSockets(t.Context()); err != nil || len(got) != 3 {
		t.Errorf("ids %q, %v", got, err)
	}
	for _, err := range c.main.FetchSockets(context.Background()) {
		if err != nil {
			t.Error(err)
		}
		break
	}
}

func TestRemoteSocket(t *testing.T) {
	c := gather(t, nil, nil)
	for s, err := range c.main.To(c.sockets[1].ID()).FetchSockets(context.Background()) {
		if err := errors.Join(err, s.Join("x", "y"), s.Leave("y"), s.Emit("direct", 1)); err != nil {
			t.Fatal(err)
		}
		replies := make(chan string, 1)
		go func() {
			r, err := s.EmitWithAck(context.Background(), "q")
			var text string
			if err := errors.Join(err, r.Decode(&text)); err != nil {
				t.Error(err)
			}
			replies <- text
		}()
		c.conns[1].Want(`42["direct",1]`, `420["q"]`)
		c.conns[1].Send(`430["a"]`)
		if got := wait(t, replies); got != "a" {
			t.Errorf("got %q", got)
		}
		if got := c.sockets[1].Rooms(); len(got) != 2 || !slices.Contains(got, "x") {
			t.Errorf("rooms %q", got)
		}
		disconnected := disconnects(c.main)
		if err := s.Disconnect(false); err != nil {
			t.Fatal(err)
		}
		c.conns[1].Want("41")
		wait(t, disconnected)
		if _, err := s.EmitWithAck(context.Background(), "q"); !errors.Is(err, socketio.ErrClosed) {
			t.Errorf("asking a socket that is gone: %v", err)
		}
	}
}

func TestSocketsCommands(t *testing.T) {
	t.Attr("covers", "socketio/utility-methods/4 socketio/utility-methods/5 socketio/utility-methods/6 "+
		"socketio/utility-methods/7 socketio/utility-methods/9")
	c := gather(t, []string{"a"}, []string{"a"}, nil)
	if err := errors.Join(
		c.main.SocketsJoin("all"),
		c.main.To("a").SocketsJoin("x", "y"),
		c.main.Except(c.sockets[0].ID()).SocketsLeave("x"),
		c.main.To().SocketsJoin("nobody"),
		c.main.To().SocketsLeave("all"),
		c.main.To().DisconnectSockets(true),
		c.main.To("y").Emit("y"),
		c.main.To("x").Emit("x"),
		c.main.To("nobody").Emit("nobody"),
		c.main.SocketsLeave("y"),
		c.main.To("a").SocketsLeave("all"),
		c.main.To("y").Emit("nobody"),
		c.main.To("all").Emit("all"),
	); err != nil {
		t.Fatal(err)
	}
	c.conns[0].Want(`42["y"]`, `42["x"]`)
	c.conns[1].Want(`42["y"]`)
	c.conns[2].Want(`42["all"]`)
	c.heard(t, "")
	if err := c.main.To("a").DisconnectSockets(true); err != nil {
		t.Fatal(err)
	}
	c.conns[0].Want("41")
	c.conns[0].WantClose()
	c.conns[1].Want("41")
	c.conns[1].WantClose()
	c.conns = c.conns[2:]
	c.heard(t, "")
	if err := c.main.DisconnectSockets(false); err != nil {
		t.Fatal(err)
	}
	c.conns[0].Want("41")
}
