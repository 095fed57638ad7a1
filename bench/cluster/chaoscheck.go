package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// What make chaos checks.
//
// A publisher is a process of a node. It numbers its events, and emits each to one target: a
// namespace, or a room there. A session of a client begins with a connection that was not recovered,
// and goes on over connections that were.
//
//   - In a session no event comes twice, and those of a publisher to a target come in order.
//   - An event is due if it was emitted after the session was ready (with recovery also after an event
//     that came before that), and if a later one came, or the session lives at the end. Publisher and
//     target are the same in each.
//   - An event that is due and does not come must have a name: Emit returned an error; or the
//     publisher counts it as failed; or the publisher was killed before its queue was empty, or its
//     Shutdown returned an error, and nothing later came; or, without recovery, the client's server
//     reported a GapError between the events around it.
//   - What a server emits to its own clients needs no broker, so that no name helps. With recovery it
//     goes through the broker, and what is refused comes to them early.

// publisher is what a process of a node emitted.
type publisher struct {
	events   []published // in the order of their numbers, which are 1, 2, 3, …
	marks    []int       // when each was emitted: up to here all had been sent
	counted  int         // as failed, so far
	failures []failures
	killed   bool // or its Shutdown returned an error
}

type published struct {
	target  string
	at      time.Time
	refused bool // Emit returned an error
}

// failures are count events among the numbers after from, up to to. Those that are known have names.
type failures struct {
	from, to, count int
	names           map[int]bool
}

// note adds a line of storm: an event, and the mark and the number of failures before it.
func (p *publisher) note(target string, at time.Time, refused bool, mark, failed int) {
	p.events = append(p.events, published{target, at, refused})
	p.marks = append(p.marks, max(mark, p.markBefore(1)))
	p.count(failed, p.markBefore(3)) // the mark may be a little early
}

// count adds failures among the events after from, if there are more than before.
func (p *publisher) count(failed, from int) {
	if n := failed - p.counted; n > 0 {
		p.failures = append(p.failures, failures{from, len(p.events), n, make(map[int]bool)})
	}
	p.counted = failed
}

// markBefore is the mark so many events ago.
func (p *publisher) markBefore(n int) int {
	if i := len(p.marks) - n; i >= 0 {
		return p.marks[i]
	}
	return 0
}

// failed tells whether an event may be one of those that failed.
func (p *publisher) failed(seq int) bool {
	return slices.ContainsFunc(p.failures, func(f failures) bool {
		may := f.from < seq && seq <= f.to && (f.names[seq] || len(f.names) < f.count)
		if may {
			f.names[seq] = true
		}
		return may
	})
}

// What happens to a client.
const (
	joined   = "joined"   // a connection, perhaps recovered
	ready    = "ready"    // what is emitted from now on is for it
	received = "received" // an event of a publisher
	gap      = "gap"      // its server said so
	ended    = "ended"    // the connection
)

type moment struct {
	what      string
	at        time.Time
	server    string // of joined
	recovered bool
	publisher string // of received
	target    string // and of joined: its own room
	seq       int
}

func (m *moment) String() string {
	text := m.at.Format("05.000 ") + m.what
	switch m.what {
	case joined:
		return fmt.Sprintf("%s %s, recovered %v", text, m.server, m.recovered)
	case received:
		return fmt.Sprintf("%s %s#%d to %s", text, m.publisher, m.seq, m.target)
	}
	return text
}

// history is all that is known about a run.
type history struct {
	recovery   bool
	publishers map[string]*publisher
	clients    map[string]*trace
}

// trace is what happened to a client.
type trace struct {
	targets []string // that it is in
	moments []moment
}

// account is what became of the events of a run.
type account struct {
	published, delivered              int
	refused, failed, buried, inGaps   int // missing, by their names; buried with a publisher
	sessions, recovered, missingAtEnd int // missingAtEnd: in sessions that had ended
	breaches                          []string
}

// gapDelay is how much later than the event after a gap its name may come.
const gapDelay = 500 * time.Millisecond

// check accounts for every event at every client.
func (h *history) check() *account {
	a := &account{}
	for _, p := range h.publishers {
		a.published += len(p.events)
	}
	for _, name := range slices.Sorted(maps.Keys(h.clients)) {
		t := h.clients[name]
		for begin := 0; begin < len(t.moments); {
			end := begin + 1
			for end < len(t.moments) && (t.moments[end].what != joined || t.moments[end].recovered) {
				end++
			}
			s := &session{history: h, account: a, client: name, moments: t.moments[begin:end]}
			s.targets = append(slices.Clip(t.targets), s.moments[0].target)
			s.live = s.moments[len(s.moments)-1].what != ended
			s.check()
			begin = end
		}
	}
	return a
}

// session is a part of a trace.
type session struct {
	*history
	*account
	client  string
	targets []string
	moments []moment
	live    bool // at the end of the run

	readyAt int // in moments
	got     map[stream]map[int]int
	server  []string // by moment
}

type stream struct{ publisher, target string }

func (s *session) check() {
	s.got, s.readyAt = make(map[stream]map[int]int), -1
	s.sessions++
	last, server := make(map[stream]int), ""
	for i := range s.moments {
		m := &s.moments[i]
		switch m.what {
		case joined:
			server = m.server
			if m.recovered {
				s.recovered++
			}
		case ready:
			if s.readyAt < 0 {
				s.readyAt = i
			}
		case received:
			k := stream{m.publisher, m.target}
			if s.got[k] == nil {
				s.got[k] = make(map[int]int)
			}
			if before, twice := s.got[k][m.seq]; twice {
				s.breach(k, m.seq, "came twice", before, i)
			} else if m.seq < last[k] && !s.refusedHere(m) {
				s.breach(k, m.seq, fmt.Sprintf("came after #%d", last[k]), s.got[k][last[k]], i)
			}
			if !slices.Contains(s.targets, m.target) {
				s.breach(k, m.seq, "was for others", i, i)
			}
			s.got[k][m.seq] = i
			if !s.refusedHere(m) {
				last[k] = max(last[k], m.seq)
			}
			s.delivered++
		}
		s.server = append(s.server, server)
	}
	for _, name := range slices.Sorted(maps.Keys(s.publishers)) {
		for _, target := range s.targets {
			s.due(stream{name, target}, last[stream{name, target}])
		}
	}
}

// refusedHere tells whether an event could not be queued for the broker. With recovery the server's own
// clients get it then and there, before those that are queued.
func (s *session) refusedHere(m *moment) bool {
	p := s.publishers[m.publisher]
	return s.recovery && p != nil && m.seq <= len(p.events) && p.events[m.seq-1].refused
}

// due looks for the events of a stream that should have come. last is the last one that came.
func (s *session) due(k stream, last int) {
	p := s.publishers[k.publisher]
	before := -1 // the moment at which the event before came
	for i, e := range p.events {
		seq := i + 1
		if e.target != k.target {
			continue
		}
		if at, came := s.got[k][seq]; came {
			before = at
			continue
		}
		early := before < 0 || !s.recovery && before < s.readyAt // it may have come over a subscription that ended
		if early && (s.readyAt < 0 || e.at.Before(s.moments[s.readyAt].at)) {
			continue // it was not there yet
		}
		after := -1
		for next := seq + 1; next <= last && after < 0; next++ {
			if at, came := s.got[k][next]; came {
				after = at
			}
		}
		s.name(k, p, seq, before, after)
	}
}

// name finds the name of an event that has not come.
func (s *session) name(k stream, p *publisher, seq, before, after int) {
	from, to := before, after
	if from < 0 {
		from = s.readyAt
	}
	if to < 0 {
		to = len(s.moments) - 1
	}
	from = min(from, to)
	elsewhere := func(server string) bool { return server != k.publisher }
	own := !s.recovery && !slices.ContainsFunc(s.server[from:to+1], elsewhere)
	switch {
	case after < 0 && !s.live:
		if p.events[seq-1].at.Before(s.moments[to].at) {
			s.missingAtEnd++
		}
	case own:
		s.breach(k, seq, "was lost on its own server", from, to)
	case p.events[seq-1].refused:
		s.refused++
	case after < 0 && p.killed && seq > p.markBefore(1):
		s.buried++
	case !s.recovery && s.gapBetween(from, after):
		s.inGaps++
	case p.failed(seq):
		s.failed++
	default:
		s.breach(k, seq, "was lost", from, to)
	}
}

// gapBetween tells whether a gap was named between two moments; after is negative if there is no
// second one.
func (s *session) gapBetween(before, after int) bool {
	for i := before; i < len(s.moments); i++ {
		m := &s.moments[i]
		if after >= 0 && i > after && m.at.Sub(s.moments[after].at) > gapDelay {
			return false
		}
		if m.what == gap {
			return true
		}
	}
	return false
}

// breach says what is wrong with an event, and what the client saw of its stream meanwhile.
func (s *session) breach(k stream, seq int, what string, from, to int) {
	var t strings.Builder
	fmt.Fprintf(&t, "client %s: %s#%d to %s %s", s.client, k.publisher, seq, k.target, what)
	if p := s.publishers[k.publisher]; p != nil && seq <= len(p.events) {
		fmt.Fprintf(&t, "; emitted %s, mark then %d, at the end %d", p.events[seq-1].at.Format("05.000"),
			p.marks[seq-1], p.markBefore(1))
	}
	for i := max(from-1, 0); i < min(to+2, len(s.moments)); i++ {
		m := &s.moments[i]
		if m.what != received || m.publisher == k.publisher && m.target == k.target {
			fmt.Fprintf(&t, "\n    %v", m)
		}
	}
	s.breaches = append(s.breaches, t.String())
}
