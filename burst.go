package socketio

import (
	"sync"

	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/engineio"
)

// burst writes broadcasts of other servers. A broker delivers many at a time: those for one
// connection leave in one write.
//
// Its goroutine exists only while there is something to write.
type burst struct {
	mu      sync.Mutex
	clients []*client // whose outbox is to be written
	running bool
}

const (
	maxBurst        = 64      // messages in one write
	maxBurstMessage = 4 << 10 // bytes; larger messages are written at once
)

// fromBroker reports whether another server has sent p.
func fromBroker(p *adapter.Packet) bool { return p.Event == "" && p.Data != nil }

// write queues a message of another server; it is written soon.
func (b *burst) write(s *Socket, m engineio.Message) error {
	switch {
	case m.Volatile: // it must not find a queue that only waits for the next message
		if s.client.unwritten.Load() > 0 {
			s.client.link.Flush(engineio.Now)
		}
		return s.write(engineio.Now, m)
	case m.Prepared.Len() > maxBurstMessage || s.held.Load() != nil:
		return s.write(engineio.Now, m)
	}
	err := s.write(engineio.OnFlush, m)
	b.flush(s)
	return err
}

// flush writes the outbox of a socket's connection soon, or at once after every maxBurst messages.
func (b *burst) flush(s *Socket) {
	n := s.client.unwritten.Add(1)
	if n%maxBurst == 0 || s.held.Load() != nil {
		s.flush(engineio.Now)
	}
	if n > 1 {
		return
	}
	b.mu.Lock()
	b.clients = append(b.clients, s.client)
	start := !b.running
	b.running = true
	b.mu.Unlock()
	if start {
		go b.run()
	}
}

func (b *burst) run() {
	var list []*client
	for {
		b.mu.Lock()
		list, b.clients = b.clients, list[:0]
		b.running = len(list) > 0
		b.mu.Unlock()
		if len(list) == 0 {
			return
		}
		for _, c := range list {
			c.unwritten.Store(0) // a write from now on adds c again
			c.link.Flush(engineio.Now)
		}
		clear(list)
	}
}
