package socketio

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/engineio"
)

// host is the namespace as its adapter sees it.
type host struct{ ns *Namespace }

var _ adapter.Host = host{}

func (h host) Name() string { return h.ns.name }

// Deliver sends p to the sockets that o means and that are connected. It holds no lock while it
// writes: a socket that disconnects meanwhile refuses the frames, a slow one queues them.
func (h host) Deliver(p *adapter.Packet, o adapter.Options) error {
	list := targets.Get().(*[]adapter.Socket)
	defer putTargets(list)
	sent := EmitInfo{Namespace: h.ns, Rooms: o.Rooms}
	if r := h.ns.recovery; r != nil {
		*list, sent.Err = r.queueAll(*list, p, o, &sent)
		h.flush(*list, p, sent.Bytes)
	} else {
		*list = h.ns.adapter.Select(*list, o)
		sent.Err = h.send(*list, p, o.Flags, &sent)
	}
	h.sent(p, sent)
	return sent.Err
}

// sent counts a broadcast and calls the hook.
func (h host) sent(p *adapter.Packet, info EmitInfo) {
	h.ns.totals.countSent(&info)
	if fn := h.ns.server.cfg.Hooks.Emit; fn != nil {
		info.Event = p.Name()
		hook(h.ns.server, fn, info)
	}
}

// Recovery is how long the namespace's clients may return as the same socket.
func (h host) Recovery() time.Duration {
	if c := h.ns.server.cfg.ConnectionStateRecovery; c != nil {
		return c.MaxDisconnectionDuration
	}
	return 0
}

// Logger returns the server's logger.
func (h host) Logger() *slog.Logger { return h.ns.server.cfg.Logger }

// send writes a broadcast to the sockets that are connected.
func (h host) send(list []adapter.Socket, p *adapter.Packet, f adapter.Flags, sent *EmitInfo) error {
	if !slices.ContainsFunc(list, connected) {
		return nil
	}
	prepared, err := h.ns.prepare(p, p.ID, p.HasID, "")
	if err != nil {
		return err
	}
	sent.Bytes = prepared.Len()
	m := message(f, nil, prepared)
	shown, burst := outgoing{p: p}, h.ns.server.burst.holds(p)
	for _, a := range list {
		if s, ok := a.(*Socket); ok && s.Connected() {
			shown.to(s)
			if burst {
				err = h.ns.server.burst.write(s, m)
			} else {
				err = s.write(engineio.Now, m)
			}
			sent.count(err) // its own end, not the broadcast's
		}
	}
	return nil
}

// flush writes a broadcast that was queued to sockets: size bytes to each.
func (h host) flush(list []adapter.Socket, p *adapter.Packet, size int) {
	shown, burst := outgoing{p: p}, h.ns.server.burst.holds(p)
	for _, a := range list {
		s := a.(*Socket)
		shown.to(s)
		if burst {
			h.ns.server.burst.flush(s, size)
		} else {
			s.flush(engineio.Now)
		}
	}
}

func connected(a adapter.Socket) bool {
	s, ok := a.(*Socket)
	return ok && s.Connected()
}

// targets are pooled lists of the sockets that a broadcast under way goes to.
var targets = sync.Pool{New: func() any { return new([]adapter.Socket) }}

func putTargets(list *[]adapter.Socket) {
	clear(*list) // a pooled list must not keep sockets alive
	*list = (*list)[:0]
	targets.Put(list)
}

// DeliverWithAck sends p to the sockets that are connected and collects what they answer.
func (h host) DeliverWithAck(
	to []adapter.Socket, p *adapter.Packet, f adapter.Flags, count func(int), answer func(adapter.Answer),
) (func(), error) {
	asked := make([]*Socket, 0, len(to))
	for _, a := range to {
		if connected(a) {
			asked = append(asked, a.(*Socket))
		}
	}
	if len(asked) == 0 {
		count(0)
		return func() {}, nil
	}
	id := h.ns.nextID()
	prepared, err := h.ns.prepare(p, id, true, "")
	sent := EmitInfo{Namespace: h.ns, Err: err}
	defer func() { h.sent(p, sent) }()
	if err != nil {
		return nil, err
	}
	sent.Bytes = prepared.Len()
	count(len(asked))
	shown := outgoing{p: p}
	for _, s := range asked {
		err := s.addAck(id, answer)
		if err != nil {
			answer(adapter.Answer{SocketID: s.id, Err: s.Err()}) // it has disconnected since it was chosen
			continue
		}
		shown.to(s)
		err = s.write(engineio.Now, message(f, nil, prepared))
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

// prepare encodes p for many sockets, with an offset as its last argument unless that is "".
func (n *Namespace) prepare(p *adapter.Packet, id uint64, hasID bool, offset string) (*engineio.Prepared, error) {
	x := n.server.takeScratch()
	defer x.release()
	text, attachments, err := x.broadcast(n.name, id, hasID, p)
	if err != nil {
		return nil, err
	}
	if offset != "" {
		text = appendOffset(text, offset)
	}
	frames, err := x.close(text, attachments)
	if err != nil {
		return nil, err
	}
	return engineio.Prepare(bytes.Clone(frames)), nil
}

// closeAdapter closes a namespace's adapter.
func (srv *Server) closeAdapter(ns *Namespace) error {
	return srv.contain(nil, "Adapter.Close", ns.adapter.Close)
}
