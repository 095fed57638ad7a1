package engineio

// Handler receives the messages of one session: it is the protocol above the engine, which
// Config.NewHandler makes. Its methods are called with no lock of the engine held and must not
// block: other messages, of other sessions too, wait for them.
type Handler interface {
	// Open is called once, before Events.Connection and before any message. What is written from
	// now on follows the open packet.
	Open()
	// Message is called for each message, in order, one at a time. Data is only valid during the
	// call and must not be changed.
	Message(data []byte, binary bool)
	// Batch is called around the packets of a POST that holds several: with begins before the first
	// Message call, and without behind the last one, unless the packets end the session.
	Batch(begins bool)
	// Close is called once, as Events.Close and before it.
	Close(reason Reason, cause error)
}

// Link is what a [Handler] works its session with, beyond the methods of [Session]. Its methods may
// be called from any goroutine unless they say otherwise.
type Link struct{ session *Session }

// Session returns the session.
func (l Link) Session() *Session { return l.session }

// Write queues messages and writes them to the connection, when w says so. It never waits for the
// peer. Nil means that the session took them; otherwise the error is ErrClosed, or ErrQueueFull and
// the session is closed.
func (l Link) Write(w When, messages ...Message) error {
	return l.session.write(stateOpen, w, messages...)
}

// Flush writes what waits, with Later on another goroutine, unless the session is corked.
func (l Link) Flush(w When) {
	s := l.session
	s.mu.Lock()
	ws := s.startFlushLocked()
	s.mu.Unlock()
	s.flushQueued(ws, w)
}

// Cork keeps back what is written from now on, because more follows at once: it leaves in one write
// when the session is uncorked, which must be soon. Where somebody is writing already it makes no
// difference.
func (l Link) Cork() {
	s := l.session
	s.mu.Lock()
	defer s.mu.Unlock()
	s.corked = true
}

// Uncork ends Cork and writes what waits.
func (l Link) Uncork() {
	s := l.session
	s.mu.Lock()
	s.corked = false
	ws := s.startFlushLocked()
	s.mu.Unlock()
	s.flushQueued(ws, Now)
}

// Trust says that enough is known of the client to take messages of up to Config.MaxPayload bytes,
// and no longer only of MaxUntrustedPayload.
func (l Link) Trust() { l.session.flags.Or(flagTrusted) }

// Close is [Session.Close]. The log tells the cause.
func (l Link) Close(cause error) { l.session.closeGracefully(cause) }

// PauseReading stops reading from the peer after the bytes that have arrived already; TCP then
// slows the peer down. Heartbeats go on: the server keeps sending its pings, and the deadline of
// the client's pong, which could not be read, does not run. The caller must resume in the end:
// nothing else limits the pause.
func (l Link) PauseReading() {
	s := l.session
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.resume == nil && s.state != stateClosed {
		s.resume = make(chan struct{})
		s.heartbeatPausedLocked()
		s.flags.Or(flagPaused)
		if s.ws != nil {
			s.ws.stream.pause(true)
		}
	}
}

// ResumeReading ends PauseReading.
func (l Link) ResumeReading() {
	s := l.session
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.resume != nil {
		s.resumeLocked()
		s.heartbeatResumedLocked()
		if s.candidate != nil {
			s.candidate.expiry.Reset(s.server.cfg.UpgradeTimeout)
		}
	}
}

// Unpolled returns how many POSTs, 2 standing for more, came from a polling client that has made no
// GET since its handshake, so that it has read nothing of what was sent to it.
func (l Link) Unpolled() int {
	s := l.session
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.posts == polled || s.transport != Polling {
		return 0
	}
	return int(s.posts)
}

// Work is what a message gives rise to and what may block, as a Handler must not.
type Work interface {
	// Work does it.
	Work()
	// Stalled is called, while Work is running, when it has taken so long (a millisecond or two)
	// that the event loop goes on without it. It must not block.
	Stalled()
}

// Soon has w done by the goroutine that is the event loop, behind the messages that have arrived,
// and returns true. Starting a goroutine takes longer than most work does; for work that takes
// longer than that another goroutine becomes the event loop. Where there is no event loop it does
// nothing and returns false: then w needs a goroutine.
//
// It may only be called within Handler.Message of this session.
func (l Link) Soon(w Work) bool {
	if l.session.loop == nil {
		return false
	}
	l.session.loop.Soon(w)
	return true
}
