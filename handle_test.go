package socketio_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/gosocketio/socketio"
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
		conn.Want(`43`+p+`5[["a"]]`, `43`+p+`6[{"error":{"message":"refused"}}]`, `43`+p+`7[{"error":{"message":"refused"}}]`, `43`+p+`8[["a"]]`)
		for range 2 {
			if err := wait(t, reported); !errors.Is(err, error(refused)) {
				t.Errorf("reported %v", err)
			}
		}
		for i, packet := range []string{
			`["one"]`, `["one",1]`, `["two",1]`, `["two","x",null]`, `["three",1]`, `["three","a",null,[]]`, `["call"]`, `["call",1.5]`,
		} {
			conn.Send(fmt.Sprintf(`42%s%d%s`, p, i, packet))
			conn.Want(fmt.Sprintf(`43%s%d[{"error":{"message":"invalid arguments"}}]`, p, i))
			if err := wait(t, reported); !errors.Is(err, socketio.ErrArguments) {
				t.Errorf("%s: reported %v", packet, err)
			}
		}
	}
}

// Handlers of the namespace run before those of the socket, each in order of registration; one's error does not
// stop the others.
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
