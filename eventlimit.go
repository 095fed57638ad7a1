package socketio

import (
	"cmp"
	"fmt"
	"math"
	"time"

	"github.com/gosocketio/socketio/internal/bucket"
	"github.com/gosocketio/socketio/internal/refusal"
	"github.com/gosocketio/socketio/protocol"
)

// EventLimit limits how many events clients may send. Those beyond reach no handler.
//
// Acknowledgements, joins and heartbeats do not count; Config.ByteLimit limits them. The zero value
// limits nothing.
type EventLimit struct {
	// Rate is the average number of events per second. Default 0: no limit.
	Rate float64
	// Burst is how many events may come at once before Rate counts. Default: Rate, rounded up.
	Burst int
	// Answer says what happens to an event over the limit. Default LimitError.
	Answer LimitAnswer
}

// LimitAnswer is what happens to an event over an [EventLimit].
type LimitAnswer uint8

const (
	// LimitError answers an acknowledgement with {"error":{"message":"rate limit exceeded"}}. An event
	// without one is dropped.
	LimitError LimitAnswer = iota
	// LimitDrop drops the event. A client that asked for an acknowledgement waits for its timeout.
	LimitDrop
	// LimitDisconnect disconnects the client, with the cause ErrRateLimit: from the namespace whose limit
	// it is, or from all namespaces when it is that of the connection, which is closed too. Official
	// clients get "io server disconnect" and do not come back by themselves.
	LimitDisconnect
)

// String returns error, drop or disconnect.
func (a LimitAnswer) String() string {
	return [...]string{"error", "drop", "disconnect", "unknown"}[min(a, LimitDisconnect+1)]
}

// String describes the limit for the log.
func (l EventLimit) String() string {
	return fmt.Sprintf("%v events per second, %d at once", l.Rate, l.Burst)
}

// withDefaults returns l with its zero fields set, or an error that names the field of a Config.
func (l EventLimit) withDefaults(field string) (EventLimit, error) {
	switch {
	case l.Rate < 0 || math.IsNaN(l.Rate):
		return l, fmt.Errorf("%w: %s.Rate is %v, it must be at least 0 (no limit)", ErrConfig, field, l.Rate)
	case l.Burst < 0:
		return l, fmt.Errorf("%w: %s.Burst is %d, it must be at least 0 (those of one second)", ErrConfig, field, l.Burst)
	case l.Answer > LimitDisconnect:
		return l, fmt.Errorf("%w: %s.Answer is %d, it must be LimitError, LimitDrop or LimitDisconnect",
			ErrConfig, field, l.Answer)
	case l.Rate == 0 && l != EventLimit{}:
		return l, fmt.Errorf("%w: %s has no Rate, which means no limit", ErrConfig, field)
	}
	l.Burst = cmp.Or(l.Burst, int(math.Ceil(min(l.Rate, math.MaxInt32))))
	return l, nil
}

// eventLimit is an EventLimit in force.
type eventLimit struct {
	bucket.Limit
	EventLimit
	rule, field string
}

// newEventLimit returns nil for no limit.
func newEventLimit(l EventLimit, rule, field string) *eventLimit {
	if l.Rate == 0 {
		return nil
	}
	return &eventLimit{bucket.New(l.Rate, l.Burst), l, rule, field}
}

// The rules of events over a limit.
const (
	ruleConnectionEvents = "events of a connection"
	ruleNamespaceEvents  = "events of a namespace"
)

// allNamespaces is the key of Config.NamespaceEventLimits for namespaces that are not named there.
const allNamespaces = "*"

// limitOf returns the limit of a namespace, or of all children of a [Parent], by its label in Stats.
func (srv *Server) limitOf(label string) *eventLimit {
	const field = "Config.NamespaceEventLimits"
	l, ok := srv.cfg.NamespaceEventLimits[label]
	if !ok {
		l = srv.cfg.NamespaceEventLimits[allNamespaces]
	}
	return newEventLimit(l, ruleNamespaceEvents, fmt.Sprintf("%s[%q]", field, label))
}

// refusal returns a refusal of the rule.
func (l *eventLimit) refusal() *refusal.Refusal {
	return &refusal.Refusal{
		Err: ErrRateLimit, Rule: l.rule, Limit: l.EventLimit, Field: l.field, Key: l.field,
		Remedy: "raise " + l.field + " if clients need to send so many",
	}
}

// overLimit takes a token for an event from the connection's bucket and the namespace's.
//
// Without one it answers as the limit says, and returns true. Only the goroutine that delivers messages calls
// it.
func (c *client) overLimit(s *Socket, p *protocol.Packet) bool {
	now := time.Since(c.server.began)
	if l := c.server.eventLimit; l != nil && !l.Allow(&c.events, now) {
		s.ns.totals.limitedByConnection.Add(1)
		c.answerOverLimit(s, p, l)
		return true
	}
	if t := s.ns.totals; t.limit != nil && !t.limit.Allow(&t.events, now) {
		t.limitedByNamespace.Add(1)
		c.answerOverLimit(s, p, t.limit)
		return true
	}
	return false
}

const eventRefused = "socketio: event refused"

// answerOverLimit answers an event that is over the limit l.
func (c *client) answerOverLimit(s *Socket, p *protocol.Packet, l *eventLimit) {
	if l.Answer == LimitDisconnect && l.rule == ruleConnectionEvents {
		c.disconnectAll(l.refusal()) // the end of the connection is the line in the log
		return
	}
	why := l.refusal()
	why.Value = l.Answer
	why.Event = protocol.EventName(p.Data[p.Args[0].Start:p.Args[0].End])
	c.server.log.Write(c.session().Context(), eventRefused, refusal.Peer{
		Addr: c.session().Handshake().RemoteAddr, ID: c.session().ID(), Namespace: s.ns.name,
	}, why, nil)
	switch {
	case l.Answer == LimitDisconnect:
		s.disconnect(why)
	case l.Answer == LimitError && p.HasID:
		e := newEvent(s, p)
		answerError(func(v any) error { return e.Ack(v) }, &Error{Message: "rate limit exceeded"})
	}
}
