package namespace

import (
	"encoding/json"
	"net/url"
	"strings"

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
