package engineio

import (
	"net"
	"net/http"
	"time"
)

// RelayStamp is the value of the header Socketio-Relay.
func RelayStamp(secret, method, uri, host, client string) string {
	return withSecret(secret).stamp(method, uri, host, client)
}

// RelayProof is what a server sends that opens a connection for many requests.
func RelayProof(secret, nonce string) []byte { return withSecret(secret).proof(nonce) }

func withSecret(secret string) *Server { return &Server{cfg: Config{Relay: &Relay{Secret: secret}}} }

// RelayRequest is the frame of a request.
func RelayRequest(id uint32, r *http.Request, body []byte) []byte {
	return endFrame(appendRequest(beginFrame(nil, frameRequest, id), r, body), 0)
}

// DecodeRelayRequest decodes the payload of such a frame.
func DecodeRelayRequest(payload []byte) {
	if _, cancel, err := decodeRequest(payload); err == nil {
		cancel()
	}
}

// EndMuxes ends the connections to other servers as if they were idle.
func EndMuxes(e *Server) {
	e.nodes.mu.Lock()
	defer e.nodes.mu.Unlock()
	for _, o := range e.nodes.out {
		o.fail(errIdle)
	}
}

// EndMux sends a ping on a connection to another server and ends it.
func EndMux(conn net.Conn) {
	m := newNodes(1).newMux(conn, nil)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.controlLocked(framePing, 0)
	m.endLocked()
}

// SetRelayPing sets the time between two pings of connections that are made later.
func SetRelayPing(e *Server, every time.Duration) { e.nodes.every = every }

// Muxes is the number of connections to other servers.
func Muxes(e *Server) int {
	e.nodes.mu.Lock()
	defer e.nodes.mu.Unlock()
	return len(e.nodes.out)
}

// DropRelayed closes the connection of a client as at the end of its relayed WebSocket.
func DropRelayed(c net.Conn) {
	g := newNodes(1)
	g.add(c)
	g.drop(c)
}
