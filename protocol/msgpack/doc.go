// Package msgpack is the parser for clients that use the npm package socket.io-msgpack-parser.
//
// It sends each packet as one MessagePack map in one binary message. Clients in a browser load the
// bundle socket.io.msgpack.min.js.
//
//	socketio.New(socketio.Config{Parser: msgpack.Parser})
//
// Packets are transcoded from and to the default format, so handlers and types do not change: a
// []byte is binary, a time.Time is what encoding/json makes of it. A client's timestamp arrives as
// the string that JSON would have for it, NaN and infinities as null, an ArrayBuffer as binary, and
// an extension of another type as an array of its type and its bytes.
package msgpack

import "github.com/gosocketio/socketio/protocol"

// Parser is the parser.
var Parser protocol.Parser = parser{}

type parser struct{}
