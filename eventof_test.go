package socketio_test

import (
	"testing"

	"github.com/gosocketio/socketio"
)

func TestEventOf(t *testing.T) {
	const said = socketio.EventOf[chatMessage]("said")
	s, e := serve(t, socketio.Config{})
	said.On(s, func(_ *socketio.Event, m chatMessage) error {
		m.Text += "!"
		return said.Emit(s.To(m.Room), m)
	})
	s.OnConnection(func(s *socketio.Socket) { s.Join("lobby") })
	conn := e.WebSocket()
	conn.Join("/", "")
	conn.Send(`42["said",{"room":"lobby","text":"hi"}]`)
	conn.Want(`42["said",{"room":"lobby","text":"hi!"}]`)
	if said.String() != "said" {
		t.Error(said.String())
	}
}
