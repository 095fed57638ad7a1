package socketio_test

import (
	"strconv"
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

func TestCallOf(t *testing.T) {
	const double = socketio.CallOf[int, string]("double")
	s, e := serve(t, socketio.Config{})
	off := double.On(s, func(_ *socketio.Event, n int) (string, error) { return strconv.Itoa(2 * n), nil })
	conn := e.WebSocket()
	socket, _ := s.Socket(conn.Join("/", ""))
	conn.Send(`420["double",4]`)
	conn.Want(`430["8"]`)
	off()
	answers := make(chan string, 1)
	go func() {
		answer, err := double.Call(t.Context(), socket, 5)
		if err != nil {
			t.Error(err)
		}
		answers <- answer
	}()
	conn.Want(`420["double",5]`)
	conn.Send(`421["double",6]`, `430["10"]`) // nobody handles it any more
	if got := wait(t, answers); got != "10" || double.String() != "double" {
		t.Errorf("%s answered %q", double, got)
	}
}
