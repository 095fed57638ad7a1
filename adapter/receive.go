package adapter

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// Receive handles a message of another server and does not block. A broker calls it.
//
// It ignores messages of other namespaces, and its own unless they come back from a log. If a message
// has no targets here it is not decoded beyond its Options (see [Message.Rest]). A message without a
// UID comes from an emitter, or is the answer of a server that does not give its UID.
func (x *Cluster) Receive(m *Message) {
	if !x.ready.Load() && x.keepEarly(m) {
		return
	}
	x.receive(m)
}

// maxEarly limits the requests and heartbeats that arrive before Join has returned.
const maxEarly = 4096

// keepEarly keeps a message for receiveEarly, unless that is over. There are no sockets yet.
func (x *Cluster) keepEarly(m *Message) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.ready.Load() {
		return false
	}
	switch {
	case onlySockets(m):
		x.node.discarded.Add(1)
	case len(x.early) < maxEarly:
		x.early = append(x.early, m)
	}
	return true
}

// receiveEarly handles what arrived before the link was there, in order.
func (x *Cluster) receiveEarly() {
	for {
		x.mu.Lock()
		early := x.early
		x.early = nil
		if len(early) == 0 {
			x.ready.Store(true)
		}
		x.mu.Unlock()
		if len(early) == 0 {
			return
		}
		for _, m := range early {
			x.receive(m)
		}
	}
}

// Gap reports that messages of other servers may have been lost. A broker calls it.
func (x *Cluster) Gap(err error) { x.host.Report(&GapError{Namespace: x.host.Name(), Err: err}) }

// onlySockets reports whether a message concerns sockets and wants no answer. One of this server that
// comes back from a log is for its own sockets too.
func onlySockets(m *Message) bool {
	switch m.Type {
	case MessageSocketsJoin, MessageSocketsLeave, MessageDisconnectSockets:
		return true
	}
	return m.Type == MessageBroadcast && m.RequestID == ""
}

func (x *Cluster) receive(m *Message) {
	switch {
	case m.Namespace != x.host.Name():
		return
	case m.UID == x.uid && (x.log == nil || !onlySockets(m)):
		return
	}
	named := m.UID != "" && m.UID != Emitter
	heartbeat := m.Type == MessageInitialHeartbeat || m.Type == MessageHeartbeat
	ofProcess := heartbeat && m.Count > 0 // it has others, which are for Go servers
	if x.beats != nil && named && m.UID != x.uid && m.Type != MessageAdapterClose && !ofProcess {
		x.beats.heard(m.UID, m.Namespace)
	}
	switch m.Type {
	case MessageBroadcast:
		if m.RequestID == "" {
			x.deliver(m)
		} else {
			x.collect(m)
		}
	case MessageSocketsJoin, MessageSocketsLeave, MessageDisconnectSockets:
		if x.wants(m) && x.rest(m) {
			m.Rooms = cloneAll(m.Rooms) // they may be kept
			x.apply(m)
		}
	case MessageFetchSockets:
		x.reply(m, &Message{Type: MessageFetchSocketsResponse, Sockets: x.describe(m.Options)})
	case MessageServerSideEmit:
		if x.rest(m) {
			x.serverSideEvent(m)
		}
	case MessageFetchSocketsResponse, MessageServerSideEmitResponse, MessageBroadcastClientCount, MessageBroadcastAck:
		if r := x.requests.get(m.RequestID); r != nil && x.rest(m) {
			r.response(m)
		}
	case MessageInitialHeartbeat, MessageHeartbeat:
		switch {
		case !named || x.beats == nil:
		case x.beats.namespaces == nil:
			x.beats.receive(m)
		case x.beats.official != nil && m.Type == MessageInitialHeartbeat && !ofProcess:
			if err := x.sendHeartbeat(MessageHeartbeat); err != nil && x.open.Err() == nil {
				x.host.Report(err)
			}
		}
	case MessageAdapterClose:
		if x.beats != nil {
			x.beats.left(m.UID, m.Namespace)
		} else {
			x.requests.gone(m.UID)
		}
	}
}

// reads reports whether a message may have targets here, so that its rest must be read.
func (x *Cluster) reads(m *Message) bool {
	switch {
	case !x.used.Load() || x.Len() == 0:
		return false
	case len(m.Options.Rooms) == 0:
		return true
	}
	return slices.ContainsFunc(m.Options.Rooms, func(room string) bool { return x.RoomLen(room) > 0 })
}

// wants is reads for a message that was received. It counts one that has no targets.
func (x *Cluster) wants(m *Message) bool {
	yes := x.reads(m)
	if !yes {
		x.node.discarded.Add(1)
	}
	return yes
}

// rest reads the rest of a message. It returns false when that is invalid.
func (x *Cluster) rest(m *Message) bool {
	var err error
	if read := m.Rest; read != nil {
		m.Rest = nil
		err = read(m)
	}
	if err == nil && m.Packet == nil && (m.Type == MessageBroadcast || m.Type == MessageServerSideEmit) {
		err = errors.New("adapter: a message without its event")
	}
	return x.valid(err)
}

// valid counts and reports the error of a message that cannot be read. It returns false for one.
func (x *Cluster) valid(err error) bool {
	if err != nil {
		x.node.invalid.Add(1)
		x.host.Report(brokerError(err))
	}
	return err == nil
}

// asker returns what an answer needs of a request, to be kept without the rest of the message.
func asker(m *Message) *Message {
	return &Message{
		UID: strings.Clone(m.UID), Namespace: strings.Clone(m.Namespace), Type: m.Type, RequestID: strings.Clone(m.RequestID),
	}
}

// cloneAll copies strings that would keep the whole message in memory.
func cloneAll(list []string) []string {
	clones := make([]string, len(list))
	for i, s := range list {
		clones[i] = strings.Clone(s)
	}
	return clones
}

// deliver sends a broadcast to local sockets.
//
// A host that recovers clients keeps it for those that are away, unless the broker does.
func (x *Cluster) deliver(m *Message) {
	keeps := x.log == nil && x.used.Load() && x.host.Recovery() > 0
	if !keeps && !x.wants(m) || !x.rest(m) {
		return
	}
	o := m.Options
	o.Flags.Local = true
	m.Packet.Position = m.Position
	if err := x.host.Deliver(m.Packet, o); err != nil {
		x.host.Report(brokerError(err))
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

func (x *Cluster) serverSideEvent(m *Message) {
	event, args, err := m.Packet.Split()
	if !x.valid(err) {
		return
	}
	e := ServerSideEvent{Event: event, Args: args, Attachments: m.Packet.Attachments}
	if m.RequestID != "" {
		to := asker(m)
		e.Answer = func(value json.RawMessage, attachments [][]byte) {
			x.reply(to, &Message{
				Type:   MessageServerSideEmitResponse,
				Values: Values{JSON: []json.RawMessage{value}, Attachments: attachments},
			})
		}
	}
	x.host.ServerSideEvent(e)
}

const (
	// maxAskTimeout limits how long the sockets here are waited for, whatever another server says.
	maxAskTimeout = time.Hour
	// maxAsks limits the broadcasts of other servers that wait for sockets of this process.
	maxAsks = 1 << 16
)

// collect asks local sockets for acknowledgements and sends them to the server that wants them.
// It ends when all have come, when that server no longer waits, or when the adapter is closed.
func (x *Cluster) collect(m *Message) {
	if x.open.Err() != nil {
		return
	}
	if !x.wants(m) || !x.rest(m) || !x.mayAsk() { // also what cannot be read
		x.reply(m, &Message{Type: MessageBroadcastClientCount})
		return
	}
	timeout := m.Options.Flags.Timeout
	if timeout <= 0 {
		timeout = x.cfg.RequestTimeout
	}
	// A second more, because the timeout of the server that asks decides.
	ctx, done := context.WithTimeout(x.open, min(timeout, maxAskTimeout)+time.Second)
	var left atomic.Int64
	left.Store(1) // until the sockets have been asked
	complete := func() {
		if left.Add(-1) == 0 {
			done()
		}
	}
	to := asker(m)
	reply := func(r Message) { x.reply(to, &r) }
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
		forget = func() {}
	}
	context.AfterFunc(ctx, func() {
		forget()
		x.node.asks.Add(-1)
	})
	complete()
}

// mayAsk counts one more broadcast that waits for sockets here, unless there are too many.
func (x *Cluster) mayAsk() bool {
	if x.node.asks.Add(1) <= maxAsks {
		return true
	}
	x.node.asks.Add(-1)
	x.host.Report(fmt.Errorf("%w: %d broadcasts of other servers wait for acknowledgements, no more are sent",
		ErrBroker, maxAsks))
	return false
}

// first returns the first value of an answer, none if there is none. The protocol has only one.
func first(a Answer) Values {
	if len(a.Args) == 0 {
		return Values{}
	}
	return Values{JSON: a.Args[:1], Attachments: a.Attachments}
}
