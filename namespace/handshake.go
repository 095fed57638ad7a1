package namespace

import (
	"encoding/json"
	"fmt"

	"github.com/gosocketio/socketio/engineio"
)

// Handshake is how a socket came: the connection's first request, and what the client sent to join the namespace.
type Handshake struct {
	*engineio.Handshake
	// Auth is the JSON object that the client sent ("auth" option of the client), {} when it sent none.
	Auth json.RawMessage
}

// DecodeAuth decodes Auth into the value that v points to.
func (h Handshake) DecodeAuth(v any) error {
	if err := json.Unmarshal(h.Auth, v); err != nil {
		return fmt.Errorf("%w: auth: %w", ErrArguments, err)
	}
	return nil
}
