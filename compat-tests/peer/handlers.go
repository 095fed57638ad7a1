package main

import (
	"io"
	"sync"
	"time"

	"github.com/zishang520/engine.io/v2/engine"
	"github.com/zishang520/socket.io/v2/socket"
)

type answerer = func([]any, error)

// split separates the arguments of a client from the function that answers it.
func split(args []any) ([]any, answerer) {
	if n := len(args); n > 0 {
		if answer, ok := args[n-1].(answerer); ok {
			return args[:n-1], answer
		}
	}
	return args, func([]any, error) {}
}

// at is an argument of a type, or nothing where the client sent something else.
func at[T any](args []any, i int) (v T) {
	if i < len(args) {
		v, _ = args[i].(T)
	}
	return v
}

// list is an argument that is a list of rooms.
func list(args []any, i int) (rooms []socket.Room) {
	for _, name := range at[[]any](args, i) {
		if name, ok := name.(string); ok {
			rooms = append(rooms, socket.Room(name))
		}
	}
	return rooms
}

func room(args []any, i int) socket.Room { return socket.Room(at[string](args, i)) }

func milliseconds(args []any, i int) time.Duration {
	return time.Duration(at[float64](args, i)) * time.Millisecond
}

type emitter interface {
	Emit(string, ...any) error
}

// pass sends to a target, under a name, what a client sent.
func pass(target emitter, name string) func(...any) {
	return func(args ...any) {
		args, _ = split(args)
		_ = target.Emit(name, args...)
	}
}

func acknowledge(args ...any) {
	args, answer := split(args)
	answer(args, nil)
}

// auth is what the client sent to join, an empty object when it sent nothing.
func auth(s *socket.Socket) any {
	if a := s.Handshake().Auth; a != nil {
		return a
	}
	return map[string]any{}
}

// onConnection runs serve for every socket of n.
func onConnection(n socket.NamespaceInterface, serve func(*socket.Socket)) {
	_ = n.On("connection", func(args ...any) { serve(args[0].(*socket.Socket)) })
}

func on(s *socket.Socket, event string, serve func(...any)) { _ = s.On(event, serve) }

func serveEverywhere(n socket.NamespaceInterface) {
	var reasons sync.Map
	onConnection(n, func(s *socket.Socket) {
		_ = s.Emit("auth", auth(s))
		on(s, "message", pass(s, "message-back"))
		on(s, "message-with-ack", acknowledge)
		on(s, "echo", pass(s, "echo"))
		on(s, "ack", acknowledge)
		on(s, "noted", pass(s, "noted"))
		on(s, "bin", pass(s, "bin"))
		on(s, "ask", func(...any) {
			_ = s.Emit("question", 42, func(answer []any, _ error) { _ = s.Emit("answered", answer...) })
		})
		on(s, "join", func(args ...any) {
			args, answer := split(args)
			s.Join(room(args, 0))
			answer(nil, nil)
		})
		on(s, "leave", func(args ...any) {
			args, answer := split(args)
			s.Leave(room(args, 0))
			answer(nil, nil)
		})
		on(s, "room", func(args ...any) {
			args, _ = split(args)
			_ = n.To(room(args, 0)).Emit("room", args[1:]...)
		})
		on(s, "broadcast", pass(n, "broadcast"))
		on(s, "volatile", func(args ...any) {
			for i := range int(at[float64](args, 0)) {
				_ = s.Volatile().Emit("volatile", i, args[1])
			}
		})
		on(s, "whoami", whoami(s))
		on(s, "bye", func(...any) { s.Disconnect(false) })
		on(s, "close", func(...any) { s.Disconnect(true) })
		serveState(n, s)
		serveCrowd(n, s)
		serveReasons(s, &reasons)
	})
}

func whoami(s *socket.Socket) func(...any) {
	return func(args ...any) {
		_, answer := split(args)
		answer([]any{map[string]any{
			"id": s.Id(), "namespace": s.Nsp().Name(), "rooms": s.Rooms().Keys(),
			"transport": s.Conn().Transport().Name(), "auth": auth(s),
		}}, nil)
	}
}

func serveState(n socket.NamespaceInterface, s *socket.Socket) {
	on(s, "remember", func(args ...any) {
		args, answer := split(args)
		s.SetData(args[0])
		answer(nil, nil)
	})
	on(s, "state", func(args ...any) {
		_, answer := split(args)
		answer([]any{map[string]any{"recovered": s.Recovered(), "remembered": s.Data(), "rooms": s.Rooms().Keys()}}, nil)
	})
	on(s, "present", func(args ...any) {
		args, answer := split(args)
		_, is := n.Sockets().Load(socket.SocketId(at[string](args, 0)))
		answer([]any{is}, nil)
	})
	on(s, "direct", func(args ...any) {
		args, _ = split(args)
		_ = n.To(room(args, 0)).Emit("direct", args[1:]...)
	})
	on(s, "loosely", func(args ...any) {
		args, _ = split(args)
		_ = n.To().Volatile().Emit("loosely", args...)
	})
}

func serveCrowd(n socket.NamespaceInterface, s *socket.Socket) {
	on(s, "algebra", func(args ...any) { _ = n.To(list(args, 0)...).Except(list(args, 1)...).Emit("room", args[2]) })
	on(s, "others", func(args ...any) {
		to := s.Broadcast()
		if rooms := list(args, 0); len(rooms) > 0 {
			to = s.To(rooms...)
		}
		_ = to.Except(list(args, 1)...).Emit("room", args[2])
	})
	on(s, "members", func(args ...any) {
		args, answer := split(args)
		n.In(room(args, 0)).FetchSockets()(func(sockets []*socket.RemoteSocket, err error) {
			ids := []any{}
			for _, s := range sockets {
				ids = append(ids, s.Id())
			}
			answer([]any{ids}, nil)
		})
	})
	on(s, "gather", func(args ...any) {
		args, answer := split(args)
		n.In(room(args, 0)).SocketsJoin(room(args, 1))
		answer(nil, nil)
	})
	on(s, "scatter", func(args ...any) {
		args, answer := split(args)
		n.In(room(args, 0)).SocketsLeave(room(args, 1))
		answer(nil, nil)
	})
	on(s, "kick", func(args ...any) { n.In(room(args, 0)).DisconnectSockets(at[bool](args, 1)) })
	on(s, "poll", func(args ...any) {
		args, answer := split(args)
		_ = n.In(room(args, 0)).Timeout(milliseconds(args, 1)).Emit("vote", args[2], func(answers []any, err error) {
			if answers == nil {
				answers = []any{}
			}
			answer([]any{message(err), answers}, nil)
		})
	})
	on(s, "ask-within", func(args ...any) {
		_ = s.Timeout(milliseconds(args, 0)).Emit("question", 42, func(answer []any, err error) {
			_ = s.Emit("answered", append([]any{message(err)}, answer...)...)
		})
	})
}

func message(err error) any {
	if err != nil {
		return err.Error()
	}
	return nil
}

func serveReasons(s *socket.Socket, reasons *sync.Map) {
	on(s, "disconnect", func(args ...any) { reasons.Store(string(s.Id()), args[0]) })
	on(s, "reason", func(args ...any) {
		args, answer := split(args)
		reason, _ := reasons.Load(at[string](args, 0))
		answer([]any{reason}, nil)
	})
}

func serveCustom(n socket.NamespaceInterface) {
	onConnection(n, func(s *socket.Socket) { _ = s.Emit("auth", auth(s)) })
}

func serveRefused(n socket.NamespaceInterface) {
	n.Use(func(s *socket.Socket, next func(*socket.ExtendedError)) {
		if a, ok := s.Handshake().Auth.(map[string]any); ok && a["word"] == "please" {
			next(nil)
			return
		}
		next(socket.NewExtendedError("say the word", map[string]any{"code": 401, "hint": []string{"p", "l", "e"}}))
	})
	onConnection(n, func(s *socket.Socket) { serveState(n, s) })
}

func serveDynamic(n socket.NamespaceInterface) {
	onConnection(n, func(s *socket.Socket) {
		_ = s.Emit("auth", auth(s))
		on(s, "ack", acknowledge)
		on(s, "whoami", whoami(s))
		on(s, "broadcast", pass(s.Nsp(), "broadcast"))
	})
}

// serveEcho makes an engine send every message back.
func serveEcho(e engine.Server) {
	_ = e.On("connection", func(args ...any) {
		s := args[0].(engine.Socket)
		_ = s.On("message", func(args ...any) {
			if data, ok := args[0].(io.Reader); ok {
				s.Send(data, nil, nil)
			}
		})
	})
}
