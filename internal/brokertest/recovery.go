package brokertest

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/adapter"
)

var nick = socketio.NewSharedKey[string]("nick")

// serveRecovery is a server in a process of its own.
func serveRecovery(t *testing.T, factory adapter.Factory) {
	io := socketio.New(socketio.Config{
		Adapter: factory, ConnectionStateRecovery: &socketio.ConnectionStateRecovery{},
	})
	io.OnConnection(func(s *socketio.Socket) {
		if s.Recovered() {
			return
		}
		s.Join("room")
		nick.Set(s, "ann")
	})
	io.Handle("who", func(e *socketio.Event) error {
		name, _ := nick.Get(e.Socket())
		return e.Ack(e.Socket().ID(), name, e.Socket().Recovered(), len(e.Socket().Rooms()))
	})
	io.Handle("emit", func(e *socketio.Event) error {
		var room string
		var n int
		if err := e.Decode(&room, &n); err != nil {
			return err
		}
		return io.To(room).Emit("e", n)
	})
	Serve(t, io)
}

// RecoverAfterKill tests that a client whose server was killed comes back on another one as the same
// socket: with its id, its rooms and its shared values, and with what it missed, also when it had
// received nothing yet.
//
// It is all that a test does, because it runs that test in processes of their own. Start starts a
// broker: it returns what factory gets there, and what reads a session as it is stored, "" if it is
// not there.
func RecoverAfterKill(
	t *testing.T, factory func(url string) adapter.Factory,
	start func(t *testing.T) (url string, session func(pid string) string),
) {
	if url := Argument(); url != "" {
		serveRecovery(t, factory(url))
		return
	}
	test := t.Name()
	for _, received := range []bool{true, false} {
		t.Run(fmt.Sprintf("received=%v", received), func(t *testing.T) {
			url, session := start(t)
			a, b := StartProcess(t, test, url), StartProcess(t, test, url)
			c := a.WebSocket()
			c.Send("40")
			var me struct{ Sid, Pid string }
			if packet := c.Read(); json.Unmarshal([]byte(packet[2:]), &me) != nil || me.Pid == "" {
				t.Fatalf("got %q", packet)
			}
			other := b.WebSocket()
			other.Send("40")
			other.Read()
			emitted := 0
			emit := func(room string) {
				emitted++
				other.Send(fmt.Sprintf(`42["emit",%q,%d]`, room, emitted))
			}
			auth := map[string]string{"pid": me.Pid}
			if received {
				emit("room")
				auth["offset"] = offsetOf(t, c.Read(), 1)
				offsetOf(t, other.Read(), 1)
			}
			Await(t, "the session is stored", func() bool {
				stored := session(me.Pid)
				return strings.Contains(stored, "room") && strings.Contains(stored, "ann")
			})
			a.Kill()
			before := emitted
			emit("room")
			emit("nobody")
			emit(me.Sid)
			emit("room")
			for _, n := range []int{1, 4} {
				offsetOf(t, other.Read(), before+n)
			}
			data, _ := json.Marshal(auth)
			again := b.WebSocket()
			again.Send("40" + string(data))
			for _, n := range []int{1, 3, 4} {
				offsetOf(t, again.Read(), before+n)
			}
			again.Want(fmt.Sprintf(`40{"sid":%q,"pid":%q}`, me.Sid, me.Pid))
			again.Send(`421["who"]`)
			again.Want(fmt.Sprintf(`431[%q,"ann",true,2]`, me.Sid))
			emit("room")
			offsetOf(t, again.Read(), emitted)
		})
	}
}

// offsetOf checks the number of an event and returns its offset.
func offsetOf(t *testing.T, packet string, n int) string {
	t.Helper()
	var args []any
	if json.Unmarshal([]byte(strings.TrimPrefix(packet, "42")), &args) != nil || len(args) != 3 ||
		args[1] != float64(n) {
		t.Fatalf("got %s, want event %d", packet, n)
	}
	return args[2].(string)
}
