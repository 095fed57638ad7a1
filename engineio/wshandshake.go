package engineio

import (
	"bufio"
	"crypto/sha1" //nolint:gosec // RFC 6455 section 4.2.2 wants it
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gosocketio/socketio/internal/httpfield"
)

// acceptGUID is the constant of RFC 6455 section 1.3.
const acceptGUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

// isUpgrade tells whether a request asks for another protocol. Without WebSockets there is none, and it is a request like others.
func (e *Server) isUpgrade(r *http.Request) bool {
	if !e.cfg.enabled(WebSocket) {
		return false
	}
	return r.ProtoMajor == 1 && r.Header.Get("Upgrade") != "" && headerHas(r.Header["Connection"], "upgrade")
}

// headerHas tells whether a comma-separated header names a token.
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

// badUpgrade returns the status and text for a request that is no WebSocket handshake; 0 when it is one.
func badUpgrade(r *http.Request, h http.Header) (status int, text string) {
	key := r.Header.Get("Sec-WebSocket-Key")
	switch {
	case r.Method != http.MethodGet:
		return http.StatusMethodNotAllowed, "Invalid HTTP method"
	case !strings.EqualFold(r.Header.Get("Upgrade"), "websocket"):
		return http.StatusBadRequest, "Invalid Upgrade header"
	case len(key) != 24 || key[22:] != "==" || !isBase64(key[:22]):
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

func isBase64(s string) bool {
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '+' && c != '/' {
			return false
		}
	}
	return true
}

// subprotocol returns the first offered subprotocol, which is the one that is accepted. It is "" when none is offered or
// the offer is not a list of different tokens (RFC 6455 section 4.1).
func subprotocol(r *http.Request) string {
	first := ""
	var offered map[string]bool // not a list: the header may have a hundred thousand of them
	for _, value := range r.Header["Sec-Websocket-Protocol"] {
		for p := range strings.SplitSeq(value, ",") {
			p = strings.Trim(p, " \t")
			if !httpfield.IsToken(p) || offered[p] {
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

// errHijacked: the connection broke after it was taken over, so that the request cannot be answered any more.
var errHijacked = errors.New("engineio: connection broke during the handshake")

// hijack takes a connection from net/http and answers 101 with what w's headers hold, followed by first. rest are bytes
// that the client sent with its request.
func (e *Server) hijack(w http.ResponseWriter, r *http.Request, initial bool, first []byte) (conn net.Conn, rest []byte, err error) {
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
		w.WriteHeader(http.StatusSwitchingProtocols) // ends at the upgradeWriter
	}
	conn, rw, err := takeConn(w)
	if err != nil {
		return nil, nil, err
	}
	b := append(make([]byte, 0, 256+len(first)), "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "...)
	sum := sha1.Sum([]byte(r.Header.Get("Sec-WebSocket-Key") + acceptGUID)) //nolint:gosec // see import
	b = base64.StdEncoding.AppendEncode(b, sum[:])
	b = append(b, "\r\n"...)
	for k, values := range h {
		for _, v := range values {
			b = append(append(append(append(b, k...), ": "...), headerValue(v)...), "\r\n"...)
		}
	}
	b = append(append(b, "\r\n"...), first...)
	// From here on the deadlines are ours: those of the http.Server no longer mean anything.
	err = conn.SetDeadline(time.Now().Add(e.cfg.WriteTimeout))
	if err == nil {
		_, err = conn.Write(b)
	}
	if err == nil {
		err = conn.SetDeadline(time.Time{})
	}
	if err != nil {
		_ = conn.Close()
		return nil, nil, fmt.Errorf("%w: %w", errHijacked, err)
	}
	early, _ := rw.Peek(rw.Reader.Buffered()) // cannot fail: these bytes are there
	return conn, slices.Clone(early), nil
}

// takeConn is Hijack for writers that middleware has wrapped. Some claim that they can hijack, and panic when the writer below
// cannot: that of http.TimeoutHandler, for one.
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

// innermost returns the last writer that w and its wrappers unwrap to.
func innermost(w http.ResponseWriter) http.ResponseWriter {
	for {
		u, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			return w
		}
		w = u.Unwrap()
	}
}

// upgradeWriter is what middleware writes the response to an upgrade request to. It holds the 101 back, for that is written by
// hand: but the middleware, which may wrap it, has been told that the headers are about to leave.
type upgradeWriter struct{ http.ResponseWriter }

// WriteHeader writes the header of every response but 101.
func (u *upgradeWriter) WriteHeader(status int) {
	if status != http.StatusSwitchingProtocols {
		u.ResponseWriter.WriteHeader(status)
	}
}

// Unwrap is for http.ResponseController.
func (u *upgradeWriter) Unwrap() http.ResponseWriter { return u.ResponseWriter }

// Hijack is for middleware that looks for it instead of asking a http.ResponseController.
func (u *upgradeWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return http.NewResponseController(u.ResponseWriter).Hijack()
}

// headerValue keeps a value that middleware set from ending its line.
func headerValue(v string) string {
	return strings.NewReplacer("\r", " ", "\n", " ").Replace(v)
}
