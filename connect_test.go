package socketio_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/gosocketio/socketio"
)

func TestConnect(t *testing.T) {
	t.Attr("covers", "easy/31 easy/34 socketio/namespaces/4 socketio/namespaces/5 socketio/namespaces/6 "+
		"socketio/namespaces/9 socketio/socket/35")
	f := start(t)
	f.Of("/chat")
	for _, c := range []struct{ name, namespace, packet, auth string }{
		{"main", "/", `40`, `{}`},
		{"main with auth", "/", `40{"token":"x"}`, `{"token":"x"}`},
		{"with a comma", "/chat", `40/chat,`, `{}`},
		{"without a comma", "/chat", `40/chat`, `{}`},
		{"with auth", "/chat", `40/chat,{"a":[1]}`, `{"a":[1]}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			connected := connects(f.Of(c.namespace))
			conn := f.WebSocket("token=q")
			conn.Send(c.packet)
			id := conn.Joined(c.namespace)
			s := wait(t, connected)
			if s.ID() != id || id == conn.Sid {
				t.Errorf("socket %s, session %s, client was told %s", s.ID(), conn.Sid, id)
			}
			if !s.Connected() || s.Err() != nil || s.Context().Err() != nil {
				t.Errorf("connected %v, error %v", s.Connected(), s.Err())
			}
			h := s.Handshake()
			if string(h.Auth) != c.auth || h.Query().Get("token") != "q" {
				t.Errorf("auth %s, query %v", h.Auth, h.Query())
			}
			if s.Namespace().Name() != c.namespace || s.Conn().ID() != conn.Sid {
				t.Errorf("in %s over %s", s.Namespace().Name(), s.Conn().ID())
			}
			if got, ok := s.Namespace().Socket(id); !ok || got != s {
				t.Errorf("Namespace.Socket gives %v", got)
			}
		})
	}
}

func TestConnectOverPolling(t *testing.T) {
	f := start(t)
	connected := connects(f.Of("/"))
	p := f.Polling()
	id := p.Join("/", "")
	if s := wait(t, connected); s.ID() != id {
		t.Errorf("socket %s, client was told %s", s.ID(), id)
	}
}

func TestConnectToUnknownNamespace(t *testing.T) {
	t.Attr("covers", "easy/33 socketio/namespaces/14")
	f := start(t)
	f.Of("/known")
	conn := f.WebSocket()
	for _, c := range []struct{ packet, want string }{
		{`40/random`, `44/random,{"message":"Invalid namespace"}`},
		{`40/random,{"a":1}`, `44/random,{"message":"Invalid namespace"}`},
		{`40/known?x=1`, `44/known?x=1,{"message":"Invalid namespace"}`},
		{`40/Known`, `44/Known,{"message":"Invalid namespace"}`},
	} {
		conn.Send(c.packet)
		conn.Want(c.want)
	}
	conn.Join("/known", "") // the connection stayed open
}

// One connection, two namespaces: two sockets with ids of their own, auth per namespace.
func TestConnectToTwoNamespaces(t *testing.T) {
	t.Attr("covers", "socketio/namespaces/7 socketio/socket/38")
	f := start(t)
	main, chat := connects(f.Of("/")), connects(f.Of("/chat"))
	conn := f.WebSocket("q=%C3%A9")
	if conn.Join("/", `{"a":1,"é":["&=?"]}`) == conn.Join("/chat", "") {
		t.Error("both sockets have the same id")
	}
	a, b := wait(t, main), wait(t, chat)
	if a.Conn() != b.Conn() {
		t.Error("the sockets do not share the connection")
	}
	if string(a.Handshake().Auth) != `{"a":1,"é":["&=?"]}` || a.Handshake().Query().Get("q") != "é" ||
		b.Handshake().Query().Get("q") != "é" {
		t.Errorf("auth %s, query %s and %s", a.Handshake().Auth, a.Handshake().URL, b.Handshake().URL)
	}
	var auth struct{ A int }
	if err := a.Handshake().DecodeAuth(&auth); err != nil || auth.A != 1 {
		t.Errorf("auth %+v, %v", auth, err)
	}
	if err := b.Handshake().DecodeAuth(&auth); err != nil || string(b.Handshake().Auth) != "{}" {
		t.Errorf("auth %s, %v", b.Handshake().Auth, err)
	}
	var wrong struct{ A string }
	if err := a.Handshake().DecodeAuth(&wrong); !errors.Is(err, socketio.ErrArguments) {
		t.Errorf("got %v", err)
	}
}

func TestOf(t *testing.T) {
	t.Attr("covers", "socketio/namespaces/8")
	f := start(t)
	if f.Of("") != f.Of("/") || f.Of("abc") != f.Of("/abc") || f.Of("/abc") == f.Of("/") {
		t.Error("names are not normalised")
	}
	func() {
		defer func() {
			if recover() == nil {
				t.Error("a name with a comma was accepted")
			}
		}()
		f.Of("/a,b")
	}()
	var names []string
	for _, ns := range f.Namespaces() {
		names = append(names, ns.Name())
	}
	if got := strings.Join(names, " "); got != "/ /abc" {
		t.Errorf("namespaces are %s", got)
	}
}

// A client may leave a namespace and join it again.
func TestConnectAgain(t *testing.T) {
	f := start(t)
	connected, disconnected := connects(f.Of("/")), disconnects(f.Of("/"))
	conn := f.WebSocket()
	conn.Join("/", "")
	a := wait(t, connected)
	conn.Send("41")
	conn.Join("/", "")
	b := wait(t, connected)
	if a == b || a.ID() == b.ID() {
		t.Error("the second socket is the first")
	}
	if d := wait(t, disconnected); d.socket != a || d.reason != socketio.ReasonClientNamespaceDisconnect {
		t.Errorf("%s disconnected: %s", d.socket.ID(), d.reason)
	}
	if !b.Connected() {
		t.Error("the second socket is not connected")
	}
}
