package main

import (
	"bytes"
	"strconv"

	"github.com/gosocketio/socketio"
)

// serveLarge registers events as large as a client wants them, from its connection on if the query says so. Sizes
// are in MB.
func serveLarge(n *socketio.Namespace) {
	n.OnConnection(func(s *socketio.Socket) {
		size, err := strconv.Atoi(s.Handshake().Query().Get("large"))
		if err != nil {
			return
		}
		_ = s.Emit("large", large(size, false)...)
		_ = s.Emit("large", large(size, true)...)
	})
	socketio.On3(byHand{n}, "large", func(e *socketio.Event, to string, sizes []int, binary bool) error {
		for _, size := range sizes {
			var err error
			if to == "all" {
				err = n.Emit("large", large(size, binary)...)
			} else {
				err = e.Socket().Emit("large", large(size, binary)...)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	socketio.On2(byHand{n}, "large-ack", func(e *socketio.Event, size int, binary bool) error {
		return e.Ack(large(size, binary)...)
	})
}

// large returns arguments of a size, as text or with three attachments.
func large(size int, binary bool) []any {
	data := bytes.Repeat([]byte("x"), size*1_000_000)
	if !binary {
		return []any{string(data), "end"}
	}
	return []any{struct {
		First  []byte   `json:"first"`
		Second [][]byte `json:"second"`
	}{data, [][]byte{[]byte("end"), data[:1_000_000]}}}
}
