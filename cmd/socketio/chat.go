package main

import (
	"encoding/json"
	"errors"
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

// Message is what somebody says in a room. The server adds From and At.
type Message struct {
	ID   string `json:"id"` // made by the sender; others recognise by it what was sent again
	Room string `json:"room"`
	Text string `json:"text"`
	File *File  `json:"file,omitempty"`
	From User   `json:"from"`
	At   int64  `json:"at"` // ms since 1970; no two messages have the same
}

// Typing tells that somebody started or stopped typing.
type Typing struct {
	Room   string `json:"room"`
	Typing bool   `json:"typing"`
	From   User   `json:"from"`
}

// Received says when the server got a message, by its clock.
type Received struct {
	At int64 `json:"at"`
}

// Welcome is the first event of a connection.
type Welcome struct {
	At   int64  `json:"at"`
	Node string `json:"node,omitempty"` // the server's name in a cluster
}

// Limits, so that no visitor makes the others' pages heavy. The size of a file is limited by Config.MaxPayload.
const (
	maxName     = 24 // characters
	maxRooms    = 20 // of one visitor
	maxText     = 16_000
	maxFileName = 200
)

// userKey is shared: all servers of a cluster list everybody.
var userKey = socketio.NewSharedKey[User]("user")

// chat is the server side of the chat page:
//
//	auth    {nick, rooms}                          with every connection: who comes back is where they were
//	welcome {at, node?}                            from the server, first; node is the server's name in a cluster
//	missed  since → {messages, upTo, more}         messages after that time, in pages: ask again from upTo while there is more
//	join    room, leave room             → {}
//	message {id, room, text, file?}      → {at}    to the others in the room with from and at
//	typing  {room, typing}                         to the others in the room with from
//	people  {room, people, total}                  from the server, when it changes; rooms [{name, people}] likewise
func chat(ns *socketio.Namespace, node string) {
	present := newPresence(ns)
	var recent backlog

	ns.Use(func(s *socketio.Socket) error {
		var auth struct{ Nick string }
		if err := s.Handshake().DecodeAuth(&auth); err != nil || !named(auth.Nick) {
			return &socketio.Error{Message: "choose a nick name of 1 to 24 characters", Data: map[string]string{"field": "nick"}}
		}
		userKey.Set(s, User{s.ID(), strings.TrimSpace(auth.Nick)})
		return nil
	})
	ns.OnConnection(func(s *socketio.Socket) {
		// Before the messages of any room, which the client keeps until it has what it missed. A socket that is gone needs none.
		_ = s.Emit("welcome", Welcome{time.Now().UnixMilli(), node})
		var auth struct {
			Rooms []string
		}
		_ = s.Handshake().DecodeAuth(&auth) // without rooms it joins none
		for _, name := range auth.Rooms[:min(len(auth.Rooms), maxRooms)] {
			if named(name) {
				s.Join(room(name))
				present.changed(name)
			}
		}
	})
	// The client asks for each page, so a client that does not read holds one page of memory and not the whole backlog.
	socketio.OnCall(ns, "missed", func(e *socketio.Event, since int64) (Page, error) {
		if waiting, _ := e.Socket().Conn().Buffered(); waiting > pageBytes {
			return Page{}, &socketio.Error{Message: "read what was sent first"}
		}
		return recent.page(since, func(m Message) bool { return in(e.Socket(), m.Room) }), nil
	})
	socketio.OnCall(ns, "join", func(e *socketio.Event, name string) (struct{}, error) {
		if !named(name) {
			return struct{}{}, &socketio.Error{Message: "room names have 1 to 24 characters"}
		}
		if len(e.Socket().Rooms()) > maxRooms { // its own is one
			return struct{}{}, &socketio.Error{Message: "leave one of your rooms first"}
		}
		e.Socket().Join(room(name))
		present.changed(name)
		return struct{}{}, nil
	})
	socketio.OnCall(ns, "leave", func(e *socketio.Event, name string) (struct{}, error) {
		if in(e.Socket(), name) {
			e.Socket().Leave(room(name))
			present.changed(name)
		}
		return struct{}{}, nil
	})
	socketio.OnCall(ns, "message", func(e *socketio.Event, m Message) (Received, error) {
		if !in(e.Socket(), m.Room) {
			return Received{}, &socketio.Error{Message: "join the room first"}
		}
		if len(m.ID) > maxFileName || len(m.Text) > maxText || m.File != nil && len(m.File.Name+m.File.Type) > maxFileName {
			return Received{}, &socketio.Error{Message: "that is too long"}
		}
		m.From, _ = userKey.Get(e.Socket())
		m = recent.add(m)
		err := e.Socket().To(room(m.Room)).Emit("message", m)
		return Received{m.At}, errors.Join(err, remember(ns, m))
	})
	ns.OnServerSideEmit("said", func(e *socketio.ServerSideEvent) error {
		var text string
		var m Message
		if err := e.Decode(&text); err != nil {
			return err
		}
		if err := json.Unmarshal([]byte(text), &m); err != nil {
			return err
		}
		recent.keep(m)
		return nil
	})
	socketio.On(ns, "typing", func(e *socketio.Event, t Typing) error {
		if !in(e.Socket(), t.Room) {
			return nil
		}
		t.From, _ = userKey.Get(e.Socket())
		return e.Socket().To(room(t.Room)).Volatile().Emit("typing", t)
	})
	// While it disconnects, a socket's rooms are still known; the others are told once it has left them.
	ns.OnDisconnecting(func(s *socketio.Socket, _ socketio.Reason) {
		left := names(s.Rooms())
		s.OnDisconnect(func(*socketio.Socket, socketio.Reason) { present.changed(left...) })
	})
}

// remember tells the other servers what was said, for visitors who come back to one of them. As text,
// because not every way to send events to servers has binary.
func remember(ns *socketio.Namespace, m Message) error {
	text, err := json.Marshal(m)
	if err != nil {
		return err
	}
	return ns.ServerSideEmit("said", string(text))
}

// room is what a visitors' room is called here, so that nobody can name the room of another socket's id.
func room(name string) string { return "room:" + name }

func in(s *socketio.Socket, name string) bool { return slices.Contains(s.Rooms(), room(name)) }

// names are the visitors' rooms among the rooms of a socket.
func names(rooms []string) []string {
	var list []string
	for _, r := range rooms {
		if name, ok := strings.CutPrefix(r, room("")); ok {
			list = append(list, name)
		}
	}
	return list
}

// named tells whether a nick or a room's name will do.
func named(s string) bool {
	return strings.TrimSpace(s) != "" && len(s) <= 4*maxName && utf8.RuneCountInString(s) <= maxName
}
