package hooks

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"time"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/internal/binaryjson"
)

// maxValues limits the values of a socket, in bytes.
const maxValues = 16 << 10

// maxName limits the name of an event that is kept for the log, in bytes.
const maxName = 200

// connection is a socket that the backend has been asked about. Its exported fields are in each
// request and do not change once the socket is connected.
type connection struct {
	queue
	connected func() // the OnConnection functions run

	Namespace  string          `json:"namespace"`
	Socket     string          `json:"socket"`
	Connection string          `json:"connection"`
	Claims     json.RawMessage `json:"claims,omitempty"`
	Values     json.RawMessage `json:"values,omitempty"`
}

// connectData, eventData and disconnectData are the data of a request.
type (
	connectData struct {
		*connection
		Handshake socketio.Handshake `json:"handshake"`
		Recovered bool               `json:"recovered"`
	}
	eventData struct {
		*connection
		Event string          `json:"event"`
		Args  json.RawMessage `json:"args"`
		Ack   bool            `json:"ack"`
	}
	disconnectData struct {
		*connection
		Reason string `json:"reason"`
	}
)

// encode returns the body of a request about what happened at a time.
func encode(k kind, at time.Time, data any) ([]byte, error) {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	err := e.Encode(struct {
		Type      string    `json:"type"`
		Timestamp time.Time `json:"timestamp"`
		Data      any       `json:"data"`
	}{k.String(), at.UTC(), data})
	return bytes.TrimRight(out.Bytes(), "\n"), err
}

// errUnavailable is what a client sees whose connect the backend did not answer.
var errUnavailable = &socketio.Error{Message: "backend unavailable"}

// connect is the middleware that asks the backend whether a socket may connect.
func (h *Hooks) connect(s *socketio.Socket) error {
	c := &connection{Namespace: s.Namespace().Name(), Socket: s.ID(), Connection: newID()}
	if h.cfg.Claims != nil {
		c.Claims = h.cfg.Claims(s)
	}
	reply, failed := h.ask(s, c)
	if failed == nil && reply.Error == nil {
		failed = c.accept(s, reply)
	}
	switch {
	case failed != nil:
		if failed.outcome == unknown || failed.outcome == garbled {
			h.disconnect(s, c, notConnected)
		}
		if s.Context().Err() == nil {
			h.failed(kindConnect, s, "", failed)
		}
		return errUnavailable
	case reply.Error != nil:
		return reply.Error.shown()
	}
	// The client may go, or the server end, before the socket is connected.
	unused := context.AfterFunc(s.Context(), func() { h.disconnect(s, c, notConnected) })
	c.connected = func() { unused() }
	h.connections.Set(s, c)
	return nil
}

// notConnected is the reason of a disconnect for a socket that was never connected.
const notConnected = "not connected"

// ask sends a connect until it is answered.
func (h *Hooks) ask(s *socketio.Socket, c *connection) (*connectAnswer, *failure) {
	at, t := time.Now(), h.newTask(kindConnect, s, nil)
	ctx, cancel := context.WithDeadline(s.Context(), t.expires)
	defer cancel()
	for reached := false; ; {
		select {
		case h.connects <- struct{}{}:
		case <-ctx.Done():
			return nil, h.late(outcomeOf(reached))
		}
		// Encoded again for each attempt: connects that wait hold no body.
		var err error
		t.body, err = encode(kindConnect, at, connectData{c, s.Handshake(), s.Recovered()})
		if err != nil {
			<-h.connects
			return nil, &failure{outcome: refused, rule: "no request", err: err}
		}
		answer, pause, failed := h.send(ctx, t)
		t.body = nil
		<-h.connects
		if failed == nil {
			return parseConnectAnswer(answer)
		}
		reached = reached || failed.outcome == unknown
		if failed.outcome == notReached {
			failed.outcome = outcomeOf(reached) // an earlier attempt may have been handled
		}
		if pause == 0 {
			return nil, failed
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return nil, failed
		}
	}
}

// outcomeOf returns the outcome of attempts of which none was answered.
func outcomeOf(reached bool) outcome {
	if reached {
		return unknown
	}
	return notReached
}

// connectAnswer is the answer to a connect.
type connectAnswer struct {
	Error  *answerError               `json:"error"`
	Rooms  []string                   `json:"rooms"`
	Values map[string]json.RawMessage `json:"values"`
}

// answerError refuses a client or an event.
type answerError struct {
	Message string          `json:"message"`
	Data    json.RawMessage `json:"data,omitempty"`
}

func (e *answerError) shown() error {
	shown := &socketio.Error{Message: e.Message}
	if e.Data != nil {
		shown.Data = e.Data
	}
	return shown
}

// parseAnswer decodes an answer. A member that the form has not is an error: it may be misspelt.
func parseAnswer(answer []byte, v any) *failure {
	d := json.NewDecoder(bytes.NewReader(answer))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return invalid(err)
	}
	if _, err := d.Token(); err != io.EOF { // More is false before a brace that closes nothing
		return invalid(errors.New("it is more than one JSON value"))
	}
	return nil
}

func parseConnectAnswer(answer []byte) (*connectAnswer, *failure) {
	a := new(connectAnswer)
	if len(bytes.TrimSpace(answer)) == 0 {
		return a, nil
	}
	return a, parseAnswer(answer, a)
}

// accept gives the socket what the backend's answer has for it.
func (c *connection) accept(s *socketio.Socket, a *connectAnswer) *failure {
	if len(a.Values) > 0 {
		values, err := json.Marshal(a.Values)
		if err != nil {
			return invalid(err)
		}
		if len(values) > maxValues {
			return &failure{
				outcome: garbled, rule: "values too large", remedy: "the backend must set less",
				value: len(values), limit: maxValues,
			}
		}
		c.Values = values
	}
	for name, v := range a.Values {
		socketio.NewSharedKey[json.RawMessage](name).Set(s, v)
	}
	s.Join(a.Rooms...)
	return nil
}

// event sends an event to the backend.
func (h *Hooks) event(e *socketio.Event) {
	s := e.Socket()
	c, ok := h.connections.Get(s)
	if !ok {
		return // not accepted by connect: Install came too late for this socket
	}
	args, err := binaryjson.Marshal(e)
	var body []byte
	if err == nil {
		body, err = encode(kindEvent, time.Now(), eventData{c, e.Name(), args, e.WantsAck()})
	}
	if err != nil {
		h.failed(kindEvent, s, e.Name(), &failure{
			rule: "arguments that are no JSON", remedy: "the client must send JSON", err: err,
		})
		return
	}
	t := h.newTask(kindEvent, s, body)
	t.name = strings.Clone(e.Name()[:min(len(e.Name()), maxName)])
	if e.WantsAck() {
		t.event = e
		t.cost += len(args)
	}
	switch h.queues.add(s.Context(), &c.queue, t) {
	case noRoom:
		h.failed(kindEvent, s, e.Name(), h.noRoom())
	case notAccepted:
		gone := errors.New("the client has gone, or the server ends")
		h.failed(kindEvent, s, e.Name(), &failure{rule: ruleGivenUp, err: gone})
	}
}

// ruleGivenUp is the rule of requests that are not sent because nobody waits for their answers any more.
const ruleGivenUp = "given up"

func (h *Hooks) noRoom() *failure {
	return &failure{
		rule: "queue full", remedy: "the backend is too slow for all clients, or away",
		limit: h.cfg.QueueBytes, field: "-hooks-queue",
	}
}

// acknowledge answers an event as the backend did.
func acknowledge(e *socketio.Event, answer []byte) *failure {
	answer = bytes.TrimSpace(answer)
	switch {
	case len(answer) == 0, string(answer) == "null":
		_ = e.Ack() // fails when the client has gone
		return nil
	case answer[0] == '[':
		args, err := binaryjson.Unmarshal(answer)
		if err != nil {
			return invalid(err)
		}
		_ = e.Ack(args...)
		return nil
	}
	var a struct {
		Error *answerError `json:"error"`
	}
	if failed := parseAnswer(answer, &a); failed != nil {
		return failed
	}
	if a.Error == nil {
		return invalid(errors.New(`it is neither an array nor {"error":{"message":"..."}}`))
	}
	_ = e.Ack(a)
	return nil
}

// disconnect sends the disconnect of a socket, once.
func (h *Hooks) disconnect(s *socketio.Socket, c *connection, reason string) {
	body, err := encode(kindDisconnect, time.Now(), disconnectData{c, reason})
	if err != nil {
		return // never: it has no part of the client's
	}
	if h.queues.addLast(&c.queue, h.newTask(kindDisconnect, s, body)) == noRoom {
		h.failed(kindDisconnect, s, "", h.noRoom())
	}
}
