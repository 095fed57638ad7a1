package socketio

import (
	"errors"
	"sync/atomic"
	"time"

	"github.com/gosocketio/socketio/internal/bucket"
)

// totals counts what happens in a namespace that the program defined with [Server.Of], or in all
// children of a [Parent]: clients choose the names of those, and each would have its own numbers.
//
// Each number is counted where the thing happens, and nowhere else.
type totals struct {
	label string

	received, receivedBytes    atomic.Uint64
	sent, sentBytes, unsent    atomic.Uint64
	handledWithin              [len(handledBounds) + 1]atomic.Uint64 // not cumulative
	handledTime                atomic.Int64
	handlerErrors              atomic.Uint64
	answered, late, unanswered atomic.Uint64
	recovered, refused         atomic.Uint64

	limit                                   *eventLimit // of Config.NamespaceEventLimits; nil: none
	events                                  bucket.Bucket
	limitedByConnection, limitedByNamespace atomic.Uint64
}

// handledBounds are the upper bounds of NamespaceStats.HandledWithin.
var handledBounds = [...]time.Duration{
	100 * time.Microsecond, 250 * time.Microsecond, 500 * time.Microsecond,
	time.Millisecond, 2500 * time.Microsecond, 5 * time.Millisecond,
	10 * time.Millisecond, 25 * time.Millisecond, 50 * time.Millisecond,
	100 * time.Millisecond, 250 * time.Millisecond, 500 * time.Millisecond,
	time.Second, 2500 * time.Millisecond, 5 * time.Second, 10 * time.Second,
}

// countHandled counts an event whose handlers have returned.
func (t *totals) countHandled(took time.Duration, err error) {
	i := 0
	for i < len(handledBounds) && took > handledBounds[i] {
		i++
	}
	t.handledWithin[i].Add(1)
	t.handledTime.Add(int64(took))
	if err != nil {
		t.handlerErrors.Add(1)
	}
}

// countSent counts what Hooks.Emit is told.
func (t *totals) countSent(i *EmitInfo) {
	if i.Recipients > 0 {
		t.sent.Add(uint64(i.Recipients))
		t.sentBytes.Add(uint64(i.Recipients) * uint64(i.Bytes))
	}
	if i.Failed > 0 {
		t.unsent.Add(uint64(i.Failed))
	}
}

// countAcks counts what Hooks.Ack is told.
func (t *totals) countAcks(answered int, err error) {
	t.answered.Add(uint64(answered))
	missing := 1
	if m, ok := errors.AsType[*MissingError](err); ok && m.Missing > 0 {
		missing = m.Missing
	}
	switch {
	case errors.Is(err, ErrTimeout):
		t.late.Add(uint64(missing))
	case err != nil:
		t.unanswered.Add(uint64(missing))
	}
}

// NamespaceStats is what happened since the start in a namespace, or in all children of a [Parent].
type NamespaceStats struct {
	// Sockets is the number of sockets on this server.
	Sockets int
	// Received counts the events of clients, ReceivedBytes their payload, attachments included.
	Received, ReceivedBytes uint64
	// LimitedByConnection counts the events over Config.EventLimit, LimitedByNamespace those over
	// Config.NamespaceEventLimits. They are not among Received.
	LimitedByConnection, LimitedByNamespace uint64
	// Sent counts the events sent, once for each recipient on this server, SentBytes their size on the
	// wire. Unsent counts the recipients that could not be sent to: closed, or with a full queue.
	Sent, SentBytes, Unsent uint64
	// Handled counts the events whose handlers have returned, HandlerTime how long they took in all,
	// and HandledWithin how many took at most so long, 100 µs to 10 s. HandlerErrors counts those that
	// failed.
	Handled       uint64
	HandlerTime   time.Duration
	HandledWithin map[time.Duration]uint64
	HandlerErrors uint64
	// AcksAnswered counts the acknowledgements that clients sent in time, AckTimeouts those that they
	// did not. AcksFailed counts those that could not come any more: the client disconnected, or the
	// caller's context ended.
	AcksAnswered, AckTimeouts, AcksFailed uint64
	// Recovered counts the sockets recovered, NotRecovered the attempts that failed. Waiting is how many
	// clients are away and may be recovered.
	Recovered, NotRecovered uint64
	Waiting                 int
}

// addTo adds the counts to s.
func (t *totals) addTo(s *NamespaceStats) {
	s.Received += t.received.Load()
	s.ReceivedBytes += t.receivedBytes.Load()
	s.LimitedByConnection += t.limitedByConnection.Load()
	s.LimitedByNamespace += t.limitedByNamespace.Load()
	s.Sent += t.sent.Load()
	s.SentBytes += t.sentBytes.Load()
	s.Unsent += t.unsent.Load()
	s.HandlerTime += time.Duration(t.handledTime.Load())
	s.HandlerErrors += t.handlerErrors.Load()
	s.AcksAnswered += t.answered.Load()
	s.AckTimeouts += t.late.Load()
	s.AcksFailed += t.unanswered.Load()
	s.Recovered += t.recovered.Load()
	s.NotRecovered += t.refused.Load()
	if s.HandledWithin == nil {
		s.HandledWithin = make(map[time.Duration]uint64, len(handledBounds))
	}
	n := uint64(0)
	for i, bound := range handledBounds {
		n += t.handledWithin[i].Load()
		s.HandledWithin[bound] += n
	}
	s.Handled += n + t.handledWithin[len(handledBounds)].Load()
}

// newTotals returns the totals of a namespace, or of a pattern, for define.
func (srv *Server) newTotals(label string) *totals {
	return &totals{label: label, limit: srv.limitOf(label)}
}

// define adds the totals of a namespace, or of a pattern, to those of the server.
func (srv *Server) define(t *totals) {
	srv.mu.Lock()
	defer srv.mu.Unlock()
	srv.defined = append(srv.defined, t)
}

// namespaceStats returns the totals by their labels.
func (srv *Server) namespaceStats(all []*Namespace) map[string]NamespaceStats {
	srv.mu.Lock()
	defined := srv.defined
	srv.mu.Unlock()
	sum := make(map[string]NamespaceStats, len(defined))
	for _, t := range defined {
		s := sum[t.label]
		t.addTo(&s)
		sum[t.label] = s
	}
	for _, n := range all {
		s := sum[n.totals.label]
		s.Sockets += n.Len()
		if r, on := n.RecoveryStats(); on {
			s.Waiting += r.Waiting
		}
		sum[n.totals.label] = s
	}
	return sum
}
