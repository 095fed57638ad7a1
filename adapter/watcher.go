package adapter

import "slices"

// watcher calls hooks, on a goroutine that exists while there is something to tell. present.mu guards
// it.
type watcher struct {
	hooks   PresenceHooks
	told    map[string]struct{} // rooms that have sockets, as the hooks know
	queue   []string            // rooms that may have changed
	queued  map[string]struct{}
	running bool
	off     bool
}

// watch has hooks called, first for the rooms that have sockets.
func (s *space) watch(h PresenceHooks) (off func()) {
	p := s.p
	w := &watcher{hooks: h, told: make(map[string]struct{}), queued: make(map[string]struct{})}
	p.mu.Lock()
	if s.here == nil {
		s.here = make(map[string]struct{})
	}
	s.watchers = append(s.watchers, w)
	p.activeLocked()
	for room := range s.here {
		s.tellLocked(w, room)
	}
	for room := range p.there[s.name] {
		s.tellLocked(w, room)
	}
	p.mu.Unlock()
	s.index.Counts(func(room string, members int) {
		p.mu.Lock()
		defer p.mu.Unlock()
		if len(s.watchers) > 0 {
			s.hereLocked(room, members)
		}
	})
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		w.off = true
		if i := slices.Index(s.watchers, w); i >= 0 {
			s.watchers = slices.Delete(s.watchers, i, i+1)
		}
		if len(s.watchers) == 0 {
			s.here = nil
		}
		p.activeLocked()
	}
}

// flipLocked tells the watchers that a room may have its first socket, or none any more.
func (s *space) flipLocked(room string) {
	for _, w := range s.watchers {
		s.tellLocked(w, room)
	}
}

func (s *space) tellLocked(w *watcher, room string) {
	if _, queued := w.queued[room]; queued {
		return
	}
	w.queued[room] = struct{}{}
	w.queue = append(w.queue, room)
	if !w.running {
		w.running = true
		go s.run(w)
	}
}

// run calls the hooks until there is nothing to tell.
func (s *space) run(w *watcher) {
	for {
		call, room := s.next(w)
		if room == nil {
			return
		}
		if call != nil {
			call(*room)
		}
	}
}

// next returns the next hook to call, which may be nil, and its room, nil when there is none.
func (s *space) next(w *watcher) (call func(string), room *string) {
	s.p.mu.Lock()
	defer s.p.mu.Unlock()
	for !w.off && len(w.queue) > 0 {
		room := w.queue[0]
		w.queue = w.queue[1:]
		delete(w.queued, room)
		_, is := s.here[room]
		is = is || s.p.there[s.name][room] > 0
		switch _, told := w.told[room]; {
		case is && !told:
			w.told[room] = struct{}{}
			return w.hooks.FirstIn, &room
		case told && !is:
			delete(w.told, room)
			return w.hooks.LastOut, &room
		}
	}
	w.running, w.queue = false, nil
	return nil, nil
}
