package socketio_test

import (
	"encoding/json"
	"regexp"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/gosocketio/socketio"
)

// Two clients that ask for a name at the same time get one namespace.
func TestChildIsMadeOnce(t *testing.T) {
	t.Attr("covers", "socketio/namespaces/35")
	f := start(t)
	var made atomic.Int32
	f.OnNewNamespace(func(*socketio.Namespace) { made.Add(1) })
	var both sync.WaitGroup
	both.Add(2)
	p := f.OfFunc(func(string, json.RawMessage) bool {
		both.Done()
		both.Wait() // until the other one is asked too
		return true
	})
	connected := make(chan *socketio.Socket, 2)
	p.OnConnection(func(s *socketio.Socket) { connected <- s })
	one, two := f.WebSocket(), f.WebSocket()
	one.Send("40/new,")
	two.Send("40/new,")
	if a, b := wait(t, connected), wait(t, connected); a.Namespace() != b.Namespace() {
		t.Error("they are in different namespaces")
	}
	if n := made.Load(); n != 1 || len(p.Children()) != 1 {
		t.Errorf("%d namespaces were made, %d are left", n, len(p.Children()))
	}
}

// Whether a child without sockets stays: it does unless that is asked for, and while somebody is in it.
func TestEmptyChild(t *testing.T) {
	for _, c := range []struct {
		name, covers string
		cleanup      bool
		packets      []string // what the client sends; it is refused with {"no":1}
		sockets      int      // in the child afterwards, -1 when it is gone
	}{
		{"left", "socketio/namespaces/38", false, []string{"40/n,", "41/n,"}, 0},
		{"left, cleanup", "socketio/namespaces/36", true, []string{"40/n,", "41/n,"}, -1},
		{"refused", "socketio/namespaces/39", false, []string{`40/n,{"no":1}`}, 0},
		{"refused, cleanup", "socketio/namespaces/40", true, []string{`40/n,{"no":1}`}, -1},
		{"refused beside another, cleanup", "socketio/namespaces/41", true, []string{"other", `40/n,{"no":1}`}, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Attr("covers", c.covers)
			synctest.Test(t, func(t *testing.T) {
				f := startPipe(t, func(n *socketio.Config) { n.CleanupEmptyChildNamespaces = c.cleanup })
				p := f.OfRegexp(regexp.MustCompile(`^/n$`))
				p.Use(func(s *socketio.Socket) error {
					if string(s.Handshake().Auth) != "{}" {
						return &socketio.Error{Message: "no"}
					}
					return nil
				})
				conn := f.WebSocket()
				go until(conn)
				for _, packet := range c.packets {
					if packet == "other" {
						other := f.WebSocket()
						other.Join("/n", "")
						go until(other)
					} else {
						conn.Send(packet)
					}
					synctest.Wait()
				}
				got := -1
				if list := p.Children(); len(list) == 1 {
					got = len(list[0].Sockets())
				}
				if got != c.sockets {
					t.Errorf("%d sockets, want %d", got, c.sockets)
				}
			})
		})
	}
}
