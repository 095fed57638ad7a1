package main

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/gosocketio/socketio"
)

const (
	// gather is how long changes are gathered before they are told: when a thousand visitors come back at once, a list of
	// a thousand names is not sent a thousand times.
	gather = 50 * time.Millisecond
	// maxListed limits the people or rooms in a list.
	maxListed = 200
)

// People says who is in a room, and Room how many are.
type (
	People struct {
		Room   string `json:"room"`
		People []User `json:"people"`
		Total  int    `json:"total"` // with those that a long list leaves out
	}
	Room struct {
		Name   string `json:"name"`
		People int    `json:"people"`
	}
)

// presence tells visitors who is where. It tells one list after the other, made when it is sent: what arrives last is true.
type presence struct {
	ns *socketio.Namespace

	mu      sync.Mutex
	rooms   map[string]struct{} // that changed
	telling bool                // tell runs or is going to
}

func newPresence(ns *socketio.Namespace) *presence {
	return &presence{ns: ns, rooms: make(map[string]struct{})}
}

// changed sees to it that the visitors hear of changes in these rooms.
func (p *presence) changed(names ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, name := range names {
		p.rooms[name] = struct{}{}
	}
	p.again()
}

// again needs the lock.
func (p *presence) again() {
	if len(p.rooms) > 0 && !p.telling {
		p.telling = true
		time.AfterFunc(gather, p.tell)
	}
}

func (p *presence) tell() {
	p.mu.Lock()
	changed := p.rooms
	p.rooms = make(map[string]struct{})
	p.mu.Unlock()

	for name := range changed {
		people := peopleIn(p.ns, name)
		_ = p.ns.To(room(name)).Emit("people", People{name, people[:min(len(people), maxListed)], len(people)})
	}
	rooms := roomsOf(p.ns)
	_ = p.ns.Emit("rooms", rooms[:min(len(rooms), maxListed)])

	p.mu.Lock()
	defer p.mu.Unlock()
	p.telling = false
	p.again()
}

// peopleIn lists who is in a room, on all servers, by nick.
func peopleIn(ns *socketio.Namespace, name string) []User {
	people := []User{}
	for s, err := range ns.In(room(name)).FetchSockets(context.Background()) {
		if err != nil { // a server is slow: its people are missing until the next change
			continue
		}
		if u, ok := userKey.GetRemote(s); ok {
			people = append(people, u)
		}
	}
	slices.SortFunc(people, func(a, b User) int { return cmp.Or(cmp.Compare(a.Nick, b.Nick), cmp.Compare(a.ID, b.ID)) })
	return people
}

// roomsOf lists the rooms that somebody is in, on all servers, the fullest first.
func roomsOf(ns *socketio.Namespace) []Room {
	count := map[string]int{}
	for s, err := range ns.FetchSockets(context.Background()) {
		if err != nil {
			continue
		}
		for _, name := range names(s.Rooms()) {
			count[name]++
		}
	}
	rooms := []Room{}
	for name, n := range count {
		rooms = append(rooms, Room{name, n})
	}
	slices.SortFunc(rooms, func(a, b Room) int {
		return cmp.Or(cmp.Compare(b.People, a.People), cmp.Compare(a.Name, b.Name))
	})
	return rooms
}
