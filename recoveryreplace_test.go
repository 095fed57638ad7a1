package socketio_test

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/internal/rawclient"
)

// The client comes back before the server has noticed that its old connection is dead, again and
// again.
func TestRecoveryReplaces(t *testing.T) {
	f := start(t, recovering(socketio.ConnectionStateRecovery{}))
	main, chat := f.Of("/"), f.Of("/chat")
	log := make(chan string, 100)
	main.OnConnection(func(s *socketio.Socket) { log <- "connect" })
	main.OnDisconnect(func(s *socketio.Socket, r socketio.Reason) {
		var cause *socketio.DisconnectError
		if r == socketio.ReasonForcedClose && (!errors.As(s.Err(), &cause) || !errors.Is(cause.Cause, socketio.ErrReplaced)) {
			t.Errorf("ended with %v", s.Err())
		}
		log <- "disconnect " + string(r)
	})
	left := disconnects(chat)
	c, k := enter(t, f)
	c.Send("40/chat")
	c.Read()
	if got := wait(t, log); got != "connect" {
		t.Fatal(got)
	}
	for i := range 3 {
		emit(t, main.Emit("unread", i))
		next := comeBack(f, k)
		k.event(t, next, fmt.Sprintf(`42["unread",%d]`, i))
		k.wantRecovered(t, next)
		if got := wait(t, log) + ", " + wait(t, log); got != "disconnect forced close, connect" {
			t.Fatal(got)
		}
		if i == 0 {
			if g := wait(t, left); g.reason != socketio.ReasonForcedClose {
				t.Errorf("the other namespace's socket ended with %q", g.reason)
			}
		}
		if main.Len() != 1 {
			t.Fatalf("%d sockets", main.Len())
		}
		c = next
	}
	emit(t, main.Emit("seen"))
	k.event(t, c, `42["seen"]`)
	c.Send("41")
	if got := wait(t, log); got != "disconnect client namespace disconnect" {
		t.Error(got)
	}
}

// Several come back for the same session: the last one has it.
func TestRecoveryRace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := startPipe(t, recovering(socketio.ConnectionStateRecovery{RunMiddlewares: true}))
		main := f.Of("/")
		connected, disconnected := connects(main), disconnects(main)
		main.Use(func(s *socketio.Socket) error {
			if s.Recovered() {
				select {
				case <-s.Context().Done():
				case <-time.After(30 * time.Second):
				}
			}
			return nil
		})
		_, k := enter(t, f)
		wait(t, connected)
		var last *rawclient.Conn
		for range 5 {
			last = comeBack(f, k)
			synctest.Wait()
		}
		k.wantRecovered(t, last)
		s := wait(t, connected)
		if !s.Recovered() || main.Len() != 1 {
			t.Errorf("%d sockets", main.Len())
		}
		wait(t, disconnected)
		none(t, connected)
		none(t, disconnected)
	})
}

// A handler of the old socket that does not end keeps its client out of the session, but not out.
func TestRecoveryBehindAHandlerThatBlocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := startPipe(t, recovering(socketio.ConnectionStateRecovery{}))
		main := f.Of("/")
		connected, disconnected := connects(main), disconnects(main)
		end := make(chan struct{})
		main.Handle("block", func(*socketio.Event) error { <-end; return nil })
		c, k := enter(t, f)
		wait(t, connected)
		c.Send(`42["block"]`)
		synctest.Wait()
		c.Close()
		began := time.Now()
		c = comeBack(f, k)
		n := k.wantNew(t, c)
		if took := time.Since(began); took < 4*time.Second || took > 6*time.Second {
			t.Errorf("took %v", took)
		}
		wait(t, connected)
		none(t, disconnected)
		close(end)
		wait(t, disconnected)
		// The new session is as good as any.
		c.Close()
		wait(t, disconnected)
		n.wantRecovered(t, comeBack(f, n))
		k.wantNew(t, comeBack(f, k))
	})
}
