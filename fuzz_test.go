package socketio_test

import (
	"bytes"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gosocketio/socketio"
)

// FuzzPackets sends arbitrary sequences of packets, one per line, a line starting with b being a
// binary message. Whatever comes: no panic, one disconnect per connect, no handler outside of its
// socket's life, and nothing left behind.
func FuzzPackets(f *testing.F) {
	for _, seed := range []string{
		"40\n42[\"echo\",1]\n41",
		"40\n40",
		"40/chat,{\"a\":1}\n42/chat,1[\"ask\"]\n43/chat,0[1]\n41/chat,",
		"40/slow\n41/slow\n42/slow[\"echo\"]",
		"40/refused\n40/refused\n40\n420[\"echo\"]",
		"40\n451-[\"echo\",{\"_placeholder\":true,\"num\":0}]\nb\x01\x02\n41\n40",
		"40\n452-[\"echo\"]\nb\n41",
		"42[\"x\"]",
		"40\n42[\"bye\"]\n42[\"echo\"]\n41\n40\n42[\"echo\"]",
		"40\n40/chat,\n42[\"byeAll\"]\n42/chat,[\"echo\"]",
		"40\n42[\"panic\"]\n42[\"fail\"]\n421[\"panic\"]\n422[\"fail\"]",
		"40\n44\n",
		"40\n42[\"room\",\"a\"]\n42[\"poll\"]\n430[]\n431[]",
		"4\n40",
		"1\n40",
		"40\n2",
		"40\n42[\"echo\"",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, script []byte) {
		if len(script) > 10_000 || bytes.Count(script, []byte{'\n'}) > 60 {
			t.Skip("long scripts find nothing that short ones do not")
		}
		synctest.Test(t, func(t *testing.T) { play(t, script) })
	})
}

func play(t *testing.T, script []byte) {
	f := startPipe(t, func(c *socketio.Config) {
		c.OnError = func(*socketio.Socket, error) {}
		c.MaxInboxEvents = 4
	})
	var connected, disconnected atomic.Int32
	type life struct{ begun, ended bool } // no lock: what runs is one thing at a time
	for _, name := range []string{"/", "/chat", "/slow", "/refused"} {
		ns := f.Of(name)
		ns.Use(func(s *socketio.Socket) error {
			switch name {
			case "/slow":
				time.Sleep(time.Second)
			case "/refused":
				return &socketio.Error{Message: "no"}
			}
			s.SetValue("life", new(life))
			return nil
		})
		alive := func(s *socketio.Socket) *life {
			v, _ := s.Value("life")
			l := v.(*life)
			if !l.begun || l.ended {
				t.Error("a handler runs outside of its socket's life")
			}
			return l
		}
		ns.OnConnection(func(s *socketio.Socket) {
			v, _ := s.Value("life")
			v.(*life).begun = true
			connected.Add(1)
		})
		ns.OnDisconnect(func(s *socketio.Socket, _ socketio.Reason) {
			alive(s).ended = true
			disconnected.Add(1)
		})
		handle := func(event string, fn func(e *socketio.Event) error) {
			ns.Handle(event, func(e *socketio.Event) error {
				alive(e.Socket())
				return fn(e)
			})
		}
		handle("echo", func(e *socketio.Event) error {
			return errors.Join(e.Socket().Emit("echo", e.Args()...), e.Ack(e.Args()...))
		})
		handle("ask", func(e *socketio.Event) error {
			r, err := e.Socket().EmitWithAck(e.Context(), "q")
			return errors.Join(err, e.Ack(r.Args()...))
		})
		handle("poll", func(e *socketio.Event) error {
			var errs []error
			for _, err := range ns.Timeout(time.Second).EmitWithAck(e.Context(), "vote") {
				errs = append(errs, err)
			}
			return errors.Join(errs...)
		})
		handle("room", func(e *socketio.Event) error {
			var room string
			if err := e.Decode(&room); err != nil {
				return err
			}
			e.Socket().Join(room)
			return ns.To(room).Emit("hi")
		})
		handle("bye", func(e *socketio.Event) error { e.Socket().Disconnect(false); return nil })
		handle("byeAll", func(e *socketio.Event) error { e.Socket().Disconnect(true); return nil })
		handle("panic", func(*socketio.Event) error { panic("oh") })
		handle("fail", func(*socketio.Event) error { return errors.New("no") })
	}
	conn := f.WebSocket()
	go until(conn)
	for line := range strings.Lines(string(script)) {
		line = strings.TrimSuffix(line, "\n")
		var err error
		if data, ok := strings.CutPrefix(line, "b"); ok {
			err = conn.TrySendBinary([]byte(data))
		} else {
			err = conn.TrySend(line)
		}
		if err != nil {
			break // the server has closed the connection
		}
	}
	synctest.Wait()
	time.Sleep(time.Minute) // every deadline passes
	conn.Close()
	synctest.Wait()
	time.Sleep(time.Minute)
	if c, d := connected.Load(), disconnected.Load(); c != d {
		t.Errorf("%d connected, %d disconnected", c, d)
	}
	for _, ns := range f.Namespaces() {
		if ns.Len() != 0 || socketio.OwedAcks(ns) != 0 {
			t.Errorf("%d sockets and %d acknowledgements are left in %s", ns.Len(), socketio.OwedAcks(ns), ns.Name())
		}
	}
}
