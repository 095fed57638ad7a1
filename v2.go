package socketio

import (
	"encoding/json"
	"net/url"
	"strings"
	"sync"

	"github.com/gosocketio/socketio/protocol"
)

// Clients before Socket.IO 3.0 speak revision 3 of the Engine.IO protocol and revision 4 of this
// one, in which joining a namespace differs: the server joins a new connection to "/" by itself, a
// CONNECT has a query instead of an auth payload and is answered without a payload, and the id of a
// socket is made from the connection's.

// v2 tells whether the client is one from before Socket.IO 3.0.
func (c *client) v2() bool { return c.session().Protocol() == 3 }

// newSocketID returns the id of a new socket of this client.
func (c *client) newSocketID(nsp string) string {
	switch {
	case !c.v2():
		return newID()
	case nsp == "/":
		return c.session().ID()
	}
	return nsp + "#" + c.session().ID()
}

// splitQuery removes the query from a packet's namespace. In a CONNECT it becomes the auth.
//
// Of duplicates the last counts; what cannot be parsed is left out, as in the official server.
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
	values, _ := url.ParseQuery(query)
	auth := make(map[string]string, len(values))
	for k, v := range values {
		auth[k] = v[len(v)-1]
	}
	p.Data, _ = json.Marshal(auth) // strings always encode
}

// takenIDs holds the ids of these clients' sockets until their disconnect callbacks have run.
//
// A client that has left a namespace may join it again, with the same id, before that.
type takenIDs struct{ free sync.Map } // a chan struct{} for each takenID, closed when it is free

type takenID struct {
	ns *Namespace
	id string
}

// takeID waits until no other socket of an old client has the id, and takes it.
func (s *Socket) takeID() {
	if !s.client.v2() {
		return
	}
	free := make(chan struct{})
	for {
		before, taken := s.ns.server.takenIDs.free.LoadOrStore(takenID{s.ns, s.id}, free)
		if !taken {
			return
		}
		<-before.(chan struct{})
	}
}

// freeID frees what takeID took.
func (s *Socket) freeID() {
	if !s.client.v2() {
		return
	}
	free, _ := s.ns.server.takenIDs.free.LoadAndDelete(takenID{s.ns, s.id})
	close(free.(chan struct{}))
}
