package socketio_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/gosocketio/socketio"
)

// Large attachments come back as they were when they were sent, to a client that reads late too: a
// handler may change them afterwards.
func TestLargeAttachments(t *testing.T) {
	const size, messages = 1 << 20, 8
	for name, mode := range map[string]socketio.ConnectionMode{"loop": socketio.AutoMode, "portable": socketio.PortableMode} {
		t.Run(name, func(t *testing.T) {
			s, e := serve(t, socketio.Config{ConnectionMode: mode, MaxPayload: 2 * size, MaxBufferedBytes: 64 << 20})
			handled := make(chan struct{})
			attachment := func(n int) []byte { return bytes.Repeat([]byte{byte('a' + n)}, size) }
			s.OnConnection(func(socket *socketio.Socket) {
				b := attachment(0)
				if err := socket.Emit("hello", []byte("small"), b); err != nil {
					t.Error(err)
				}
				clear(b) // it is held back until CONNECT is written
			})
			s.Handle("bin", func(e *socketio.Event) error {
				args := e.Args()
				defer func() {
					clear(args[0].([]byte))
					handled <- struct{}{}
				}()
				if e.WantsAck() {
					return e.Ack(args...)
				}
				return e.Socket().Emit("bin", args...)
			})
			const one, two = `{"_placeholder":true,"num":0}`, `{"_placeholder":true,"num":1}`
			conn := e.WebSocket()
			conn.Join("/", "")
			conn.Want(`452-["hello",` + one + "," + two + "]")
			conn.WantBinary([]byte("small"), attachment(0))
			for n := range messages {
				id := ""
				if n%2 == 1 {
					id = fmt.Sprint(n)
				}
				conn.Send("451-" + id + `["bin",` + one + "]")
				conn.SendBinary(attachment(n))
				wait(t, handled)
			}
			for n := range messages {
				want := `451-["bin",` + one + "]"
				if n%2 == 1 {
					want = fmt.Sprintf("461-%d[%s]", n, one)
				}
				conn.Want(want)
				conn.WantBinary(attachment(n))
			}
		})
	}
}
