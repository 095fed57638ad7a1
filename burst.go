package socketio

import (
	"sync"
	"sync/atomic"

	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/engineio"
)

// burst writes broadcasts of which more are to come: what they leave for one connection leaves in one
// write. These are
//
//   - those of other servers, which a broker delivers many at a time,
//   - those of one turn of an event loop, which writes them at its end, or after 1 to 2 ms,
//   - those of a socket's worker while more of its events wait.
//
// Its goroutines (runners) exist only while there is something to write, and while no loop is in a
// turn.
type burst struct {
	messages int32 // in one write
	bytes    int   // of a message; larger ones are written at once

	turns atomic.Int32 // event loops in a turn
	more  atomic.Int32 // workers behind whose event others wait
	some  atomic.Bool  // clients is not empty

	mu      sync.Mutex
	clients []*client // whose outbox is to be written
	runners int
}

const (
	maxBurst        = 64      // the most messages in one write
	maxBurstMessage = 4 << 10 // the most bytes of a message
	runnerClients   = 256     // for how many that wait there is one runner
)

// limit sets how much may wait, for the limits of an outbox: a quarter of them.
func (b *burst) limit(packets, bytes int) {
	b.messages = int32(max(1, min(maxBurst, packets/4)))
	b.bytes = min(maxBurstMessage, bytes/4/maxBurst)
}

// holds reports whether a broadcast is one of several.
func (b *burst) holds(p *adapter.Packet) bool {
	return b.turns.Load() > 0 || b.more.Load() > 0 || fromBroker(p)
}

// turn is called when an event loop begins to run handlers, and at the end.
func (b *burst) turn(begins bool) {
	if begins {
		b.turns.Add(1)
		return
	}
	// A client is added before turns is read, so one of the two writes it: this or a runner.
	b.turns.Add(-1)
	if b.some.Load() {
		b.run(0)
	}
}

// fromBroker reports whether another server has sent p.
func fromBroker(p *adapter.Packet) bool { return p.Event == "" && p.Data != nil }

// write queues a message; it is written soon.
func (b *burst) write(s *Socket, m engineio.Message) error {
	switch {
	case m.Volatile: // it must not find a queue that only waits for the next message
		if s.client.unwritten.Load() > 0 {
			s.client.link.Flush(engineio.Now)
		}
		return s.write(engineio.Now, m)
	case m.Prepared.Len() > b.bytes || s.held.Load() != nil:
		return s.write(engineio.Now, m)
	}
	err := s.write(engineio.OnFlush, m)
	b.flush(s, m.Prepared.Len())
	return err
}

// flush writes the outbox of a socket's connection soon, or at once after many messages or a large one.
func (b *burst) flush(s *Socket, size int) {
	n := s.client.unwritten.Add(1)
	if n%b.messages == 0 || size > b.bytes || s.held.Load() != nil {
		s.flush(engineio.Now)
	}
	if n > 1 {
		return
	}
	b.mu.Lock()
	b.clients = append(b.clients, s.client)
	b.some.Store(true)
	// An end that overtakes its begin leaves turns below zero for a moment.
	start := b.turns.Load() <= 0 && len(b.clients) > b.runners*runnerClients
	if start {
		b.runners++
	}
	b.mu.Unlock()
	if start {
		go b.run(1)
	}
}

// run writes until nothing waits; runner is 1 on the goroutine of a runner.
func (b *burst) run(runner int) {
	var room [64]*client
	for {
		b.mu.Lock()
		rest := max(0, len(b.clients)-len(room))
		n := copy(room[:], b.clients[rest:])
		clear(b.clients[rest:])
		b.clients = b.clients[:rest]
		if n == 0 {
			b.some.Store(false)
			b.runners -= runner
		}
		b.mu.Unlock()
		if n == 0 {
			return
		}
		for _, c := range room[:n] {
			c.unwritten.Store(0) // a write from now on adds c again
			c.link.Flush(engineio.Now)
		}
	}
}
