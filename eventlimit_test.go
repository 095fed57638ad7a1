package socketio_test

import (
	"cmp"
	"errors"
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/internal/rawclient"
)

const overLimit = `[{"error":{"message":"rate limit exceeded"}}]`

// limited is a server in memory that answers each event "x", and counts those that were handled.
func limited(t *testing.T, c socketio.Config) (f *fixture, handled func() int) {
	t.Helper()
	var n atomic.Int32 // two sockets are handled at the same time
	f = startPipe(t, func(n *socketio.Config) {
		c.PingInterval, c.Logger = 24*time.Hour, cmp.Or(c.Logger, n.Logger)
		*n = c
	})
	f.OnNewNamespace(func(ns *socketio.Namespace) { ns.Handle("x", func(*socketio.Event) error { n.Add(1); return nil }) })
	f.Handle("x", func(*socketio.Event) error { n.Add(1); return nil })
	return f, func() int {
		synctest.Wait()
		return int(n.Swap(0))
	}
}

// Events over the limit get the answer that the limit names, and those below it are handled.
func TestEventLimitAnswers(t *testing.T) {
	for _, field := range []string{"EventLimit", "NamespaceEventLimits"} {
		for _, answer := range []socketio.LimitAnswer{socketio.LimitError, socketio.LimitDrop} {
			for _, transport := range []string{"websocket", "polling"} {
				t.Run(field+" "+answer.String()+" "+transport, func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) { testEventLimit(t, field, answer, transport) })
				})
			}
		}
	}
}

// wantAnyOrder is Want in any order: an answer over the limit overtakes those of handlers.
func wantAnyOrder(t *testing.T, w client, packets ...string) {
	t.Helper()
	var got []string
	for len(got) < len(packets) {
		switch w := w.(type) {
		case *rawclient.Poller:
			_, body := w.Get()
			got = append(got, strings.Split(body, "\x1e")...)
		case *rawclient.Conn:
			got = append(got, w.Read())
		}
	}
	slices.Sort(got)
	if slices.Sort(packets); !slices.Equal(got, packets) {
		t.Fatalf("got %q, want %q", got, packets)
	}
}

func testEventLimit(t *testing.T, field string, answer socketio.LimitAnswer, transport string) {
	limit := socketio.EventLimit{Rate: 2, Burst: 3, Answer: answer}
	c := socketio.Config{EventLimit: limit}
	if field != "EventLimit" {
		c = socketio.Config{NamespaceEventLimits: map[string]socketio.EventLimit{"/": limit}}
	}
	f, handled := limited(t, c)
	w := f.open(transport)
	w.Join("/", "")
	w.Send(`421["x"]`, `422["x"]`, `42["x"]`, `42["x"]`, `424["x",{"more":[1]}]`)
	want := []string{`431[]`, `432[]`}
	if answer == socketio.LimitError {
		want = append(want, "434"+overLimit)
	}
	wantAnyOrder(t, w, want...)
	if n := handled(); n != 3 {
		t.Errorf("%d events were handled, want 3", n)
	}
	time.Sleep(500 * time.Millisecond)
	w.Send(`425["x"]`, `426["x"]`)
	if want = []string{`435[]`}; answer == socketio.LimitError {
		want = append(want, "436"+overLimit)
	}
	wantAnyOrder(t, w, want...)
	time.Sleep(time.Hour)
	w.Send(`427["x"]`, `428["x"]`, `429["x"]`)
	w.Want(`437[]`, `438[]`, `439[]`)

	all := f.Stats().Namespaces["/"]
	got, other := all.LimitedByConnection, all.LimitedByNamespace
	if field != "EventLimit" {
		got, other = other, got
	}
	if got != 3 || other != 0 || all.Received != 7 {
		t.Errorf("counted %+v, want 3 over the limit and 7 others", all)
	}
}

// The limit of a connection counts its events in all namespaces, and nothing else that it sends.
func TestEventLimitOfConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, handled := limited(t, socketio.Config{EventLimit: socketio.EventLimit{Rate: 0.5, Burst: 4}})
		f.Of("/a")
		first, second := f.WebSocket(), f.WebSocket()
		first.Join("/", "")
		for range 10 { // neither joins nor leaves
			first.Join("/a", "")
			first.Send("41/a,")
		}
		first.Join("/a", "")
		socket := f.Sockets()[0]
		for range 10 { // nor acknowledgements
			replies := make(chan error, 1)
			if err := socket.EmitWithAckFunc("q", func(_ socketio.Reply, err error) { replies <- err }); err != nil {
				t.Fatal(err)
			}
			id, _, _ := strings.Cut(strings.TrimPrefix(first.Read(), "42"), "[")
			first.Send("43" + id + "[]")
			if err := <-replies; err != nil {
				t.Fatal(err)
			}
		}
		second.Join("/", "")
		first.Send(`42["x"]`, `42/a,["x"]`, `42["x"]`)
		first.Send(`451-["x",{"_placeholder":true,"num":0}]`) // one event, with its attachment
		first.SendBinary([]byte{1})
		if n := handled(); n != 4 {
			t.Errorf("%d of 4 events were handled", n)
		}
		first.Send(`42["x"]`, `42/a,["x"]`)
		first.Send(`451-7["x",{"_placeholder":true,"num":0}]`)
		first.SendBinary([]byte{1})
		first.Want("437" + overLimit)
		if n := handled(); n != 0 {
			t.Errorf("%d events over the limit were handled", n)
		}
		second.Send(`42["x"]`)
		if n := handled(); n != 1 {
			t.Error("another connection is limited too")
		}
	})
}

// The limit of a namespace counts the events of all its clients. The children of a parent are one namespace.
func TestEventLimitOfNamespace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, handled := limited(t, socketio.Config{NamespaceEventLimits: map[string]socketio.EventLimit{
			"/few": {Rate: 1, Burst: 2}, `^/child-\d$`: {Rate: 1, Burst: 3}, "*": {Rate: 1, Burst: 4},
			"/free": {},
		}})
		f.Of("/few")
		f.Of("/free")
		f.OfRegexp(regexp.MustCompile(`^/child-\d$`))
		for _, c := range []struct {
			namespaces []string
			want       int
		}{
			{[]string{"/few", "/few"}, 2},
			{[]string{"/child-1", "/child-2"}, 3},
			{[]string{"/", "/"}, 4},
			{[]string{"/free"}, 10},
		} {
			for range 10 / len(c.namespaces) {
				for _, ns := range c.namespaces {
					w := f.WebSocket()
					w.Join(ns, "")
					w.Send("42" + strings.TrimPrefix(ns+",", "/,") + `["x"]`)
					synctest.Wait()
				}
			}
			if n := handled(); n != c.want {
				t.Errorf("%v: %d events were handled, want %d", c.namespaces, n, c.want)
			}
		}
		stats := f.Stats().Namespaces
		if got := stats[`^/child-\d$`].LimitedByNamespace; got != 7 {
			t.Errorf("%d events of the children were counted, want 7", got)
		}
	})
}

// LimitDisconnect disconnects as Socket.Disconnect does, with the cause and a line in the log.
func TestEventLimitDisconnects(t *testing.T) {
	limit := socketio.EventLimit{Rate: 1, Burst: 2, Answer: socketio.LimitDisconnect}
	for _, c := range []struct {
		name   string
		config socketio.Config
		packet []string // what the client gets
		goes   int      // sockets that disconnect
		log    []string
	}{
		{
			"connection", socketio.Config{EventLimit: limit}, []string{"41", "41/a,"}, 2,
			[]string{`msg="engineio: session ended`, `rule="events of a connection"`, "field=Config.EventLimit"},
		},
		{
			"namespace", socketio.Config{NamespaceEventLimits: map[string]socketio.EventLimit{"/": limit}}, []string{"41"}, 1,
			[]string{`msg="socketio: event refused`, `rule="events of a namespace"`, "namespace=/", "event=x", "value=disconnect"},
		},
	} {
		for _, batch := range []bool{false, true} {
			t.Run(c.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					var mu sync.Mutex // the hooks of two sockets run at the same time
					var gone []socketio.DisconnectInfo
					var log strings.Builder
					config := c.config
					config.Logger = slog.New(slog.NewTextHandler(&log, nil))
					config.Hooks.Disconnect = func(i socketio.DisconnectInfo) {
						mu.Lock()
						defer mu.Unlock()
						gone = append(gone, i)
					}
					f, handled := limited(t, config)
					f.Of("/a")
					w := f.open(map[bool]string{true: "polling", false: "websocket"}[batch])
					w.Join("/", "")
					w.Join("/a", "")
					w.Send(`42["x"]`, `42["x"]`, `42["x"]`, `42["x"]`)
					wantAnyOrder(t, w, c.packet...)
					if n := handled(); n > 2 {
						t.Errorf("%d events were handled, want at most 2", n)
					}
					if len(gone) != c.goes {
						t.Fatalf("%d sockets disconnected, want %d", len(gone), c.goes)
					}
					for _, i := range gone {
						if i.Reason != socketio.ReasonServerNamespaceDisconnect || !errors.Is(i.Cause, socketio.ErrRateLimit) {
							t.Errorf("disconnected with %q, %v", i.Reason, i.Cause)
						}
					}
					if p, ok := w.(*rawclient.Poller); ok && c.goes == 2 {
						p.WantEnd()
						synctest.Wait()
					}
					if n := f.Engine().Sessions(); n != 2-c.goes {
						t.Errorf("%d connections are open", n)
					}
					for _, part := range append(c.log, "level=WARN", `limit="1 events per second, 2 at once"`) {
						if !strings.Contains(log.String(), part) {
							t.Errorf("the log has no %s: %s", part, log.String())
						}
					}
					if n := strings.Count(log.String(), "\n"); n != 1 {
						t.Errorf("%d lines:\n%s", n, log.String())
					}
				})
			})
		}
	}
}
