package main

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/adapter/redis"
	"github.com/gosocketio/socketio/rooms"
)

// oddNames are the namespaces of a cluster with names that are not like others. PostgreSQL has no
// channel for a long one.
func (o options) oddNames() []string {
	names := []string{"/odd#name", "/é€😀", "/star*"}
	if o.onPostgres() {
		return names
	}
	return append(names, "/"+strings.Repeat("long", 50))
}

// serveCluster registers what concerns several servers, if there may be others.
func serveCluster(io *socketio.Server, o options) (end func(), err error) {
	end = func() {}
	if o.bus == "" && o.cluster == "" {
		return end, nil
	}
	var emitter *redis.Emitter
	if o.onRedis() {
		emitter, err = redis.NewEmitter(context.Background(), redis.Config{URL: o.cluster})
		if err != nil {
			return nil, err
		}
		end = func() { _ = emitter.Close() } // what it had to send has been sent
	}
	for _, name := range o.oddNames() {
		serveEverywhere(io.Of(name))
	}
	for _, name := range append([]string{"/", "/chat"}, o.oddNames()...) {
		of := emitter
		if emitter != nil {
			of = emitter.Of(name)
		}
		serveCommands(io.Of(name), of)
	}
	return end, nil
}

// how says which sockets of all servers a command is for, and how to send to them.
type how struct {
	Rooms, Except []string
	Volatile      bool
	Local         bool
	Compress      *bool
	Socket        bool // all but the one that says so
	Emitter       bool // by a program that is no server
}

// audience are sockets that are sent something.
type audience interface {
	Emit(event string, args ...any) error
	SocketsJoin(rooms ...string) error
	SocketsLeave(rooms ...string) error
	DisconnectSockets(close bool) error
}

// operator is what a server's and an emitter's have in common.
type operator[T any] interface {
	audience
	To(rooms ...string) T
	Volatile() T
	Compress(compress bool) T
}

func chosen[T operator[T]](o T, h how) T {
	if len(h.Rooms) > 0 {
		o = o.To(h.Rooms...)
	}
	if h.Volatile {
		o = o.Volatile()
	}
	if h.Compress != nil {
		o = o.Compress(*h.Compress)
	}
	return o
}

// target returns the sockets that a command is for.
func target(e *socketio.Event, h how) socketio.Operator {
	except := h.Except
	if h.Socket {
		except = append(except, e.Socket().ID())
	}
	o := chosen(e.Socket().Namespace().Except(except...), h)
	if h.Local {
		o = o.Local()
	}
	return o
}

// values are some as a program of this language has them, which no client can send.
func values(binary bool) []any {
	all := []any{
		time.UnixMilli(1_700_000_000_123).UTC(),
		nil,
		map[string]any{"here": 1},
		nil, // in JavaScript NaN, which encoding/json refuses
		int64(1) << 32,
		int16(-129),
		int64(1)<<53 - 1,
		int64(1) << 60,
		1.5,
		"é€😀\u2028\x00",
		nil,
		[]any{[]any{}, map[string]any{}},
	}
	if binary {
		all = append(all, []byte{1, 2, 3}, []byte{4}, map[string]any{"deep": []any{[]byte{}}})
	}
	return all
}

// serveCommands registers what a client may have its server, or an emitter, do to the sockets of all
// servers. Without a Redis the emitter is nil.
func serveCommands(n *socketio.Namespace, emitter *redis.Emitter) {
	to := func(e *socketio.Event, h how) audience {
		if h.Emitter {
			return chosen(emitter.Except(h.Except...), h)
		}
		return target(e, h)
	}
	byHand{n}.Handle("say", func(e *socketio.Event) error {
		var h how
		var event string
		if err := e.Decode(&h, &event); err != nil {
			return err
		}
		return to(e, h).Emit(event, e.Args()[2:]...)
	})
	socketio.On3(byHand{n}, "say-values", func(e *socketio.Event, h how, event string, binary bool) error {
		return to(e, h).Emit(event, values(binary)...)
	})
	socketio.On2(byHand{n}, "join-all", func(e *socketio.Event, h how, rooms []string) error {
		return errors.Join(to(e, h).SocketsJoin(rooms...), e.Ack())
	})
	socketio.On2(byHand{n}, "leave-all", func(e *socketio.Event, h how, rooms []string) error {
		return errors.Join(to(e, h).SocketsLeave(rooms...), e.Ack())
	})
	socketio.On2(byHand{n}, "disconnect-all", func(e *socketio.Event, h how, closing bool) error {
		return to(e, h).DisconnectSockets(closing)
	})
	socketio.On(byHand{n}, "tell", func(e *socketio.Event, h how) error {
		if h.Emitter {
			return emitter.ServerSideEmit("told", e.Args()[1:]...)
		}
		return n.ServerSideEmit("told", e.Args()[1:]...)
	})
	serveHistory(n)
	serveKept(n)
	serveCalls(n)
}

// serveHistory keeps what happened to rooms of n on this server, for those who ask.
func serveHistory(n *socketio.Namespace) {
	var mu sync.Mutex
	history := map[string][][2]string{}
	note := func(verb string) func(room, id string) {
		return func(room, id string) {
			mu.Lock()
			defer mu.Unlock()
			history[room] = append(history[room], [2]string{verb, id})
		}
	}
	n.OnRooms(rooms.Hooks{Join: note("join"), Leave: note("leave")})
	socketio.OnCall(byHand{n}, "history", func(_ *socketio.Event, room string) ([][2]string, error) {
		mu.Lock()
		defer mu.Unlock()
		return append([][2]string{}, history[room]...), nil
	})
}

// keptKey is a value that other servers see.
var keptKey = socketio.NewSharedKey[any]("kept")

// adminKey is what the admin UI of an official server wants to know besides.
var adminKey = socketio.NewSharedKey[adminData]("_admin")

type adminData struct {
	ClientID  string `json:"clientId"`
	Transport string `json:"transport"`
}

// remote is a socket of any server.
type remote struct {
	ID        string             `json:"id"`
	Rooms     []string           `json:"rooms"`
	Data      json.RawMessage    `json:"data"`
	Handshake socketio.Handshake `json:"handshake"`
}

// serveKept lets a client keep a value, and see what other sockets keep.
func serveKept(n *socketio.Namespace) {
	socketio.On(byHand{n}, "keep", func(e *socketio.Event, v any) error {
		keptKey.Set(e.Socket(), v)
		return e.Ack()
	})
	byHand{n}.Handle("keep-admin", func(e *socketio.Event) error {
		conn := e.Socket().Conn()
		adminKey.Set(e.Socket(), adminData{conn.ID()[:12], conn.Transport().String()})
		return e.Ack()
	})
	socketio.On(byHand{n}, "fetch", func(e *socketio.Event, h how) error {
		list := []remote{}
		var problem any
		for s, err := range target(e, h).FetchSockets(e.Context()) {
			if err != nil {
				problem = err.Error()
				continue
			}
			list = append(list, remote{s.ID(), s.Rooms(), s.Data(), s.Handshake()})
		}
		return e.Ack(list, problem)
	})
}

// serveCalls registers questions to clients of all servers.
func serveCalls(n *socketio.Namespace) {
	byHand{n}.Handle("call", func(e *socketio.Event) error {
		var h how
		var ms int
		var event string
		if err := e.Decode(&h, &ms, &event); err != nil {
			return err
		}
		go func() { // not in the handler: the client asks itself too
			answers := []any{}
			var failure any
			to := target(e, h).Timeout(time.Duration(ms) * time.Millisecond)
			for reply, err := range to.EmitWithAck(e.Context(), event, e.Args()[3:]...) {
				if err != nil {
					failure = reason(err)
					continue
				}
				answers = append(answers, first(reply))
			}
			_ = e.Ack(failure, answers) // fails when the client has left
		}()
		return nil
	})
	byHand{n}.Handle("call-one", func(e *socketio.Event) error {
		var id, event string
		var ms int
		if err := e.Decode(&id, &ms, &event); err != nil {
			return err
		}
		for s, err := range n.In(id).FetchSockets(e.Context()) {
			if err != nil {
				return err
			}
			ctx, cancel := context.WithTimeout(e.Context(), time.Duration(ms)*time.Millisecond)
			defer cancel()
			answer, err := s.EmitWithAck(ctx, event, e.Args()[3:]...)
			if err != nil {
				return e.Ack(reason(err))
			}
			return e.Ack(nil, first(answer))
		}
		return nil
	})
}

// reason says why answers are missing.
func reason(err error) string {
	if errors.Is(err, socketio.ErrTimeout) || errors.Is(err, context.DeadlineExceeded) {
		return timedOut
	}
	return err.Error()
}

// first returns the value of an answer, nil when it has none.
func first(r socketio.Reply) any {
	if r.Len() == 0 {
		return nil
	}
	return r.Args()[0]
}
