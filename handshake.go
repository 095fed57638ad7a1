package socketio

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/gosocketio/socketio/engineio"
)

// Handshake is how a socket came: the connection's first request, and what the client sent to join the namespace.
type Handshake struct {
	*engineio.Handshake
	// Auth is the JSON object that the client sent ("auth" option of the client), {} when it sent none.
	Auth json.RawMessage
}

// MarshalJSON returns the handshake as the official server has it (socket.handshake): how servers tell each other of their sockets.
func (h Handshake) MarshalJSON() ([]byte, error) {
	data, err := json.Marshal(h.Handshake)
	if err != nil {
		return nil, err
	}
	auth := h.Auth
	if auth == nil {
		auth = json.RawMessage("{}")
	}
	return slices.Concat(data[:len(data)-1], []byte(`,"auth":`), auth, []byte{'}'}), nil
}

// UnmarshalJSON reads what MarshalJSON wrote, or the official server.
func (h *Handshake) UnmarshalJSON(data []byte) error {
	var own struct {
		Auth json.RawMessage `json:"auth"`
	}
	h.Handshake = new(engineio.Handshake)
	if err := errors.Join(json.Unmarshal(data, h.Handshake), json.Unmarshal(data, &own)); err != nil {
		return err
	}
	if h.Auth = own.Auth; h.Auth == nil {
		h.Auth = json.RawMessage("{}")
	}
	return nil
}

// DecodeAuth decodes Auth into the value that v points to.
func (h Handshake) DecodeAuth(v any) error {
	if err := json.Unmarshal(h.Auth, v); err != nil {
		return fmt.Errorf("%w: auth: %w", ErrArguments, err)
	}
	return nil
}
