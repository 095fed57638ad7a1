package socketio

import (
	"encoding/json"
	"net/url"
	"strings"
	"sync"

	"github.com/gosocketio/socketio/protocol"
)

// Clients before Socket.IO 3.0 speak revision 3 of the Engine.IO protocol and revision 4 of this one. It differs in how a
// namespace is joined: the server joins a new connection to "/" by itself, a CONNECT has a query instead of an auth payload
// and is answered without one, and the id of a socket is made of the connection's.

// v2 tells whether the client is such a one.
func (c *client) v2() bool { return c.session.Protocol() == 3 }

// newSocketID returns the id of a new socket of this client.
func (c *client) newSocketID(nsp string) string {
	switch {
	case !c.v2():
		return newID()
	case nsp == "/":
		return c.session.ID()
	}
	return nsp + "#" + c.session.ID()
}

// splitQuery takes the query off a packet's namespace; that of a CONNECT is the socket's auth, and its payload is nothing. Of
// duplicates the last counts, what cannot be parsed is left out.
func splitQuery(p *protocol.Packet) {
	name, query, has := strings.Cut(p.Namespace, "?")
	if name == "" {
		name = "/"
	}
	p.Namespace = name
	if p.Type != protocol.Connect {
		return
	}
	p.Data = nil
	if !has {
		return
	}
	values, _ := url.ParseQuery(query) // as the official server: what can be parsed
	auth := make(map[string]string, len(values))
	for k, v := range values {
		auth[k] = v[len(v)-1]
	}
	p.Data, _ = json.Marshal(auth) // strings always encode
}

// takenIDs are the ids of such sockets, from before they are connected until their disconnect callbacks have run: a client that has
// left a namespace may join it again, with the same id, while they wait for a handler that is running.
type takenIDs struct {
	mu   sync.Mutex
	done map[takenID]chan struct{} // closed when the id is free
}

type takenID struct {
	ns *Namespace
	id string
}

// takeID waits until no other socket of such a client has the id.
func (s *Socket) takeID() {
	if !s.client.v2() {
		return
	}
	taken, key := &s.ns.server.takenIDs, takenID{s.ns, s.id}
	for {
		taken.mu.Lock()
		before := taken.done[key]
		if before == nil {
			if taken.done == nil {
				taken.done = make(map[takenID]chan struct{})
			}
			taken.done[key] = make(chan struct{})
		}
		taken.mu.Unlock()
		if before == nil {
			return
		}
		<-before
	}
}

// freeID ends what takeID began.
func (s *Socket) freeID() {
	if !s.client.v2() {
		return
	}
	taken, key := &s.ns.server.takenIDs, takenID{s.ns, s.id}
	taken.mu.Lock()
	defer taken.mu.Unlock()
	close(taken.done[key])
	delete(taken.done, key)
}
