package socketio_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"regexp"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/siotest"
)

// Each number of a namespace follows what happens in it. Children are summed up under their parent,
// also when they are gone.
func TestNamespaceStats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		io := socketio.New(socketio.Config{
			Logger: slog.New(slog.DiscardHandler), CleanupEmptyChildNamespaces: true,
		})
		rooms := io.OfRegexp(regexp.MustCompile(`^/room-\d+$`))
		io.OfFunc(func(name string, _ json.RawMessage) bool { return name == "/any" })
		io.OfFunc(func(name string, _ json.RawMessage) bool { return name == "/other" })
		for _, handlers := range []interface {
			Handle(event string, fn func(*socketio.Event) error) func()
		}{io, rooms} {
			handlers.Handle("slow", func(e *socketio.Event) error {
				time.Sleep(2 * time.Millisecond)
				return e.Socket().Emit("done")
			})
			handlers.Handle("wrong", func(*socketio.Event) error { return errors.New("wrong") })
		}
		srv := siotest.Serve(t, io)
		connect := func(namespace string) *siotest.Client {
			t.Helper()
			c, err := srv.Connect(t.Context(), namespace, nil)
			if err != nil {
				t.Fatal(err)
			}
			return c
		}
		main, one, two, other := connect("/"), connect("/room-1"), connect("/room-2"), connect("/other")
		for _, c := range []*siotest.Client{main, one, two} {
			for _, err := range []error{c.Emit("slow", []byte("four")), c.Emit("wrong"), c.Emit("wrong")} {
				if err != nil {
					t.Fatal(err)
				}
			}
		}
		if _, err := srv.Connect(t.Context(), "/room-x", nil); err == nil {
			t.Error("connected to /room-x")
		}
		synctest.Wait()
		time.Sleep(time.Second)
		two.Conn().Close()
		synctest.Wait()
		if err := io.Of("/").Emit("all"); err != nil {
			t.Error(err)
		}
		for range 2 {
			_, _ = io.Sockets()[0].Timeout(time.Second).EmitWithAck(t.Context(), "unanswered")
		}
		for _, err := range io.Timeout(time.Second).EmitWithAck(t.Context(), "unanswered") {
			if !errors.Is(err, socketio.ErrTimeout) {
				t.Error(err)
			}
		}
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		_, _ = io.Sockets()[0].EmitWithAck(ended, "given up")

		go func() { _, _ = io.Sockets()[0].EmitWithAck(t.Context(), "asked") }()
		m, err := main.Receive(t.Context(), "asked")
		if err != nil {
			t.Fatal(err)
		}
		if err := m.Ack("yes"); err != nil {
			t.Error(err)
		}
		synctest.Wait()

		got := io.Stats()
		if d := cmp.Diff(map[string]uint64{"unknown namespace": 1}, got.Refused); d != "" {
			t.Error(d)
		}
		type numbers struct {
			Sockets                               int
			Received, Sent, Handled, Errors       uint64
			Within1ms, Within2500us, Late, GaveUp uint64
			Answered                              uint64
			ReceivedBytes, SentBytes              uint64
		}
		all := make(map[string]numbers)
		for label, s := range got.Namespaces {
			all[label] = numbers{
				s.Sockets, s.Received, s.Sent, s.Handled, s.HandlerErrors, s.HandledWithin[time.Millisecond],
				s.HandledWithin[2500*time.Microsecond], s.AckTimeouts, s.AcksFailed, s.AcksAnswered, s.ReceivedBytes, s.SentBytes,
			}
		}
		const slow, wrong = len(`["slow",{"_placeholder":true,"num":0}]`) + 4, len(`["wrong"]`)
		sent := 7*2 + len(`42["done"]`+`42["all"]`+`420["unanswered"]`+`421["unanswered"]`+`422["unanswered"]`+
			`423["given up"]`+`424["asked"]`)
		const doneRoom = len("\x81\x12" + `42/room-1,["done"]`)
		want := map[string]numbers{
			"/": {
				Sockets: 1, Received: 3, Sent: 7, Handled: 3, Errors: 2, Within1ms: 2, Within2500us: 3,
				Late: 3, GaveUp: 1, Answered: 1,
				ReceivedBytes: uint64(slow + 2*wrong), SentBytes: uint64(sent),
			},
			`^/room-\d+$`: {
				Sockets: 1, Received: 6, Sent: 2, Handled: 6, Errors: 4, Within1ms: 4, Within2500us: 6,
				ReceivedBytes: uint64(2 * (slow + 2*wrong)), SentBytes: uint64(2 * doneRoom),
			},
			"OfFunc 1": {},
			"OfFunc 2": {Sockets: 1},
		}
		if d := cmp.Diff(want, all); d != "" {
			t.Error(d)
		}
		if took := got.Namespaces["/"].HandlerTime; took != 2*time.Millisecond {
			t.Errorf("handlers took %v", took)
		}
		other.Conn().Close()
	})
}
