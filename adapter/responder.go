package adapter

import (
	"errors"
	"fmt"
	"sync"
)

// ErrResponses is what ClusterConfig.OnError is told when more answers wait for the transport than may.
var ErrResponses = errors.New("socketio: too many answers to other servers wait to be sent")

// responder sends what must not keep anybody waiting: answers, and heartbeats. Its goroutine exists only while there is
// something to send.
type responder struct {
	x *Cluster

	mu      sync.Mutex
	queue   []addressed
	running bool
	over    bool
	idle    *sync.Cond
}

// addressed is a message to one server, or to all if that is "".
type addressed struct {
	to string
	m  *Message
}

func (r *responder) init(x *Cluster) {
	r.x = x
	r.idle = sync.NewCond(&r.mu)
}

// send queues a message.
func (r *responder) send(to string, m *Message) {
	m.UID, m.Namespace = r.x.uid, r.x.host.Name()
	r.mu.Lock()
	if r.over {
		r.mu.Unlock()
		return
	}
	full := len(r.queue) >= r.x.cfg.MaxResponses
	if !full {
		r.queue = append(r.queue, addressed{to, m})
	}
	start := !full && !r.running
	r.running = r.running || start
	r.mu.Unlock()
	if start {
		go r.run()
	}
	if full {
		r.x.cfg.OnError(ErrResponses)
	}
}

func (r *responder) run() {
	for {
		r.mu.Lock()
		queue := r.queue
		r.queue = nil
		if len(queue) == 0 {
			r.running = false
			r.idle.Broadcast()
			r.mu.Unlock()
			return
		}
		r.mu.Unlock()
		for _, a := range queue {
			var err error
			if a.to == "" {
				err = r.x.transport.Publish(a.m)
			} else {
				err = r.x.transport.PublishResponse(a.to, a.m)
			}
			if err != nil {
				r.x.cfg.OnError(fmt.Errorf("%w: %w", ErrBroker, err))
			}
		}
	}
}

// end sends what waits, and nothing any more.
func (r *responder) end() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.over = true
	for r.running {
		r.idle.Wait()
	}
}
