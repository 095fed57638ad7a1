package clusterwire

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"

	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/protocol"
)

// Read reads a message of Encode or of an official adapter, JSON or MessagePack, as far as Options.
// The message's Rest reads what follows, which has not been looked into yet, if there is anything.
//
// The message refers to text. Errors wrap [ErrMessage].
func Read(text string) (*adapter.Message, error) {
	x := new(struct {
		m adapter.Message
		b body
	})
	r := NewReader(text)
	r.Object(func(key string) {
		switch key {
		case "type":
			x.m.Type = adapter.MessageType(r.Int(1, math.MaxUint8))
		case "uid":
			x.m.UID = r.Name()
		case "nsp":
			x.m.Namespace = r.String()
		case "data":
			x.b.read(&r, &x.m)
		}
	})
	if err := r.End(); err != nil {
		return nil, err
	}
	if x.m.Type == 0 {
		return nil, fmt.Errorf("%w: it has no type", ErrMessage)
	}
	return &x.m, x.b.finish(&x.m)
}

// ReadData is Read for the result of EncodeData. m has its sender, namespace and type.
func ReadData(m *adapter.Message, text string) error {
	b := new(body)
	if text != "" {
		r := NewReader(text)
		b.read(&r, m)
		if err := r.End(); err != nil {
			return err
		}
	}
	return b.finish(m)
}

// Decode is Read and Rest.
func Decode(data []byte) (*adapter.Message, error) {
	m, err := Read(string(data))
	if err == nil {
		err = rest(m)
	}
	return m, err
}

// DecodeData is ReadData and Rest.
func DecodeData(m *adapter.Message, data []byte) error {
	if err := ReadData(m, string(data)); err != nil {
		return err
	}
	return rest(m)
}

func rest(m *adapter.Message) error {
	if m.Rest == nil {
		return nil
	}
	read := m.Rest
	m.Rest = nil
	return read(m)
}

// body is the data of a message, for all types: what has been read of it, and what may be later.
type body struct {
	options                      bool // were there
	rooms, sockets, close, count Raw
	protocol, oldest, address    Raw // of a Hello
	counts, resync, digest       Raw
	packet                       Raw
	event                        packet // if packet is an object
	p                            adapter.Packet
	room                         [1]string // memory for the only room
}

// packet is the members of the object of an event.
type packet struct{ data, id, nsp Raw }

func (b *body) read(r *Reader, m *adapter.Message) {
	*b, m.RequestID, m.Options = body{}, "", adapter.Options{} // the last of two members counts
	r.Object(func(key string) {
		switch key {
		case "packet":
			b.packet = b.event.read(r)
		case "requestId":
			m.RequestID = r.Name()
		case "opts":
			m.Options.Rooms = b.room[:0]
			b.options = r.Options(&m.Options)
		case "rooms":
			b.rooms = r.Raw()
		case "sockets":
			b.sockets = r.Raw()
		case "close":
			b.close = r.Raw()
		case "clientCount":
			b.count = r.Raw()
		case "protocol":
			b.protocol = r.Raw()
		case "oldest":
			b.oldest = r.Raw()
		case "address":
			b.address = r.Raw()
		case "counts":
			b.counts = r.Raw()
		case "resync":
			b.resync = r.Raw()
		case "digest":
			b.digest = r.Raw()
		}
	})
}

// finish checks what the type of message needs, and reads what is small.
func (b *body) finish(m *adapter.Message) error {
	if m.Type >= adapter.MessageBroadcast && m.Type <= adapter.MessageFetchSockets && !b.options {
		return fmt.Errorf("%w: type %d has no options", ErrMessage, m.Type) // they would be everyone
	}
	switch m.Type {
	case adapter.MessageInitialHeartbeat, adapter.MessageHeartbeat:
		if b.count.IsZero() || b.rooms.IsZero() {
			return nil // it is not that of a process
		}
		r := b.count.Reader()
		if m.Count = int(r.Int(0, math.MaxInt32)); r.err != nil {
			return r.err
		}
		r = b.rooms.Reader()
		if m.Rooms = r.Strings(nil); r.err != nil {
			return r.err
		}
		return b.hello(m)
	case adapter.MessageSocketsJoin, adapter.MessageSocketsLeave:
		r := b.rooms.Reader()
		m.Rooms = r.Strings(nil)
		return r.err
	case adapter.MessageDisconnectSockets:
		m.Close = b.close.is(true)
	case adapter.MessageBroadcastClientCount:
		r := b.count.Reader()
		m.Count = int(r.Int(0, math.MaxInt32))
		return r.err
	case adapter.MessageServerSideEmitResponse, adapter.MessageBroadcastAck:
		if !b.packet.IsZero() { // else the value is undefined
			m.Rest = b.rest
		}
	case adapter.MessageBroadcast, adapter.MessageServerSideEmit, adapter.MessageFetchSocketsResponse:
		m.Rest = b.rest
	}
	return nil // types that follow belong to a newer version
}

// hello reads what a process says of itself, if it does.
func (b *body) hello(m *adapter.Message) error {
	if b.protocol.IsZero() {
		return nil
	}
	m.Hello = new(adapter.Hello)
	for _, member := range []struct {
		raw Raw
		to  *int
	}{{b.protocol, &m.Hello.Protocol}, {b.oldest, &m.Hello.Oldest}} {
		r := member.raw.Reader()
		if *member.to = int(r.Int(1, math.MaxInt32)); r.err != nil {
			return r.err
		}
	}
	m.Hello.Counts = b.counts.is(true)
	for _, member := range []struct {
		raw Raw
		to  *string
	}{{b.address, &m.Hello.Address}, {b.digest, &m.Hello.Digest}} {
		if r := member.raw.Reader(); !member.raw.IsZero() {
			if *member.to = r.String(); r.err != nil {
				return r.err
			}
		}
	}
	if b.resync.IsZero() {
		return nil
	}
	r := b.resync.Reader()
	m.Hello.Resync = r.Strings(nil)
	return r.err
}

// rest is the Rest of a message.
func (b *body) rest(m *adapter.Message) (err error) {
	switch m.Type {
	case adapter.MessageBroadcast:
		m.Packet = &b.p
		_, err = b.event.finish(m.Packet)
	case adapter.MessageFetchSocketsResponse:
		m.Sockets, err = b.sockets.Sockets()
	case adapter.MessageServerSideEmit:
		m.Packet, err = b.packet.Event()
	default:
		m.Values.JSON = make([]json.RawMessage, 1)
		m.Values.JSON[0], m.Values.Attachments, err = b.packet.JSON()
	}
	return err
}

// Packet reads a packet, the object of an event, and returns its namespace, which some lack.
func (v Raw) Packet(p *adapter.Packet) (nsp string, err error) {
	var x packet
	r := v.Reader()
	x.read(&r)
	return x.finish(p)
}

// read finds the members of an object. It returns the whole value, which may be of any kind.
func (x *packet) read(r *Reader) Raw {
	*x = packet{}
	if !r.atObject() {
		return r.Raw()
	}
	start := r.pos
	r.Object(func(key string) {
		switch key {
		case "data":
			x.data = r.Raw()
		case "id":
			x.id = r.Raw()
		case "nsp":
			x.nsp = r.Raw()
		}
	})
	return r.since(start)
}

func (x *packet) finish(p *adapter.Packet) (nsp string, err error) {
	if !x.id.IsZero() {
		r := x.id.Reader()
		const maxID = 1<<53 - 1
		if p.ID, p.HasID = uint64(r.Int(0, maxID)), true; r.err != nil {
			return "", r.err
		}
	}
	if !x.nsp.IsZero() {
		r := x.nsp.Reader()
		if nsp = r.String(); r.err != nil {
			return "", r.err
		}
	}
	p.Data, p.Attachments, err = x.data.event()
	return nsp, err
}

// Event reads an event that is the array itself.
func (v Raw) Event() (p *adapter.Packet, err error) {
	p = new(adapter.Packet)
	p.Data, p.Attachments, err = v.event()
	return p, err
}

// event is JSON for the array of an event.
func (v Raw) event() (data []byte, attachments [][]byte, err error) {
	data, attachments, err = v.JSON()
	if err != nil {
		return nil, nil, err
	}
	name := bytes.TrimLeft(data[1:], " \t\r\n")
	if data[0] != '[' || name[0] != '"' && name[0] != '-' && (name[0] < '0' || name[0] > '9') {
		return nil, nil, fmt.Errorf("%w: an event without a name", ErrMessage)
	}
	return data, attachments, nil
}

// Sockets reads the list of sockets in an answer. Binary values in their data become base64, as
// encoding/json writes a []byte.
func (v Raw) Sockets() (list []adapter.Info, err error) {
	r := v.Reader()
	present := r.Array(func(int) {
		var s adapter.Info
		r.Object(func(key string) {
			switch key {
			case "id":
				s.ID = r.String()
			case "rooms":
				s.Rooms = r.Strings(nil)
			case "handshake":
				s.Handshake = r.plain()
			case "data":
				s.Data = r.plain()
			}
		})
		list = append(list, s)
	})
	if !present {
		r.fail("there is no list of sockets")
	}
	return list, r.err
}

// plain reads a value as JSON without attachments, null as nil.
func (r *Reader) plain() json.RawMessage {
	raw := r.Raw()
	if r.err != nil {
		return nil
	}
	data, attachments, err := raw.JSON()
	if err == nil && len(attachments) > 0 {
		var value any
		if err = protocol.Decode(data, attachments, &value); err == nil {
			data, err = json.Marshal(value)
		}
	}
	if err != nil {
		r.fail(err.Error())
	}
	if string(data) == "null" {
		return nil
	}
	return data
}
