package nats

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/gosocketio/socketio/adapter"
)

// subscriptions are those of a process. The connection makes them again when it was lost.
type subscriptions struct {
	c    *connection
	kick chan struct{} // something has changed
	done chan struct{} // run has returned
	open context.Context
	end  context.CancelFunc // ends open

	mu      sync.Mutex
	wanted  map[string]struct{} // subjects
	changed map[string]struct{} // those to look at
	added   uint64              // counts calls of add
	settled uint64              // the value of added up to which the server has all
	late    bool                // settle did not wait until then

	applying sync.Mutex                    // taken before mu
	active   map[string]*nats.Subscription // guarded by applying
}

func newSubscriptions(c *connection) *subscriptions {
	s := &subscriptions{
		c: c, kick: make(chan struct{}, 1), done: make(chan struct{}), wanted: make(map[string]struct{}),
		changed: make(map[string]struct{}), active: make(map[string]*nats.Subscription),
	}
	s.open, s.end = context.WithCancel(context.Background())
	go s.run()
	return s
}

// add wants subscriptions, without waiting.
func (s *subscriptions) add(subjects ...string) {
	s.mu.Lock()
	for _, subject := range subjects {
		s.wanted[subject] = struct{}{}
		s.changed[subject] = struct{}{}
	}
	s.added++
	s.mu.Unlock()
	s.wake()
}

// remove ends a subscription, without waiting.
func (s *subscriptions) remove(subject string) {
	s.mu.Lock()
	delete(s.wanted, subject)
	s.changed[subject] = struct{}{}
	s.mu.Unlock()
	s.wake()
}

// leave ends all subscriptions whose subjects begin with a prefix, without waiting.
func (s *subscriptions) leave(prefix string) {
	s.mu.Lock()
	for subject := range s.wanted {
		if strings.HasPrefix(subject, prefix) {
			delete(s.wanted, subject)
			s.changed[subject] = struct{}{}
		}
	}
	s.mu.Unlock()
	s.wake()
}

func (s *subscriptions) wake() {
	select {
	case s.kick <- struct{}{}:
	default:
	}
}

// run applies changes until the connection is closed.
func (s *subscriptions) run() {
	defer close(s.done)
	for {
		select {
		case <-s.kick:
			s.apply()
			s.nameGap()
		case <-s.c.closing:
			return
		}
	}
}

var errLate = fmt.Errorf("%w: the subscription to a room was confirmed late", adapter.ErrBrokerStalled)

// nameGap names what was missed since settle has not waited, once the server has all subscriptions. When
// the connection is lost before, that is a gap anyway.
func (s *subscriptions) nameGap() {
	s.mu.Lock()
	late, added := s.late, s.added
	s.late = false
	s.mu.Unlock()
	if !late {
		return
	}
	s.apply()
	ctx, cancel := context.WithTimeout(s.open, flushTimeout)
	defer cancel()
	err := s.c.nc.FlushWithContext(ctx)
	if err == nil {
		_ = s.c.barrier.late() // who says nothing for so long will not
	}
	switch {
	case s.c.isClosing():
	case err == nil:
		s.c.gap(errLate)
		s.settledTo(added)
	case s.c.nc.IsConnected():
		s.setLate()
	}
}

// setLate has the gap named.
func (s *subscriptions) setLate() {
	s.mu.Lock()
	s.late = true
	s.mu.Unlock()
	s.wake()
}

// apply tells the connection what has changed. What is published over it from then on comes after
// that.
func (s *subscriptions) apply() {
	s.applying.Lock()
	defer s.applying.Unlock()
	s.mu.Lock()
	changes := make(map[string]bool, len(s.changed))
	for subject := range s.changed {
		_, changes[subject] = s.wanted[subject]
	}
	clear(s.changed)
	s.mu.Unlock()
	for subject, wanted := range changes {
		sub := s.active[subject]
		var err error
		switch {
		case wanted && sub == nil:
			if sub, err = s.c.nc.ChanSubscribe(subject, s.c.inbox.in); err == nil {
				s.active[subject] = sub
			}
		case !wanted && sub != nil:
			delete(s.active, subject)
			err = sub.Unsubscribe()
		}
		if err != nil && !s.c.isClosing() {
			s.c.report(fmt.Errorf("%w: nats at %s: subject %s: %s", adapter.ErrBroker, s.c.where, subject, oneLine(err)))
		}
	}
}

// confirm returns when the server has all subscriptions, or an error that it refused one of these.
func (s *subscriptions) confirm(ctx context.Context, subjects ...string) error {
	s.apply()
	if err := s.c.nc.FlushWithContext(ctx); err != nil {
		return err
	}
	if err := s.c.nc.LastError(); isPermission(err) {
		for _, subject := range subjects {
			if strings.Contains(err.Error(), `"`+subject+`"`) {
				return err
			}
		}
	}
	return nil
}

// settleFor limits the wait for subscriptions.
const settleFor = time.Second

// settle waits until the server, and those of the other processes, have what was added so far, while it
// is connected, until ctx ends or for settleFor.
func (s *subscriptions) settle(ctx context.Context) {
	s.mu.Lock()
	added, settled := s.added, s.settled >= s.added
	s.mu.Unlock()
	if settled || !s.c.nc.IsConnected() {
		return
	}
	s.apply()
	ctx, cancel := context.WithTimeout(ctx, settleFor)
	defer cancel()
	err := s.c.nc.FlushWithContext(ctx)
	if err == nil {
		err = s.c.barrier.wait(ctx)
	}
	if err != nil {
		s.setLate()
		return
	}
	s.settledTo(added)
}

func (s *subscriptions) settledTo(added uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settled = max(s.settled, added)
}

// close ends all subscriptions.
func (s *subscriptions) close() {
	s.end()
	<-s.done
	s.leave("")
	s.apply()
}
