package socketio_test

import (
	"errors"
	"sync/atomic"
	"testing"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/protocol"
)

// What a client must not send, after it joined "/", and the reason its sockets get.
var violations = []struct {
	name, packet string
	reason       socketio.Reason
}{
	{"EVENT for another namespace", `42/chat,["x"]`, socketio.ReasonForcedServerClose},
	{"EVENT without payload for another namespace", `42/chat,`, socketio.ReasonForcedServerClose},
	{"ACK for another namespace", `43/chat,0[]`, socketio.ReasonForcedServerClose},
	{"DISCONNECT for another namespace", `41/chat,`, socketio.ReasonForcedServerClose},
	{"DISCONNECT for an unknown namespace", `41/nowhere,`, socketio.ReasonForcedServerClose},
	{"CONNECT_ERROR", `44{"message":"x"}`, socketio.ReasonForcedServerClose},
	{"EVENT with an object", `42{}`, socketio.ReasonForcedClose},
	{"EVENT with a bad id", `42abc["x"]`, socketio.ReasonForcedClose},
	{"EVENT with a reserved name", `42["disconnect"]`, socketio.ReasonForcedClose},
	{"unknown type", `4abc`, socketio.ReasonForcedClose},
	{"binary without count", `45`, socketio.ReasonForcedClose},
	{"no packet", `4`, socketio.ReasonForcedClose},
	{"CONNECT with an array", `40/chat,[]`, socketio.ReasonForcedClose},
	{"CONNECT_ERROR with an array", `44["x"]`, socketio.ReasonForcedClose},
	{"too many attachments", `4511-["x"]`, socketio.ReasonForcedClose},
}

func TestViolations(t *testing.T) {
	t.Attr("covers", "easy/28 easy/29 abuse/CVE-2024-38355 socketio/socket/6 socketio/socket/45 socketio/socket/46")
	for _, c := range violations {
		t.Run(c.name, func(t *testing.T) {
			var reported atomic.Int32
			f := start(t, func(n *socketio.Config) {
				n.OnError = func(s *socketio.Socket, err error) {
					var parse *protocol.ParseError
					if !errors.As(err, &parse) || s == nil {
						t.Errorf("reported for %v: %v", s, err)
					}
					reported.Add(1)
				}
			})
			f.Of("/chat")
			main, other := f.Of("/"), f.Of("/other")
			fromMain, fromOther := disconnects(main), disconnects(other)

			conn := f.WebSocket()
			conn.Join("/", "")
			conn.Join("/other", "")
			conn.Send(c.packet, `42["never delivered"]`)
			conn.WantClose()
			for _, ch := range []<-chan gone{fromMain, fromOther} {
				d := wait(t, ch)
				if d.reason != c.reason {
					t.Errorf("%s: reason %q, want %q", d.socket.Namespace().Name(), d.reason, c.reason)
				}
				var why *socketio.DisconnectError
				if !errors.As(d.socket.Err(), &why) || why.Cause == nil {
					t.Errorf("no cause: %v", d.socket.Err())
				}
			}
			want := int32(0)
			if c.reason == socketio.ReasonForcedClose {
				want = 2 // once for each socket
			}
			if got := reported.Load(); got != want {
				t.Errorf("%d errors reported, want %d", got, want)
			}
		})
	}
}

// Over polling, what was sent before arrives with the next GET, the close packet with the one
// after.
func TestViolationsOverPolling(t *testing.T) {
	t.Attr("covers", "socketio/close/8")
	for _, c := range violations {
		t.Run(c.name, func(t *testing.T) {
			f := start(t)
			f.Of("/chat")
			joined := connects(f.Of("/"))
			p := f.Polling()
			p.Send("40")
			s := wait(t, joined)
			p.Post(c.packet)
			p.Want(`40{"sid":"` + s.ID() + `"}`)
			p.WantEnd()
			p.WantGone()
		})
	}
}

func TestViolationBeforeConnect(t *testing.T) {
	t.Attr("covers", "socketio/close/7")
	for _, c := range []struct{ name, packet string }{
		{"EVENT", `42["x"]`},
		{"EVENT without payload", `42`},
		{"ACK", `430[]`},
		{"DISCONNECT", `41`},
		{"garbage", `4abc`},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := start(t)
			f.Of("/").OnConnection(func(*socketio.Socket) { t.Error("a socket connected") })
			p := f.Polling()
			p.Post(c.packet)
			p.WantEnd()
			p.WantGone()
			conn := f.WebSocket()
			conn.Send(c.packet)
			conn.WantClose()
		})
	}
}

func TestBinaryWithoutHeader(t *testing.T) {
	f := start(t)
	disconnected := disconnects(f.Of("/"))
	conn := f.WebSocket()
	conn.Join("/", "")
	conn.SendBinary([]byte{1})
	conn.WantClose()
	if d := wait(t, disconnected); d.reason != socketio.ReasonForcedClose {
		t.Errorf("reason %q", d.reason)
	}
}

func TestTextInsteadOfAttachment(t *testing.T) {
	f := start(t)
	disconnected := disconnects(f.Of("/"))
	conn := f.WebSocket()
	conn.Join("/", "")
	conn.Send(`451-["x",{"_placeholder":true,"num":0}]`, `42["y"]`)
	conn.WantClose()
	if d := wait(t, disconnected); d.reason != socketio.ReasonForcedClose {
		t.Errorf("reason %q", d.reason)
	}
}

// What looks odd and is allowed.
func TestTolerated(t *testing.T) {
	t.Attr("covers", "easy/29 easy/54 abuse/extra/3")
	f := start(t)
	f.Of("/").Handle("echo", func(e *socketio.Event) error { return e.Socket().Emit("echo", e.Args()...) })
	conn := f.WebSocket()
	conn.Join("/", "")
	conn.Send(
		`42`,         // no payload
		`421`,        // no payload, with an id
		`430[]`,      // an acknowledgement that nobody waits for
		`439999`,     // the same without payload
		`42["none"]`, // nobody listens
		`42["error"]`,
		`42[1,2]`,
		`42[""]`,
		`42["echo","still here"]`,
	)
	conn.Want(`42["echo","still here"]`)
}
