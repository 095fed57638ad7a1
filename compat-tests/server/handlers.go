package main

import (
	"bytes"
	"encoding/json"
	"time"

	"github.com/gosocketio/socketio"
)

// byHand registers handlers whose acknowledgements are left to themselves, as the official server leaves them.
type byHand struct{ socketio.Registrar }

// Handle registers a handler.
func (r byHand) Handle(event string, fn func(*socketio.Event) error) (off func()) {
	return r.Registrar.Handle(event, func(e *socketio.Event) error {
		e.AckLater()
		return fn(e)
	})
}

// slowly answers with the size of data after some milliseconds. The events of a socket come one after the other.
func slowly(e *socketio.Event, ms int, data []byte) (int, error) {
	select {
	case <-time.After(time.Duration(ms) * time.Millisecond):
	case <-e.Socket().Context().Done():
	}
	return len(data), nil
}

// serveEverywhere registers what / and /chat answer.
func serveEverywhere(n *socketio.Namespace) {
	n.OnConnection(greet)
	serveLarge(n)

	byHand{n}.Handle("message", reply("message-back"))
	byHand{n}.Handle("echo", reply("echo"))
	byHand{n}.Handle("bin", reply("bin"))
	byHand{n}.Handle("message-with-ack", acknowledge)
	byHand{n}.Handle("ack", acknowledge)
	byHand{n}.Handle("ask", ask)
	socketio.OnCall2(n, "slowly", slowly)
	n.Handle("noted", reply("noted"))

	socketio.On(byHand{n}, "join", func(e *socketio.Event, room string) error {
		e.Socket().Join(room)
		return e.Ack()
	})
	socketio.On(byHand{n}, "leave", func(e *socketio.Event, room string) error {
		e.Socket().Leave(room)
		return e.Ack()
	})
	socketio.On(byHand{n}, "room", func(e *socketio.Event, room string) error {
		return n.To(room).Emit("room", e.Args()[1:]...)
	})
	byHand{n}.Handle("broadcast", func(e *socketio.Event) error {
		return n.Emit("broadcast", e.Args()...)
	})
	socketio.On2(byHand{n}, "volatile", func(e *socketio.Event, count int, data string) error {
		for i := range count {
			if err := e.Socket().Volatile().Emit("volatile", i, data); err != nil {
				return err
			}
		}
		return nil
	})

	serveState(n)
	serveCrowd(n)
	socketio.OnCall0(byHand{n}, "whoami", whoami)

	byHand{n}.Handle("bye", func(e *socketio.Event) error {
		e.Socket().Disconnect(false)
		return nil
	})
	byHand{n}.Handle("close", func(e *socketio.Event) error {
		e.Socket().Disconnect(true)
		return nil
	})
}

var rememberedKey = socketio.NewSharedKey[string]("remembered")

// serveState registers what is there to see whether a socket was recovered.
func serveState(n *socketio.Namespace) {
	socketio.On(byHand{n}, "remember", func(e *socketio.Event, value string) error {
		rememberedKey.Set(e.Socket(), value)
		return e.Ack()
	})
	socketio.OnCall0(byHand{n}, "state", func(e *socketio.Event) (state, error) {
		s := state{Recovered: e.Socket().Recovered(), Rooms: e.Socket().Rooms()}
		if value, ok := rememberedKey.Get(e.Socket()); ok {
			s.Remembered = &value
		}
		return s, nil
	})
	socketio.OnCall(byHand{n}, "present", func(_ *socketio.Event, id string) (bool, error) {
		_, is := n.Socket(id)
		return is, nil
	})
	socketio.On(byHand{n}, "direct", func(e *socketio.Event, id string) error {
		return n.To(id).Emit("direct", e.Args()[1:]...)
	})
	byHand{n}.Handle("loosely", func(e *socketio.Event) error {
		return n.Volatile().Emit("loosely", e.Args()...)
	})
}

// state is what a socket keeps when it is recovered.
type state struct {
	Recovered  bool     `json:"recovered"`
	Remembered *string  `json:"remembered"`
	Rooms      []string `json:"rooms"`
}

// serveCustom makes n say who came, and nothing else.
func serveCustom(n *socketio.Namespace) {
	n.OnConnection(greet)
}

// serveRefused makes n let nobody in who does not say {"word": "please"}, and tell them why. It sends nothing unasked.
func serveRefused(n *socketio.Namespace) {
	serveState(n)
	n.Use(func(s *socketio.Socket) error {
		var auth struct {
			Word string `json:"word"`
		}
		if err := s.Handshake().DecodeAuth(&auth); err == nil && auth.Word == "please" {
			return nil
		}
		return &socketio.Error{
			Message: "say the word",
			Data: struct {
				Code int      `json:"code"`
				Hint []string `json:"hint"`
			}{401, []string{"p", "l", "e"}},
		}
	})
}

// greet sends a new socket what it said to come in. One that has left by then is not there to be greeted.
func greet(s *socketio.Socket) {
	_ = s.Emit("auth", auth(s))
}

// auth is what the client sent to join, an empty object when it sent nothing.
func auth(s *socketio.Socket) json.RawMessage {
	var compact bytes.Buffer
	if err := json.Compact(&compact, s.Handshake().Auth); err != nil {
		return json.RawMessage("{}")
	}
	return compact.Bytes()
}

// reply returns a handler that sends an event's arguments back under a name.
func reply(name string) func(*socketio.Event) error {
	return func(e *socketio.Event) error { return e.Socket().Emit(name, e.Args()...) }
}

func acknowledge(e *socketio.Event) error { return e.Ack(e.Args()...) }

// ask puts a question to the client and reports its answer. It does not wait in the handler: later events of the same
// socket would wait with it. The goroutine ends with the answer, its timeout, or the socket.
func ask(e *socketio.Event) error {
	s := e.Socket()
	go func() {
		answer, err := s.EmitWithAck(s.Context(), "question", 42)
		if err != nil {
			return
		}
		_ = s.Emit("answered", answer.Args()...)
	}()
	return nil
}

// identity is how the server sees a socket.
type identity struct {
	ID        string          `json:"id"`
	Namespace string          `json:"namespace"`
	Rooms     []string        `json:"rooms"`
	Transport string          `json:"transport"`
	Auth      json.RawMessage `json:"auth"`
}

func whoami(e *socketio.Event) (identity, error) {
	s := e.Socket()
	return identity{s.ID(), s.Namespace().Name(), s.Rooms(), s.Conn().Transport().String(), auth(s)}, nil
}
