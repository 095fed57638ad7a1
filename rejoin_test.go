package socketio_test

import (
	"slices"
	"testing"
	"testing/synctest"

	"github.com/gosocketio/socketio"
)

// A client before Socket.IO 3.0 that leaves a namespace and joins it again has the same id there. The second socket connects when
// the first one's disconnect callbacks have run, as in the official server, and then it is the one that is found under the id.
func TestRejoiningWithTheSameID(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := startPipe(t, func(e *socketio.Config) { e.AllowEIO3 = true })
		chat := f.Of("/chat")
		var order []string
		proceed := make(chan struct{})
		var first *socketio.Socket
		chat.OnConnection(func(s *socketio.Socket) {
			order = append(order, "connect")
			s.Join("room")
			if first == nil {
				first = s
			}
		})
		chat.OnDisconnecting(func(s *socketio.Socket, _ socketio.Reason) {
			if s == first {
				<-proceed
			}
			order = append(order, "disconnecting")
		})
		chat.OnDisconnect(func(*socketio.Socket, socketio.Reason) { order = append(order, "disconnect") })
		c, err := f.Dial(t.Context(), "EIO=3&transport=websocket", nil)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		c.Read()
		c.Want("40")
		c.Send("40/chat")
		c.Want("40/chat,")
		synctest.Wait()
		c.Send("41/chat", "40/chat")
		synctest.Wait()
		if want := []string{"connect"}; !slices.Equal(order, want) {
			t.Errorf("got %q, want %q", order, want)
		}
		close(proceed)
		c.Want("40/chat,")
		synctest.Wait()
		if want := []string{"connect", "disconnecting", "disconnect", "connect"}; !slices.Equal(order, want) {
			t.Errorf("got %q, want %q", order, want)
		}
		if s, ok := chat.Socket(first.ID()); !ok || s == first {
			t.Errorf("found %v, %t", s, ok)
		}
		first.Leave("room") // is nothing to the second one
		if rooms := first.Rooms(); rooms != nil {
			t.Errorf("the first one is in %q", rooms)
		}
		if err := chat.To("room").Emit("e"); err != nil {
			t.Fatal(err)
		}
		c.Want(`42/chat,["e"]`)
	})
}
