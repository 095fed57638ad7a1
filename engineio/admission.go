package engineio

import (
	"fmt"
	"math"
	"net/http"

	"golang.org/x/time/rate"

	"github.com/gosocketio/socketio/internal/refusal"
)

// Admission limits the rate of new sessions and the number of sessions.
//
// After a restart all clients reconnect at once. A handshake beyond a limit gets status 503, or 429,
// before it costs anything, and official clients retry after a random, growing delay, which spreads
// the load. Existing sessions are not affected. The zero value limits nothing.
type Admission struct {
	// Rate is the average number of new sessions per second. Default 0: no limit.
	Rate float64
	// Burst is how many new sessions may come at once before Rate counts. Default: Rate, rounded up.
	Burst int
	// MaxPending limits the sessions whose client has sent nothing since its handshake. Default 0:
	// no limit.
	MaxPending int
	// MaxSessions limits the sessions. Default 0: no limit.
	MaxSessions int
	// MaxPerAddress limits the sessions of one client address ([Handshake.ClientIP]), or of one /64 of
	// IPv6. Those beyond get status 429. Behind proxies it needs Config.TrustedProxies: without them all
	// clients have the address of their proxy. Default 0: no limit.
	MaxPerAddress int
}

func (a *Admission) withDefaults() {
	if a.Burst == 0 {
		a.Burst = int(math.Ceil(min(a.Rate, math.MaxInt32)))
	}
}

func (a *Admission) validate() error {
	switch {
	case a.Rate < 0 || math.IsNaN(a.Rate):
		return badConfig("Admission.Rate is %v, it must be at least 0 (no limit)", a.Rate)
	case a.Burst < 0:
		return badConfig("Admission.Burst is %d, it must be at least 0 (those of one second)", a.Burst)
	case a.Burst > 0 && a.Rate == 0:
		return badConfig("Admission.Burst is %d without a Rate, which means no limit", a.Burst)
	case a.MaxPending < 0:
		return badConfig("Admission.MaxPending is %d, it must be at least 0 (no limit)", a.MaxPending)
	case a.MaxPerAddress < 0:
		return badConfig("Admission.MaxPerAddress is %d, it must be at least 0 (no limit)", a.MaxPerAddress)
	case a.MaxSessions < 0:
		return badConfig("Admission.MaxSessions is %d, it must be at least 0 (no limit)", a.MaxSessions)
	}
	return nil
}

// limiter returns the limiter for Rate and Burst, nil if there is no limit.
func (a *Admission) limiter() *rate.Limiter {
	if a.Rate == 0 {
		return nil
	}
	return rate.NewLimiter(rate.Limit(a.Rate), a.Burst)
}

const ruleAdmission = "admission"

// tooMany refuses a handshake because of a limit of Admission. The text is for the client, who knows no fields.
func (e *Server) tooMany(format string, limit any, field string) *ConnectionError {
	text := fmt.Sprintf(format, limit)
	return refused(CodeUnavailable, map[string]any{"name": "ADMISSION", "message": text}).
		by(refusal.Refusal{Rule: ruleAdmission, Limit: limit, Field: "Config." + field})
}

// shuttingDown refuses a handshake because Drain or Shutdown has been called.
func shuttingDown() *ConnectionError {
	return refused(CodeUnavailable, map[string]any{"message": "the server is shutting down"}).
		by(refusal.Refusal{Rule: "shutting down"})
}

// admit checks the request for a new session against Admission.Rate and Config.AllowRequest.
func (e *Server) admit(r *http.Request) *ConnectionError {
	if c := e.verifyAddress(r); c != nil {
		return c
	}
	if e.pace != nil && !e.pace.Allow() {
		return e.tooMany("more than %v new sessions a second", e.cfg.Admission.Rate, "Admission.Rate")
	}
	if e.cfg.AllowRequest != nil {
		if err := e.cfg.AllowRequest(r); err != nil {
			return refused(CodeForbidden, map[string]any{"message": err.Error()}).
				by(refusal.Refusal{Rule: "AllowRequest", Value: err.Error(), Field: "Config.AllowRequest"})
		}
	}
	return nil
}

// register adds a session to the registry, to those of its address and to the pending sessions, unless a
// limit forbids it.
func (e *Server) register(s *Session) (c *ConnectionError) {
	a := &e.cfg.Admission
	if n := e.pending.Add(1); a.MaxPending > 0 && n > int64(a.MaxPending) {
		c = e.tooMany("%d sessions have not sent anything yet", a.MaxPending, "Admission.MaxPending")
	} else if !e.addresses.add(s) {
		c = e.tooManyOf(addressOf(s.handshake.clientIP))
	} else if added, full := e.sessions.add(s, a.MaxSessions); !added {
		e.addresses.remove(s)
		if c = badID("the id is taken"); full {
			c = e.tooMany("too many sessions, the limit is %d", a.MaxSessions, "Admission.MaxSessions")
		}
	}
	if c != nil {
		e.pending.Add(-1)
		return c
	}
	e.opened.Add(1)
	return nil
}

// unregister removes a session that has ended.
func (e *Server) unregister(s *Session) {
	if e.sessions.remove(s) {
		e.addresses.remove(s)
	}
}

// markActiveLocked removes a session from the pending ones. The caller must hold s.mu.
func (s *Session) markActiveLocked() {
	if !s.active {
		s.active = true
		s.server.pending.Add(-1)
	}
}
