package socketio_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/adapter"
)

// names lists namespaces.
func names(list []*socketio.Namespace) string {
	var b []string
	for _, n := range list {
		b = append(b, n.Name())
	}
	return strings.Join(b, " ")
}

// A client gets the namespace of the first parent that matches; what the parent had then is what
// the namespace has.
func TestParent(t *testing.T) {
	t.Attr("covers", "easy/44 socketio/namespaces/28 socketio/namespaces/30 socketio/namespaces/32 "+
		"socketio/namespaces/33 socketio/namespaces/34 socketio/namespaces/42")
	f := start(t)
	var made []string
	var mu sync.Mutex
	f.OnNewNamespace(func(n *socketio.Namespace) {
		mu.Lock()
		defer mu.Unlock()
		made = append(made, n.Name())
	})
	never := f.OfFunc(func(string, json.RawMessage) bool { return false })
	panics := f.OfFunc(func(string, json.RawMessage) bool { panic("no") })
	byAuth := f.OfFunc(func(name string, auth json.RawMessage) bool {
		return name == "/secret" && string(auth) == `{"word":"please"}`
	})
	numbers := f.OfRegexp(regexp.MustCompile(`^/dynamic-\d+$`))
	all := f.OfRegexp(regexp.MustCompile(`^/d`))
	numbers.OnConnection(func(s *socketio.Socket) { s.Join("room") })
	numbers.Handle("which", func(e *socketio.Event) error { return e.Ack(e.Socket().Namespace().Name()) })
	all.Use(func(*socketio.Socket) error { return &socketio.Error{Message: "all"} })

	c := f.WebSocket()
	c.Join("/dynamic-1", "")
	c.Join("/dynamic-2", "")
	numbers.Handle("later", func(e *socketio.Event) error { return e.Ack() })
	c.Send(`42/dynamic-1,1["later"]`, `42/dynamic-1,2["which"]`, `42/dynamic-2,3["which"]`)
	got := map[string]bool{c.Read(): true, c.Read(): true}
	if !got[`43/dynamic-1,2["/dynamic-1"]`] || !got[`43/dynamic-2,3["/dynamic-2"]`] {
		t.Errorf("got %v", got)
	}
	c.Join("/dynamic-3", "")
	c.Send(`42/dynamic-3,4["later"]`)
	c.Want(`43/dynamic-3,4[]`)

	c.Send("40/dynamic-x,", "40/other,", "40/secret,")
	got = map[string]bool{c.Read(): true, c.Read(): true, c.Read(): true}
	for _, want := range []string{`44/dynamic-x,{"message":"all"}`, `44/other,{"message":"Invalid namespace"}`,
		`44/secret,{"message":"Invalid namespace"}`} {
		if !got[want] {
			t.Errorf("no %s among %v", want, got)
		}
	}
	c.Join("/secret", `{"word":"please"}`)

	if f.Of("/dynamic-1") != numbers.Children()[0] {
		t.Error("Of made another namespace")
	}
	f.Of("/dynamic-4")
	f.Of("/static")
	for want, got := range map[string]string{
		"/dynamic-1 /dynamic-2 /dynamic-3 /dynamic-4": names(numbers.Children()),
		"/dynamic-x": names(all.Children()),
		"/secret":    names(byAuth.Children()),
		"":           names(never.Children()) + names(panics.Children()),
	} {
		if got != want {
			t.Errorf("children %q, want %q", got, want)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	if got := strings.Join(made, " "); got != "/dynamic-1 /dynamic-2 /dynamic-3 /dynamic-x /secret /dynamic-4 /static" {
		t.Errorf("new namespaces: %s", got)
	}
}

// What is emitted to a parent reaches the sockets of all its children.
func TestParentEmit(t *testing.T) {
	t.Attr("covers", "easy/44 socketio/namespaces/30 socketio/namespaces/31 socketio/uws/3")
	f := start(t)
	p := f.OfRegexp(regexp.MustCompile(`^/n\d$`))
	p.OnConnection(func(s *socketio.Socket) { s.Join("all", s.Namespace().Name()) })
	one, two := f.WebSocket(), f.WebSocket()
	one.Join("/n1", "")
	two.Join("/n2", "")
	sockets := append(f.Of("/n1").Sockets(), f.Of("/n2").Sockets()...)
	for i, emit := range []func() error{
		func() error { return p.Emit("e") },
		func() error { return p.To("all").Emit("e") },
		func() error { return p.In("/n1", "/n2").Compress(false).Emit("e") },
		func() error { return p.Except("nobody").Volatile().Emit("e") },
	} {
		for _, s := range sockets {
			writable(t, s)
		}
		if err := emit(); err != nil {
			t.Fatal(i, err)
		}
		one.Want(`42/n1,["e"]`)
		two.Want(`42/n2,["e"]`)
	}
	for _, err := range []error{p.To("/n1").Send("x"), p.To().Emit("nobody"), p.To("all").Except("/n1").Emit("two")} {
		if err != nil {
			t.Error(err)
		}
	}
	one.Want(`42/n1,["message","x"]`)
	two.Want(`42/n2,["two"]`)
	if err := p.Emit("connect"); err == nil {
		t.Error("a reserved event was emitted")
	}
}

// closings counts the adapters that were made and closed.
type closings struct {
	adapter.Adapter
	open *atomic.Int32
}

func (c closings) Close() error {
	c.open.Add(-1)
	return c.Adapter.Close()
}

// A child without sockets is forgotten when that is asked for, and made anew on demand; what the
// application made stays.
func TestCleanupEmptyChildNamespaces(t *testing.T) {
	t.Attr("covers", "easy/44 socketio/namespaces/29 socketio/namespaces/36 socketio/namespaces/37 socketio/namespaces/40")
	var open atomic.Int32
	disconnected := make(chan struct{}, 10)
	f := start(t, func(c *socketio.Config) {
		c.CleanupEmptyChildNamespaces = true
		c.Adapter = func(h adapter.Host) (adapter.Adapter, error) {
			a, err := adapter.Memory(h)
			open.Add(1)
			return closings{a, &open}, err
		}
	})
	p := f.OfRegexp(regexp.MustCompile(`^/n`))
	p.Use(func(s *socketio.Socket) error {
		if strings.HasPrefix(s.Namespace().Name(), "/no") {
			return &socketio.Error{Message: "no"}
		}
		return nil
	})
	p.OnDisconnect(func(*socketio.Socket, socketio.Reason) { disconnected <- struct{}{} })
	f.Of("/n-mine")
	c := f.WebSocket()
	for range 3 {
		c.Join("/n1", "")
		c.Send("40/no,")
		c.Want(`44/no,{"message":"no"}`)
		c.Send("41/n1,")
		wait(t, disconnected)
	}
	c.Join("/n-mine", "")
	c.Send("41/n-mine,")
	wait(t, disconnected)
	c.Join("/", "") // the namespaces are left behind the callbacks: another round
	eventually(t, "the namespaces are gone", func() bool {
		c.Send(`41`)
		c.Join("/", "")
		return names(f.Namespaces()) == "/ /n-mine" && open.Load() == 2
	})
	if got := names(p.Children()); got != "/n-mine" {
		t.Errorf("children: %s", got)
	}
}

// Clients that come and go at once never meet a namespace that is being removed, and none is left.
func TestCleanupUnderLoad(t *testing.T) {
	f := start(t, func(c *socketio.Config) { c.CleanupEmptyChildNamespaces = true })
	p := f.OfRegexp(regexp.MustCompile(`^/n$`))
	p.Handle("e", func(e *socketio.Event) error { return e.Socket().Namespace().Emit("e") })
	var clients sync.WaitGroup
	for range 4 {
		c := f.WebSocket()
		clients.Go(func() {
			for range 50 {
				c.Send("40/n,")
				for got := c.Read(); !strings.HasPrefix(got, "40/n,"); got = c.Read() {
				}
				c.Send(`42/n,["e"]`)
				for got := c.Read(); got != `42/n,["e"]`; got = c.Read() {
				}
				c.Send("41/n,")
			}
			c.Close()
		})
	}
	clients.Wait()
	f.stop(t)
	if got := names(f.Namespaces()); got != "/" {
		t.Errorf("namespaces: %s", got)
	}
}

// A connection may be in MaxNamespaces namespaces; one more, and far more, are refused and make
// nothing.
func TestLimitNamespaces(t *testing.T) {
	t.Attr("covers", "abuse/CVE-2025-69199 abuse/extra/1")
	const limit = 10
	f := start(t, func(c *socketio.Config) { c.MaxNamespaces = limit })
	p := f.OfRegexp(regexp.MustCompile(`^/n\d+$`))
	for name, open := range map[string]func() interface {
		Join(string, string) string
		Send(...string)
		Want(...string)
	}{
		"websocket": func() interface {
			Join(string, string) string
			Send(...string)
			Want(...string)
		} {
			return f.WebSocket()
		},
		"polling": func() interface {
			Join(string, string) string
			Send(...string)
			Want(...string)
		} {
			return f.Polling()
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := open()
			for i := range limit {
				c.Join(fmt.Sprintf("/n%d", i), "")
			}
			for i := range 1000 {
				name := fmt.Sprintf("/n%d", limit+i)
				c.Send("40" + name + ",")
				c.Want(`44` + name + `,{"message":"too many namespaces"}`)
			}
			if got := len(p.Children()); got != limit {
				t.Errorf("%d namespaces", got)
			}
			c.Send("41/n3,")
			c.Join("/n3", "")
		})
	}
}

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

// Whether a child without sockets stays: it does unless that is asked for, and while somebody is in
// it.
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
