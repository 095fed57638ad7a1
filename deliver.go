package socketio

import (
	"bytes"
	"encoding/json"
	"sync"

	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/engineio"
	"github.com/gosocketio/socketio/protocol"
)

// host is the namespace as its adapter sees it.
type host struct{ ns *Namespace }

var _ adapter.Host = host{}

func (h host) Name() string { return h.ns.name }

// Deliver sends p to the sockets that o means and that are connected. It holds no lock: a socket that disconnects meanwhile
// refuses the frames, a slow one queues them.
func (h host) Deliver(p *adapter.Packet, o adapter.Options) error {
	if r := h.ns.recovery; r != nil {
		return r.deliver(p, o)
	}
	list := targets.Get().(*[]adapter.Socket)
	defer putTargets(list)
	*list = h.ns.adapter.Select(*list, o)
	var prepared *engineio.Prepared
	sent := EmitInfo{Namespace: h.ns, Event: p.Event}
	for _, a := range *list {
		s, ok := a.(*Socket)
		if !ok || !s.Connected() {
			continue
		}
		if prepared == nil {
			if prepared, sent.Err = h.ns.prepare(p, 0, false); sent.Err != nil {
				break
			}
			sent.Bytes = prepared.Len()
		}
		s.showOutgoing(p.Event, p.Args)
		sent.count(s.writePrepared(prepared, sharedOptions(o.Flags))) // its own end, not the broadcast's
	}
	hook(h.ns.server, h.ns.server.cfg.Hooks.Emit, sent)
	return sent.Err
}

// targets are pooled lists of the sockets that a broadcast under way goes to.
var targets = sync.Pool{New: func() any { return new([]adapter.Socket) }}

func putTargets(list *[]adapter.Socket) {
	clear(*list) // a pooled list must not keep sockets alive
	*list = (*list)[:0]
	targets.Put(list)
}

// DeliverWithAck sends p to the sockets that are connected and collects what they answer.
func (h host) DeliverWithAck(to []adapter.Socket, p *adapter.Packet, f adapter.Flags, count func(int), answer func(adapter.Answer)) (func(), error) {
	asked := make([]*Socket, 0, len(to))
	for _, a := range to {
		if s, ok := a.(*Socket); ok && s.Connected() {
			asked = append(asked, s)
		}
	}
	if len(asked) == 0 {
		count(0)
		return func() {}, nil
	}
	id := h.ns.nextID()
	prepared, err := h.ns.prepare(p, id, true)
	sent := EmitInfo{Namespace: h.ns, Event: p.Event, Err: err}
	defer func() { hook(h.ns.server, h.ns.server.cfg.Hooks.Emit, sent) }()
	if err != nil {
		return nil, err
	}
	sent.Bytes = prepared.Len()
	count(len(asked))
	for _, s := range asked {
		err := s.addAck(id, answer)
		if err != nil {
			answer(adapter.Answer{SocketID: s.id, Err: s.Err()}) // it has disconnected since it was chosen
			continue
		}
		s.showOutgoing(p.Event, p.Args)
		err = s.writePrepared(prepared, sharedOptions(f))
		sent.count(err)
		if err != nil && s.takeAck(id) != nil {
			answer(adapter.Answer{SocketID: s.id, Err: err})
		}
	}
	return func() {
		for _, s := range asked {
			s.takeAck(id)
		}
	}, nil
}

// Describe tells of a socket what another server may know.
func (h host) Describe(a adapter.Socket) (handshake, data json.RawMessage) {
	s, ok := a.(*Socket)
	if !ok || !s.Connected() {
		return nil, nil
	}
	handshake, _ = json.Marshal(s.Handshake()) // strings and numbers always encode
	return handshake, s.sharedValues()
}

// Disconnect disconnects sockets.
func (h host) Disconnect(to []adapter.Socket, close bool) {
	for _, a := range to {
		if s, ok := a.(*Socket); ok {
			s.Disconnect(close)
		}
	}
}

// prepare encodes p for many sockets.
func (n *Namespace) prepare(p *adapter.Packet, id uint64, hasID bool) (*engineio.Prepared, error) {
	x := n.server.takeScratch()
	defer x.release()
	frames, err := x.packet(protocol.Event, n.name, id, hasID, p.Event, p.Args)
	if err != nil {
		return nil, err
	}
	return engineio.Prepare(bytes.Clone(frames)), nil
}

func sharedOptions(f adapter.Flags) (o engineio.WriteOptions) {
	if f.Volatile {
		o |= engineio.Volatile
	}
	if f.NoCompress {
		o |= engineio.NoCompress
	}
	return o
}

// closeAdapter closes a namespace's adapter.
func (srv *Server) closeAdapter(ns *Namespace) error {
	return srv.contain(nil, "Adapter.Close", ns.adapter.Close)
}
