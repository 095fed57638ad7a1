package adapter

import (
	"encoding/json"
	"sync"
	"time"

	"github.com/gosocketio/socketio/internal/wheel"
)

// askedSockets are the broadcasts of other servers whose acknowledgements this one collects.
type askedSockets struct {
	mu   sync.Mutex
	open map[*askedSocket]struct{}
	over bool
}

// askedSocket is one of them.
type askedSocket struct {
	x      *Cluster
	timer  wheel.Timer
	left   int    // answers that are out; askedSockets.mu guards it
	forget func() // nil until they were asked
}

// Expired forgets what the other server does not wait for any more.
func (a *askedSocket) Expired(*wheel.Timer) { a.x.asked.close(a) }

// ask asks sockets for a server that wants their acknowledgements.
func (x *Cluster) ask(m *Message) {
	a := &askedSocket{x: x}
	if !x.asked.add(a) {
		return
	}
	timeout := m.Options.Flags.Timeout
	if timeout <= 0 {
		timeout = x.cfg.RequestTimeout
	}
	x.wheel.Schedule(&a.timer, timeout+time.Second, a) // the server that asks is the one to decide
	reply := func(r Message) {
		r.RequestID = m.RequestID
		x.responder.send(m.UID, &r)
	}
	forget, err := x.memory.BroadcastWithAck(&Packet{Event: m.Event, Args: m.Values.Args()}, m.Options,
		func(n int) {
			x.asked.expect(a, n)
			reply(Message{Type: MessageBroadcastClientCount, Count: n})
		},
		func(answer Answer) {
			if answer.Err == nil {
				reply(Message{Type: MessageBroadcastAck, Values: first(answer)})
			} // The protocol has no word for a socket that will not answer: the other server waits until time is up.
			x.asked.answered(a)
		})
	if err != nil { // what another server sent cannot be encoded
		reply(Message{Type: MessageBroadcastClientCount})
		forget = func() {}
	}
	x.asked.began(a, forget)
}

// first returns the first value of an answer: there is no more in the protocol. An answer without one is null.
func first(a Answer) Values {
	if len(a.Args) == 0 {
		return Values{JSON: []json.RawMessage{json.RawMessage("null")}}
	}
	return Values{JSON: a.Args[:1], Attachments: a.Attachments}
}

func (s *askedSockets) add(a *askedSocket) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over {
		return false
	}
	if s.open == nil {
		s.open = make(map[*askedSocket]struct{})
	}
	s.open[a] = struct{}{}
	return true
}

func (s *askedSockets) expect(a *askedSocket, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a.left += n
}

// began notes how the answers are forgotten, and forgets them if there is none to come.
func (s *askedSockets) began(a *askedSocket, forget func()) {
	s.mu.Lock()
	a.forget = forget
	_, open := s.open[a]
	done := a.left <= 0
	s.mu.Unlock()
	switch {
	case !open:
		forget()
	case done:
		s.close(a)
	}
}

func (s *askedSockets) answered(a *askedSocket) {
	s.mu.Lock()
	a.left--
	done := a.left == 0 && a.forget != nil
	s.mu.Unlock()
	if done {
		s.close(a)
	}
}

// close forgets the answers that are still out.
func (s *askedSockets) close(a *askedSocket) {
	s.mu.Lock()
	_, open := s.open[a]
	delete(s.open, a)
	forget := a.forget
	s.mu.Unlock()
	a.x.wheel.Stop(&a.timer)
	if open && forget != nil {
		forget()
	}
}

func (s *askedSockets) end() {
	s.mu.Lock()
	s.over = true
	open := s.open
	s.open = nil
	s.mu.Unlock()
	for a := range open {
		s.mu.Lock()
		forget := a.forget
		s.mu.Unlock()
		if forget != nil {
			forget()
		}
	}
}
