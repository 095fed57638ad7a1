// Package client sends to the clients of a socketio server, over the HTTP API of package api.
//
//	c := client.New("http://127.0.0.1:3002", token)
//	err := c.Emit(ctx, client.Target{Rooms: []string{"lobby"}}, "news", "hello")
//
// It depends on the standard library alone. A [Client] may be used by many goroutines. Nothing is
// sent twice: a call that fails is not repeated.
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// DefaultTimeout limits a call, in addition to the time for acknowledgements.
const DefaultTimeout = 30 * time.Second

// Client calls the API of a server. The server reaches the sockets on all servers of its cluster.
type Client struct {
	// HTTP sends the requests. Default http.DefaultClient.
	HTTP *http.Client

	url, token string
}

// New returns a client for the API at a URL, such as http://127.0.0.1:3002, with the server's token.
func New(url, token string) *Client { return &Client{url: strings.TrimSuffix(url, "/"), token: token} }

// Target says which sockets a call is about. The zero value is every socket in the namespace "/".
type Target struct {
	// Namespace is the name of the namespace. Default "/".
	Namespace string `json:"namespace,omitempty"`
	// Rooms targets the sockets in any of these rooms. Each socket is in the room named after its id.
	// nil is every socket, an empty list nobody.
	Rooms []string `json:"rooms,omitzero"`
	// All targets every socket, for Join, Leave and Disconnect: these need it where Rooms is nil.
	All bool `json:"-"`
	// Except leaves out the sockets in any of these rooms.
	Except []string `json:"except,omitempty"`
	// Local means the sockets of the called server, and not those of others in its cluster.
	Local bool `json:"local,omitempty"`
	// Volatile drops an event for each socket that cannot be written to at once. It is for Emit and
	// EmitWithAck only.
	Volatile bool `json:"-"`
	// NoCompress asks the transport not to compress an event. It is for Emit and EmitWithAck only.
	NoCompress bool `json:"-"`
}

// Binary is binary data among the arguments of an event, at any depth. An argument that is a []byte
// is sent as Binary; inside other values encoding/json makes a string of one.
type Binary []byte

// MarshalJSON implements json.Marshaler.
func (b Binary) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string][]byte{"base64": b})
}

// UnmarshalJSON implements json.Unmarshaler.
func (b *Binary) UnmarshalJSON(data []byte) error {
	var v struct{ Base64 *[]byte }
	if err := json.Unmarshal(data, &v); err != nil {
		return err
	}
	if v.Base64 == nil {
		return fmt.Errorf("client: %.40q is no binary data", data)
	}
	*b = *v.Base64
	return nil
}

// Error is the answer of a server that refused a call.
type Error struct {
	// Status is the HTTP status.
	Status int `json:"-"`
	// Name is the kind of error, such as "Invalid".
	Name string `json:"name"`
	// Message says what is wrong.
	Message string `json:"message"`
	// Rule is the rule that refused the call.
	Rule string `json:"rule"`
	// Field is the field of the request, or the setting of the server, that the rule is about.
	Field string `json:"field"`
	// Value is what the call had, nil if there is none.
	Value any `json:"value"`
	// Limit is what the rule allows, nil if there is none.
	Limit any `json:"limit"`
}

// Error implements error.
func (e *Error) Error() string { return fmt.Sprintf("client: %d %s: %s", e.Status, e.Name, e.Message) }

// emission is the body of POST /api/emit.
type emission struct {
	Target
	Event    string `json:"event"`
	Args     []any  `json:"args"`
	Volatile bool   `json:"volatile,omitempty"`
	Compress bool   `json:"compress"`
	Ack      *ack   `json:"ack,omitempty"`
}

type ack struct {
	Timeout int64 `json:"timeout"` // in milliseconds
}

func newEmission(t Target, event string, args []any) emission {
	list := make([]any, len(args))
	for i, v := range args {
		if b, ok := v.([]byte); ok {
			v = Binary(b)
		}
		list[i] = v
	}
	return emission{Target: t, Event: event, Args: list, Volatile: t.Volatile, Compress: !t.NoCompress}
}

// Emit sends an event. It does not wait for clients.
//
// The error is an [*Error] if the server refuses. With Status 503 the sockets on the server called
// have got the event, and those on other servers may not have.
func (c *Client) Emit(ctx context.Context, to Target, event string, args ...any) error {
	return c.call(ctx, 0, http.MethodPost, "/api/emit", newEmission(to, event, args), nil)
}

// Answers are the acknowledgements of an event.
type Answers struct {
	// Answers are the acknowledgements that arrived.
	Answers []Answer `json:"answers"`
	// Missing is how many did not, of sockets or of servers; -1 when that is not known.
	Missing int `json:"missing"`
	// Errors say why they are missing.
	Errors []string `json:"errors"`
}

// Answer is the acknowledgement of one client.
type Answer struct {
	// ID is the id of a socket on the server called, "" for one on another server.
	ID string `json:"id"`
	// Args are the arguments, to be decoded by encoding/json. Binary decodes binary data.
	Args []json.RawMessage `json:"args"`
}

// EmitWithAck sends an event, and waits until all targeted clients have acknowledged it, at most for
// the timeout. The server limits it, to a minute unless it is set up otherwise. Answers that are
// missing are no error.
func (c *Client) EmitWithAck(
	ctx context.Context, to Target, timeout time.Duration, event string, args ...any,
) (a Answers, err error) {
	e := newEmission(to, event, args)
	e.Ack = &ack{timeout.Milliseconds()}
	err = c.call(ctx, timeout, http.MethodPost, "/api/emit", e, &a)
	return a, err
}

// change is the body of requests that change sockets.
type change struct {
	Target
	All   bool     `json:"all,omitempty"`
	Join  []string `json:"join,omitempty"`
	Leave []string `json:"leave,omitempty"`
	Close bool     `json:"close,omitempty"`
}

func (c *Client) change(ctx context.Context, path string, body change) error {
	body.All = body.Target.All
	return c.call(ctx, 0, http.MethodPost, path, body, nil)
}

// Join makes the targeted sockets join rooms.
func (c *Client) Join(ctx context.Context, to Target, rooms ...string) error {
	return c.change(ctx, "/api/join", change{Target: to, Join: rooms})
}

// Leave makes the targeted sockets leave rooms.
func (c *Client) Leave(ctx context.Context, to Target, rooms ...string) error {
	return c.change(ctx, "/api/leave", change{Target: to, Leave: rooms})
}

// Disconnect disconnects the targeted sockets; with closeConnection also from other namespaces.
func (c *Client) Disconnect(ctx context.Context, to Target, closeConnection bool) error {
	return c.change(ctx, "/api/disconnect", change{Target: to, Close: closeConnection})
}

// Sockets are the sockets that a server lists.
type Sockets struct {
	// Sockets are in no order.
	Sockets []Socket `json:"sockets"`
	// More tells that there are more than the limit.
	More bool `json:"more"`
	// Missing is how many servers did not answer; -1 when that is not known.
	Missing int `json:"missing"`
	// Errors say why they did not.
	Errors []string `json:"errors"`
}

// Socket is a socket that a server lists.
type Socket struct {
	// ID is its id.
	ID string `json:"id"`
	// Rooms are the rooms that it is in.
	Rooms []string `json:"rooms"`
	// Data are its shared values, as a JSON object.
	Data json.RawMessage `json:"data"`
}

// Sockets lists the targeted sockets, at most limit of them. The server takes 1 to 10,000.
func (c *Client) Sockets(ctx context.Context, of Target, limit int) (list Sockets, err error) {
	if of.Rooms != nil && len(of.Rooms) == 0 {
		return list, nil // a query cannot say so
	}
	query := url.Values{"limit": {strconv.Itoa(limit)}}
	if of.Namespace != "" {
		query.Set("namespace", of.Namespace)
	}
	if of.Rooms != nil {
		query["rooms"] = of.Rooms
	}
	if of.Except != nil {
		query["except"] = of.Except
	}
	if of.Local {
		query.Set("local", "true")
	}
	err = c.call(ctx, 0, http.MethodGet, "/api/sockets?"+query.Encode(), nil, &list)
	return list, err
}

// maxProblem limits what is read of an answer that is no success, in bytes.
const maxProblem = 64 << 10

// call sends a request, and decodes the answer into result unless that is nil.
func (c *Client) call(ctx context.Context, wait time.Duration, method, target string, body, result any) error {
	ctx, cancel := context.WithTimeout(ctx, DefaultTimeout+wait)
	defer cancel()
	var data []byte
	if body != nil {
		var err error
		if data, err = json.Marshal(body); err != nil {
			return fmt.Errorf("client: %w", err)
		}
	}
	r, err := http.NewRequestWithContext(ctx, method, c.url+target, bytes.NewReader(data))
	if err != nil {
		return fmt.Errorf("client: %w", err)
	}
	r.Header.Set("Authorization", "Bearer "+c.token)
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	h := c.HTTP
	if h == nil {
		h = http.DefaultClient
	}
	res, err := h.Do(r)
	if err != nil {
		return fmt.Errorf("client: %w", err)
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode >= 300 {
		return problem(res)
	}
	if result == nil {
		return nil
	}
	if err := json.NewDecoder(res.Body).Decode(result); err != nil {
		return fmt.Errorf("client: the answer ends early or is no JSON: %w", err)
	}
	return nil
}

// problem returns the error that an answer is.
func problem(res *http.Response) error {
	data, err := io.ReadAll(io.LimitReader(res.Body, maxProblem))
	e := &Error{}
	if err != nil || json.Unmarshal(data, e) != nil || e.Name == "" { // such as a proxy's page
		e = &Error{Name: http.StatusText(res.StatusCode), Message: fmt.Sprintf("%.200q", data)}
	}
	e.Status = res.StatusCode
	return e
}
