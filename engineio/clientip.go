package engineio

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// ClientIP returns the address of the client: the TCP peer's, or when that is one of Config.TrustedProxies, what the proxies
// say in X-Forwarded-For, otherwise in Forwarded (RFC 7239): the last address there that is no trusted proxy itself. What
// stands before it may be invented by the client, and is not looked at. When an entry is no address, what came so far counts.
// It is the zero Addr when the peer has no IP address, as over a Unix socket.
func (h *Handshake) ClientIP() netip.Addr { return h.clientIP }

// clientIP finds the client of a request.
func clientIP(r *http.Request, proxies []netip.Prefix) netip.Addr {
	peer := parseHop(r.RemoteAddr)
	trusted := func(a netip.Addr) bool {
		return slices.ContainsFunc(proxies, func(p netip.Prefix) bool { return p.Contains(a) })
	}
	if !peer.IsValid() || !trusted(peer) {
		return peer
	}
	hops := r.Header.Values("X-Forwarded-For")
	if len(hops) == 0 {
		hops = forwardedFor(r.Header.Values("Forwarded"))
	}
	list := strings.Join(hops, ",")
	for list != "" {
		i := strings.LastIndexByte(list, ',')
		hop := parseHop(strings.TrimSpace(list[i+1:]))
		if !hop.IsValid() {
			return peer
		}
		peer = hop
		if !trusted(hop) {
			return hop
		}
		list = list[:max(i, 0)]
	}
	return peer
}

// forwardedFor returns the for parameters of Forwarded headers, one for each hop; "" for a hop that has none.
func forwardedFor(values []string) []string {
	var hops []string
	for element := range strings.SplitSeq(strings.Join(values, ","), ",") {
		hop := ""
		for pair := range strings.SplitSeq(element, ";") {
			if k, v, _ := strings.Cut(strings.TrimSpace(pair), "="); strings.EqualFold(k, "for") {
				hop = strings.Trim(v, `"`)
			}
		}
		hops = append(hops, hop)
	}
	return hops
}

// parseHop reads an address with or without a port, IPv6 with or without brackets, as proxies write it. IPv4 within IPv6 is IPv4.
func parseHop(s string) netip.Addr {
	if ap, err := netip.ParseAddrPort(s); err == nil {
		return ap.Addr().Unmap().WithZone("")
	}
	a, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(s, "["), "]"))
	if err != nil {
		return netip.Addr{}
	}
	return a.Unmap().WithZone("")
}
