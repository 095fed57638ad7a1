package namespace_test

import (
	"slices"
	"testing"
	"testing/synctest"

	"github.com/gosocketio/socketio/engineio"
	"github.com/gosocketio/socketio/namespace"
)

// A client before Socket.IO 3.0 that leaves a namespace and joins it again has the same id there. The second socket connects when
// the first one's disconnect callbacks have run, as in the official server, and then it is the one that is found under the id.
func TestRejoiningWithTheSameID(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := startPipe(t, func(_ *namespace.Config, e *engineio.Config) { e.AllowEIO3 = true })
		chat := f.Of("/chat")
		var order []string
		proceed := make(chan struct{})
		var first *namespace.Socket
		chat.OnConnection(func(s *namespace.Socket) {
			order = append(order, "connect")
			s.Join("room")
			if first == nil {
				first = s
			}
		})
		chat.OnDisconnecting(func(s *namespace.Socket, _ namespace.Reason) {
			if s == first {
				<-proceed
			}
			order = append(order, "disconnecting")
		})
		chat.OnDisconnect(func(*namespace.Socket, namespace.Reason) { order = append(order, "disconnect") })
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
