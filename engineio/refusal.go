package engineio

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"

	"github.com/gosocketio/socketio/internal/refusal"
)

// The protocol's error codes for requests that are refused.
const (
	CodeUnknownTransport   = 0
	CodeUnknownSession     = 1
	CodeBadHandshakeMethod = 2
	CodeBadRequest         = 3
	CodeForbidden          = 4
	CodeUnsupportedVersion = 5
	// CodeUnavailable is not the protocol's: the request is answered with status 503, because of
	// Config.Admission or because the server is shutting down.
	CodeUnavailable = 6
)

var codeMessages = [...]string{
	CodeUnknownTransport:   "Transport unknown",
	CodeUnknownSession:     "Session ID unknown",
	CodeBadHandshakeMethod: "Bad handshake method",
	CodeBadRequest:         "Bad request",
	CodeForbidden:          "Forbidden",
	CodeUnsupportedVersion: "Unsupported protocol version",
	CodeUnavailable:        "Unavailable",
}

// ConnectionError describes a refused request.
type ConnectionError struct {
	// Request is the request, valid during the event.
	Request *http.Request
	// Code is one of the Code constants.
	Code int
	// Message is the official text for Code.
	Message string
	// Context tells more, under the official server's keys: name, transport, previousTransport, sid, method, origin,
	// protocol, message, error.
	Context map[string]any

	rule *refusal.Refusal // if Context does not tell it
}

// Error implements error.
func (e *ConnectionError) Error() string { return "engineio: request refused: " + e.Message }

func refused(code int, context map[string]any) *ConnectionError {
	return &ConnectionError{Code: code, Message: codeMessages[code], Context: context}
}

// refusing tells the user, and the log, of a request that is refused.
func (e *Server) refusing(r *http.Request, c *ConnectionError) {
	c.Request = r
	if f := e.cfg.Events.ConnectionError; f != nil {
		f(c)
	}
	e.logRequest(r, e.rule(c), nil)
}

// refuse answers a request with a protocol error: as JSON to polling clients, as plain text to an upgrade request.
func (e *Server) refuse(w http.ResponseWriter, r *http.Request, c *ConnectionError) {
	e.refusing(r, c)
	text := c.Message
	if m, _ := c.Context["message"].(string); m != "" {
		text = m
	}
	if c.Code == CodeUnavailable {
		unavailable(w, r, text)
		return
	}
	h := w.Header()
	if e.isUpgrade(r) {
		refuseUpgrade(w, r, http.StatusBadRequest, text)
		return
	}
	status := http.StatusBadRequest
	if c.Code == CodeForbidden {
		status = http.StatusForbidden
	}
	body, err := json.Marshal(struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
	}{c.Code, text})
	if err != nil { // an int and a string always encode
		panic(err)
	}
	h.Set("Content-Type", "application/json")
	respond(w, status, body)
}

// refuseOutside answers a request whose path does not begin with Config.Path.
func (e *Server) refuseOutside(w http.ResponseWriter, r *http.Request) {
	why := &refusal.Refusal{Rule: "path", Value: r.URL.Path, Limit: e.cfg.Path, Field: "Config.Path"}
	text := "the request is for " + r.URL.Path
	if r.Pattern != "" {
		text += ", mounted at " + r.Pattern
	}
	text += " but Config.Path is " + e.cfg.Path
	if parseQuery(r.URL.RawQuery).eio != "" { // a client, and not somebody who tries addresses
		why.Remedy = "mount the server at Config.Path, or set Config.Path and the client's option path to where it is mounted"
	}
	e.logRequest(r, why, errors.New(text))
	http.Error(w, "404 page not found: "+text, http.StatusNotFound)
}

// refuseUpgrade answers a request for a WebSocket with plain text.
func refuseUpgrade(w http.ResponseWriter, r *http.Request, status int, text string) {
	h := w.Header()
	endConnection(h, r)
	h.Set("Content-Type", "text/html")
	respond(w, status, []byte(text))
}

// endConnection has the connection end with the response. One of HTTP/2 carries other requests too, and stays.
func endConnection(h http.Header, r *http.Request) {
	if r.ProtoMajor == 1 {
		h.Set("Connection", "close")
	}
}

// respond writes a whole response.
func respond(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	// A client that is gone is noticed by its session, not here.
	_, _ = w.Write(body)
}
