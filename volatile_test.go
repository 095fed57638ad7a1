package socketio_test

import (
	"errors"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/gosocketio/socketio"
)

// A volatile event goes out when the client can be written to, with all its attachments, and is
// dropped otherwise.
func TestVolatile(t *testing.T) {
	t.Attr("covers", "easy/26 socketio/namespaces/19 socketio/namespaces/20 socketio/socket/13 "+
		"socketio/socket/15 socketio/socket/17 socketio/socket/21")
	f := start(t)
	main := f.Of("/")
	connected := connects(main)
	p := f.Polling()
	p.Join("/", "")
	s := wait(t, connected)

	// No GET is parked: not writable.
	if err := errors.Join(
		s.Volatile().Emit("dropped"),
		s.Emit("kept", 1),
		s.Volatile().Emit("dropped", []byte{1}),
		main.Volatile().Emit("dropped"),
		main.Emit("kept", 2),
	); err != nil {
		t.Fatal(err)
	}
	p.WantTogether(`42["kept",1]`, `42["kept",2]`)

	got := make(chan string, 1)
	poll := func() {
		_, body := p.Get()
		got <- body
	}
	go poll()
	writable(t, s)
	if err := s.Volatile().Emit("now", []byte{1}); err != nil {
		t.Fatal(err)
	}
	if err := s.Volatile().Emit("too late"); err != nil {
		t.Fatal(err)
	}
	if body := wait(t, got); body != "451-[\"now\",{\"_placeholder\":true,\"num\":0}]\x1ebAQ==" {
		t.Errorf("got %q", body)
	}
	go poll()
	writable(t, s)
	if err := main.Volatile().Emit("to all"); err != nil {
		t.Fatal(err)
	}
	if body := wait(t, got); body != `42["to all"]` {
		t.Errorf("got %q", body)
	}

	conn := f.WebSocket()
	conn.Join("/", "")
	ws := wait(t, connected)
	writable(t, ws)
	if err := ws.Volatile().Send("over WebSocket"); err != nil {
		t.Fatal(err)
	}
	conn.Want(`42["message","over WebSocket"]`)

	ws.Disconnect(false)
	if err := ws.Volatile().Emit("x"); !errors.Is(err, socketio.ErrClosed) {
		t.Errorf("got %v", err)
	}
}

// Over a WebSocket a volatile event is dropped, with all its parts, while anything before it is
// being written; here the peer has not read it.
func TestVolatileOverWebSocket(t *testing.T) {
	t.Attr("covers", "socketio/socket/14 socketio/socket/16 socketio/socket/18 socketio/socket/19 "+
		"socketio/socket/20 socketio/socket/22 socketio/uws/5")
	binary := []string{`451-["e",{"_placeholder":true,"num":0}]`, "\x01"}
	for name, c := range map[string]struct {
		emit func(s *socketio.Socket) error
		want []string
	}{
		"after a regular one": {func(s *socketio.Socket) error {
			return errors.Join(s.Emit("e", 1), s.Volatile().Emit("e", 2))
		}, []string{`42["e",1]`}},
		"alone": {func(s *socketio.Socket) error { return s.Volatile().Emit("e", 1) }, []string{`42["e",1]`}},
		"two": {func(s *socketio.Socket) error {
			return errors.Join(s.Volatile().Emit("e", 1), s.Volatile().Emit("e", 2))
		}, []string{`42["e",1]`}},
		"two, binary": {func(s *socketio.Socket) error {
			return errors.Join(s.Volatile().Emit("e", []byte{1}), s.Volatile().Emit("e", []byte{2}))
		}, binary},
		"two broadcasts, binary": {func(s *socketio.Socket) error {
			n := s.Namespace()
			return errors.Join(n.Volatile().Emit("e", []byte{1}), n.Volatile().Emit("e", []byte{2}))
		}, binary},
		"between regular ones": {func(s *socketio.Socket) error {
			return errors.Join(s.Emit("e", 1), s.Volatile().Emit("e", 2), s.Emit("e", 3))
		}, []string{`42["e",1]`, `42["e",3]`}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := startPipe(t)
				conn := f.WebSocket()
				s, _ := f.Of("/").Socket(conn.Join("/", ""))
				synctest.Wait()
				if err := errors.Join(c.emit(s), s.Emit("end")); err != nil {
					t.Fatal(err)
				}
				var got []string
				for {
					text, data, err := conn.Next()
					if err != nil {
						t.Fatal(err)
					}
					if text == `42["end"]` {
						break
					}
					got = append(got, text+string(data))
				}
				if d := cmp.Diff(c.want, got); d != "" {
					t.Error(d)
				}
			})
		})
	}
}
