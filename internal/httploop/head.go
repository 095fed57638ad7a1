package httploop

import (
	"bytes"
	"context"
	"net/http"
	"net/textproto"
	"net/url"
	"strconv"
	"strings"

	"github.com/gosocketio/socketio/internal/httpfield"
)

// verdict is what was found out about bytes that are to be a request.
type verdict uint8

const (
	partial verdict = iota // may become a plain request
	whole                  // have the head of a plain request
	foreign                // are for net/http to judge
)

// scan looks through the lines of a head: it is n bytes long and has so many header lines. A head that is plain has
//   - a request line GET or POST, one space, a path with perhaps a query, of visible ASCII characters, one space, HTTP/1.1
//   - lines of a name, a colon and a value without control characters but tabs
//   - only CR LF as line ends
//   - at most limit bytes.
//
// What can be told of a head that is not complete is told: net/http may want to answer it already.
func scan(b []byte, limit int) (n, lines int, v verdict) {
	for {
		at := bytes.IndexByte(b[n:], '\n')
		if at < 0 || n+at >= limit {
			if len(b) > limit {
				return 0, 0, foreign
			}
			return 0, 0, partial
		}
		line := b[n : n+at]
		first := n == 0
		n += at + 1
		if len(line) == 0 || line[len(line)-1] != '\r' {
			return 0, 0, foreign
		}
		line = line[:len(line)-1]
		switch {
		case first:
			if !plainRequestLine(line) {
				return 0, 0, foreign
			}
		case len(line) == 0:
			return n, lines, whole
		case !plainHeaderLine(line):
			return 0, 0, foreign
		default:
			lines++
		}
	}
}

const version = " HTTP/1.1"

func plainRequestLine(line []byte) bool {
	_, target, _ := bytes.Cut(line, []byte(" "))
	target, ok := bytes.CutSuffix(target, []byte(version))
	if !ok || len(target) == 0 || target[0] != '/' || !bytes.HasPrefix(line, []byte("GET ")) && !bytes.HasPrefix(line, []byte("POST ")) {
		return false
	}
	for _, c := range target {
		if c <= ' ' || c >= 0x7f || c == '#' {
			return false
		}
	}
	return true
}

func plainHeaderLine(line []byte) bool {
	name, value, ok := bytes.Cut(line, []byte(":"))
	return ok && httpfield.IsToken(name) && httpfield.IsValue(value)
}

// plainRequest has what requests have in common.
var plainRequest = &http.Request{Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1}

// build makes a request of a head that scan found plain, with so many header lines. It returns nil when it is not plain
// because of what it says: it has to have one Host, and may have one Content-Length and a Connection: keep-alive. What changes
// where the request ends, or the connection, is not plain.
func build(head string, lines int, ctx context.Context) *http.Request { //nolint:revive // the context is the request's
	line, head, _ := strings.Cut(head, "\r\n")
	r := plainRequest.WithContext(ctx)
	r.Method, line, _ = strings.Cut(line, " ")
	r.RequestURI = line[:len(line)-len(version)]
	var err error
	if r.URL, err = url.ParseRequestURI(r.RequestURI); err != nil {
		return nil
	}
	r.Body = http.NoBody
	r.Header = make(http.Header, lines)
	values := make([]string, lines) // behind all of r.Header
	for i := range values {
		line, head, _ = strings.Cut(head, "\r\n")
		name, value, _ := strings.Cut(line, ":")
		name = textproto.CanonicalMIMEHeaderKey(name)
		value = strings.Trim(value, " \t")
		had := r.Header[name]
		switch {
		case !plainField(name, value, had != nil):
			return nil
		case name == "Host":
			if r.Host != "" {
				return nil
			}
			r.Host = value
			continue
		case name == "Content-Length":
			if r.ContentLength, err = strconv.ParseInt(value, 10, 64); err != nil {
				return nil
			}
		}
		if had != nil {
			r.Header[name] = append(had, value)
			continue
		}
		values[i] = value
		r.Header[name] = values[i : i+1 : i+1]
	}
	if r.Host == "" || r.ContentLength > 0 && r.Method != http.MethodPost {
		return nil
	}
	if p := r.Header["Pragma"]; len(p) > 0 && p[0] == "no-cache" && r.Header["Cache-Control"] == nil {
		r.Header["Cache-Control"] = []string{"no-cache"} // as net/http does
	}
	return r
}

// plainField tells whether a request with this header can be plain; again says that it has one of that name already.
func plainField(name, value string, again bool) bool {
	switch name {
	case "Host":
		return plainHost(value)
	case "Content-Length":
		return !again && plainLength(value)
	case "Connection":
		return !again && strings.EqualFold(value, "keep-alive")
	case "Transfer-Encoding", "Expect", "Upgrade", "Trailer", "Te", "Http2-Settings":
		return false
	}
	return !strings.HasPrefix(name, "Proxy-")
}

// plainHeader tells whether a request of net/http can have been plain.
func plainHeader(h http.Header) bool {
	for name, values := range h {
		for i, v := range values {
			if !plainField(name, v, i > 0) {
				return false
			}
		}
	}
	return true
}

// plainHost tells whether a Host has only the characters of names, addresses and ports.
func plainHost(v string) bool {
	for i := range len(v) {
		c := v[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && strings.IndexByte("-._:[]", c) < 0 {
			return false
		}
	}
	return v != ""
}

// plainLength tells whether a Content-Length is a number.
func plainLength(v string) bool {
	for i := range len(v) {
		if v[i] < '0' || v[i] > '9' {
			return false
		}
	}
	return v != ""
}

// trimLineEnds drops at most four CR and LF from the beginning.
func trimLineEnds(b []byte) []byte {
	n := 0
	for n < min(len(b), 4) && (b[n] == '\r' || b[n] == '\n') {
		n++
	}
	return b[n:]
}
