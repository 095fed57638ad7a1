package engineio

import (
	"bufio"
	"bytes"
	"crypto/sha1" //nolint:gosec // RFC 6455 section 4.2.2 wants it
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"
)

// acceptGUID is the constant of RFC 6455 section 1.3.
const acceptGUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

// isUpgrade tells whether a request is an upgrade request: never if WebSockets are not enabled.
func (e *Server) isUpgrade(r *http.Request) bool {
	return e.cfg.enabled(WebSocket) && r.ProtoMajor == 1 && r.Header.Get("Upgrade") != "" &&
		headerHas(r.Header["Connection"], "upgrade")
}

// headerHas tells whether a comma-separated header contains a token.
func headerHas(values []string, token string) bool {
	for _, v := range values {
		for part := range strings.SplitSeq(v, ",") {
			if strings.EqualFold(strings.TrimSpace(part), token) {
				return true
			}
		}
	}
	return false
}

// badUpgrade returns the answer to an invalid WebSocket handshake. The status is 0 if it is valid.
func badUpgrade(r *http.Request, h http.Header) (status int, text string) {
	switch {
	case r.Method != http.MethodGet:
		return http.StatusMethodNotAllowed, "Invalid HTTP method"
	case !strings.EqualFold(r.Header.Get("Upgrade"), "websocket"):
		return http.StatusBadRequest, "Invalid Upgrade header"
	case !validKey(r.Header.Get("Sec-WebSocket-Key")):
		return http.StatusBadRequest, "Missing or invalid Sec-WebSocket-Key header"
	case !slices.Contains([]string{"13", "8"}, r.Header.Get("Sec-WebSocket-Version")):
		h.Set("Sec-WebSocket-Version", "13, 8")
		return http.StatusBadRequest, "Missing or invalid Sec-WebSocket-Version header"
	}
	if r.Header["Sec-Websocket-Protocol"] != nil && subprotocol(r) == "" {
		return http.StatusBadRequest, "Invalid Sec-WebSocket-Protocol header"
	}
	return 0, ""
}

// validKey tells whether a Sec-WebSocket-Key is 16 bytes in base64.
func validKey(key string) bool {
	if len(key) != 24 {
		return false
	}
	var nonce [18]byte
	n, err := base64.StdEncoding.Decode(nonce[:], []byte(key))
	return err == nil && n == 16
}

// subprotocol returns the first offered subprotocol, which the server accepts.
//
// It is "" if none is offered or the offer is not a list of different tokens (RFC 6455 section
// 4.1).
func subprotocol(r *http.Request) string {
	first := ""
	var offered map[string]bool // a header can hold a hundred thousand
	for _, value := range r.Header["Sec-Websocket-Protocol"] {
		for p := range strings.SplitSeq(value, ",") {
			p = strings.Trim(p, " \t")
			if !isToken(p) || offered[p] {
				return ""
			}
			if offered == nil {
				first, offered = p, make(map[string]bool)
			}
			offered[p] = true
		}
	}
	return first
}

// errHijacked: the connection broke after the hijack, so that the request cannot be answered.
var errHijacked = errors.New("engineio: connection broke during the handshake")

// hijack takes a connection from net/http and writes the 101 with w's headers, followed by first.
//
// rest are bytes that the client sent with its request.
func (e *Server) hijack(
	w http.ResponseWriter, r *http.Request, initial bool, first []byte,
) (conn net.Conn, rest []byte, err error) {
	h := w.Header()
	ev := &e.cfg.Events
	if initial && ev.InitialHeaders != nil {
		ev.InitialHeaders(h, r)
	}
	if ev.Headers != nil {
		ev.Headers(h, r)
	}
	if p := subprotocol(r); p != "" {
		h.Set("Sec-WebSocket-Protocol", p)
	}
	if len(e.cfg.Middleware) > 0 {
		w.WriteHeader(http.StatusSwitchingProtocols) // for the middleware; see upgradeWriter
	}
	conn, rw, err := takeConn(w)
	if err != nil {
		return nil, nil, err
	}
	sum := sha1.Sum([]byte(r.Header.Get("Sec-WebSocket-Key") + acceptGUID)) //nolint:gosec // see import
	b := bytes.NewBuffer(make([]byte, 0, 256+len(first)))
	b.WriteString("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Accept: " + base64.StdEncoding.EncodeToString(sum[:]) + "\r\n")
	_ = h.Write(b) // a buffer does not fail; newlines in values become spaces
	b.WriteString("\r\n")
	b.Write(first)
	// This replaces the deadlines of the http.Server.
	err = conn.SetDeadline(time.Now().Add(e.cfg.WriteTimeout))
	if err == nil {
		_, err = conn.Write(b.Bytes())
	}
	if err == nil {
		err = conn.SetDeadline(time.Time{})
	}
	if err != nil {
		_ = conn.Close()
		return nil, nil, fmt.Errorf("%w: %w", errHijacked, err)
	}
	early, _ := rw.Peek(rw.Reader.Buffered()) // cannot fail: they are buffered
	return conn, slices.Clone(early), nil
}

// takeConn hijacks the connection of a writer that middleware may have wrapped.
//
// Some wrappers implement http.Hijacker and panic if the inner writer does not.
func takeConn(w http.ResponseWriter) (conn net.Conn, rw *bufio.ReadWriter, err error) {
	inner := innermost(w)
	if _, ok := inner.(http.Hijacker); !ok {
		return nil, nil, fmt.Errorf("engineio: %T: %w", inner, http.ErrNotSupported)
	}
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("engineio: %T: %w: %v", inner, http.ErrNotSupported, p)
		}
	}()
	return http.NewResponseController(w).Hijack()
}

// innermost returns the writer inside all wrappers that have an Unwrap method.
func innermost(w http.ResponseWriter) http.ResponseWriter {
	for {
		u, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			return w
		}
		w = u.Unwrap()
	}
}

// upgradeWriter is the writer that middleware gets for an upgrade request. It drops the status 101.
//
// hijack writes the 101 to the connection, after the middleware has set its headers.
type upgradeWriter struct{ http.ResponseWriter }

// WriteHeader writes every status except 101.
func (u *upgradeWriter) WriteHeader(status int) {
	if status != http.StatusSwitchingProtocols {
		u.ResponseWriter.WriteHeader(status)
	}
}

// Unwrap serves http.ResponseController.
func (u *upgradeWriter) Unwrap() http.ResponseWriter { return u.ResponseWriter }

// Hijack serves middleware that does not use an http.ResponseController.
func (u *upgradeWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return http.NewResponseController(u.ResponseWriter).Hijack()
}

// isToken tells whether s is a token of RFC 9110 section 5.6.2, as the names of header fields are.
func isToken(s string) bool {
	for i := range len(s) {
		if !isTokenChar(s[i]) {
			return false
		}
	}
	return s != ""
}

// isTokenChar tells whether a token may contain c.
func isTokenChar(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' ||
		strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0
}

// isFieldValue tells whether a header field may have the value: no control characters except tabs.
func isFieldValue(v string) bool {
	return !strings.ContainsFunc(v, isControl)
}

func isControl(c rune) bool { return c < ' ' && c != '\t' || c == 0x7f }
