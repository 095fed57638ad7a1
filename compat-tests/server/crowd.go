package main

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"time"

	"github.com/gosocketio/socketio"
)

// timedOut is what the official server says of an answer that did not come.
const timedOut = "operation has timed out"

// serveCrowd registers what a client may do to the other sockets of n, and learn about them.
func serveCrowd(n *socketio.Namespace) {
	socketio.On3(byHand{n}, "algebra", func(e *socketio.Event, to, except []string, arg any) error {
		return n.To(to...).Except(except...).Emit("room", arg)
	})
	socketio.On3(byHand{n}, "others", func(e *socketio.Event, to, except []string, arg any) error {
		s := e.Socket()
		if len(to) == 0 {
			return s.Broadcast().Except(except...).Emit("room", arg)
		}
		return s.To(to...).Except(except...).Emit("room", arg)
	})
	socketio.OnCall(byHand{n}, "members", func(e *socketio.Event, room string) ([]string, error) {
		ids, err := n.In(room).AllSockets(e.Context())
		return append([]string{}, ids...), err // an empty list, not null
	})
	socketio.On2(byHand{n}, "gather", func(e *socketio.Event, from, to string) error {
		return errors.Join(n.In(from).SocketsJoin(to), e.Ack())
	})
	socketio.On2(byHand{n}, "scatter", func(e *socketio.Event, from, to string) error {
		return errors.Join(n.In(from).SocketsLeave(to), e.Ack())
	})
	socketio.On2(byHand{n}, "kick", func(_ *socketio.Event, room string, closing bool) error {
		return n.In(room).DisconnectSockets(closing)
	})
	serveServers(n)
	servePolls(n)
	serveReasons(n)
}

// found is a socket as another server may see it.
type found struct {
	ID         string          `json:"id"`
	Rooms      []string        `json:"rooms"`
	Auth       json.RawMessage `json:"auth"`
	Remembered string          `json:"remembered"`
}

// serveServers registers what concerns the other servers of a cluster.
func serveServers(n *socketio.Namespace) {
	socketio.OnCall(byHand{n}, "find", func(e *socketio.Event, room string) (list []found, err error) {
		list = []found{}
		for s, err := range n.In(room).FetchSockets(e.Context()) {
			if err != nil {
				return nil, err
			}
			remembered, _ := rememberedKey.GetRemote(s)
			list = append(list, found{s.ID(), s.Rooms(), s.Handshake().Auth, remembered})
		}
		return list, nil
	})
	byHand{n}.Handle("tell-servers", func(e *socketio.Event) error { return n.ServerSideEmit("told", e.Args()...) })
	n.OnServerSideEmit("told", func(e *socketio.ServerSideEvent) error { return n.Local().Emit("told", e.Args()...) })
	socketio.OnCall(byHand{n}, "ask-servers", func(e *socketio.Event, v any) (answers []any, err error) {
		answers = []any{}
		for reply, err := range n.ServerSideEmitWithAck(e.Context(), "asked", v) {
			if err != nil {
				return nil, err
			}
			answers = append(answers, reply.Args()...)
		}
		return answers, nil
	})
	n.OnServerSideEmit("asked", func(e *socketio.ServerSideEvent) error { return e.Ack(e.Args()) })
	socketio.OnCall0(byHand{n}, "servers", func(e *socketio.Event) (int, error) {
		// As many as answer, and this one. Official servers wait as long.
		ctx, cancel := context.WithTimeout(e.Context(), 5*time.Second)
		defer cancel()
		servers := 1
		for _, err := range n.ServerSideEmitWithAck(ctx, "asked") {
			if err != nil {
				return 0, err
			}
			servers++
		}
		return servers, nil
	})
}

// servePolls registers what asks clients and waits for a limited time.
func servePolls(n *socketio.Namespace) {
	socketio.On3(byHand{n}, "poll", func(e *socketio.Event, room string, ms int, question any) error {
		go func() { // not in the handler: the client asks itself too, while others of its events go on
			answers := []any{}
			var failure any
			for reply, err := range n.In(room).Timeout(time.Duration(ms)*time.Millisecond).EmitWithAck(e.Context(), "vote", question) {
				switch {
				case err != nil:
					failure = timedOut
				case reply.Len() > 0:
					answers = append(answers, reply.Args()[0])
				}
			}
			_ = e.Ack(failure, answers) // fails when the client has left
		}()
		return nil
	})
	socketio.On(byHand{n}, "ask-within", func(e *socketio.Event, ms int) error {
		s := e.Socket()
		go func() {
			answer, err := s.Timeout(time.Duration(ms)*time.Millisecond).EmitWithAck(s.Context(), "question", 42)
			if err != nil {
				_ = s.Emit("answered", timedOut) // fails when the client has left
				return
			}
			_ = s.Emit("answered", append([]any{nil}, answer.Args()...)...)
		}()
		return nil
	})
}

// serveReasons keeps why sockets of n left, for those who ask.
func serveReasons(n *socketio.Namespace) {
	var mu sync.Mutex
	reasons := map[string]socketio.Reason{}
	n.OnDisconnect(func(s *socketio.Socket, reason socketio.Reason) {
		mu.Lock()
		defer mu.Unlock()
		reasons[s.ID()] = reason
	})
	socketio.OnCall(byHand{n}, "reason", func(_ *socketio.Event, id string) (any, error) {
		mu.Lock()
		defer mu.Unlock()
		if reason, ok := reasons[id]; ok {
			return reason, nil
		}
		return nil, nil
	})
}

// serveDynamic registers what the namespaces that clients make up answer.
func serveDynamic(p *socketio.Parent) {
	p.OnConnection(greet)
	byHand{p}.Handle("ack", acknowledge)
	socketio.OnCall0(byHand{p}, "whoami", whoami)
	byHand{p}.Handle("broadcast", func(e *socketio.Event) error {
		return e.Socket().Namespace().Emit("broadcast", e.Args()...)
	})
}
