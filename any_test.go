package socketio_test

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gosocketio/socketio"
)

func TestOnAny(t *testing.T) {
	t.Attr("covers", "easy/38 socketio/socket/54 socketio/socket/55 socketio/socket/56")
	f := start(t)
	main := f.Of("/")
	var log []string
	note := func(who string) func(*socketio.Event) {
		return func(e *socketio.Event) { log = append(log, fmt.Sprint(who, " ", e.Name(), e.Args())) }
	}
	var off, offNamespace func()
	offNamespace = main.OnAny(note("namespace"))
	main.PrependAny(note("namespace first"))
	main.OnConnection(func(s *socketio.Socket) {
		off = s.OnAny(note("socket"))
		s.PrependAny(note("socket first"))
		s.Use(func(e *socketio.Event) error {
			log = append(log, "middleware")
			if e.Name() == "refused" {
				return errors.New("no")
			}
			return nil
		})
		s.Handle("x", func(e *socketio.Event) error { log = append(log, "handler of the socket"); return nil })
	})
	main.Handle("x", func(e *socketio.Event) error { log = append(log, "handler"); return nil })
	main.Handle("sync", func(e *socketio.Event) error { return e.Ack() })
	conn := f.WebSocket()
	conn.Join("/", "")
	check := func(packet string, want ...string) {
		t.Helper()
		conn.Send(packet, `420["sync"]`)
		conn.Want(`430[]`)
		// Without what "sync" itself left.
		i := slices.Index(log, "namespace first sync[]")
		if d := cmp.Diff(want, log[:i]); d != "" {
			t.Error(d)
		}
		log = nil
	}
	check(`42["x",1,"a"]`,
		"namespace first x[1 a]", "namespace x[1 a]", "socket first x[1 a]", "socket x[1 a]",
		"middleware", "handler", "handler of the socket")
	check(`42["refused"]`,
		"namespace first refused[]", "namespace refused[]", "socket first refused[]", "socket refused[]", "middleware")
	off()
	off()
	offNamespace()
	check(`42["nobody",{"a":null}]`,
		"namespace first nobody[map[a:<nil>]]", "socket first nobody[map[a:<nil>]]", "middleware")
	main.Off("x")
	check(`42["x"]`, "namespace first x[]", "socket first x[]", "middleware", "handler of the socket")
	check(`42["\u0078"]`, "namespace first x[]", "socket first x[]", "middleware", "handler of the socket")
	check(`42[7]`, "namespace first 7[]", "socket first 7[]", "middleware")
}

func TestOnAnyOutgoing(t *testing.T) {
	t.Attr("covers", "socketio/socket/57 socketio/socket/58 socketio/socket/59 socketio/socket/60 socketio/socket/61")
	f := start(t)
	main := f.Of("/")
	connected := connects(main)
	conn, other := f.WebSocket(), f.WebSocket()
	conn.Join("/", "")
	a := wait(t, connected)
	other.Join("/", "")
	b := wait(t, connected)
	var mu sync.Mutex
	var log []string
	note := func(who string) func(*socketio.Socket, string, []any) {
		return func(s *socketio.Socket, event string, args []any) {
			mu.Lock()
			defer mu.Unlock()
			to := map[*socketio.Socket]string{a: "a", b: "b"}[s]
			log = append(log, fmt.Sprint(who, " ", event, args, " to ", to))
		}
	}
	check := func(want ...string) {
		t.Helper()
		mu.Lock()
		defer mu.Unlock()
		if d := cmp.Diff(want, log); d != "" {
			t.Error(d)
		}
		log = nil
	}
	offNamespace := main.OnAnyOutgoing(note("namespace"))
	main.PrependAnyOutgoing(note("namespace first"))
	off := a.OnAnyOutgoing(note("socket"))
	a.PrependAnyOutgoing(note("socket first"))
	if err := a.Emit("direct", 1); err != nil {
		t.Fatal(err)
	}
	check(
		"namespace first direct[1] to a",
		"namespace direct[1] to a",
		"socket first direct[1] to a",
		"socket direct[1] to a",
	)
	off()
	offNamespace()
	if err := main.Emit("all", []byte{1, 2}); err != nil {
		t.Fatal(err)
	}
	check("namespace first all[[1 2]] to a", "socket first all[[1 2]] to a", "namespace first all[[1 2]] to b")
	if err := a.Emit("bad", func() {}); err == nil {
		t.Error("a function was encoded")
	}
	check() // what is not sent is not shown
}

func TestSocketMiddleware(t *testing.T) {
	t.Attr("covers", "easy/38 socketio/socket-middleware/1 socketio/socket-middleware/2")
	reported := make(chan error, 10)
	f := start(t, func(c *socketio.Config) {
		c.OnError = func(_ *socketio.Socket, err error) { reported <- err }
	})
	main := f.Of("/")
	cause := errors.New("not today")
	main.OnConnection(func(s *socketio.Socket) {
		s.Use(func(e *socketio.Event) error {
			if e.Name() == "blocked" {
				return cause
			}
			return e.Rewrite("step", append(e.Args(), []byte{9}, "<b>")...)
		})
		s.Use(func(e *socketio.Event) error {
			if e.Name() != "step" {
				t.Errorf("the second middleware sees %q", e.Name())
			}
			if err := e.Rewrite("bad", func() {}); err == nil {
				t.Error("a function was encoded")
			}
			return e.Rewrite("renamed", e.Args()...)
		})
	})
	main.Handle("blocked", func(*socketio.Event) error { t.Error("a blocked event was handled"); return nil })
	main.Handle("renamed", func(e *socketio.Event) error {
		var n int
		var data []byte
		var text string
		if err := e.Decode(&n, &data, &text); err != nil {
			return err
		}
		return e.Ack(n, data, text)
	})
	conn := f.WebSocket()
	conn.Join("/", "")
	conn.Send(`421["original",5]`)
	conn.Want(`461-1[5,{"_placeholder":true,"num":0},"<b>"]`)
	conn.WantBinary([]byte{9})
	conn.Send(`42["blocked"]`)
	var h *socketio.HandlerError
	if err := wait(t, reported); !errors.Is(err, cause) || !errors.As(err, &h) || h.Event != "blocked" {
		t.Errorf("reported %v", err)
	}
	conn.Send(`422["blocked"]`)
	conn.Want(`432[{"error":{"message":"internal error"}}]`)
}

func TestHandleRefusesNames(t *testing.T) {
	f := start(t)
	for _, name := range []string{"connect", "disconnect", "connect_error", "disconnecting", "newListener",
		"removeListener"} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("Handle(%q) did not panic", name)
				}
			}()
			f.Of("/").Handle(name, func(*socketio.Event) error { return nil })
		}()
	}
	defer func() {
		if recover() == nil {
			t.Error("Handle(nil) did not panic")
		}
	}()
	f.Of("/").Handle("x", nil)
}
