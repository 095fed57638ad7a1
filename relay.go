package socketio

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/engineio"
)

// Relay lets the servers of a cluster answer for each other's clients: a load balancer may send each
// request to any of them. A server relays a request for a session of another one there, over plain
// HTTP: at an address that only servers reach. Middleware, limits and rules for origins are those of
// the session's server.
//
// Middleware around the Server, not in Config.Middleware, sees the requests of other servers, which
// have the header Socketio-Relay. It must pass them on. The context of a relayed request has no
// values of the http.Server but LocalAddrContextKey.
type Relay struct {
	// Address is where the other servers reach this one: "10.0.0.5:3000". The cluster announces it.
	Address string
	// Secret authenticates the servers to each other. It is the same on all, at least 16 bytes long,
	// and random.
	Secret string
	// MaxRequests limits how many requests and WebSockets this server relays at a time. Those beyond
	// get status 503. Default 16,384.
	MaxRequests int
}

// relayGrace is how long after an outage of the broker the servers from before are known. They have
// told of themselves again by then.
const relayGrace = 2 * adapter.DefaultHeartbeatTimeout

// relayDirectory knows the addresses of the other servers, also while the broker is away.
type relayDirectory struct {
	adapter.Directory
	connected func() bool

	mu    sync.Mutex
	known map[string]string // by tag
	away  time.Time         // when the broker was away last
}

// newRelay sets the engine's Relay. It returns nil without Config.Relay.
func (srv *Server) newRelay(c *engineio.Config) (*relayDirectory, error) {
	relay := srv.cfg.Relay
	if relay == nil {
		return nil, nil
	}
	host, port, err := net.SplitHostPort(relay.Address)
	if n, bad := strconv.ParseUint(port, 10, 16); err != nil || host == "" || bad != nil || n == 0 {
		return nil, fmt.Errorf("%w: Relay.Address is %q, it must be host:port, such as 10.0.0.5:3000",
			ErrConfig, relay.Address)
	}
	directory, ok := srv.adapter.(adapter.Directory)
	if !ok {
		return nil, fmt.Errorf("%w: Relay needs an Adapter that joins servers, such as that of adapter/redis", ErrConfig)
	}
	d := &relayDirectory{
		Directory: directory, known: make(map[string]string),
		connected: func() bool { stats, ok := srv.BrokerStats(); return !ok || stats.Connected },
	}
	c.Relay = &engineio.Relay{
		Tag: directory.Tag(), Secret: relay.Secret, Lookup: d.lookup, MaxRequests: relay.MaxRequests,
	}
	return d, nil
}

// maxKnown bounds relayDirectory.known.
const maxKnown = 4096

// lookup returns the address of the server with a tag, "" if there is none.
func (d *relayDirectory) lookup(ctx context.Context, tag string) string {
	s, found := d.ServerByTag(ctx, tag)
	d.mu.Lock()
	defer d.mu.Unlock()
	now := time.Now()
	switch {
	case found:
		if d.known[tag] != s.Address {
			if len(d.known) >= maxKnown {
				clear(d.known)
			}
			d.known[tag] = s.Address
		}
		return s.Address
	case !d.connected():
		d.away = now
	case now.Sub(d.away) > relayGrace:
		delete(d.known, tag)
	}
	return d.known[tag]
}
