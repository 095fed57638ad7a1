package engineio

import (
	"bytes"
	"errors"
	"net/http"
	"time"

	"github.com/gosocketio/socketio/engineio/wire"
	"github.com/gosocketio/socketio/internal/refusal"
)

// A GET that is parked during a probe is answered, so that the client can pause polling: first after
// minRelease, when the answer to the probe should have arrived, then after twice as long each time, up
// to maxRelease (official: each 100 ms). Clients of protocol 3 always have maxRelease: those before
// Socket.IO 2 encode text differently on the two transports, and an answer must take the way that its
// event took.
const (
	minRelease = 5 * time.Millisecond
	maxRelease = 100 * time.Millisecond
)

var errBadProbe = errors.New("engineio: unexpected packet on a transport that is being upgraded to")

// candidate is an upgrade in progress: while it is Session.candidate. Session.mu guards it.
type candidate struct {
	session *Session
	ws      *wsConn // nil until the 101 is written
	expiry  *time.Timer
	release *time.Timer   // nil until the probe
	again   time.Duration // until the next release
	read    int           // bytes that ws has read; its reader owns it
}

// maxProbing limits the bytes of a client before it upgrades. It needs a dozen, and perhaps WebSocket pings:
// without a limit these would evade Config.ByteLimit, which does not pause a candidate.
const maxProbing = 4 << 10

// expire cancels an upgrade that takes longer than UpgradeTimeout.
func (c *candidate) expire() {
	s := c.session
	limit := s.server.cfg.UpgradeTimeout
	s.mu.Lock()
	if s.candidate == c && s.upload != nil {
		// The client waits for the answer to its POST before it goes on with the upgrade: back-pressure
		// may delay that, and ReadTimeout bounds a slow POST.
		c.expiry.Reset(limit)
		s.mu.Unlock()
		return
	}
	s.mu.Unlock()
	if !s.cancelUpgrade(c) {
		return
	}
	s.logUpgrade(&refusal.Refusal{Rule: "upgrade timeout", Limit: limit, Field: "Config.UpgradeTimeout"}, nil)
	if c.ws != nil {
		c.ws.closeCandidate()
	}
}

// releasePoll answers a parked GET, so that the client can pause polling.
func (c *candidate) releasePoll() {
	s := c.session
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.candidate == c {
		s.wakePollLocked(noopFrame)
		c.again = min(2*c.again, maxRelease)
		c.release.Reset(c.again)
	}
}

// upgrade serves the upgrade request of an existing session.
//
// A second attempt, or one after the session has moved, gets its 101 and is closed at once. It does
// not affect the session.
func (e *Server) upgrade(w http.ResponseWriter, r *http.Request, q query, s *Session) {
	c := &candidate{session: s}
	s.mu.Lock()
	why := s.startUpgradeLocked(c)
	s.mu.Unlock()

	conn, rest, err := e.hijack(w, r, false, nil)
	if err != nil {
		s.cancelUpgrade(c)
		e.refuseHijack(w, r, err)
		return
	}
	ws := newWSConn(s, e.newStream(conn, q), q)
	ws.candidate = c
	s.mu.Lock()
	started := s.candidate == c
	if started {
		e.work.Add(1) // the session, which has not ended, is counted too
		c.ws = ws
	}
	s.mu.Unlock()
	if !started {
		if why != nil { // otherwise the end of the upgrade has been logged
			e.logRequest(r, why, nil)
		}
		ws.reject()
		return
	}
	returned := false
	defer ws.endUnless(&returned)
	ws.start(rest)
	returned = true
}

// startUpgradeLocked starts an upgrade, or returns the rule that forbids it.
//
// The caller must hold s.mu.
func (s *Session) startUpgradeLocked(c *candidate) *refusal.Refusal {
	switch {
	case s.state >= stateLingering:
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

// probe handles a packet of the candidate (protocol v4, "Upgrade"). Its reader calls it.
func (w *wsConn) probe(p wire.Packet) error {
	s, c := w.session, w.candidate
	switch {
	case p.Type == wire.Ping && !p.Binary && bytes.Equal(p.Data, []byte("probe")):
		s.mu.Lock()
		if s.candidate != c {
			s.mu.Unlock()
			return errBadProbe
		}
		if c.release == nil {
			if c.again = minRelease; s.protocol == 3 {
				c.again = maxRelease
			}
			c.release = time.AfterFunc(c.again, c.releasePoll)
		}
		s.mu.Unlock()
		if f := s.server.cfg.Events.Upgrading; f != nil {
			f(s, w.transport)
		}
		return w.writeDirect(w.form(entry{frames: wire.AppendText(nil, wire.Pong, []byte("probe"))}))
	case p.Type == wire.Upgrade:
		return w.completeUpgrade()
	}
	return errBadProbe
}

// completeUpgrade moves the session to the candidate.
func (w *wsConn) completeUpgrade() error {
	s := w.session
	s.mu.Lock()
	// A client must pause polling first: the messages of an upload come before those of the candidate.
	if s.candidate != w.candidate || s.upload != nil {
		s.mu.Unlock()
		return errBadProbe
	}
	w.candidate = nil
	s.stopCandidateLocked()
	s.ws, s.transport = w, w.transport
	w.stream.pause(s.pausedLocked())
	s.wakePollLocked(closeFrameText)
	s.stopCloseTimerLocked()
	idle := s.out.count == 0
	closing := s.state == stateClosing
	s.flushing = !idle
	if idle && closing {
		s.closeFlushedLocked()
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

// stopCandidateLocked ends the upgrade in progress, if any, and returns its connection.
//
// The caller must hold s.mu, and close the connection after unlocking.
func (s *Session) stopCandidateLocked() *wsConn {
	c := s.candidate
	if c == nil {
		return nil
	}
	s.candidate = nil
	c.expiry.Stop()
	if c.release != nil {
		c.release.Stop()
	}
	return c.ws
}

// closeCandidate closes the connection of a cancelled upgrade.
func (w *wsConn) closeCandidate() {
	if w.transport == WebTransport {
		w.stream.close()
		return
	}
	w.startClosing(false)
}

// cancelUpgrade ends an upgrade; the session goes on polling and the client may try again.
//
// It does not close the candidate's connection. It returns false if the upgrade had ended before.
func (s *Session) cancelUpgrade(c *candidate) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.candidate != c {
		return false
	}
	s.stopCandidateLocked()
	return true
}
