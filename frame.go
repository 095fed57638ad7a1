package socketio

import (
	"bytes"
	"fmt"
	"slices"
	"sync"

	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/engineio/wire"
	"github.com/gosocketio/socketio/internal/bufpool"
	"github.com/gosocketio/socketio/protocol"
)

// scratch is a pooled buffer in which a packet is encoded.
type scratch struct {
	buf    []byte
	server *Server
	parser protocol.Parser // nil: the default form
}

var scratches = sync.Pool{New: func() any { return &scratch{buf: make([]byte, 0, 512)} }}

func (srv *Server) takeScratch() *scratch {
	x := scratches.Get().(*scratch)
	x.server, x.parser = srv, srv.cfg.Parser
	return x
}

// release gives the buffer back. Nothing may refer to it any more.
func (x *scratch) release() {
	bufpool.Poison(x.buf)
	x.server = nil
	const keep = 64 << 10 // what one large message grew is left to the collector
	if cap(x.buf) <= keep {
		scratches.Put(x)
	}
}

// open returns the buffer with room for a frame's header and the engine's packet type, message.
func (x *scratch) open() []byte {
	return append(slices.Grow(x.buf[:0], wire.HeadRoom+1)[:wire.HeadRoom], '4')
}

// close makes complete frames of what was appended to open's result.
func (x *scratch) close(text []byte, attachments [][]byte) ([]byte, error) {
	x.buf = text[:0]
	if x.parser != nil {
		return encode(x.parser, text[wire.HeadRoom+1:], attachments)
	}
	frames := wire.FinishText(text)
	for _, a := range attachments {
		frames = wire.AppendBinary(frames, a)
	}
	return frames, nil
}

// encode makes the frames of a packet whose form is that of another parser.
func encode(p protocol.Parser, text []byte, attachments [][]byte) (frames []byte, err error) {
	messages, err := p.Encode(text, attachments)
	if err != nil {
		return nil, fmt.Errorf("socketio: Config.Parser: %w", err)
	}
	for _, m := range messages {
		if m.Binary {
			frames = wire.AppendBinary(frames, m.Data)
		} else {
			frames = wire.AppendText(frames, wire.Message, m.Data)
		}
	}
	return frames, nil
}

// control is close for a packet that every parser can encode: a parser that cannot sends nothing.
func (x *scratch) control(text []byte) []byte {
	frames, _ := x.close(text, nil)
	return frames
}

// tailBytes is how large an attachment must be so that another system call costs less than its copy.
const tailBytes = 32 << 10

// packet encodes an event or an acknowledgement. The frames are valid until release. tail is the end of
// them, if that is a large attachment.
func (x *scratch) packet(
	t protocol.Type, nsp string, id uint64, hasID bool, event string, args []any,
) (frames, tail []byte, err error) {
	text, attachments, err := protocol.AppendPacket(x.open(), t, nsp, id, hasID, event, args)
	if err != nil {
		return nil, nil, err
	}
	if len(attachments) > defaultMaxAttachments {
		x.server.warnOfAttachments(event, len(attachments))
	}
	last := len(attachments) - 1
	if last < 0 || len(attachments[last]) < tailBytes || x.parser != nil {
		frames, err = x.close(text, attachments)
		return frames, nil, err
	}
	tail = attachments[last]
	frames, err = x.close(text, attachments[:last])
	return wire.AppendBinaryHeader(frames, len(tail)), tail, err
}

// broadcast appends the text of an event for many sockets to open's result. Data goes in as it is.
func (x *scratch) broadcast(
	nsp string, id uint64, hasID bool, p *adapter.Packet,
) (text []byte, attachments [][]byte, err error) {
	if p.Data == nil {
		text, attachments, err = protocol.AppendPacket(x.open(), protocol.Event, nsp, id, hasID, p.Event, p.Args)
	} else {
		t := protocol.Event
		if attachments = p.Attachments; len(attachments) > 0 {
			t = protocol.BinaryEvent
		}
		text = append(protocol.AppendHeader(x.open(), t, len(attachments), nsp, id, hasID), p.Data...)
	}
	if len(attachments) > defaultMaxAttachments {
		x.server.warnOfAttachments(p.Name(), len(attachments))
	}
	return text, attachments, err
}

// appendOffset adds an offset to the arguments of an event.
func appendOffset(text []byte, offset string) []byte {
	return append(append(append(text[:len(text)-1], `,"`...), offset...), `"]`...)
}

// event encodes an event with an offset of the epoch as its last argument. The offset's digits are
// at frames[digits:].
func (x *scratch) event(nsp string, p *adapter.Packet, epoch string) (frames []byte, digits int, err error) {
	text, attachments, err := x.broadcast(nsp, 0, false, p)
	if err != nil {
		return nil, 0, err
	}
	if frames, err = x.close(appendOffset(text, epoch+zeroDigits), attachments); err != nil {
		return nil, 0, err
	}
	_, packet, rest := wire.NextFrame(frames)
	start := len(frames) - len(rest) - len(packet)
	if x.parser == nil {
		return frames, start + len(packet) - len(zeroDigits) - len(`"]`), nil
	}
	// The last argument is the last such string in the packet, for nothing that an application
	// chooses follows it: the namespace at most, which has a slash in front.
	at := bytes.LastIndex(packet, []byte(epoch+zeroDigits))
	if at < 0 {
		return nil, 0, fmt.Errorf("socketio: Config.Parser: the packet of %q does not show its last argument", p.Name())
	}
	return frames, start + at + epochLen, nil
}

// connect encodes a CONNECT; pid is the secret by which the client may recover, if there is one.
// Ids need no escaping. With bare, which is how protocol revision 4 has it, it has no payload.
func (x *scratch) connect(nsp, id, pid string, bare bool) []byte {
	text := protocol.AppendHeader(x.open(), protocol.Connect, 0, nsp, 0, false)
	if bare {
		return x.control(text)
	}
	text = append(append(text, `{"sid":"`...), id...)
	if pid != "" {
		text = append(append(text, `","pid":"`...), pid...)
	}
	return x.control(append(text, `"}`...))
}

// refusal encodes a CONNECT_ERROR. Data that cannot be encoded is left out, with the reason in err.
// With bare, which is how protocol revision 4 has it, the payload is the data or else the message.
func (x *scratch) refusal(nsp string, e *Error, bare bool) (frames []byte, err error) {
	var payload, fallback any = e.wire(), errorObject{Message: e.Message}
	if bare {
		payload, fallback = e.Data, e.Message
		if payload == nil {
			payload = e.Message
		}
	}
	text, err := protocol.AppendControl(x.open(), protocol.ConnectError, nsp, payload)
	if err != nil {
		// A string always encodes.
		text, _ = protocol.AppendControl(x.open(), protocol.ConnectError, nsp, fallback)
	}
	return x.control(text), err
}

// disconnect encodes a DISCONNECT.
func (x *scratch) disconnect(nsp string) []byte {
	return x.control(protocol.AppendHeader(x.open(), protocol.Disconnect, 0, nsp, 0, false))
}
