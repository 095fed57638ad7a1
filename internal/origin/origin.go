// Package origin decides which web pages may connect to a server.
//
// It reads what browsers say about the page (Origin, Sec-Fetch-Site, Referer) and what reverse
// proxies say about the request.
package origin

import (
	"cmp"
	"errors"
	"net/netip"
	"path"
	"strconv"
	"strings"
)

// Origin is an origin (RFC 6454, section 6.1): scheme://host[:port]. The zero value is "null".
type Origin struct {
	scheme, host, port string
}

// Parse parses a serialized origin. It returns false for anything else, such as a URL with a path.
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
		return o, o.scheme == "file" // for local files; some browsers send null
	}
	var ok bool
	o.host, o.port, ok = splitHost(rest)
	return o, ok
}

// splitHost parses host[:port]. It returns the host in lower case, an IPv6 address in shortest
// form.
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

const (
	letters = "abcdefghijklmnopqrstuvwxyz"
	digits  = "0123456789"
)

func isScheme(s string) bool {
	return s != "" && strings.Contains(letters, s[:1]) && strings.Trim(s, letters+digits+"+-.") == ""
}

func isName(s string) bool { return s != "" && strings.Trim(s, letters+digits+"-._~") == "" }

func isPort(s string) bool {
	_, err := strconv.ParseUint(s, 10, 16)
	return err == nil && (s[0] != '0' || s == "0")
}

// defaultPort returns the default port of a scheme, "" if it is no scheme of the web.
func defaultPort(scheme string) string {
	switch scheme {
	case "http", "ws":
		return "80"
	case "https", "wss":
		return "443"
	}
	return ""
}

// isAt tells whether a page of this origin comes from the host of a Host header.
//
// A missing port is the default of the origin's scheme. The scheme itself is not compared, because
// TLS often ends before the server.
func (o Origin) isAt(host string) bool {
	missing := defaultPort(o.scheme)
	if missing == "" {
		return false
	}
	name, port, ok := splitHost(host)
	return ok && name == o.host && cmp.Or(port, missing) == cmp.Or(o.port, missing)
}

// isLoopback tells whether the page comes from a web server on the browser's machine.
func (o Origin) isLoopback() bool { return defaultPort(o.scheme) != "" && isLoopbackName(o.host) }

// isLoopbackName tells whether browsers resolve a name to the loopback interface without DNS.
func isLoopbackName(host string) bool {
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	return parseHop(host).IsLoopback()
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

// ParsePattern parses "*", or an origin in which * matches a part of the host, or the port.
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

// IsAny tells whether the pattern is "*".
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
