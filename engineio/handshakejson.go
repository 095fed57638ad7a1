package engineio

import (
	"encoding/json"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"
)

// handshakeJSON is a handshake as the official server has it, which is how servers tell each other of their sockets.
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

// headerJSON is the values of a header: Node joins them, but for those of some names.
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

// MarshalJSON returns the handshake as the official server has it: headers, time, address, xdomain, secure, issued, url, query.
func (h *Handshake) MarshalJSON() ([]byte, error) {
	j := handshakeJSON{
		Headers: make(map[string]headerJSON), Time: h.Time.UTC().Format(dateJS), Address: h.RemoteAddr, Xdomain: h.CrossDomain,
		Secure: h.Secure, Issued: h.Time.UnixMilli(), URL: h.URL, Query: make(map[string]string),
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

// UnmarshalJSON reads what MarshalJSON wrote, or the official server. RemoteAddr and ClientIP are then the address, which has no
// port.
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
		Time: time.UnixMilli(j.Issued), URL: j.URL, Host: host, RemoteAddr: j.Address, Secure: j.Secure, CrossDomain: j.Xdomain,
		clientIP: ip.Unmap(), header: lines.String(),
	}
	return nil
}
