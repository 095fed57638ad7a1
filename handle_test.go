package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/internal/rawclient"
)

// point has a type of binary data in it, to see that it is found at any depth.
type point struct {
	X, Y int
	Data []byte `json:"data,omitempty"`
}

func TestTypedHandlers(t *testing.T) {
	reported := make(chan error, 10)
	s, e := serve(t, socketio.Config{OnError: func(_ *socketio.Socket, err error) { reported <- err }})
	refused := &socketio.Error{Message: "refused"}
	for name, r := range map[string]socketio.Registrar{"server": s, "namespace": s.Of("/chat")} {
		socketio.On(r, "one", func(e *socketio.Event, p point) error { return e.Ack(name, p.X+p.Y, p.Data) })
		socketio.On2(r, "two", func(e *socketio.Event, a int, b []byte) error { return e.Ack(a, b) })
		socketio.On3(r, "three", func(e *socketio.Event, a string, b *int, c map[string]any) error {
			return e.Ack(a, b == nil, c)
		})
		socketio.OnCall(r, "call", func(_ *socketio.Event, n int) (point, error) {
			if n == 0 {
				return point{}, refused
			}
			return point{X: n, Data: []byte{1}}, nil
		})
		socketio.OnCall2(
			r,
			"call2",
			func(_ *socketio.Event, a int, b string) (string, error) { return fmt.Sprint(a, b), nil },
		)
		socketio.OnCall3(r, "call3", func(_ *socketio.Event, a, b, c int) (int, error) {
			if c == 0 {
				return 0, refused
			}
			return a + b + c, nil
		})
		socketio.On0(r, "zero", func(*socketio.Event) error { return nil })
		socketio.On(r, "quiet", func(*socketio.Event, int) error { return nil })
		socketio.OnCall0(r, "call0", func(*socketio.Event) ([]string, error) { return []string{"a"}, nil })
		socketio.OnCall0(r, "refuse0", func(*socketio.Event) (int, error) { return 0, refused })
	}
	for ns, name := range map[string]string{"/": "server", "/chat": "namespace"} {
		conn := e.WebSocket()
		conn.Join(ns, "")
		p := strings.TrimPrefix(ns+",", "/,")
		conn.Send(`42`+p+`0["one",{"X":1,"y":2}]`, `42`+p+`1["two",7,null]`, `42`+p+`2["three","a",null,{"b":[1]},"more"]`)
		conn.Want(`43`+p+`0["`+name+`",3,null]`, `43`+p+`1[7,null]`, `43`+p+`2["a",true,{"b":[1]}]`)
		conn.Send(`451-` + p + `3["one",{"X":1,"data":{"_placeholder":true,"num":0}}]`)
		conn.SendBinary([]byte{5})
		conn.Want(`461-` + p + `3["` + name + `",1,{"_placeholder":true,"num":0}]`)
		conn.WantBinary([]byte{5})
		conn.Send(`42` + p + `4["call",9]`)
		conn.Want(`461-` + p + `4[{"X":9,"Y":0,"data":{"_placeholder":true,"num":0}}]`)
		conn.WantBinary([]byte{1})
		conn.Send(`42`+p+`5["call0"]`, `42`+p+`6["call",0]`, `42`+p+`7["refuse0"]`, `42`+p+`["call",1]`, `42`+p+`8["call0"]`)
		conn.Want(
			`43`+p+`5[["a"]]`,
			`43`+p+`6[{"error":{"message":"refused"}}]`,
			`43`+p+`7[{"error":{"message":"refused"}}]`,
			`43`+p+`8[["a"]]`,
		)
		conn.Send(
			`42`+p+`9["call2",1,"a"]`,
			`42`+p+`10["call3",1,2,3]`,
			`42`+p+`11["call3",1,2,0]`,
			`42`+p+`12["zero"]`,
			`42`+p+`13["quiet",1]`,
		)
		conn.Want(
			`43`+p+`9["1a"]`,
			`43`+p+`10[6]`,
			`43`+p+`11[{"error":{"message":"refused"}}]`,
			`43`+p+`12[]`,
			`43`+p+`13[]`,
		)
		for range 3 {
			if err := wait(t, reported); !errors.Is(err, error(refused)) {
				t.Errorf("reported %v", err)
			}
		}
		for i, packet := range []string{
			`["one"]`, `["one",1]`, `["two",1]`, `["two","x",null]`,
			`["three",1]`, `["three","a",null,[]]`, `["call"]`, `["call",1.5]`,
			`["call2",1]`, `["call3",1,2]`,
		} {
			conn.Send(fmt.Sprintf(`42%s%d%s`, p, i, packet))
			conn.Want(fmt.Sprintf(`43%s%d[{"error":{"message":"invalid arguments"}}]`, p, i))
			if err := wait(t, reported); !errors.Is(err, socketio.ErrArguments) {
				t.Errorf("%s: reported %v", packet, err)
			}
		}
	}
}

// Handlers of the namespace run before those of the socket, each in order of registration; one's
// error does not stop the others.
func TestHandlersInOrder(t *testing.T) {
	reported := make(chan error, 10)
	s, e := serve(t, socketio.Config{OnError: func(_ *socketio.Socket, err error) { reported <- err }})
	var log []string
	add := func(r socketio.Registrar, what string) {
		socketio.On(r, "x", func(_ *socketio.Event, n int) error {
			log = append(log, fmt.Sprint(what, n))
			return errors.New(what)
		})
	}
	add(s, "a")
	s.OnConnection(func(socket *socketio.Socket) {
		add(socket, "c")
		add(socket, "d")
	})
	add(s, "b")
	s.Handle("sync", func(e *socketio.Event) error { return e.Ack() })
	conn := e.WebSocket()
	conn.Join("/", "")
	conn.Send(`42["x",1]`, `420["sync"]`)
	conn.Want(`430[]`)
	if got := strings.Join(log, " "); got != "a1 b1 c1 d1" {
		t.Errorf("ran %s", got)
	}
	for _, what := range []string{"a", "b", "c", "d"} {
		var h *socketio.HandlerError
		if err := wait(t, reported); !errors.As(err, &h) || h.Event != "x" || h.Err.Error() != what {
			t.Errorf("reported %v", err)
		}
	}
}

// Each registration can be taken back alone, and Off takes back all.
func TestHandlersAreRemoved(t *testing.T) {
	s, e := serve(t, socketio.Config{})
	var ran []string
	add := func(r socketio.Registrar, what string) (off func()) {
		return socketio.On(r, "x", func(*socketio.Event, int) error { ran = append(ran, what); return nil })
	}
	a, b := add(s, "a"), add(s, "b")
	add(s, "c")
	conn := e.WebSocket()
	socket, _ := s.Socket(conn.Join("/", ""))
	own := add(socket, "own")
	handled := func(want string) {
		t.Helper()
		ran = nil
		conn.Send(`420["x",1]`, `421["sync"]`)
		if want != "" {
			conn.Want(`430[]`)
		}
		conn.Want(`431[]`)
		if got := strings.Join(ran, " "); got != want {
			t.Errorf("ran %q, want %q", got, want)
		}
	}
	socketio.On0(s, "sync", func(*socketio.Event) error { return nil })
	handled("a b c own")
	b()
	b()
	handled("a c own")
	own()
	a()
	handled("c")
	s.Off("x")
	add(s, "d")
	a()
	handled("d")
	s.Off("x")
	handled("")
}

func TestOnce(t *testing.T) {
	s, e := serve(t, socketio.Config{})
	s.OnConnection(func(socket *socketio.Socket) {
		socketio.OnCall(socketio.Once(socket), "hello", func(_ *socketio.Event, n int) (int, error) { return n, nil })
	})
	off := socketio.OnCall0(socketio.Once(s), "first", func(*socketio.Event) (string, error) { return "taken back", nil })
	off()
	socketio.OnCall0(socketio.Once(s), "first", func(*socketio.Event) (string, error) { return "you are", nil })
	socketio.On0(s, "sync", func(*socketio.Event) error { return nil })
	for i := range 2 {
		conn := e.WebSocket()
		conn.Join("/", "")
		conn.Send(`421["hello",1]`, `422["hello",2]`, `423["first"]`, `424["first"]`, `425["sync"]`)
		conn.Want(`431[1]`)
		if i == 0 {
			conn.Want(`433["you are"]`)
		}
		conn.Want(`435[]`)
	}
}

// Many sockets at once have one Once among them.
func TestOnceForAll(t *testing.T) {
	s, e := serve(t, socketio.Config{})
	var ran atomic.Int32
	conns := make([]*rawclient.Conn, 20)
	for i := range conns {
		conns[i] = e.WebSocket()
		conns[i].Join("/", "")
	}
	socketio.On0(socketio.Once(s), "x", func(*socketio.Event) error { ran.Add(1); return nil })
	socketio.On0(s, "sync", func(*socketio.Event) error { return nil })
	for _, conn := range conns {
		conn.Send(`42["x"]`, `421["sync"]`)
	}
	for _, conn := range conns {
		conn.Want(`431[]`)
	}
	if n := ran.Load(); n != 1 {
		t.Errorf("ran %d times", n)
	}
}

// What can be registered on a namespace can be registered on those to come.
func TestParentRegistersWhatANamespaceDoes(t *testing.T) {
	s, e := serve(t, socketio.Config{})
	p := s.OfRegexp(regexp.MustCompile("^/p"))
	var log []string
	note := func(what string) func(*socketio.Event) {
		return func(e *socketio.Event) { log = append(log, what+" "+e.Name()) }
	}
	noteOut := func(what string) func(*socketio.Socket, string, []any) {
		return func(_ *socketio.Socket, event string, _ []any) { log = append(log, what+" "+event) }
	}
	p.OnAny(note("any"))
	p.PrependAny(note("before"))
	p.OnAny(note("never"))()
	p.OnAnyOutgoing(noteOut("out"))
	p.PrependAnyOutgoing(noteOut("before out"))
	p.Handle("x", func(*socketio.Event) error { t.Error("it was taken back"); return nil })()
	socketio.OnCall0(p, "x", func(e *socketio.Event) (int, error) {
		return 1, errors.Join(
			p.Local().Emit("local"),
			p.Volatile().Emit("volatile"),
			p.Compress(false).Emit("compress"),
			p.Send("sent"),
		)
	})
	conn := e.WebSocket()
	conn.Join("/p1", "")
	conn.Send(`42/p1,0["x"]`)
	conn.Want(`42/p1,["local"]`, `42/p1,["volatile"]`, `42/p1,["compress"]`, `42/p1,["message","sent"]`, `43/p1,0[1]`)
	want := "before x, any x, before out local, out local, before out volatile, out volatile, " +
		"before out compress, out compress, before out message, out message"
	if got := strings.Join(log, ", "); got != want {
		t.Errorf("got %s", got)
	}
}

// Binary and text do not mix, but as encoding/json has it a []byte takes base64.
func TestBytesFromText(t *testing.T) {
	s, e := serve(t, socketio.Config{OnError: func(*socketio.Socket, error) {}})
	socketio.OnCall(s, "bytes", func(_ *socketio.Event, b []byte) (string, error) { return string(b), nil })
	socketio.OnCall(s, "any", func(_ *socketio.Event, v any) (string, error) { return fmt.Sprintf("%T", v), nil })
	conn := e.WebSocket()
	conn.Join("/", "")
	conn.Send(
		`420["bytes","YXNkZg=="]`,
		`421["bytes","hello!"]`,
		`422["any","hello!"]`,
		`451-3["bytes",{"_placeholder":true,"num":0}]`,
	)
	conn.SendBinary([]byte("hello!"))
	conn.Want(`430["asdf"]`, `431[{"error":{"message":"invalid arguments"}}]`, `432["string"]`, `433["hello!"]`)
}

// A Once that has run counts as no handler, also where a child of a Parent still has it.
func TestOnceThatHasRunAnswersNothing(t *testing.T) {
	s, e := serve(t, socketio.Config{})
	p := s.OfRegexp(regexp.MustCompile("^/p"))
	socketio.OnCall0(socketio.Once(p), "x", func(*socketio.Event) (int, error) { return 1, nil })
	socketio.On0(p, "sync", func(*socketio.Event) error { return nil })
	a, b := e.WebSocket(), e.WebSocket()
	a.Join("/p1", "")
	b.Join("/p2", "") // both were made with the handler
	a.Send(`42/p1,0["x"]`)
	a.Want(`43/p1,0[1]`)
	for _, conn := range []*rawclient.Conn{a, b} {
		ns := map[*rawclient.Conn]string{a: "/p1", b: "/p2"}[conn]
		conn.Send(`42`+ns+`,1["x"]`, `42`+ns+`,2["sync"]`)
		conn.Want(`43` + ns + `,2[]`)
	}
}

func TestEventOf(t *testing.T) {
	const said = socketio.EventOf[chatMessage]("said")
	s, e := serve(t, socketio.Config{})
	said.On(s, func(_ *socketio.Event, m chatMessage) error {
		m.Text += "!"
		return said.Emit(s.To(m.Room), m)
	})
	s.OnConnection(func(s *socketio.Socket) { s.Join("lobby") })
	conn := e.WebSocket()
	conn.Join("/", "")
	conn.Send(`42["said",{"room":"lobby","text":"hi"}]`)
	conn.Want(`42["said",{"room":"lobby","text":"hi!"}]`)
	if said.String() != "said" {
		t.Error(said.String())
	}
}

func TestCallOf(t *testing.T) {
	const double = socketio.CallOf[int, string]("double")
	s, e := serve(t, socketio.Config{})
	off := double.On(s, func(_ *socketio.Event, n int) (string, error) { return strconv.Itoa(2 * n), nil })
	conn := e.WebSocket()
	socket, _ := s.Socket(conn.Join("/", ""))
	conn.Send(`420["double",4]`)
	conn.Want(`430["8"]`)
	off()
	answers := make(chan string, 1)
	go func() {
		answer, err := double.Call(t.Context(), socket, 5)
		if err != nil {
			t.Error(err)
		}
		answers <- answer
	}()
	conn.Want(`420["double",5]`)
	conn.Send(`421["double",6]`, `430["10"]`) // nobody handles it any more
	if got := wait(t, answers); got != "10" || double.String() != "double" {
		t.Errorf("%s answered %q", double, got)
	}
}

func TestCall(t *testing.T) {
	s, e := serve(t, socketio.Config{})
	conn := e.WebSocket()
	socket, _ := s.Socket(conn.Join("/", ""))
	type result struct {
		v   point
		err error
	}
	results := make(chan result, 1)
	call := func(to socketio.Asker) {
		v, err := socketio.Call[point](t.Context(), to, "where", "now")
		results <- result{v, err}
	}
	for i, c := range []struct {
		answer string
		want   point
		err    error
	}{
		{`0[{"X":1,"Y":2},"more"]`, point{X: 1, Y: 2}, nil},
		{`1[]`, point{}, socketio.ErrArguments},
		{`2[{"X":1,"Y":"no"}]`, point{}, socketio.ErrArguments},
	} {
		var to socketio.Asker = socket
		if i == 1 {
			to = socket.Timeout(time.Minute)
		}
		go call(to)
		conn.Want(`42` + c.answer[:1] + `["where","now"]`)
		conn.Send(`43` + c.answer)
		r := wait(t, results)
		if !errors.Is(r.err, c.err) || r.v.X != c.want.X || r.v.Y != c.want.Y {
			t.Errorf("%s: got %+v, %v", c.answer, r.v, r.err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := socketio.Call[int](ctx, socket, "where"); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
