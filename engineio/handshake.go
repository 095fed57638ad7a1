package engineio

import (
	"encoding/json"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/gosocketio/socketio/internal/origin"
)

// Handshake describes a session's first request. It is a compact copy; the request is not kept.
type Handshake struct {
	// Time is when the session began.
	Time time.Time
	// URL is the request's path and query.
	URL string
	// Host is the request's Host.
	Host string
	// RemoteAddr is the peer's address as net/http gives it, "IP:port", whatever proxies say. See
	// ClientIP.
	RemoteAddr string
	// Secure tells whether the request came over TLS.
	Secure bool
	// CrossDomain tells whether the request had an Origin header.
	CrossDomain bool

	proxied  bool // Admission.MaxPerAddress does not count it
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
	h.proxied = isLocalProxy(h.clientIP) && origin.Proxies(proxies).Ignored(r)
	// The strings of a request keep its read buffer in memory: copy them, into one piece.
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

// requestURI returns r.URL.RequestURI, without a new string if nobody has changed the URL.
func requestURI(r *http.Request) string {
	path, query, ok := strings.Cut(r.RequestURI, "?")
	if ok && r.URL.RawPath == "" && path == r.URL.Path && query == r.URL.RawQuery {
		return r.RequestURI
	}
	return r.URL.RequestURI()
}

// headerLen returns how many bytes appendHeader appends.
func headerLen(h http.Header) (n int) {
	for k, values := range h {
		for _, v := range values {
			n += len(k) + len(": \n") + len(v)
		}
	}
	return n
}

// appendHeader appends a header in the form of Handshake.header.
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

// ClientIP returns the address of the client, behind Config.TrustedProxies if the peer is one.
//
// It is then the last address in X-Forwarded-For, otherwise in Forwarded (RFC 7239), that is no
// trusted proxy itself. A client may invent what stands before it, so that is ignored. An entry
// that is no address ends the search. ClientIP is the zero Addr if the peer has no IP address, as
// over a Unix socket; such a peer is trusted if TrustedProxies contains 127.0.0.1.
func (h *Handshake) ClientIP() netip.Addr { return h.clientIP }

// Query returns the parsed query of the first request. Each call parses it again.
func (h *Handshake) Query() url.Values {
	_, query, _ := strings.Cut(h.URL, "?")
	v, _ := url.ParseQuery(query) // like the official server, take what can be parsed
	return v
}

// Header returns the headers of the first request. Each call parses them again.
func (h *Handshake) Header() http.Header {
	header := make(http.Header)
	for line := range strings.Lines(h.header) {
		if k, v, ok := strings.Cut(strings.TrimSuffix(line, "\n"), ": "); ok {
			header[k] = append(header[k], v)
		}
	}
	return header
}

// handshakeJSON is the official server's form of a handshake, which servers of a cluster exchange.
type handshakeJSON struct {
	Headers map[string]headerJSON `json:"headers"`
	Time    string                `json:"time"`
	Address string                `json:"address"`
	Xdomain bool                  `json:"xdomain"`
	Secure  bool                  `json:"secure"`
	Issued  int64                 `json:"issued"` // ms
	URL     string                `json:"url"`
	Query   map[string]string     `json:"query"`
}

// headerJSON is the values of a header. Node joins them, except for a few names.
type headerJSON []string

func (h headerJSON) MarshalJSON() ([]byte, error) { return json.Marshal(strings.Join(h, ", ")) }

func (h *headerJSON) UnmarshalJSON(data []byte) error {
	var one string
	if err := json.Unmarshal(data, &one); err == nil {
		*h = headerJSON{one}
		return nil
	}
	return json.Unmarshal(data, (*[]string)(h))
}

// dateJS is how JavaScript prints a Date, in UTC.
const dateJS = "Mon Jan 02 2006 15:04:05 GMT+0000 (Coordinated Universal Time)"

// MarshalJSON returns the handshake in the official server's form.
//
// Its keys are headers, time, address, xdomain, secure, issued, url and query.
func (h *Handshake) MarshalJSON() ([]byte, error) {
	j := handshakeJSON{
		Headers: make(map[string]headerJSON), Time: h.Time.UTC().Format(dateJS), Address: h.RemoteAddr,
		Xdomain: h.CrossDomain, Secure: h.Secure, Issued: h.Time.UnixMilli(), URL: h.URL,
		Query: make(map[string]string),
	}
	if host, _, err := net.SplitHostPort(h.RemoteAddr); err == nil {
		j.Address = host
	}
	for k, v := range h.Header() {
		j.Headers[strings.ToLower(k)] = v
	}
	if h.Host != "" {
		j.Headers["host"] = headerJSON{h.Host}
	}
	for k, v := range h.Query() {
		j.Query[k] = v[len(v)-1]
	}
	return json.Marshal(j)
}

// UnmarshalJSON reads what MarshalJSON or the official server wrote.
//
// RemoteAddr and ClientIP are then the address, without a port.
func (h *Handshake) UnmarshalJSON(data []byte) error {
	var j handshakeJSON
	if err := json.Unmarshal(data, &j); err != nil {
		return err
	}
	header := make(http.Header)
	for k, v := range j.Headers {
		header[http.CanonicalHeaderKey(k)] = v
	}
	host := header.Get("Host")
	header.Del("Host")
	ip, _ := netip.ParseAddr(j.Address)
	var lines strings.Builder
	appendHeader(&lines, header)
	*h = Handshake{
		Time: time.UnixMilli(j.Issued), URL: j.URL, Host: host, RemoteAddr: j.Address, Secure: j.Secure,
		CrossDomain: j.Xdomain, clientIP: ip.Unmap(), header: lines.String(),
	}
	return nil
}

// appendOpen appends the payload of the open packet (protocol v4, "Handshake").
func (e *Server) appendOpen(dst []byte, s *Session, t Transport) []byte {
	dst = append(dst, `{"sid":`...)
	dst = strconv.AppendQuote(dst, s.id) // usableID excludes what Go and JSON quote differently
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
