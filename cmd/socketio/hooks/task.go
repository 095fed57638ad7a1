package hooks

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/internal/refusal"
)

const (
	// minPause is the first pause before a request is sent again, maxPause the longest.
	minPause, maxPause = 100 * time.Millisecond, 2 * time.Second
	// disconnectRetry limits the time in which a disconnect is sent.
	disconnectRetry = time.Minute
)

// kind is the type of a request.
type kind uint8

const (
	kindConnect kind = iota
	kindEvent
	kindDisconnect
)

// String returns the type as requests have it.
func (k kind) String() string { return [...]string{"connect", "event", "disconnect"}[k] }

// dropped returns what the log says when such a request has failed.
func (k kind) dropped() string {
	return [...]string{"hooks: connect refused", "hooks: event dropped", "hooks: disconnect dropped"}[k]
}

// task is a request that is sent until it has succeeded or failed. One goroutine at a time has it.
type task struct {
	kind    kind
	id      string
	body    []byte
	cost    int
	expires time.Time
	tries   int
	socket  *socketio.Socket
	name    string          // of an event
	event   *socketio.Event // waits for an acknowledgement
}

// newTask returns a task whose time begins now.
func (h *Hooks) newTask(k kind, s *socketio.Socket, message []byte) *task {
	limit := h.cfg.Timeout
	if k == kindDisconnect {
		limit = disconnectRetry
	}
	return &task{
		kind: k, id: "msg_" + newID(), body: message, cost: taskOverhead + len(message),
		socket: s, expires: time.Now().Add(limit),
	}
}

// mayRepeat tells whether the request may be sent again after a failure with this outcome.
func (k kind) mayRepeat(o outcome) bool { return o == notReached || o == unknown && k != kindEvent }

// send sends the request once. Without an answer it returns a pause, after which it may be sent again,
// or a failure.
func (h *Hooks) send(ctx context.Context, t *task) (answer []byte, pause time.Duration, failed *failure) {
	deadline := time.Now().Add(h.cfg.Timeout)
	if t.expires.Before(deadline) {
		deadline = t.expires
	}
	ctx, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	if err := ctx.Err(); errors.Is(err, context.DeadlineExceeded) {
		return nil, 0, h.late(notReached)
	}
	if t.tries > 0 {
		h.retries.Add(1)
	}
	answer, failed = h.post(ctx, t)
	if failed == nil {
		h.answered[t.kind].Add(1)
		return answer, 0, nil
	}
	if !t.kind.mayRepeat(failed.outcome) || failed.rule == ruleGivenUp {
		return nil, 0, failed
	}
	pause = min(minPause<<min(t.tries, 10), maxPause)
	pause = pause/2 + rand.N(pause/2+1) //nolint:gosec // no secret
	t.tries++
	if !time.Now().Add(pause).Before(t.expires) {
		return nil, 0, failed
	}
	return nil, pause, failed
}

// attempt sends an event or a disconnect, for the scheduler.
func (h *Hooks) attempt(t *task) (pause time.Duration, again bool) {
	answer, pause, failed := h.send(h.ctx, t)
	if failed != nil && pause > 0 {
		return pause, true
	}
	if failed == nil && t.event != nil {
		failed = acknowledge(t.event, answer)
	}
	if failed != nil {
		h.failed(t.kind, t.socket, t.name, failed)
	}
	return 0, false
}

// failed counts and logs a request that failed.
func (h *Hooks) failed(k kind, s *socketio.Socket, event string, f *failure) {
	r := &refusal.Refusal{
		Rule: f.rule, Value: f.value, Limit: f.limit, Field: f.field, Remedy: f.remedy, Key: k.String(), Event: event,
	}
	peer := refusal.Peer{Addr: s.Conn().Handshake().RemoteAddr, ID: s.Conn().ID(), Namespace: s.Namespace().Name()}
	h.log.Write(context.Background(), k.dropped(), peer, r, f.err)
}
