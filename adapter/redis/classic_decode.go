package redis

import (
	"encoding/json"
	"fmt"
	"math"

	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/adapter/clusterwire"
)

// The types of requests and responses. What adapters up to version 7 send besides is answered as
// official adapters do.
const (
	typeSockets = iota // of version 7: ids of sockets
	typeAllRooms
	typeJoin
	typeLeave
	typeDisconnect
	typeFetch
	typeServerSideEmit
	typeBroadcast
	typeBroadcastClientCount
	typeBroadcastAck
)

// Prefixes of Message.RequestID tell Reply that the answer to MessageFetchSockets has another form.
// A null byte begins them, so that no request of another server has one.
const (
	answerIDs   = "\x00i" // the ids of the sockets
	answerRooms = "\x00r" // the rooms of the sockets
	answerDone  = "\x00d" // that something is done, if there are sockets
	answerForm  = len(answerIDs)
)

// event reads a broadcast: [uid, packet, options]. The packet is read when it is needed.
func (l *classicLink) event(payload string) error {
	x := new(struct {
		m     adapter.Message
		event adapter.Packet
		room  [1]string
	})
	m := &x.m
	m.Type, m.Namespace = adapter.MessageBroadcast, l.namespace
	m.Options.Rooms = x.room[:0]
	var packet clusterwire.Raw
	r := clusterwire.NewReader(payload)
	options := false
	r.Array(func(i int) {
		switch i {
		case 0:
			m.UID = r.Name()
		case 1:
			packet = r.Raw()
		case 2:
			options = r.Options(&m.Options)
		default:
			r.Skip()
		}
	})
	switch {
	case r.End() != nil:
		return r.Err()
	case m.UID == l.c.uid:
		return nil
	case packet.IsZero() || !options:
		return fmt.Errorf("%w: a broadcast without a packet or options", clusterwire.ErrMessage)
	case m.UID == "":
		m.UID = adapter.Emitter
	}
	l.officials.heard(l, m.UID)
	nsp, err := namespaceOf(packet)
	if err != nil || nsp != "" && nsp != l.namespace { // the channel of a room can be that of a namespace
		return err
	}
	m.Rest = func(m *adapter.Message) error {
		m.Packet = &x.event
		_, err := packet.Packet(m.Packet)
		return err
	}
	l.deliver(m)
	return nil
}

// namespaceOf returns the namespace in a packet, "" when it has none.
func namespaceOf(packet clusterwire.Raw) (nsp string, err error) {
	r := packet.Reader()
	r.Object(func(key string) {
		if key == "nsp" {
			nsp = r.String()
		}
	})
	return nsp, r.Err()
}

// request reads a request.
func (l *classicLink) request(payload string) error {
	var (
		m                 adapter.Message
		sid, room         string
		rooms, data, body clusterwire.Raw
		hasOptions        bool
	)
	kind := int64(-1)
	r := clusterwire.NewReader(payload)
	r.Object(func(key string) {
		switch key {
		case "uid":
			m.UID = r.Name()
		case "requestId":
			m.RequestID = r.Name()
		case "type":
			kind = r.Int(0, math.MaxUint8)
		case "opts":
			m.Options = adapter.Options{}
			hasOptions = r.Options(&m.Options)
		case "rooms":
			rooms = r.Raw()
		case "sid":
			sid = r.Name()
		case "room":
			room = r.Name()
		case "close":
			m.Close = r.Bool()
		case "data":
			data = r.Raw()
		case "packet":
			body = r.Raw()
		}
	})
	if err := r.End(); err != nil {
		return err
	}
	if m.UID == l.c.uid {
		return nil
	}
	if m.UID == "" {
		m.UID = adapter.Emitter
	}
	l.officials.heard(l, m.UID)
	m.Namespace = l.namespace
	var err error
	if !rooms.IsZero() {
		r := rooms.Reader()
		m.Rooms = r.Strings(nil)
		err = r.Err()
	}
	switch kind {
	case typeSockets:
		m.Options, m.Rooms = adapter.Options{Rooms: m.Rooms}, nil
		return l.question(&m, answerIDs, err)
	case typeAllRooms:
		m.Options, m.Rooms = adapter.Options{}, nil
		return l.question(&m, answerRooms, err)
	case typeJoin, typeLeave, typeDisconnect:
		m.Type = adapter.MessageSocketsJoin + adapter.MessageType(kind-typeJoin)
		switch {
		case err != nil:
			return err
		case hasOptions:
			m.RequestID = ""
		case sid != "":
			l.oldCommand(&m, sid, room)
			return nil
		default: // it would be for everyone
			return fmt.Errorf("%w: a command without options", clusterwire.ErrMessage)
		}
	case typeFetch:
		m.Type = adapter.MessageFetchSockets
	case typeServerSideEmit:
		m.Type = adapter.MessageServerSideEmit
		m.Rest = func(m *adapter.Message) (err error) {
			m.Packet, err = data.Event()
			return err
		}
	case typeBroadcast:
		m.Type = adapter.MessageBroadcast
		m.Rest = func(m *adapter.Message) error {
			m.Packet = new(adapter.Packet)
			_, err := body.Packet(m.Packet)
			return err
		}
	default:
		return fmt.Errorf("%w: a request of type %d", clusterwire.ErrMessage, kind)
	}
	if (kind == typeFetch || kind == typeBroadcast) && (!hasOptions || m.RequestID == "") {
		return fmt.Errorf("%w: a request without an id or options", clusterwire.ErrMessage)
	}
	l.deliver(&m)
	return nil
}

// question delivers a request of version 7 as MessageFetchSockets.
func (l *classicLink) question(m *adapter.Message, form string, err error) error {
	if err == nil {
		m.Type, m.RequestID = adapter.MessageFetchSockets, form+m.RequestID
		l.deliver(m)
	}
	return err
}

// oldCommand delivers a command of version 7 for one socket. The server of the socket answers that.
func (l *classicLink) oldCommand(m *adapter.Message, sid, room string) {
	id := m.RequestID
	m.RequestID, m.Options.Rooms = "", []string{sid}
	if m.Type != adapter.MessageDisconnectSockets {
		m.Rooms = []string{room}
	}
	if id != "" { // first, because the command may disconnect the socket
		_ = l.question(&adapter.Message{
			UID: m.UID, Namespace: m.Namespace, RequestID: id, Options: m.Options,
		}, answerDone, nil)
	}
	l.deliver(m)
}

// response reads an answer. It does not say which server it comes from.
func (l *classicLink) response(payload string) error {
	var sockets, count, value clusterwire.Raw
	m := &adapter.Message{Namespace: l.namespace}
	kind := int64(typeFetch) // has no type
	r := clusterwire.NewReader(payload)
	r.Object(func(key string) {
		switch key {
		case "requestId":
			m.RequestID = r.Name()
		case "type":
			kind = r.Int(0, math.MaxUint8)
		case "sockets":
			sockets = r.Raw()
		case "clientCount":
			count = r.Raw()
		case "data", "packet":
			value = r.Raw()
		}
	})
	if err := r.End(); err != nil {
		return err
	}
	switch kind {
	case typeFetch:
		m.Type = adapter.MessageFetchSocketsResponse
		if sockets.IsZero() { // to a question of version 7
			return nil
		}
		m.Rest = func(m *adapter.Message) (err error) {
			m.Sockets, err = sockets.Sockets()
			return err
		}
	case typeBroadcastClientCount:
		m.Type = adapter.MessageBroadcastClientCount
		r := count.Reader()
		if m.Count = int(r.Int(0, math.MaxInt32)); r.Err() != nil {
			return r.Err()
		}
	case typeServerSideEmit, typeBroadcastAck:
		m.Type = adapter.MessageServerSideEmitResponse
		if kind == typeBroadcastAck {
			m.Type = adapter.MessageBroadcastAck
		}
		if !value.IsZero() {
			m.Rest = func(m *adapter.Message) (err error) {
				m.Values, err = valueOf(value)
				return err
			}
		}
	default:
		return fmt.Errorf("%w: a response of type %d", clusterwire.ErrMessage, kind)
	}
	l.deliver(m)
	return nil
}

// valueOf reads the value of an answer.
func valueOf(raw clusterwire.Raw) (v adapter.Values, err error) {
	data, attachments, err := raw.JSON()
	if err != nil {
		return adapter.Values{}, err
	}
	return adapter.Values{JSON: []json.RawMessage{data}, Attachments: attachments}, nil
}
