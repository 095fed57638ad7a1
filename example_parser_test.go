package socketio_test

import (
	"bytes"
	"fmt"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/internal/rawclient"
	"github.com/gosocketio/socketio/protocol"
)

// upsideDown sends packets in their default form, with the payload's bytes from last to first.
type upsideDown struct{}

func (upsideDown) Encode(text []byte, attachments [][]byte) ([]protocol.Message, error) {
	if len(attachments) > 0 {
		return nil, fmt.Errorf("upside down: no binary, please")
	}
	return []protocol.Message{{Data: flip(text)}}, nil
}

func (upsideDown) NewDecoder(maxAttachments int) protocol.PacketDecoder {
	return &flipper{protocol.Decoder{MaxAttachments: maxAttachments}}
}

// flipper is the default decoder behind a mirror.
type flipper struct{ protocol.Decoder }

func (f *flipper) AddText(data []byte) (*protocol.Packet, error) {
	return f.Decoder.AddText(flip(data))
}

func flip(b []byte) []byte {
	b = bytes.Clone(b)
	for i, j := 0, len(b)-1; i < j; i, j = i+1, j-1 {
		b[i], b[j] = b[j], b[i]
	}
	return b
}

// A parser of one's own; what handlers see stays the same.
func ExampleConfig_parser() {
	io := socketio.New(socketio.Config{Parser: upsideDown{}})
	socketio.On(io, "hello", func(e *socketio.Event, name string) error {
		if err := e.Socket().Emit("picture", []byte{1}); err != nil {
			fmt.Println(err)
		}
		return e.Socket().Emit("hello", name)
	})
	v := rawclient.Arrive(io)
	defer v.Leave()
	v.Send("40") // its own mirror image
	v.Read()     // the answer
	v.Send(`4]"nna","olleh"[2`)
	v.Print(1)
	// Output:
	// socketio: Config.Parser: upside down: no binary, please
	// ]"nna","olleh"[2
}
