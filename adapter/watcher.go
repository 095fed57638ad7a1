package adapter

import (
	"maps"
	"slices"
)

// watcher calls hooks, on a goroutine that exists while there is something to tell. present.mu guards
// it.
type watcher struct {
	hooks   PresenceHooks
	told    map[string]struct{} // rooms that have sockets, as the hooks know
	queue   []string            // rooms to tell of, and some that need not be told any more
	queued  map[string]struct{} // those to tell of: no more than there are rooms and told ones
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
	_, queued := w.queued[room]
	switch news := s.newsLocked(w, room); {
	case queued && !news: // it has changed back before a hook had time for it
		delete(w.queued, room)
		return
	case queued || !news:
		return
	}
	w.queued[room] = struct{}{}
	if w.queue = append(w.queue, room); len(w.queue) > 2*len(w.queued)+64 {
		w.queue = slices.AppendSeq(w.queue[:0], maps.Keys(w.queued))
	}
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
		if _, queued := w.queued[room]; !queued {
			continue
		}
		delete(w.queued, room)
		if _, told := w.told[room]; told {
			delete(w.told, room)
			return w.hooks.LastOut, &room
		}
		w.told[room] = struct{}{}
		return w.hooks.FirstIn, &room
	}
	w.running, w.queue = false, nil
	return nil, nil
}

// newsLocked tells whether a room has sockets and the hooks do not know, or the other way round.
func (s *space) newsLocked(w *watcher, room string) bool {
	_, is := s.here[room]
	_, told := w.told[room]
	return told != (is || s.p.there[s.name][room] > 0)
}
