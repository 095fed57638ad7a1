package redis

import (
	"bytes"
	"fmt"

	"github.com/gosocketio/socketio/adapter"
)

// maxDepth limits the nesting of what is sent. Official servers run out of stack at 2,000 to 6,000
// levels: with a stream they stop, with the other wires their process may end. A client can send such
// a value to be relayed.
const maxDepth = 1000

// checkDepth returns an error when a value of an encoded message is nested too deep.
func checkDepth(m *adapter.Message) error {
	deep := m.Packet != nil && nested(m.Packet.Data)
	for _, raw := range m.Values.JSON {
		deep = deep || nested(raw)
	}
	for _, s := range m.Sockets {
		deep = deep || nested(s.Data) || nested(s.Handshake)
	}
	if deep {
		return fmt.Errorf("%w: its values are nested more than %d deep", adapter.ErrTooLarge, maxDepth)
	}
	return nil
}

// nested tells whether a JSON value is nested deeper than maxDepth.
func nested(raw []byte) bool {
	if bytes.Count(raw, []byte{'['})+bytes.Count(raw, []byte{'{'}) <= maxDepth {
		return false // as nearly always
	}
	depth, quoted := 0, false
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '[' || c == '{':
			if depth++; depth > maxDepth {
				return true
			}
		case c == ']' || c == '}':
			depth--
		}
	}
	return false
}
