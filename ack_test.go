package socketio_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gosocketio/socketio"
)

// Acknowledgements that clients ask for.
func TestAckToClient(t *testing.T) {
	t.Attr("covers", "easy/32 socketio/socket/24 socketio/socket/27 socketio/socket/29 socketio/socket/32")
	f := start(t)
	for _, name := range []string{"/", "/chat"} {
		ns := f.Of(name)
		ns.Handle("same", func(e *socketio.Event) error { return e.Ack(e.Args()...) })
		ns.Handle("none", func(e *socketio.Event) error { return e.Ack() })
		ns.Handle("twice", func(e *socketio.Event) error {
			if !e.WantsAck() {
				t.Error("an id of 0 is an id")
			}
			if err := e.Ack(1); err != nil {
				t.Error(err)
			}
			if err := e.Ack(2); !errors.Is(err, socketio.ErrAnswered) {
				t.Errorf("the second Ack returned %v", err)
			}
			return nil
		})
		ns.Handle("unasked", func(e *socketio.Event) error {
			if e.WantsAck() {
				t.Error("no id")
			}
			return e.Ack(1)
		})
		ns.Handle("bad", func(e *socketio.Event) error {
			if err := e.Ack(func() {}); err == nil {
				t.Error("a function was encoded")
			}
			return e.Ack("good")
		})
	}
	conn := f.WebSocket()
	conn.Join("/", "")
	conn.Join("/chat", "")
	conn.Send(`42456["same",1,"2",{"3":[false]}]`)
	conn.Want(`43456[1,"2",{"3":[false]}]`)
	conn.Send(`42/chat,456["same",null]`)
	conn.Want(`43/chat,456[null]`)
	conn.Send(`420["none"]`)
	conn.Want(`430[]`)
	conn.Send(`42["unasked"]`, `420["twice"]`)
	conn.Want(`430[1]`)
	conn.Send(`421["same",1e400,{"a":1e400},2]`)
	conn.Want(`431[null,null,2]`)
	conn.Send(`429007199254740991["bad"]`)
	conn.Want(`439007199254740991["good"]`)
	conn.Send(`452-789["same",{"_placeholder":true,"num":0},[{"_placeholder":true,"num":1}]]`)
	conn.SendBinary([]byte{1, 2, 3})
	conn.SendBinary([]byte{})
	conn.Want(`462-789[{"_placeholder":true,"num":0},[{"_placeholder":true,"num":1}]]`)
	conn.WantBinary([]byte{1, 2, 3}, []byte{})
}

// An acknowledgement may come later, from anywhere, even when the socket has left the namespace.
func TestAckLater(t *testing.T) {
	f := start(t)
	events := make(chan *socketio.Event, 1)
	f.Of("/").Handle("later", func(e *socketio.Event) error {
		e.AckLater()
		events <- e
		return nil
	})
	disconnected := disconnects(f.Of("/"))
	conn := f.WebSocket()
	conn.Join("/", "")
	conn.Send(`425["later"]`)
	e := wait(t, events)
	conn.Send(`41`)
	wait(t, disconnected)
	if err := e.Ack("late"); err != nil {
		t.Error(err)
	}
	conn.Want(`435["late"]`)

	other := f.WebSocket()
	other.Join("/", "")
	other.Send(`426["later"]`)
	e = wait(t, events)
	other.Close()
	wait(t, disconnected)
	if err := e.Ack("too late"); !errors.Is(err, socketio.ErrClosed) {
		t.Errorf("Ack returned %v", err)
	}
}

// A client that asked for an acknowledgement has one when the handlers of its event have returned:
// the answer of any of them, their first error, or nothing. It has none when a handler wants to
// answer later, when there was no handler, and once it has left.
func TestHandlersThatReturnAnswer(t *testing.T) {
	f := start(t)
	main := f.Of("/")
	main.Handle("nothing", func(*socketio.Event) error { return nil })
	main.Handle("second", func(*socketio.Event) error { return nil })
	main.Handle("second", func(e *socketio.Event) error { return e.Ack("of the second") })
	main.Handle("mixed", func(*socketio.Event) error { return nil })
	main.Handle("mixed", func(*socketio.Event) error { return &socketio.Error{Message: "no"} })
	later := make(chan *socketio.Event, 1)
	main.Handle("later", func(e *socketio.Event) error { e.AckLater(); later <- e; return nil })
	main.Handle("later", func(*socketio.Event) error { return nil })
	main.Handle("later, failed", func(e *socketio.Event) error { e.AckLater(); return &socketio.Error{Message: "no"} })
	main.Handle("leave", func(e *socketio.Event) error { e.Socket().Disconnect(false); return nil })
	conn := f.WebSocket()
	conn.Join("/", "")
	conn.Send(
		`421["nothing"]`,
		`42["nothing"]`,
		`422["second"]`,
		`423["mixed"]`,
		`424["later"]`,
		`425["nobody"]`,
		`426["later, failed"]`,
	)
	conn.Want(`431[]`, `432["of the second"]`, `433[{"error":{"message":"no"}}]`, `436[{"error":{"message":"no"}}]`)
	if err := wait(t, later).Ack("late"); err != nil {
		t.Error(err)
	}
	conn.Want(`434["late"]`)
	conn.Send(`427["leave"]`)
	conn.Want(`41`)
	conn.Join("/", "")
	conn.Send(`428["nothing"]`)
	conn.Want(`438[]`)
}

// Acknowledgements that the server asks for. Ids come from one counter per namespace.
func TestAckFromClient(t *testing.T) {
	t.Attr("covers", "socketio/socket/26 socketio/socket/28 socketio/socket/30 socketio/socket/31 "+
		"socketio/socket/33 socketio/socket-timeout/3 socketio/socket-timeout/5")
	f := start(t)
	for id, name := range []string{"/", "/chat"} {
		connected := connects(f.Of(name))
		conn := f.WebSocket()
		conn.Join(name, "")
		s := wait(t, connected)

		type result struct {
			reply socketio.Reply
			err   error
		}
		results := make(chan result, 1)
		ask := func(args ...any) {
			r, err := s.EmitWithAck(t.Context(), "q", args...)
			results <- result{r, err}
		}
		p := map[string]string{"/": "", "/chat": "/chat,"}[name]

		go ask()
		conn.Want(`42` + p + `0["q"]`)
		conn.Send(`43` + p + `0[1,{"a":"b"}]`)
		r := wait(t, results)
		var n int
		var v struct{ A string }
		if err := errors.Join(r.err, r.reply.Decode(&n, &v)); err != nil || n != 1 || v.A != "b" {
			t.Errorf("%d: %v %v %v", id, n, v, err)
		}
		if r.reply.SocketID() != s.ID() || r.reply.Len() != 2 {
			t.Errorf("reply of %s with %d arguments", r.reply.SocketID(), r.reply.Len())
		}
		if err := r.reply.Decode(&n, &v, &n); !errors.Is(err, socketio.ErrArguments) {
			t.Errorf("Decode of too many: %v", err)
		}
		if err := r.reply.Decode(&v); !errors.Is(err, socketio.ErrArguments) {
			t.Errorf("Decode into a wrong type: %v", err)
		}

		go ask([]byte{9})
		conn.Want(`451-` + p + `1["q",{"_placeholder":true,"num":0}]`)
		conn.WantBinary([]byte{9})
		conn.Send(`461-` + p + `1[{"x":{"_placeholder":true,"num":0}}]`)
		conn.SendBinary([]byte{7, 8})
		r = wait(t, results)
		if d := cmp.Diff([]any{map[string]any{"x": []byte{7, 8}}}, r.reply.Args()); d != "" || r.err != nil {
			t.Errorf("%v %s", r.err, d)
		}

		go ask()
		conn.Want(`42` + p + `2["q"]`)
		conn.Send(`43`+p+`1[]`, `43`+p+`77[]`, `43`+p+`[]`, `43`+p+`2`) // old, unknown and missing ids are ignored
		if r = wait(t, results); r.err != nil || r.reply.Len() != 0 {
			t.Errorf("%v with %d arguments", r.err, r.reply.Len())
		}
	}
}

// An answer of another client does not count.
func TestAckFromStranger(t *testing.T) {
	t.Attr("covers", "abuse/extra/3")
	f := start(t)
	connected := connects(f.Of("/"))
	conn, stranger := f.WebSocket(), f.WebSocket()
	conn.Join("/", "")
	s := wait(t, connected)
	stranger.Join("/", "")
	f.Of("/").Handle("echo", func(e *socketio.Event) error { return e.Ack() })
	replies := make(chan socketio.Reply, 1)
	go func() {
		r, err := s.EmitWithAck(t.Context(), "q")
		if err != nil {
			t.Error(err)
		}
		replies <- r
	}()
	conn.Want(`420["q"]`)
	stranger.Send(`430["wrong"]`, `421["echo"]`)
	stranger.Want(`431[]`) // its acknowledgement has been looked at
	none(t, replies)
	conn.Send(`430["right"]`)
	if r := wait(t, replies); r.Args()[0] != "right" {
		t.Errorf("got %v", r.Args())
	}
}

func TestAckEndsWithTheSocket(t *testing.T) {
	for _, c := range []struct {
		name   string
		end    func(conn interface{ Close() }, send func(...string), s *socketio.Socket)
		reason socketio.Reason
	}{
		{"client leaves", func(_ interface{ Close() }, send func(...string), _ *socketio.Socket) { send("41") },
			socketio.ReasonClientNamespaceDisconnect},
		{"client goes", func(c interface{ Close() }, _ func(...string), _ *socketio.Socket) { c.Close() },
			socketio.ReasonTransportClose},
		{"server disconnects", func(_ interface{ Close() }, _ func(...string),
			s *socketio.Socket) {
			s.Disconnect(false)
		}, socketio.ReasonServerNamespaceDisconnect},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := start(t)
			connected := connects(f.Of("/"))
			conn := f.WebSocket()
			conn.Join("/", "")
			s := wait(t, connected)
			errs := make(chan error, 1)
			go func() {
				_, err := s.EmitWithAck(t.Context(), "q")
				errs <- err
			}()
			conn.Want(`420["q"]`)
			c.end(conn, conn.Send, s)
			err := wait(t, errs)
			var why *socketio.DisconnectError
			if !errors.As(err, &why) || why.Reason != c.reason || !errors.Is(err, socketio.ErrClosed) {
				t.Errorf("got %v", err)
			}
			if _, err := s.EmitWithAck(t.Context(), "q"); !errors.Is(err, socketio.ErrClosed) {
				t.Errorf("asking afterwards: %v", err)
			}
		})
	}
}

func TestAckEndsWithTheContext(t *testing.T) {
	f := start(t)
	connected := connects(f.Of("/"))
	conn := f.WebSocket()
	conn.Join("/", "")
	s := wait(t, connected)
	cause := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	errs := make(chan error, 1)
	go func() {
		_, err := s.EmitWithAck(ctx, "q")
		errs <- err
	}()
	conn.Want(`420["q"]`)
	cancel(cause)
	if err := wait(t, errs); !errors.Is(err, cause) {
		t.Errorf("got %v", err)
	}
	if n := socketio.PendingCalls(s); n != 0 {
		t.Errorf("%d calls are still in the table", n)
	}
	if _, err := s.EmitWithAck(t.Context(), "connect"); !errors.Is(err, socketio.ErrReservedEvent) {
		t.Errorf("reserved name: %v", err)
	}
	if _, err := s.EmitWithAck(t.Context(), "q", func() {}); err == nil || socketio.PendingCalls(s) != 0 {
		t.Errorf("a function was encoded; %d calls are in the table", socketio.PendingCalls(s))
	}
}

// A handler's error answers the client that asked, with what it may know.
func TestAckAfterError(t *testing.T) {
	reported := make(chan error, 10)
	f := start(t, func(c *socketio.Config) {
		c.OnError = func(s *socketio.Socket, err error) { reported <- err }
	})
	var result error
	main := f.Of("/")
	main.Handle("fail", func(e *socketio.Event) error { return result })
	main.Handle("answered", func(e *socketio.Event) error {
		if err := e.Ack("fine"); err != nil {
			return err
		}
		return result
	})
	main.Handle("decode", func(e *socketio.Event) error {
		var n int
		return e.Decode(&n)
	})
	main.Handle("panic", func(*socketio.Event) error { panic("oh") })
	conn := f.WebSocket()
	conn.Join("/", "")
	for _, c := range []struct {
		name, packet string
		err          error
		want         string
	}{
		{"for the client", `421["fail"]`, &socketio.Error{Message: "no <b>", Data: []int{1}},
			`431[{"error":{"message":"no <b>","data":[1]}}]`},
		{"internal", `422["fail"]`, errors.New("secret"), `432[{"error":{"message":"internal error"}}]`},
		{"no JSON", `423["fail"]`, &socketio.Error{Message: "no", Data: func() {}}, `433[{"error":{"message":"no"}}]`},
		{"binary", `424["fail"]`, &socketio.Error{Message: "no", Data: "x"}, `434[{"error":{"message":"no","data":"x"}}]`},
		{"answered before", `425["answered"]`, errors.New("after all"), `435["fine"]`},
		{"wrong type", `426["decode","x"]`, nil, `436[{"error":{"message":"invalid arguments"}}]`},
		{"too few", `427["decode"]`, nil, `437[{"error":{"message":"invalid arguments"}}]`},
		{"panic", `428["panic"]`, nil, `438[{"error":{"message":"internal error"}}]`},
	} {
		t.Run(c.name, func(t *testing.T) {
			result = c.err
			conn.Send(c.packet)
			conn.Want(c.want)
			err := wait(t, reported)
			var h *socketio.HandlerError
			if !errors.As(err, &h) || c.err != nil && !errors.Is(err, c.err) {
				t.Errorf("reported %v", err)
			}
		})
	}
	result = errors.New("nobody asked")
	conn.Send(`42["fail"]`, `429["decode",1]`, `42["panic"]`, `4210["answered"]`)
	conn.Want(`439[]`, `4310["fine"]`)
}

// An event with a callback does not wait: the handler that sent it returns, later events are
// handled, and fn is called once.
func TestEmitWithAckFunc(t *testing.T) {
	reported := make(chan error, 1)
	f := start(t, func(c *socketio.Config) {
		c.OnError = func(_ *socketio.Socket, err error) { reported <- err }
	})
	type result struct {
		reply socketio.Reply
		err   error
	}
	results := make(chan result, 10)
	take := func(r socketio.Reply, err error) { results <- result{r, err} }
	main := f.Of("/")
	connected := connects(main)
	main.Handle("ask", func(e *socketio.Event) error {
		return errors.Join(e.Socket().EmitWithAckFunc("q", take, 1, []byte{2}), e.Socket().Emit("asked"))
	})
	conn := f.WebSocket()
	conn.Join("/", "")
	s := wait(t, connected)
	conn.Send(`421["ask"]`)
	conn.Want(`451-0["q",1,{"_placeholder":true,"num":0}]`)
	conn.WantBinary([]byte{2})
	conn.Want(`42["asked"]`, `431[]`)
	conn.Send(`430["a",1]`, `430["again"]`)
	if r := wait(t, results); r.err != nil || r.reply.Len() != 2 || r.reply.SocketID() != s.ID() {
		t.Errorf("got %v, %v", r.reply.Args(), r.err)
	}

	if err := s.EmitWithAckFunc("connect", take); !errors.Is(err, socketio.ErrReservedEvent) {
		t.Errorf("reserved name: %v", err)
	}
	if err := s.EmitWithAckFunc("q", take, func() {}); err == nil || socketio.PendingCalls(s) != 0 {
		t.Errorf("a function: %v", err)
	}
	if err := s.Timeout(time.Millisecond).EmitWithAckFunc("q", take); err != nil {
		t.Error(err)
	}
	conn.Want(`422["q"]`)
	if r := wait(t, results); !errors.Is(r.err, socketio.ErrTimeout) {
		t.Errorf("timeout: %v", r.err)
	}
	if err := s.EmitWithAckFunc("q", func(socketio.Reply, error) { panic("oh") }); err != nil {
		t.Error(err)
	}
	conn.Want(`423["q"]`)
	conn.Send(`433[]`)
	var p *socketio.PanicError
	if err := wait(t, reported); !errors.As(err, &p) {
		t.Errorf("reported %v", err)
	}

	if err := s.EmitWithAckFunc("q", take); err != nil {
		t.Error(err)
	}
	conn.Want(`424["q"]`)
	conn.Send(`41`)
	var gone *socketio.DisconnectError
	if r := wait(t, results); !errors.As(r.err, &gone) {
		t.Errorf("after the disconnect: %v", r.err)
	}
	if err := s.EmitWithAckFunc("q", take); !errors.Is(err, socketio.ErrClosed) || len(results) > 0 {
		t.Errorf("when it has disconnected: %v, %d results", err, len(results))
	}
}
