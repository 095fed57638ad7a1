package engineio

import "net/netip"

// ClientIP returns the address of the client: the TCP peer's, or if that is one of
// Config.TrustedProxies, the last address in X-Forwarded-For, otherwise in Forwarded (RFC 7239),
// that is no trusted proxy itself. What stands before it may be invented by the client, and is
// ignored. An entry that is no address ends the search. ClientIP is the zero Addr if the peer has
// no IP address, as over a Unix socket; such a peer is trusted if TrustedProxies contains
// 127.0.0.1.
func (h *Handshake) ClientIP() netip.Addr { return h.clientIP }
