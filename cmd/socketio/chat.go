package main

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gosocketio/socketio"
)

// User is a visitor, as the others see them.
type User struct {
	ID   string `json:"id"`
	Nick string `json:"nick"`
}

// File is a picture or a clip; its bytes travel as binary.
type File struct {
	Name string `json:"name"`
	Type string `json:"type"`
	Data []byte `json:"data"`
}

// Message is what somebody says in a room.
type Message struct {
	ID   string `json:"id"`
	Room string `json:"room"`
	Text string `json:"text"`
	File *File  `json:"file,omitempty"`
	From User   `json:"from"`
	At   int64  `json:"at"` // ms since 1970
}

// Typing tells that somebody started or stopped typing.
type Typing struct {
	Room   string `json:"room"`
	Typing bool   `json:"typing"`
	From   User   `json:"from"`
}

// People says who is in a room, and Room how many are.
type (
	People struct {
		Room   string `json:"room"`
		People []User `json:"people"`
		Total  int    `json:"total"`
	}
	Room struct {
		Name   string `json:"name"`
		People int    `json:"people"`
	}
)

// maxRooms is how many rooms a visitor may come back to.
const maxRooms = 20

var userKey = socketio.NewKey[User]("user")

// chat is the whole server side of the chat page.
func chat(ns *socketio.Namespace) {
	// room is what the visitors' name of a room is called here, so that nobody can name the room of a socket's own id.
	room := func(name string) string { return "room:" + name }
	announce := func(names ...string) {
		for _, name := range names {
			people := peopleIn(ns, room(name))
			_ = ns.To(room(name)).Emit("people", People{name, people, len(people)})
		}
		_ = ns.Emit("rooms", roomsOf(ns))
	}

	ns.Use(func(s *socketio.Socket) error {
		var auth struct{ Nick string }
		if err := s.Handshake().DecodeAuth(&auth); err != nil || !named(auth.Nick) {
			return &socketio.Error{Message: "choose a nick name of 1 to 24 characters", Data: map[string]string{"field": "nick"}}
		}
		userKey.Set(s, User{s.ID(), strings.TrimSpace(auth.Nick)})
		return nil
	})
	// A page that reconnects names the rooms it was in.
	ns.OnConnection(func(s *socketio.Socket) {
		var auth struct{ Rooms []string }
		_ = s.Handshake().DecodeAuth(&auth) // without rooms it joins none
		auth.Rooms = slices.DeleteFunc(auth.Rooms, func(name string) bool { return !named(name) })
		auth.Rooms = auth.Rooms[:min(len(auth.Rooms), maxRooms)]
		for _, name := range auth.Rooms {
			s.Join(room(name))
		}
		announce(auth.Rooms...)
	})
	socketio.OnCall(ns, "join", func(e *socketio.Event, name string) (struct{}, error) {
		if !named(name) {
			return struct{}{}, &socketio.Error{Message: "room names have 1 to 24 characters"}
		}
		e.Socket().Join(room(name))
		announce(name)
		return struct{}{}, nil
	})
	socketio.OnCall(ns, "leave", func(e *socketio.Event, name string) (struct{}, error) {
		e.Socket().Leave(room(name))
		announce(name)
		return struct{}{}, nil
	})
	socketio.OnCall(ns, "message", func(e *socketio.Event, m Message) (map[string]int64, error) {
		if !slices.Contains(e.Socket().Rooms(), room(m.Room)) {
			return nil, &socketio.Error{Message: "join the room first"}
		}
		m.From, _ = userKey.Get(e.Socket())
		m.At = time.Now().UnixMilli()
		return map[string]int64{"at": m.At}, e.Socket().To(room(m.Room)).Emit("message", m)
	})
	socketio.On(ns, "typing", func(e *socketio.Event, t Typing) error {
		t.From, _ = userKey.Get(e.Socket())
		return e.Socket().To(room(t.Room)).Volatile().Emit("typing", t)
	})
	// While it disconnects, a socket's rooms are still known; the others are told once it has left them.
	ns.OnDisconnecting(func(s *socketio.Socket, _ socketio.Reason) {
		var left []string
		for _, r := range s.Rooms() {
			if name, ok := strings.CutPrefix(r, "room:"); ok {
				left = append(left, name)
			}
		}
		s.OnDisconnect(func(*socketio.Socket, socketio.Reason) { announce(left...) })
	})
}

// named tells whether a nick or a room's name will do.
func named(s string) bool {
	s = strings.TrimSpace(s)
	return s != "" && utf8.RuneCountInString(s) <= 24
}

// peopleIn lists who is in a room, by nick.
func peopleIn(ns *socketio.Namespace, room string) []User {
	people := []User{}
	for r, err := range ns.In(room).FetchSockets(context.Background()) {
		if s, ok := r.Local(); err == nil && ok {
			if u, ok := userKey.Get(s); ok {
				people = append(people, u)
			}
		}
	}
	slices.SortFunc(people, func(a, b User) int { return cmp.Or(cmp.Compare(a.Nick, b.Nick), cmp.Compare(a.ID, b.ID)) })
	return people
}

// roomsOf lists the rooms that somebody is in, by name.
func roomsOf(ns *socketio.Namespace) []Room {
	count := map[string]int{}
	for _, s := range ns.Sockets() {
		for _, r := range s.Rooms() {
			if name, ok := strings.CutPrefix(r, "room:"); ok {
				count[name]++
			}
		}
	}
	rooms := []Room{}
	for name, n := range count {
		rooms = append(rooms, Room{name, n})
	}
	slices.SortFunc(rooms, func(a, b Room) int { return cmp.Compare(a.Name, b.Name) })
	return rooms
}
