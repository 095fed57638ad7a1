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
	// ReasonParseError: the server sent a packet that cannot be decoded.
	ReasonParseError = "parse error"
)

// ConnectError is the error of a client that the server refused: "connect_error" of the official
// client.
type ConnectError struct {
	// Message is the text of the middleware's error, or of the server's own.
	Message string `json:"message"`
	// Data is the data of that error, or nil.
	Data json.RawMessage `json:"data"`
}

// Error implements error.
func (e *ConnectError) Error() string { return "siotest: the server refused the client: " + e.Message }

// DisconnectError is the error of a client that is disconnected.
type DisconnectError struct {
	// Reason is one of the reasons of this package.
	Reason string
}

// Error implements error.
func (e *DisconnectError) Error() string { return "siotest: disconnected: " + e.Reason }
