package socketio_test

import (
	"errors"
	"runtime"
	"sync/atomic"
	"testing"

	"github.com/gosocketio/socketio"
)

func TestMiddlewareOrder(t *testing.T) {
	t.Attr("covers", "socketio/middleware/1 socketio/middleware/7 socketio/middleware/8 socketio/middleware/10")
	f := start(t)
	var log []string
	note := func(what string) func(*socketio.Socket) error {
		return func(s *socketio.Socket) error {
			if s.Connected() {
				t.Error("connected during a middleware")
			}
			if _, ok := s.Namespace().Socket(s.ID()); ok {
				t.Error("the namespace knows a socket during a middleware")
			}
			log = append(log, what)
			return nil
		}
	}
	f.Of("/").Use(note("main"))
	chat := f.Of("/chat")
	chat.Use(note("first"))
	chat.Use(note("second"))
	connected := make(chan struct{})
	chat.OnConnection(func(s *socketio.Socket) {
		if !s.Connected() {
			t.Error("not connected after the middlewares")
		}
		log = append(log, "connection")
		close(connected)
	})
	f.WebSocket().Join("/chat", "")
	wait(t, connected)
	if got, want := len(log), 3; got != want || log[0] != "first" || log[1] != "second" || log[2] != "connection" {
		t.Errorf("ran %q", log)
	}
}

func TestMiddlewareRefuses(t *testing.T) {
	t.Attr("covers", "socketio/middleware/2 socketio/middleware/3 socketio/middleware/9 socketio/socket/52")
	for _, c := range []struct {
		name     string
		err      error
		want     string
		reported bool
	}{
		{"error for the client", &socketio.Error{Message: "no entry"}, `{"message":"no entry"}`, false},
		{"with data", &socketio.Error{Message: "no", Data: map[string]any{"code": 401, "html": "<b>"}},
			`{"message":"no","data":{"code":401,"html":"<b>"}}`, false},
		{"wrapped", errors.Join(errors.New("why"), &socketio.Error{Message: "no", Data: 0}), `{"message":"no","data":0}`,
			false},
		{"another error", errors.New("database is down"), `{"message":"internal error"}`, true},
		{"data that is no JSON", &socketio.Error{Message: "no", Data: func() {}}, `{"message":"no"}`, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			var reported atomic.Int32
			f := start(t, func(n *socketio.Config) {
				n.OnError = func(*socketio.Socket, error) { reported.Add(1) }
			})
			chat := f.Of("/chat")
			var refused *socketio.Socket
			chat.Use(func(s *socketio.Socket) error {
				refused = s
				s.Join("early")
				return c.err
			})
			chat.Use(func(*socketio.Socket) error { t.Error("the next middleware ran"); return nil })
			chat.OnConnection(func(*socketio.Socket) { t.Error("a connection function ran") })
			chat.OnDisconnect(func(*socketio.Socket, socketio.Reason) { t.Error("a disconnect function ran") })
			f.Of("/")

			conn := f.WebSocket()
			conn.Send("40/chat,")
			conn.Want("44/chat," + c.want)
			conn.Join("/", "") // the connection stayed open
			if (reported.Load() == 1) != c.reported {
				t.Errorf("%d errors reported", reported.Load())
			}
			if refused.Connected() || len(refused.Rooms()) != 0 || refused.Err() == nil {
				t.Errorf("refused socket: connected %v, rooms %q, error %v", refused.Connected(), refused.Rooms(), refused.Err())
			}
			if refused.Context().Err() == nil {
				t.Error("its context goes on")
			}
			if err := refused.Emit("x"); !errors.Is(err, socketio.ErrClosed) {
				t.Errorf("Emit returned %v", err)
			}
		})
	}
}

// A refused client may try again, on the same connection.
func TestMiddlewareRefusesOnce(t *testing.T) {
	f := start(t)
	n := 0
	f.Of("/").Use(func(s *socketio.Socket) error {
		if n++; n == 1 {
			return &socketio.Error{Message: "not yet"}
		}
		return nil
	})
	conn := f.WebSocket()
	conn.Send("40")
	conn.Want(`44{"message":"not yet"}`)
	conn.Join("/", "")
}

func TestMiddlewareMayBlock(t *testing.T) {
	t.Attr("covers", "socketio/middleware/5")
	f := start(t)
	f.Of("/").Handle("echo", func(e *socketio.Event) error { return e.Socket().Emit("echo") })
	slow := f.Of("/slow")
	began, release := make(chan struct{}), make(chan struct{})
	slow.Use(func(*socketio.Socket) error {
		close(began)
		<-release
		return nil
	})
	conn := f.WebSocket()
	conn.Send("40/slow,")
	wait(t, began)
	conn.Join("/", "") // other namespaces go on
	conn.Send(`42["echo"]`)
	conn.Want(`42["echo"]`)
	close(release)
	conn.Joined("/slow")
}

// What a middleware emits is sent before the CONNECT; rooms it joins count from the connection on.
func TestMiddlewareUsesTheSocket(t *testing.T) {
	t.Attr("covers", "easy/45 socketio/middleware/4 socketio/uws/9")
	f := start(t)
	main := f.Of("/")
	main.Use(func(s *socketio.Socket) error {
		s.Join("a", "b", "a")
		s.SetValue("user", "ann")
		s.Leave("b")
		if err := main.Emit("nobody hears"); err != nil {
			t.Error(err)
		}
		if got := s.Rooms(); len(got) != 1 || got[0] != "a" {
			t.Errorf("rooms %q", got)
		}
		if _, err := s.EmitWithAck(t.Context(), "question"); !errors.Is(err, socketio.ErrClosed) {
			t.Errorf("EmitWithAck returned %v", err)
		}
		s.Disconnect(true) // does nothing yet
		return s.Emit("early", 1)
	})
	conn := f.WebSocket()
	conn.Send("40")
	conn.Want(`42["early",1]`)
	id := conn.Joined("/")
	s, _ := main.Socket(id)
	if got := s.Rooms(); len(got) != 2 {
		t.Errorf("rooms %q", got)
	}
	if user, _ := s.Value("user"); user != "ann" {
		t.Errorf("user %v", user)
	}
	if err := main.To("a").Emit("hi"); err != nil {
		t.Fatal(err)
	}
	conn.Want(`42["hi"]`)
}

// A client that goes away during the middlewares was never there.
func TestClientGoneDuringMiddleware(t *testing.T) {
	t.Attr("covers", "socketio/middleware/6")
	f := start(t)
	main := f.Of("/")
	ended := make(chan error, 1)
	main.Use(func(s *socketio.Socket) error {
		<-s.Context().Done()
		ended <- s.Err()
		return nil
	})
	main.OnConnection(func(*socketio.Socket) { t.Error("a connection function ran") })
	main.OnDisconnect(func(*socketio.Socket, socketio.Reason) { t.Error("a disconnect function ran") })
	conn := f.WebSocket()
	conn.Send("40")
	conn.Close()
	var why *socketio.DisconnectError
	if err := wait(t, ended); !errors.As(err, &why) || why.Reason != socketio.ReasonTransportClose {
		t.Errorf("context ended with %v", err)
	}
}

// An event while the CONNECT is in a middleware ends the connection.
func TestTooEarlyDuringMiddleware(t *testing.T) {
	for _, packet := range []string{`42["x"]`, `421`, `42/other,["x"]`, `430["x"`} {
		t.Run(packet, func(t *testing.T) {
			f := start(t)
			main := f.Of("/")
			main.Use(func(s *socketio.Socket) error {
				<-s.Context().Done()
				return nil
			})
			main.OnConnection(func(*socketio.Socket) { t.Error("a connection function ran") })
			conn := f.WebSocket()
			conn.Send("40", packet)
			conn.WantClose()
		})
	}
}

func TestMiddlewarePanics(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func()
	}{
		{"panic", func() { panic("oh") }},
		{"nil panic", func() { panic(nil) }},
		{"Goexit", runtime.Goexit},
	} {
		t.Run(c.name, func(t *testing.T) {
			var reported atomic.Int32
			f := start(t, func(n *socketio.Config) {
				n.OnError = func(_ *socketio.Socket, err error) { reported.Add(1) }
			})
			f.Of("/").Use(func(*socketio.Socket) error { c.do(); return nil })
			f.Of("/").OnConnection(func(*socketio.Socket) { t.Error("a connection function ran") })
			f.Of("/chat")
			conn := f.WebSocket()
			conn.Send("40")
			conn.Want(`44{"message":"internal error"}`)
			conn.Join("/chat", "")
			if reported.Load() != 1 {
				t.Errorf("%d errors reported", reported.Load())
			}
		})
	}
}
