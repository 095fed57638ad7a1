// Package origin decides which web pages may talk to a server. It reads what a browser says about
// the page (Origin, Sec-Fetch-Site, Referer) and what reverse proxies say about the request.
package origin

import (
	"cmp"
	"errors"
	"net/netip"
	"path"
	"strings"
)

// Origin is a serialized origin (RFC 6454, section 6.1): scheme://host[:port]. The zero value is
// null.
type Origin struct {
	scheme, host, port string
}

// Parse reads a serialized origin. It returns false for everything else, such as a URL with a path.
func Parse(s string) (Origin, bool) {
	if s == "null" {
		return Origin{}, true
	}
	scheme, rest, found := strings.Cut(s, "://")
	o := Origin{scheme: strings.ToLower(scheme)}
	if !found || !isScheme(o.scheme) {
		return Origin{}, false
	}
	if rest == "" {
		return o, o.scheme == "file" // what some browsers send for a local file; others send null
	}
	var ok bool
	o.host, o.port, ok = splitHost(rest)
	return o, ok
}

// splitHost reads host[:port]. The host is in lower case, an IPv6 address in its shortest form.
func splitHost(s string) (host, port string, ok bool) {
	inside, isIPv6 := strings.CutPrefix(s, "[")
	var hasPort bool
	if isIPv6 {
		address, rest, closed := strings.Cut(inside, "]")
		ip, err := netip.ParseAddr(address)
		if !closed || err != nil || !ip.Is6() || ip.Zone() != "" {
			return "", "", false
		}
		if port, hasPort = strings.CutPrefix(rest, ":"); !hasPort && rest != "" {
			return "", "", false
		}
		host = "[" + ip.String() + "]"
	} else {
		host, port, hasPort = strings.Cut(strings.ToLower(s), ":")
	}
	return host, port, (isIPv6 || isName(host)) && (!hasPort || isPort(port))
}

func isScheme(s string) bool {
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (i == 0 || (c < '0' || c > '9') && c != '+' && c != '-' && c != '.') {
			return false
		}
	}
	return s != ""
}

func isName(s string) bool {
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '.' && c != '_' && c != '~' {
			return false
		}
	}
	return s != ""
}

func isPort(s string) bool {
	n := 0
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' || i == 5 {
			return false
		}
		n = 10*n + int(s[i]-'0')
	}
	return s != "" && n < 1<<16 && (s[0] != '0' || s == "0")
}

// defaultPort returns the port that a scheme has by default, "" if it is none of the web.
func defaultPort(scheme string) string {
	switch scheme {
	case "http", "ws":
		return "80"
	case "https", "wss":
		return "443"
	}
	return ""
}

// isAt tells whether a page of this origin comes from a host, as a Host header names it. A missing
// port is the default of the origin's scheme. The scheme itself is not compared: TLS often ends
// before the server.
func (o Origin) isAt(host string) bool {
	missing := defaultPort(o.scheme)
	if missing == "" {
		return false
	}
	name, port, ok := splitHost(host)
	return ok && name == o.host && cmp.Or(port, missing) == cmp.Or(o.port, missing)
}

// isLoopback tells whether the page comes from a web server on the browser's own machine.
func (o Origin) isLoopback() bool { return defaultPort(o.scheme) != "" && isLoopbackName(o.host) }

// isLoopbackName tells whether browsers resolve a name to the loopback interface without asking
// DNS.
func isLoopbackName(host string) bool {
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(host, "["), "]"))
	return err == nil && ip.Unmap().IsLoopback()
}

// Pattern matches origins.
type Pattern struct {
	any    bool
	glob   bool // the host has a *
	origin Origin
}

var (
	errNoOrigin = errors.New(`it must be "*", "null", "file://" or look like https://example.com, ` +
		`https://*.example.com or http://localhost:*, without a path`)
	errWideStar = errors.New(`a * in a host must be followed by "." or "-", or other sites match too`)
)

// ParsePattern reads "*", which matches every origin, or an origin in which * stands for a part of
// the host, or for the port. The error says what is wrong with it.
func ParsePattern(s string) (Pattern, error) {
	if s == "*" {
		return Pattern{any: true}, nil
	}
	base, anyPort := strings.CutSuffix(s, ":*")
	scheme, host, _ := strings.Cut(base, "://")
	_, ok := Parse(strings.ReplaceAll(base, "*", "x"))
	if !ok || strings.Contains(scheme, "*") || anyPort && host == "" {
		return Pattern{}, errNoOrigin
	}
	p := Pattern{origin: Origin{scheme: strings.ToLower(scheme)}, glob: strings.Contains(host, "*")}
	switch {
	case s == "null":
		p.origin.scheme = ""
	case p.glob:
		p.origin.host, p.origin.port, _ = strings.Cut(strings.ToLower(host), ":")
	default:
		p.origin, _ = Parse(base)
	}
	for i := range len(p.origin.host) {
		if next := p.origin.host[i+1:]; p.origin.host[i] == '*' && p.origin.host != "*" &&
			!strings.HasPrefix(next, ".") && !strings.HasPrefix(next, "-") {
			return Pattern{}, errWideStar
		}
	}
	if anyPort {
		p.origin.port = "*"
	}
	return p, nil
}

// IsAny tells whether the pattern matches every origin.
func (p Pattern) IsAny() bool { return p.any }

// Match tells whether the pattern matches an origin.
func (p Pattern) Match(o Origin) bool {
	if p.any {
		return true
	}
	if p.origin.scheme != o.scheme {
		return false
	}
	missing := defaultPort(o.scheme)
	if p.origin.port != "*" && cmp.Or(p.origin.port, missing) != cmp.Or(o.port, missing) {
		return false
	}
	if !p.glob {
		return p.origin.host == o.host
	}
	ok, _ := path.Match(p.origin.host, o.host) // neither has any of \[]?
	return ok
}
