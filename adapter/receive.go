package adapter

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// Receive handles a message of another server, without waiting for anything.
//
// A transport calls it for each message of this namespace, in the order of arrival. It ignores its
// own messages, those of other namespaces and those without a UID.
func (x *Cluster) Receive(m *Message) {
	if m.UID == x.uid || m.UID == "" || m.Namespace != x.host.Name() {
		return
	}
	if m.Type == MessageAdapterClose {
		x.members.left(m.UID)
		return
	}
	if m.UID != Emitter {
		x.members.heard(m.UID)
	}
	o := m.Options
	o.Flags.Local = true
	switch m.Type {
	case MessageInitialHeartbeat:
		x.responder.send("", &Message{Type: MessageHeartbeat})
	case MessageBroadcast:
		if m.Packet == nil {
			return
		}
		if m.RequestID != "" {
			x.collect(m)
			return
		}
		if err := x.host.Deliver(m.Packet, o); err != nil {
			x.cfg.OnError(err)
		}
	case MessageSocketsJoin:
		_ = x.memory.AddSockets(o, m.Rooms...) // never fails
	case MessageSocketsLeave:
		_ = x.memory.DelSockets(o, m.Rooms...)
	case MessageDisconnectSockets:
		_ = x.memory.DisconnectSockets(o, m.Close)
	case MessageFetchSockets:
		x.responder.send(m.UID, &Message{
			Type: MessageFetchSocketsResponse, RequestID: m.RequestID, Sockets: x.describe(o),
		})
	case MessageServerSideEmit:
		x.host.ServerSideEvent(x.serverSideEvent(m))
	case MessageFetchSocketsResponse, MessageServerSideEmitResponse, MessageBroadcastClientCount, MessageBroadcastAck:
		x.requests.response(m)
	case MessageHeartbeat, MessageAdapterClose:
	}
}

// describe lists local sockets for another server.
func (x *Cluster) describe(o Options) []Info {
	infos := []Info{}
	for _, s := range x.Select(nil, o) {
		if handshake, data := x.host.Describe(s); handshake != nil {
			infos = append(infos, Info{ID: s.ID(), Rooms: x.Rooms(s.ID()), Handshake: handshake, Data: data})
		}
	}
	return infos
}

func (x *Cluster) serverSideEvent(m *Message) ServerSideEvent {
	e := ServerSideEvent{Event: m.Event, Args: m.Values.JSON, Attachments: m.Values.Attachments}
	if m.RequestID != "" {
		e.Answer = func(value json.RawMessage, attachments [][]byte) {
			x.responder.send(m.UID, &Message{
				Type: MessageServerSideEmitResponse, RequestID: m.RequestID,
				Values: Values{JSON: []json.RawMessage{value}, Attachments: attachments},
			})
		}
	}
	return e
}

// collect asks local sockets for acknowledgements and sends them to the server that wants them.
// It ends when all have come, when that server no longer waits, or when the adapter is closed.
func (x *Cluster) collect(m *Message) {
	timeout := m.Options.Flags.Timeout
	if timeout <= 0 {
		timeout = x.cfg.RequestTimeout
	}
	// A second more, because the timeout of the server that asks decides.
	ctx, done := context.WithTimeout(x.open, timeout+time.Second)
	if ctx.Err() != nil {
		done()
		return
	}
	var left atomic.Int64
	left.Store(1) // until the sockets have been asked
	complete := func() {
		if left.Add(-1) == 0 {
			done()
		}
	}
	reply := func(r Message) {
		r.RequestID = m.RequestID
		x.responder.send(m.UID, &r)
	}
	forget, err := x.memory.BroadcastWithAck(m.Packet, m.Options,
		func(n int) {
			left.Add(int64(n))
			reply(Message{Type: MessageBroadcastClientCount, Count: n})
		},
		func(answer Answer) {
			if answer.Err == nil {
				reply(Message{Type: MessageBroadcastAck, Values: first(answer)})
			} // The protocol has no message for an error: the other server waits for its timeout.
			complete()
		})
	if err != nil { // what another server sent cannot be encoded
		reply(Message{Type: MessageBroadcastClientCount})
	} else {
		context.AfterFunc(ctx, forget)
	}
	complete()
}

// first returns the first value of an answer, none if there is none. The protocol has only one.
func first(a Answer) Values {
	if len(a.Args) == 0 {
		return Values{}
	}
	return Values{JSON: a.Args[:1], Attachments: a.Attachments}
}

// ErrResponses is passed to ClusterConfig.OnError when MaxResponses answers are queued.
var ErrResponses = errors.New("socketio: too many answers to other servers wait to be sent")

// responder sends answers and heartbeats, for which nothing must wait.
// Its goroutine exists only while there is something to send.
type responder struct {
	x *Cluster

	mu      sync.Mutex
	queue   []addressed
	running bool
	over    bool
	idle    *sync.Cond
}

// addressed is a message to one server, or to all if to is "".
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

// end sends what is queued and refuses further messages.
func (r *responder) end() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.over = true
	for r.running {
		r.idle.Wait()
	}
}
