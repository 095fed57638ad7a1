package origin

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// Proxies are the addresses of the reverse proxies whose headers are trusted.
type Proxies []netip.Prefix

// ClientIP returns the address of the client, behind trusted proxies if the peer is one.
//
// It is then the last address in X-Forwarded-For, otherwise in Forwarded, that is no trusted proxy.
// A client may invent what stands before it. An entry that is no address ends the search.
func (p Proxies) ClientIP(r *http.Request) netip.Addr {
	peer := parseHop(r.RemoteAddr)
	if !p.trusts(r) {
		return peer
	}
	hops := r.Header.Values("X-Forwarded-For")
	if len(hops) == 0 {
		hops = forwarded(r.Header.Values("Forwarded"), "for")
	}
	list := strings.Join(hops, ",")
	for list != "" {
		i := strings.LastIndexByte(list, ',')
		hop := parseHop(strings.TrimSpace(list[i+1:]))
		if !hop.IsValid() {
			return peer
		}
		peer = hop
		if !p.contains(hop) {
			return hop
		}
		list = list[:max(i, 0)]
	}
	return peer
}

// trusts tells whether the peer of a request is a trusted proxy.
func (p Proxies) trusts(r *http.Request) bool { return len(p) > 0 && p.contains(proxyAddr(r)) }

// Ignored tells whether a request has a header with the client's address that is not trusted.
func (p Proxies) Ignored(r *http.Request) bool {
	return (r.Header.Get("X-Forwarded-For") != "" || r.Header.Get("Forwarded") != "") && !p.trusts(r)
}

// proxyAddr returns the address of the peer, 127.0.0.1 for a peer on a Unix socket.
func proxyAddr(r *http.Request) netip.Addr {
	peer := parseHop(r.RemoteAddr)
	if at := localAddr(r); !peer.IsValid() && at != nil && at.Network() == "unix" {
		return netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	return peer
}

func (p Proxies) contains(a netip.Addr) bool {
	return slices.ContainsFunc(p, func(prefix netip.Prefix) bool { return prefix.Contains(a) })
}

// forwardedHosts returns the first host of X-Forwarded-Host and that of Forwarded.
//
// Pages cannot set these headers on requests to another origin, so a proxy may pass them on.
func forwardedHosts(r *http.Request) []string {
	var hosts []string
	for _, list := range [][]string{
		strings.Split(strings.Join(r.Header.Values("X-Forwarded-Host"), ","), ","),
		forwarded(r.Header.Values("Forwarded"), "host"),
	} {
		if host := strings.TrimSpace(list[0]); host != "" {
			hosts = append(hosts, host)
		}
	}
	return hosts
}

// forwarded returns a parameter of Forwarded headers (RFC 7239), for each hop; "" if it is missing.
func forwarded(values []string, name string) []string {
	var found []string
	for element := range strings.SplitSeq(strings.Join(values, ","), ",") {
		value := ""
		for pair := range strings.SplitSeq(element, ";") {
			if k, v, _ := strings.Cut(strings.TrimSpace(pair), "="); strings.EqualFold(k, name) {
				value = strings.Trim(v, `"`)
			}
		}
		found = append(found, value)
	}
	return found
}

// isLocal tells whether a request comes from this machine and is for a loopback name.
//
// It trusts no header: they can only make it false.
func isLocal(r *http.Request) bool {
	at := localAddr(r)
	if at == nil || !parseHop(at.String()).IsLoopback() || !parseHop(r.RemoteAddr).IsLoopback() {
		return false
	}
	for _, host := range append(forwardedHosts(r), r.Host) {
		if name, _, ok := splitHost(host); !ok || !isLoopbackName(name) {
			return false
		}
	}
	for _, list := range [][]string{
		r.Header.Values("X-Forwarded-For"),
		r.Header.Values("X-Real-Ip"),
		forwarded(r.Header.Values("Forwarded"), "for"),
	} {
		for hop := range strings.SplitSeq(strings.Join(list, ","), ",") {
			if hop = strings.TrimSpace(hop); hop != "" && !parseHop(hop).IsLoopback() {
				return false
			}
		}
	}
	return true
}

// localAddr returns the server's address of a connection, nil if it is unknown.
func localAddr(r *http.Request) net.Addr {
	a, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	return a
}

// parseHop parses an address, with or without port and brackets. IPv4 within IPv6 is IPv4.
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
