package adapter

import "encoding/json"

// Receive acts on a message of another server. It does not wait for anything. A transport calls it for each message of this
// namespace that arrives, in the order of arrival; its own, those of other namespaces and those without a UID are ignored.
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
		if m.RequestID != "" {
			x.collect(m)
			return
		}
		if err := x.host.Deliver(&Packet{Event: m.Event, Args: m.Values.Args()}, o); err != nil {
			x.cfg.OnError(err)
		}
	case MessageSocketsJoin:
		_ = x.memory.AddSockets(o, m.Rooms...) // never fails
	case MessageSocketsLeave:
		_ = x.memory.DelSockets(o, m.Rooms...)
	case MessageDisconnectSockets:
		_ = x.memory.DisconnectSockets(o, m.Close)
	case MessageFetchSockets:
		x.responder.send(m.UID, &Message{Type: MessageFetchSocketsResponse, RequestID: m.RequestID, Sockets: x.describe(o)})
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
