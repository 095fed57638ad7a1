package adminui

import (
	"bytes"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/engineio"
	"github.com/gosocketio/socketio/protocol"
	"github.com/gosocketio/socketio/rooms"
)

// maxName limits the name that is shown of an event that is too large, in bytes.
const maxName = 100

// listeners are the hooks of a namespace while an admin may watch it.
type listeners struct {
	ns         *socketio.Namespace
	offRooms   func()
	offReceive func()
	offSend    func()
}

// add begins to show a namespace.
func (a *admin) add(ns *socketio.Namespace) {
	a.mu.Lock()
	if a.listeners[ns] != nil {
		a.mu.Unlock()
		return
	}
	l := &listeners{ns: ns}
	a.listeners[ns] = l
	a.listen(l)
	a.mu.Unlock()
	ns.OnConnection(a.connected)
	ns.OnDisconnecting(func(s *socketio.Socket, reason socketio.Reason) {
		a.state("socket_disconnected", ns.Name(), s.ID(), reason, date())
	})
	for _, s := range ns.Sockets() {
		label(s)
	}
}

// forgetNamespaces removes the listeners of namespaces that are gone.
func (a *admin) forgetNamespaces() {
	if a.Mode != Development {
		return
	}
	exists := make(map[*socketio.Namespace]bool)
	for _, ns := range a.io.Namespaces() {
		exists[ns] = true
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for ns := range a.listeners {
		if !exists[ns] {
			delete(a.listeners, ns)
		}
	}
}

// listen registers what is needed now on a namespace, and takes off the rest. The caller must hold
// a.mu.
func (a *admin) listen(l *listeners) {
	watched := a.watched.Load()
	name := l.ns.Name()
	keep(&l.offRooms, !a.stopped && (watched || a.clustered), func() func() {
		return l.ns.OnRooms(rooms.Hooks{
			Join:  func(room, id string) { a.state("room_joined", name, room, id, date()) },
			Leave: func(room, id string) { a.state("room_left", name, room, id, date()) },
		})
	})
	watched = watched && l.ns != a.ns // otherwise each event would cause another
	keep(&l.offReceive, watched, func() func() {
		return l.ns.PrependAny(func(e *socketio.Event) { a.event("event_received", e.Socket(), e.Name(), e.Args) })
	})
	keep(&l.offSend, watched, func() func() {
		return l.ns.OnAnyOutgoing(func(s *socketio.Socket, event string, args []any) {
			a.event("event_sent", s, event, func() []any { return args })
		})
	})
}

// keep registers a listener, or takes it off.
func keep(off *func(), wanted bool, register func() func()) {
	switch {
	case wanted && *off == nil:
		*off = register()
	case !wanted && *off != nil:
		(*off)()
		*off = nil
	}
}

// connected shows a new socket.
func (a *admin) connected(s *socketio.Socket) {
	label(s)
	if !a.watched.Load() && !a.clustered {
		return
	}
	a.upgrades.add(s, a.MaxSockets)
	if i, ok := describeHere(s); ok {
		a.state("socket_connected", i, date())
	}
}

// state shows a change of sockets or rooms. Beyond the limit it is left out, and admins get a new list.
func (a *admin) state(event string, args ...any) {
	switch {
	case !a.watched.Load() && !a.clustered:
	case a.states.Allow():
		a.send(event, args...)
	default:
		a.stale.Store(true)
	}
}

// event shows an event of a socket, unless there are too many.
func (a *admin) event(what string, s *socketio.Socket, event string, args func() []any) {
	if !a.events.Allow() {
		a.hidden.Add(1)
		return
	}
	if shown := a.shown(event, args()); shown != nil {
		a.send(what, s.Namespace().Name(), s.ID(), shown, date())
	}
}

// shown returns what is shown of an event, as a copy; nil if it cannot be encoded.
func (a *admin) shown(event string, args []any) any {
	raw, attachments, err := protocol.AppendJSON(nil, nil, append([]any{event}, args...))
	if err != nil {
		return nil // the sender has the error
	}
	size := len(raw)
	for i, b := range attachments {
		size += len(b)
		if size <= a.MaxEventBytes {
			attachments[i] = bytes.Clone(b)
		}
	}
	if size > a.MaxEventBytes {
		return []any{event[:min(len(event), maxName)], fmt.Sprintf("%d bytes, which are not shown", size)}
	}
	if attachments == nil {
		return json.RawMessage(raw)
	}
	var v any
	if protocol.Decode(raw, attachments, &v) != nil {
		return nil
	}
	return v
}

// date returns the time as JSON.stringify writes a Date.
func date() string { return time.Now().UTC().Format("2006-01-02T15:04:05.000Z") }

// upgrades are sockets that have connected by polling, and may change to a better transport.
type upgrades struct {
	mu  sync.Mutex
	set map[*socketio.Socket]struct{}
}

// add remembers a socket.
func (u *upgrades) add(s *socketio.Socket, limit int) {
	if s.Conn().Transport() != engineio.Polling {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.set == nil {
		u.set = make(map[*socketio.Socket]struct{})
	}
	if len(u.set) < limit {
		u.set[s] = struct{}{}
	}
}

// take returns the sockets that have changed their transport, and forgets them and those that are gone.
func (u *upgrades) take() (changed []*socketio.Socket) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for s := range u.set {
		upgraded := s.Conn().Transport() != engineio.Polling
		if upgraded && s.Connected() {
			changed = append(changed, s)
		}
		if upgraded || !s.Connected() {
			delete(u.set, s)
		}
	}
	return changed
}

// checkUpgrades shows the transports that changed.
func (a *admin) checkUpgrades() {
	for _, s := range a.upgrades.take() {
		a.state("socket_updated", map[string]any{
			"id": s.ID(), "nsp": s.Namespace().Name(), "transport": s.Conn().Transport().String(),
		})
	}
}
