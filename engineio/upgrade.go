package engineio

import (
	"bytes"
	"errors"
	"net/http"
	"time"

	"github.com/gosocketio/socketio/engineio/wire"
	"github.com/gosocketio/socketio/internal/refusal"
)

// releaseEvery is how often a parked GET is answered while a probe is under way (official: 100 ms).
const releaseEvery = 100 * time.Millisecond

var errBadProbe = errors.New("engineio: unexpected packet on a transport that is being upgraded to")

// candidate is a transport that a session is being upgraded to. Session.mu guards it.
type candidate struct {
	session *Session
	ws      *wsConn // nil until the 101 is written
	expiry  *time.Timer
	release *time.Timer // nil until it has probed
	done    bool        // the session moved, or the attempt is over
}

// expire gives up a candidate that took longer than UpgradeTimeout.
func (c *candidate) expire() {
	s := c.session
	s.mu.Lock()
	if !c.done && s.upload != nil {
		// The client waits for the answer to its POST before it goes on with the upgrade: back-pressure
		// may delay that, and ReadTimeout bounds a slow POST.
		c.expiry.Reset(s.server.cfg.UpgradeTimeout)
		s.mu.Unlock()
		return
	}
	s.mu.Unlock()
	if !s.forget(c) {
		return
	}
	s.logUpgrade(&refusal.Refusal{Rule: "upgrade timeout", Limit: s.server.cfg.UpgradeTimeout, Field: "Config.UpgradeTimeout"}, nil)
	if c.ws != nil {
		c.ws.drop()
	}
}

// releasePoll answers a parked GET, so that the client can pause polling.
func (c *candidate) releasePoll() {
	s := c.session
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.done {
		return
	}
	s.poll.answerLocked(pollNoop)
	c.release.Reset(releaseEvery)
}

// upgrade takes an upgrade request for an existing session. A second attempt, or one after the session has moved, gets its
// 101 and is closed at once; the session is not affected.
func (e *Server) upgrade(w http.ResponseWriter, r *http.Request, q query, s *Session) {
	c := &candidate{session: s}
	s.mu.Lock()
	why := s.considerLocked(c)
	s.mu.Unlock()

	conn, rest, err := e.hijack(w, r, false, nil)
	if err != nil {
		s.forget(c)
		e.refuseHijack(w, r, err)
		return
	}
	ws := newWSConn(s, e.newStream(conn, q), q)
	ws.candidate = c
	s.mu.Lock()
	dropped := why != nil || c.done
	if !dropped && !e.begin() {
		dropped, why = true, shuttingDown().rule
	}
	if !dropped {
		c.ws = ws
	}
	s.mu.Unlock()
	if dropped {
		s.forget(c)
		if why != nil { // otherwise the attempt's end has a line already
			e.logRequest(r, why, nil)
		}
		ws.refuse()
		return
	}
	returned := false
	defer ws.unlessReturned(&returned)
	ws.start(rest)
	returned = true
}

// considerLocked starts an upgrade attempt, or returns the rule that forbids it. The caller must hold
// s.mu.
func (s *Session) considerLocked(c *candidate) *refusal.Refusal {
	switch {
	case s.state == stateClosed:
		return &refusal.Refusal{Err: errBadProbe, Rule: "session has ended"}
	case s.server.cfg.NoUpgrades:
		return &refusal.Refusal{Err: errBadProbe, Rule: "no upgrades", Field: "Config.NoUpgrades"}
	case s.transport != Polling:
		return &refusal.Refusal{Err: errBadProbe, Rule: "upgraded already", Value: s.transport}
	case s.candidate != nil:
		return &refusal.Refusal{Err: errBadProbe, Rule: "another upgrade is under way"}
	}
	s.candidate = c
	c.expiry = time.AfterFunc(s.server.cfg.UpgradeTimeout, c.expire)
	return nil
}

// probe acts on a packet that came on the candidate (protocol v4, "Upgrade"). It runs on the candidate's reader.
func (w *wsConn) probe(p wire.Packet) error {
	s, c := w.session, w.candidate
	switch {
	case p.Type == wire.Ping && !p.Binary && bytes.Equal(p.Data, []byte("probe")):
		s.mu.Lock()
		if c.done {
			s.mu.Unlock()
			return errBadProbe
		}
		if c.release == nil {
			c.release = time.AfterFunc(releaseEvery, c.releasePoll)
		}
		s.mu.Unlock()
		if f := s.server.cfg.Events.Upgrading; f != nil {
			f(s, w.transport)
		}
		return w.writeDirect(w.form(entry{frames: wire.AppendText(nil, wire.Pong, []byte("probe"))}))
	case p.Type == wire.Upgrade:
		return w.take()
	}
	return errBadProbe
}

// take moves the session to the candidate.
func (w *wsConn) take() error {
	s, c := w.session, w.candidate
	s.mu.Lock()
	// While an upload is being read its messages are still to come: a client that pauses polling first, as it must,
	// never gets here.
	if c.done || s.state == stateClosed || s.upload != nil {
		s.mu.Unlock()
		return errBadProbe
	}
	w.candidate = nil
	s.stopCandidate()
	s.ws, s.transport = w, w.transport
	w.stream.pause(s.resume != nil)
	s.poll.answerLocked(pollClose)
	s.stopCloseTimerLocked()
	idle := s.out.count == 0
	closing := s.state == stateClosing
	s.flushing = !idle
	if idle && closing {
		s.closeLocked(ReasonForcedClose, nil)
		s.mu.Unlock()
		return nil
	}
	s.mu.Unlock()
	if f := s.server.cfg.Events.Upgrade; f != nil {
		f(s, w.transport)
	}
	if !idle {
		go s.flush(w)
	}
	return nil
}

// stopCandidate ends the session's upgrade attempt and returns its connection, for the caller to close once the lock is
// released.
func (s *Session) stopCandidate() *wsConn {
	c := s.candidate
	if c == nil {
		return nil
	}
	s.candidate = nil
	c.done = true
	c.expiry.Stop()
	if c.release != nil {
		c.release.Stop()
	}
	return c.ws
}

// drop closes a candidate that was given up.
func (w *wsConn) drop() {
	if w.transport == WebTransport { // closing says enough
		w.stream.close()
		return
	}
	w.part(false)
}

// forget gives an upgrade attempt up, but for closing its connection; the session goes on polling and the client may try again. It
// reports whether the attempt was still under way.
func (s *Session) forget(c *candidate) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.candidate != c {
		return false
	}
	s.stopCandidate()
	return true
}
