package namespace_test

import (
	"errors"
	"testing"

	"github.com/gosocketio/socketio/namespace"
)

// A volatile event goes out when the client can be written to, with all its attachments, and is dropped otherwise.
func TestVolatile(t *testing.T) {
	t.Attr("covers", "easy/26")
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
	writable(s)
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
	writable(s)
	if err := main.Volatile().Emit("to all"); err != nil {
		t.Fatal(err)
	}
	if body := wait(t, got); body != `42["to all"]` {
		t.Errorf("got %q", body)
	}

	conn := f.WebSocket()
	conn.Join("/", "")
	ws := wait(t, connected)
	writable(ws)
	if err := ws.Volatile().Send("over WebSocket"); err != nil {
		t.Fatal(err)
	}
	conn.Want(`42["message","over WebSocket"]`)

	ws.Disconnect(false)
	if err := ws.Volatile().Emit("x"); !errors.Is(err, namespace.ErrClosed) {
		t.Errorf("got %v", err)
	}
}
