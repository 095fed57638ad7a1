package siotest

import "encoding/json"

// The reasons of a disconnect, in the official client's words.
const (
	// ReasonServerDisconnect: the server disconnected the socket.
	ReasonServerDisconnect = "io server disconnect"
	// ReasonClientDisconnect: Client.Disconnect or Conn.Close was called.
	ReasonClientDisconnect = "io client disconnect"
	// ReasonTransportClose: the connection ended.
	ReasonTransportClose = "transport close"
	// ReasonParseError: the server sent what is no packet.
	ReasonParseError = "parse error"
)

// ConnectError is why the server refused a client: "connect_error" of the official client.
type ConnectError struct {
	// Message is the message of the error that a middleware returned, or why there was none to ask.
	Message string `json:"message"`
	// Data is what the error had with it, nil if nothing.
	Data json.RawMessage `json:"data"`
}

// Error returns the message.
func (e *ConnectError) Error() string { return "siotest: refused: " + e.Message }

// DisconnectError is why a client is not connected any more.
type DisconnectError struct {
	// Reason is one of the reasons of this package.
	Reason string
}

// Error implements error.
func (e *DisconnectError) Error() string { return "siotest: disconnected: " + e.Reason }
