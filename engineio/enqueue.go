package engineio

// Enqueue is WritePrepared that leaves the writing, and telling Events.PacketCreate, to [Session.Flush], which the caller must
// call soon: it does no I/O and calls no function of the user's, so that it can be called with a lock held. Several units are
// queued one behind the other, all of them or none. Errors are those of Write.
func (s *Session) Enqueue(o WriteOptions, units ...*Prepared) error {
	s.mu.Lock()
	if s.state != stateOpen {
		s.mu.Unlock()
		return ErrClosed
	}
	if o&Volatile != 0 && !s.writable() {
		s.mu.Unlock()
		return nil
	}
	var room [gatherEntries]int
	sizes := room[:0]
	for _, u := range units {
		sizes = append(sizes, u.Len())
	}
	// As with Write, what an idle WebSocket would take at once is not held against the limits.
	if s.ws == nil || s.flushing || s.out.count > 0 || len(units) > 1 {
		if err := s.full(sizes...); err != nil {
			s.closeLocked(ReasonTransportError, err)
			s.mu.Unlock()
			return err
		}
	}
	for _, u := range units {
		s.push(entry{frames: u.frames, prepared: u, plain: o&NoCompress != 0}, o|Shared)
	}
	s.mu.Unlock()
	return nil
}

// Flush tells Events.PacketCreate of units that were enqueued, and writes what waits as far as that is possible without
// blocking; with Later another goroutine writes it.
func (s *Session) Flush(o WriteOptions, created ...*Prepared) {
	for _, u := range created {
		s.server.cfg.Events.packetCreate(s, u.frames)
	}
	s.mu.Lock()
	if s.out.count > 0 {
		s.wakePollLocked(nil)
	}
	s.send(o)
}
