package socketio

import (
	"encoding/json"
	"fmt"

	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/protocol"
)

// Reply is what a client, or another server, answered to an event that asked for an acknowledgement.
type Reply struct {
	socketID    string
	args        []json.RawMessage
	attachments [][]byte
}

// SocketID returns the id of the socket that answered, "" when it was a server.
func (r Reply) SocketID() string { return r.socketID }

// Len returns the number of arguments.
func (r Reply) Len() int { return len(r.args) }

// Decode decodes the first arguments, as [Event.Decode] does.
func (r Reply) Decode(pointers ...any) error {
	if len(pointers) > len(r.args) {
		return fmt.Errorf("%w: %d sent, %d expected", ErrArguments, len(r.args), len(pointers))
	}
	for i, v := range pointers {
		if err := protocol.Decode(r.args[i], r.attachments, v); err != nil {
			return argumentError(i, err)
		}
	}
	return nil
}

// Args returns the arguments, as [Event.Args] does.
func (r Reply) Args() []any {
	args := make([]any, len(r.args))
	for i := range args {
		args[i] = anyValue(r.args[i], r.attachments)
	}
	return args
}

// answerOf copies what an ACK packet holds: the packet is valid only for now.
func answerOf(s *Socket, p *protocol.Packet) adapter.Answer {
	a := adapter.Answer{SocketID: s.id, Attachments: p.Attachments}
	if len(p.Args) > 0 {
		data := keep(p)
		a.Args = make([]json.RawMessage, len(p.Args))
		for i, span := range p.Args {
			a.Args[i] = data[span.Start:span.End:span.End]
		}
	}
	return a
}

func replyOf(a adapter.Answer) Reply {
	return Reply{socketID: a.SocketID, args: a.Args, attachments: a.Attachments}
}
