package engineio

import (
	"net/http"
	"net/netip"
	"sync"

	"github.com/gosocketio/socketio/internal/origin"
	"github.com/gosocketio/socketio/internal/refusal"
)

// addresses counts the sessions of each client address, for Admission.MaxPerAddress.
//
// It has an entry for each address with a session, and no other. A nil *addresses limits nothing.
type addresses struct {
	limit int

	mu       sync.Mutex
	sessions map[netip.Prefix]int
}

func newAddresses(a *Admission) *addresses {
	if a.MaxPerAddress == 0 {
		return nil
	}
	return &addresses{limit: a.MaxPerAddress, sessions: make(map[netip.Prefix]int)}
}

// addressOf returns what counts as one address: a /64 of IPv6, because a client has all of one.
//
// A peer without an IP address, as on a Unix socket, has the zero Prefix.
func addressOf(ip netip.Addr) netip.Prefix {
	bits := 64
	if ip.Is4() {
		bits = 32
	}
	p, _ := ip.Prefix(bits) // fails for the zero Addr alone
	return p
}

// add counts a session. It returns false if its address has as many as it may.
func (a *addresses) add(s *Session) bool {
	if a == nil || s.handshake.proxied {
		return true
	}
	of := addressOf(s.handshake.clientIP)
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.sessions[of] >= a.limit {
		return false
	}
	a.sessions[of]++
	return true
}

// remove takes back what add counted.
func (a *addresses) remove(s *Session) {
	if a == nil || s.handshake.proxied {
		return
	}
	of := addressOf(s.handshake.clientIP)
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.sessions[of]--; a.sessions[of] <= 0 {
		delete(a.sessions, of)
	}
}

const ruleAddress = "sessions of an address"

// verifyAddress refuses a handshake of an address that has as many sessions as it may.
//
// It comes before the other limits, so that such an address uses up none of Admission.Rate.
func (e *Server) verifyAddress(r *http.Request) *ConnectionError {
	a, proxies := e.addresses, origin.Proxies(e.cfg.TrustedProxies)
	if a == nil {
		return nil
	}
	ip := proxies.ClientIP(r)
	if proxies.Ignored(r) {
		proxy, consequence := "127.0.0.1", "does not limit its clients"
		if ip.IsValid() { // else it is on a Unix socket
			proxy = ip.String()
		}
		if !isLocalProxy(ip) {
			consequence = "counts all of its clients as one"
		}
		e.log.Write(r.Context(), "engineio: address of a client", refusal.Peer{Addr: r.RemoteAddr}, &refusal.Refusal{
			Rule: "proxy that is not trusted", Value: proxy, Limit: a.limit, Field: "Config.TrustedProxies", Key: proxy,
			Remedy: "if {value} is a proxy, add it to Config.TrustedProxies: until then Admission.MaxPerAddress " + consequence,
		}, nil)
		if isLocalProxy(ip) {
			return nil
		}
	}
	of := addressOf(ip)
	a.mu.Lock()
	full := a.sessions[of] >= a.limit
	a.mu.Unlock()
	if full {
		return e.tooManyOf(of)
	}
	return nil
}

// tooManyOf refuses a handshake because of Admission.MaxPerAddress.
func (e *Server) tooManyOf(address netip.Prefix) *ConnectionError {
	c := e.tooMany("too many sessions of this address, the limit is %d", e.addresses.limit, "Admission.MaxPerAddress")
	c.status = http.StatusTooManyRequests
	of := address.String()
	if !address.IsValid() {
		of = "a Unix socket"
	}
	c.rule.Rule, c.rule.Value, c.rule.Key = ruleAddress, of, of
	c.rule.Remedy = "raise Admission.MaxPerAddress if {value} has so many users; if it is a proxy, " +
		"add it to Config.TrustedProxies and have it send X-Forwarded-For"
	return c
}

// isLocalProxy tells whether a peer that sent the address of its client, and is not trusted, must be a proxy:
// it is on this machine. Its clients are not limited, because together they are no client.
func isLocalProxy(ip netip.Addr) bool { return !ip.IsValid() || ip.IsLoopback() }
