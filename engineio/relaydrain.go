package engineio

import (
	"context"
	"net/http"
	"strings"
)

// relayedSocket is the WebSocket of a client that this server relays. Drain asks the session's server
// to close it, which sends first what is queued, and receives what the client has sent.
type relayedSocket struct{ address, path, sid string }

// pathOf returns the path that the other servers have too.
func pathOf(r *http.Request) string {
	path, _, _ := strings.Cut(sentURI(r), "?")
	return path
}

// addSocket records a WebSocket. It tells whether the server drains.
func (g *nodes) addSocket(x *relayedSocket) (draining bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.sockets[x] = struct{}{}
	return g.draining
}

func (g *nodes) removeSocket(x *relayedSocket) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.sockets, x)
	if len(g.sockets) == 0 && g.noSockets != nil {
		close(g.noSockets)
		g.noSockets = nil
	}
}

func (g *nodes) socketCount() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.sockets)
}

// drain returns the WebSockets to drain. Those that come later are drained at once.
func (g *nodes) drain() (sockets []*relayedSocket) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.draining = true
	for x := range g.sockets {
		sockets = append(sockets, x)
	}
	return sockets
}

// awaitSockets waits until no WebSocket is relayed.
func (g *nodes) awaitSockets(ctx context.Context) error {
	g.mu.Lock()
	if len(g.sockets) == 0 {
		g.mu.Unlock()
		return nil
	}
	if g.noSockets == nil {
		g.noSockets = make(chan struct{})
	}
	none := g.noSockets
	g.mu.Unlock()
	select {
	case <-none:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// drainSocket asks the session's server to close a WebSocket. If that fails Shutdown cuts it off.
func (e *Server) drainSocket(x *relayedSocket) {
	if !e.nodes.begin() {
		return
	}
	go func() {
		defer e.nodes.work.Done()
		o, err := e.connect(context.Background(), x.address, x.path) // dialTimeout bounds it
		if err != nil {
			return
		}
		o.mu.Lock()
		defer o.mu.Unlock()
		o.queueLocked(func(dst []byte) []byte {
			return endFrame(append(beginFrame(dst, frameDrain, 0), x.sid...), len(dst))
		})
	}()
}

// drainSession closes a session whose WebSocket is relayed by a server that drains.
func (e *Server) drainSession(sid string) {
	if s := e.sessions.get(sid); s != nil {
		e.nodes.work.Add(1) // the caller is counted too
		go func() {
			defer e.nodes.work.Done()
			s.closeGracefully(errDraining)
		}()
	}
}
