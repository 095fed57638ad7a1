package namespace

import (
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/protocol"
)

// polls are a namespace's broadcasts that wait for acknowledgements.
type polls struct {
	n  atomic.Int32 // len(open), read without the lock: most namespaces have none
	mu sync.Mutex
	m  map[uint64]*poll
}

// poll is one broadcast that waits. All that is kept of it is here, so that forgetting it is forgetting everything.
type poll struct {
	id     uint64
	answer func(adapter.Answer)

	mu      sync.Mutex
	waiting map[*Socket]struct{} // those who have not answered; nil when closed
}

// take tells whether s was being waited for, and stops waiting.
func (p *poll) take(s *Socket) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, was := p.waiting[s]
	delete(p.waiting, s)
	return was
}

func (p *poll) empty() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.waiting) == 0
}

// open starts waiting for the sockets.
func (ps *polls) open(id uint64, asked []*Socket, answer func(adapter.Answer)) *poll {
	p := &poll{id: id, answer: answer, waiting: make(map[*Socket]struct{}, len(asked))}
	for _, s := range asked {
		p.waiting[s] = struct{}{}
	}
	ps.mu.Lock()
	defer ps.mu.Unlock()
	if ps.m == nil {
		ps.m = make(map[uint64]*poll)
	}
	ps.m[id] = p
	ps.n.Store(int32(len(ps.m)))
	return p
}

// close forgets a poll.
func (ps *polls) close(p *poll) {
	ps.mu.Lock()
	delete(ps.m, p.id)
	ps.n.Store(int32(len(ps.m)))
	ps.mu.Unlock()

	p.mu.Lock()
	p.waiting = nil
	p.mu.Unlock()
}

// answered acts on an ACK. One that nobody asked this socket for is ignored.
func (ps *polls) answered(s *Socket, packet *protocol.Packet) {
	if ps.n.Load() == 0 {
		return
	}
	ps.mu.Lock()
	p := ps.m[packet.ID]
	ps.mu.Unlock()
	if p != nil && p.take(s) {
		p.answer(answerOf(s, packet))
		ps.tidy(p)
	}
}

// drop answers a poll with an error for a socket that will not answer.
func (ps *polls) drop(p *poll, s *Socket, err error) {
	if p.take(s) {
		p.answer(adapter.Answer{SocketID: s.id, Err: err})
		ps.tidy(p)
	}
}

// gone answers all polls for a socket that disconnected.
func (ps *polls) gone(s *Socket, err error) {
	if ps.n.Load() == 0 {
		return
	}
	ps.mu.Lock()
	all := slices.Collect(maps.Values(ps.m))
	ps.mu.Unlock()
	for _, p := range all {
		ps.drop(p, s, err)
	}
}

// tidy forgets a poll that everybody answered.
func (ps *polls) tidy(p *poll) {
	if p.empty() {
		ps.close(p)
	}
}
