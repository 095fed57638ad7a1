// Package msgpack is the parser that sends each packet as one MessagePack map in one binary message, for clients that use the
// npm package socket.io-msgpack-parser (its bundle is socket.io.msgpack.min.js):
//
//	socketio.New(socketio.Config{Parser: msgpack.Parser})
//
// Packets are transcoded from and to the default form, so that handlers and types are the same with it: a []byte is binary, a
// time.Time is what encoding/json makes of it. A timestamp of a client arrives as the string that JSON would have for it, NaN
// and infinities as null, an extension of another type as an array of its type and its bytes.
package msgpack

import "github.com/gosocketio/socketio/protocol"

// Parser is the parser.
var Parser protocol.Parser = parser{}

type parser struct{}
