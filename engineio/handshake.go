package engineio

import (
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/gosocketio/socketio/internal/origin"
)

// Handshake tells what a session's first request was. It is a compact copy: the request itself is not kept.
type Handshake struct {
	// Time is when the session began.
	Time time.Time
	// URL is the request's path and query.
	URL string
	// Host is the request's Host.
	Host string
	// RemoteAddr is the peer's address as net/http gives it, "IP:port". Headers of proxies are not looked at; see
	// ClientIP.
	RemoteAddr string
	// Secure tells whether the request came over TLS.
	Secure bool
	// CrossDomain tells whether the request had an Origin header.
	CrossDomain bool

	clientIP netip.Addr
	header   string // "Key: value\n" lines; a tenth of what an http.Header takes
}

func newHandshake(r *http.Request, proxies []netip.Prefix) *Handshake {
	h := &Handshake{
		Time:        time.Now(),
		URL:         requestURI(r),
		Host:        r.Host,
		RemoteAddr:  r.RemoteAddr,
		Secure:      r.TLS != nil,
		CrossDomain: r.Header.Get("Origin") != "",
		clientIP:    origin.Proxies(proxies).ClientIP(r),
	}
	// The strings of a request hold its read buffer or each other: what is kept is copied, into one piece.
	var b strings.Builder
	b.Grow(headerLen(r.Header) + len(h.URL) + len(h.Host) + len(h.RemoteAddr))
	appendHeader(&b, r.Header)
	h.header = b.String()
	for _, s := range []*string{&h.URL, &h.Host, &h.RemoteAddr} {
		at := b.Len()
		b.WriteString(*s)
		*s = b.String()[at:]
	}
	return h
}

// requestURI is r.URL.RequestURI, which makes a new string, or that of the request where nobody has changed the URL.
func requestURI(r *http.Request) string {
	if path, query, ok := strings.Cut(r.RequestURI, "?"); ok && r.URL.RawPath == "" && path == r.URL.Path && query == r.URL.RawQuery {
		return r.RequestURI
	}
	return r.URL.RequestURI()
}

// headerLen returns how many bytes appendHeader will append, or a few more.
func headerLen(h http.Header) (n int) {
	for k, values := range h {
		for _, v := range values {
			n += len(k) + len(": ") + len(v) + len("\n")
		}
	}
	return n
}

// appendHeader appends a header as Handshake keeps it.
func appendHeader(b *strings.Builder, h http.Header) {
	for k, values := range h {
		for _, v := range values {
			b.WriteString(k)
			b.WriteString(": ")
			b.WriteString(v)
			b.WriteByte('\n')
		}
	}
}

// Query returns the parsed query of the first request. Each call parses it anew.
func (h *Handshake) Query() url.Values {
	_, query, _ := strings.Cut(h.URL, "?")
	// Like the official server, take what can be parsed of a bad query.
	v, _ := url.ParseQuery(query)
	return v
}

// Header returns the headers of the first request. Each call parses them anew.
func (h *Handshake) Header() http.Header {
	header := make(http.Header)
	for line := range strings.Lines(h.header) {
		if k, v, ok := strings.Cut(strings.TrimSuffix(line, "\n"), ": "); ok {
			header[k] = append(header[k], v)
		}
	}
	return header
}

// appendOpen appends the payload of the open packet (protocol v4, "Handshake").
func (e *Server) appendOpen(dst []byte, s *Session, t Transport) []byte {
	dst = append(dst, `{"sid":`...)
	dst = strconv.AppendQuote(dst, s.id) // ids are checked to hold nothing that Go and JSON quote differently
	dst = append(dst, `,"upgrades":[`...)
	for i, u := range e.cfg.upgrades(t) {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = strconv.AppendQuote(dst, u.String())
	}
	dst = append(dst, `],"pingInterval":`...)
	dst = strconv.AppendInt(dst, e.cfg.PingInterval.Milliseconds(), 10)
	dst = append(dst, `,"pingTimeout":`...)
	dst = strconv.AppendInt(dst, e.cfg.PingTimeout.Milliseconds(), 10)
	dst = append(dst, `,"maxPayload":`...)
	dst = strconv.AppendInt(dst, int64(e.cfg.MaxPayload), 10)
	return append(dst, '}')
}
