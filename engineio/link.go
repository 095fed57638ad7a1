package engineio

// Handler receives the messages of one session, for the protocol above the engine.
// Config.NewHandler returns it. Its methods must not block, because they delay messages of other
// sessions too. No lock of the engine is held while they run.
type Handler interface {
	// Open is called once, before Events.Connection and before any message. Messages written from
	// then on follow the open packet.
	Open()
	// Message is called for each message, in order, one at a time. Data is only valid during the
	// call and must not be changed.
	Message(data []byte, binary bool)
	// Batch is called around the messages of a POST with several packets: with true before the first
	// one, and with false after the last one, unless a packet ends the session.
	Batch(begins bool)
	// TooLarge is called when a message of an untrusted client is larger than Config.MaxUntrustedPayload,
	// right before that ends the session, which sends what it writes. Head is the beginning of a text
	// message, at most 256 bytes of what has arrived. Why has size and limit.
	TooLarge(head []byte, why string)
	// Close is called once, when the session has ended, before Events.Close.
	Close(reason Reason, cause error)
}

// Link is how a [Handler] controls its session, beyond the methods of [Session]. Its methods may be
// called from any goroutine unless they say otherwise.
type Link struct{ session *Session }

// Session returns the session.
func (l Link) Session() *Session { return l.session }

// Write queues messages and writes them at the time that w says. It never waits for the peer. The
// error is nil if the session took them, ErrClosed, or ErrQueueFull, which closes the session.
func (l Link) Write(w When, messages ...Message) error {
	return l.session.write(stateOpen, w, messages...)
}

// Flush writes the outbox, on another goroutine if w is Later, unless the session is corked.
func (l Link) Flush(w When) {
	s := l.session
	s.mu.Lock()
	ws := s.startFlushLocked()
	s.mu.Unlock()
	s.flushQueued(ws, w)
}

// Cork makes later messages wait in the outbox, so that they leave in one write when the session is
// uncorked. That must be soon. It does not stop a flush that is under way.
func (l Link) Cork() {
	s := l.session
	s.mu.Lock()
	defer s.mu.Unlock()
	s.corked = true
}

// Uncork ends Cork and writes the outbox.
func (l Link) Uncork() {
	s := l.session
	s.mu.Lock()
	s.corked = false
	ws := s.startFlushLocked()
	s.mu.Unlock()
	s.flushQueued(ws, Now)
}

// Trust makes Config.MaxPayload the limit of the client's messages, instead of MaxUntrustedPayload.
func (l Link) Trust() { l.session.flags.Or(flagTrusted) }

// Close is [Session.Close] with a cause for the log.
func (l Link) Close(cause error) { l.session.closeGracefully(cause) }

// PauseReading stops reading from the peer, after bytes that have already arrived; TCP then slows
// the peer down. The server keeps sending pings, but the deadline of the pong does not run, since
// the pong could not be read. Nothing limits the pause: the caller must call ResumeReading.
func (l Link) PauseReading() {
	s := l.session
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state != stateClosed {
		s.pauseLocked().held = true
	}
}

// ResumeReading ends PauseReading. Config.ByteLimit may still keep reading paused for a moment.
func (l Link) ResumeReading() {
	s := l.session
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.pausedLocked() {
		s.intake.held = false
		s.resumeUnlessPausedLocked()
	}
}

// Unpolled returns the number of POSTs, at most 2, of a polling client that has made no GET since
// its handshake and so has read no message.
func (l Link) Unpolled() int {
	s := l.session
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.posts == polled || s.transport != Polling {
		return 0
	}
	return int(s.posts)
}

// Owned reports whether the message that is being delivered is in memory of its own, so that its data
// may be kept, though not be changed before Message returns. That is so with most large ones. Only
// Handler.Message of this session may call it.
func (l Link) Owned() bool { return l.session.owned }

// Work is work that follows from a message and, unlike a Handler, may block.
type Work interface {
	// Work does the work.
	Work()
	// Stalled is called, on another goroutine, when Work has been running for a millisecond or two
	// and the event loop continues without it. It must not block.
	Stalled()
}

// Soon runs w on the event loop, after the messages that have arrived, and returns true.
// Most work takes less time than starting a goroutine. If w runs for more than a millisecond or
// two, another goroutine becomes the event loop and w.Stalled is called. Without an event loop,
// Soon does nothing and returns false: w needs a goroutine.
//
// Only Handler.Message and Handler.Batch of this session may call it.
func (l Link) Soon(w Work) bool {
	if l.session.loop == nil {
		return false
	}
	l.session.loop.Soon(w)
	return true
}
