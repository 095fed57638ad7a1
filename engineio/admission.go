package engineio

import (
	"fmt"
	"math"
	"net/http"
	"strconv"

	"golang.org/x/time/rate"

	"github.com/gosocketio/socketio/internal/refusal"
)

// Admission limits how fast clients may come and how many there may be. When a server comes back after a restart, all its
// clients return at once; those beyond a limit are answered with status 503 before any work is done for them, and official
// clients then try again with a random, growing delay, which spreads the load. Sessions that exist are not affected. The zero
// value limits nothing.
type Admission struct {
	// Rate is how many new sessions are accepted in a second, on average. Default 0: any number.
	Rate float64
	// Burst is how many new sessions are accepted at once before Rate counts. Default: those of one second.
	Burst int
	// MaxPending limits the sessions whose client has not sent anything since its handshake. Default 0: any number.
	MaxPending int
	// MaxSessions limits the sessions that exist. Default 0: any number.
	MaxSessions int
}

// retryAfter is what refused clients are told to wait, in seconds, if they look: browsers' own clients do not.
const retryAfter = 1

func (a *Admission) withDefaults() {
	if a.Burst == 0 {
		a.Burst = int(math.Ceil(min(a.Rate, math.MaxInt32)))
	}
}

func (a *Admission) validate() error {
	switch {
	case a.Rate < 0 || math.IsNaN(a.Rate):
		return fmt.Errorf("%w: Admission.Rate is %v, it must be at least 0 (no limit)", ErrConfig, a.Rate)
	case a.Burst < 0:
		return fmt.Errorf("%w: Admission.Burst is %d, it must be at least 0 (those of one second)", ErrConfig, a.Burst)
	case a.Burst > 0 && a.Rate == 0:
		return fmt.Errorf("%w: Admission.Burst is %d without a Rate, which means no limit", ErrConfig, a.Burst)
	case a.MaxPending < 0:
		return fmt.Errorf("%w: Admission.MaxPending is %d, it must be at least 0 (no limit)", ErrConfig, a.MaxPending)
	case a.MaxSessions < 0:
		return fmt.Errorf("%w: Admission.MaxSessions is %d, it must be at least 0 (no limit)", ErrConfig, a.MaxSessions)
	}
	return nil
}

// limiter returns what Rate and Burst mean; nil when there is no limit.
func (a *Admission) limiter() *rate.Limiter {
	if a.Rate == 0 {
		return nil
	}
	return rate.NewLimiter(rate.Limit(a.Rate), a.Burst)
}

// tooMany refuses a handshake because of a limit of Admission, for now.
func (e *Server) tooMany(format string, limit any, field string) *ConnectionError {
	e.rejected.Add(1)
	c := refused(CodeUnavailable, map[string]any{"name": "ADMISSION", "message": fmt.Sprintf(format+" ("+field+")", limit)})
	c.rule = &refusal.Refusal{Rule: "admission", Limit: limit, Field: "Config." + field}
	return c
}

// shuttingDown refuses a handshake because Shutdown has been called.
func shuttingDown() *ConnectionError {
	c := refused(CodeUnavailable, map[string]any{"message": "the server is shutting down"})
	c.rule = &refusal.Refusal{Rule: "shutting down"}
	return c
}

// arrivals judges a handshake by Rate, before anything is done for it.
func (e *Server) arrivals() *ConnectionError {
	if e.pace != nil && !e.pace.Allow() {
		return e.tooMany("more than %v new sessions a second", e.cfg.Admission.Rate, "Admission.Rate")
	}
	return nil
}

// claim takes a place among the sessions, and among those whose client has not spoken yet. The caller gives the first back by
// removing the session from the registry, heard the second.
func (e *Server) claim(s *Session) *ConnectionError {
	a := &e.cfg.Admission
	if n := e.pending.Add(1); a.MaxPending > 0 && n > int64(a.MaxPending) {
		e.pending.Add(-1)
		return e.tooMany("%d sessions have not sent anything yet", a.MaxPending, "Admission.MaxPending")
	}
	added, full := e.sessions.add(s, a.MaxSessions)
	switch {
	case full:
		e.pending.Add(-1)
		return e.tooMany("there are %d sessions", a.MaxSessions, "Admission.MaxSessions")
	case !added:
		e.pending.Add(-1)
		return badRequest("ID_GENERATION_ERROR", map[string]any{"error": "the id is taken"})
	}
	return nil
}

// markActiveLocked gives back a session's place among those that have not sent anything. The caller holds the session's lock.
func (s *Session) markActiveLocked() {
	if !s.active {
		s.active = true
		s.server.pending.Add(-1)
	}
}

// unavailable answers a handshake that cannot be served at the moment; clients try again.
func unavailable(w http.ResponseWriter, r *http.Request, text string) {
	h := w.Header()
	endConnection(h, r)
	h.Set("Content-Type", "text/plain; charset=UTF-8")
	h.Set("Retry-After", strconv.Itoa(retryAfter))
	respond(w, http.StatusServiceUnavailable, []byte(text))
}
