package socketio_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/protocol"
)

// wire joins servers of one process: what one sends to the other servers arrives there as it would
// over a broker.
type wire struct {
	mu    sync.Mutex
	hosts map[string][]adapter.Host // of each namespace
}

// wired is an adapter that knows the other servers.
type wired struct {
	adapter.Adapter
	wire *wire
	host adapter.Host
}

// option makes a server one of those that w joins.
func (w *wire) option(c *socketio.Config) {
	c.Adapter = func(h adapter.Host) (adapter.Adapter, error) {
		a, err := adapter.Memory(h)
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.hosts == nil {
			w.hosts = make(map[string][]adapter.Host)
		}
		w.hosts[h.Name()] = append(w.hosts[h.Name()], h)
		return &wired{a, w, h}, err
	}
}

func (a *wired) others() []adapter.Host {
	a.wire.mu.Lock()
	defer a.wire.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(a.wire.hosts[a.host.Name()]), func(h adapter.Host) bool { return h == a.host })
}

func (a *wired) send(p *adapter.Packet, answer func(json.RawMessage, [][]byte)) error {
	e := adapter.ServerSideEvent{Event: p.Event, Answer: answer}
	for _, v := range p.Args {
		var raw json.RawMessage
		var err error
		if raw, e.Attachments, err = protocol.AppendJSON(nil, e.Attachments, v); err != nil {
			return err
		}
		e.Args = append(e.Args, raw)
	}
	for _, h := range a.others() {
		h.ServerSideEvent(e)
	}
	return nil
}

func (a *wired) ServerSideEmit(p *adapter.Packet) error { return a.send(p, nil) }

func (a *wired) ServerSideEmitWithAck(p *adapter.Packet, count func(int), answer func(adapter.Answer)) (func(), error) {
	count(len(a.others()))
	return func() {}, a.send(p, func(v json.RawMessage, attachments [][]byte) {
		answer(adapter.Answer{Args: []json.RawMessage{v}, Attachments: attachments})
	})
}

func TestServerSideEmit(t *testing.T) {
	w := &wire{}
	a, b, c := start(t, w.option), start(t, w.option), start(t, w.option)
	heard := make(chan string, 10)
	listen := func(who string, n *socketio.Namespace) func() {
		return n.OnServerSideEmit("news", func(e *socketio.ServerSideEvent) error {
			var text string
			var data []byte
			if err := e.Decode(&text, &data); err != nil {
				return err
			}
			heard <- fmt.Sprint(who, " ", e.Name(), " ", e.Namespace().Name(), " ", e.Len(), " ", text, data, e.Args()[2:],
				e.WantsAck())
			return e.Ack("nobody waits")
		})
	}
	listen("a", a.Of("/"))
	off := listen("b", b.Of("/"))
	listen("b", b.Of("/chat"))
	listen("c", c.Of("/"))
	conn := b.WebSocket()
	conn.Join("/", "")
	news := func(from *socketio.Namespace, want ...string) {
		t.Helper()
		if err := from.ServerSideEmit("news", "text", []byte{1, 2}, 7); err != nil {
			t.Fatal(err)
		}
		got := []string{}
		for range want {
			got = append(got, wait(t, heard))
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("heard %q, want %q", got, want)
		}
	}
	news(a.Of("/"), "b news / 3 text[1 2] [7] false", "c news / 3 text[1 2] [7] false")
	news(c.Of("/chat"), "b news /chat 3 text[1 2] [7] false")
	off()
	news(c.Of("/"), "a news / 3 text[1 2] [7] false")
	none(t, heard)
	// Clients hear nothing of it.
	if err := b.Of("/").Emit("last"); err != nil {
		t.Fatal(err)
	}
	conn.Want(`42["last"]`)
}

func TestServerSideEmitWithAck(t *testing.T) {
	w := &wire{}
	report := make(chan error, 10)
	reporting := func(c *socketio.Config) {
		c.OnError = func(_ *socketio.Socket, err error) { report <- err }
	}
	asker, b, c := start(t, w.option), start(t, w.option, reporting), start(t, w.option, reporting)
	b.Of("/").OnServerSideEmit("sum", func(e *socketio.ServerSideEvent) error {
		var x, y int
		if err := e.Decode(&x, &y); err != nil {
			return err
		}
		if err := e.Ack(func() {}); err == nil {
			t.Error("a function was sent")
		}
		if err := e.Ack(x + y); err != nil {
			return err
		}
		if err := e.Ack("again"); !errors.Is(err, socketio.ErrAnswered) {
			t.Errorf("second answer: %v", err)
		}
		return nil
	})
	c.Of("/").OnServerSideEmit("sum", func(e *socketio.ServerSideEvent) error {
		if e.Len() > 2 {
			return &socketio.Error{Message: "too much", Data: 2}
		}
		return e.Ack([]byte{5})
	})
	ask := func(args ...any) (answers []string) {
		for reply, err := range asker.Of("/").ServerSideEmitWithAck(t.Context(), "sum", args...) {
			answers = append(answers, fmt.Sprint(reply.SocketID(), reply.Args(), err))
		}
		slices.Sort(answers)
		return answers
	}
	if got, want := ask(1, 2), []string{"[3] <nil>", "[[5]] <nil>"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	want := []string{
		"[map[error:map[data:2 message:too much]]] <nil>",
		"[map[error:map[message:invalid arguments]]] <nil>",
	}
	if got := ask("x", 1, 2); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	for range 2 {
		var h *socketio.HandlerError
		if err := wait(t, report); !errors.As(err, &h) || h.Event != "sum" {
			t.Errorf("reported %v", err)
		}
	}
}

// Without another server there is nothing to wait for.
func TestServerSideEmitAlone(t *testing.T) {
	f := start(t)
	f.Of("/").OnServerSideEmit("e", func(*socketio.ServerSideEvent) error { t.Error("heard itself"); return nil })
	if n, err := f.Of("/").ServerCount(t.Context()); err != nil || n != 1 {
		t.Errorf("%d servers, %v", n, err)
	}
	if err := f.Of("/").ServerSideEmit("e"); err != nil {
		t.Error(err)
	}
	for reply, err := range f.Of("/").ServerSideEmitWithAck(t.Context(), "e") {
		t.Errorf("got %v, %v", reply, err)
	}
}

// A server that does not answer is missing when time is up.
func TestServerSideEmitTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &wire{}
		asker, b, _ := startPipe(t, w.option), startPipe(t, w.option), startPipe(t, w.option)
		b.Of("/").OnServerSideEmit("e", func(e *socketio.ServerSideEvent) error { return e.Ack("here") })
		begin := time.Now()
		answers := 0
		var missing *socketio.MissingError
		for _, err := range asker.Of("/").ServerSideEmitWithAck(t.Context(), "e") {
			if err == nil {
				answers++
			} else if !errors.Is(err, socketio.ErrTimeout) || !errors.As(err, &missing) {
				t.Error(err)
			}
		}
		if took := time.Since(begin); answers != 1 || missing == nil || missing.Missing != 1 || !about(took, 30*time.Second) {
			t.Errorf("%d answers, %v after %v", answers, missing, took)
		}
	})
}

func TestServerSideReservedNames(t *testing.T) {
	f := start(t)
	for _, name := range []string{"connect", "connection", "new_namespace"} {
		if err := f.Of("/").ServerSideEmit(name); !errors.Is(err, socketio.ErrReservedEvent) {
			t.Errorf("%s: %v", name, err)
		}
		for _, err := range f.Of("/").ServerSideEmitWithAck(t.Context(), name) {
			if !errors.Is(err, socketio.ErrReservedEvent) {
				t.Errorf("%s: %v", name, err)
			}
		}
		func() {
			defer func() {
				if v := recover(); v == nil || !strings.Contains(fmt.Sprint(v), name) {
					t.Errorf("%s: panicked with %v", name, v)
				}
			}()
			f.Of("/").OnServerSideEmit(name, func(*socketio.ServerSideEvent) error { return nil })
		}()
	}
	defer func() {
		if recover() == nil {
			t.Error("a nil handler was taken")
		}
	}()
	f.Of("/").OnServerSideEmit("disconnect", nil) // the name is allowed between servers
}

// A handler may block: what comes meanwhile waits in order, up to the limits, and nothing else
// does.
func TestServerSideInbox(t *testing.T) {
	const limit = 3
	for name, size := range map[string]int{"events": 0, "bytes": 1000} {
		t.Run(name, func(t *testing.T) {
			w := &wire{}
			report := make(chan error, 10)
			a := start(t, w.option)
			b := start(t, w.option, func(c *socketio.Config) {
				c.OnError = func(_ *socketio.Socket, err error) { report <- err }
				if size == 0 {
					c.MaxInboxEvents = limit
				} else {
					c.MaxInboxBytes = limit * (size + 300)
				}
			})
			handled, goOn := make(chan int, 10), make(chan struct{})
			b.Of("/").OnServerSideEmit("e", func(e *socketio.ServerSideEvent) error {
				var i int
				_ = e.Decode(&i)
				handled <- i
				<-goOn
				return nil
			})
			send := func(i int) {
				t.Helper()
				if err := a.Of("/").ServerSideEmit("e", i, make([]byte, size)); err != nil {
					t.Fatal(err)
				}
			}
			send(0)
			wait(t, handled)
			for i := range limit {
				send(i + 1)
			}
			none(t, report)
			send(-1)
			var h *socketio.HandlerError
			if err := wait(t, report); !errors.As(err, &h) || !errors.Is(err, socketio.ErrServerSideFull) {
				t.Errorf("reported %v", err)
			}
			b.WebSocket().Join("/", "") // nothing else waits
			close(goOn)
			for i := range limit {
				if got := wait(t, handled); got != i+1 {
					t.Errorf("event %d is %d", i+1, got)
				}
			}
		})
	}
}

// What a handler does is contained, and answered.
func TestServerSideHandlerFails(t *testing.T) {
	w := &wire{}
	a, b := start(t, w.option), start(t, w.option, func(c *socketio.Config) {
		c.Logger = slog.New(slog.NewTextHandler(io.Discard, nil))
	})
	b.Of("/").OnServerSideEmit("panic", func(*socketio.ServerSideEvent) error { panic("x") })
	b.Of("/").OnServerSideEmit("exit", func(*socketio.ServerSideEvent) error { runtime.Goexit(); return nil })
	b.Of("/").OnServerSideEmit("fine", func(e *socketio.ServerSideEvent) error { return e.Ack("fine") })
	if err := a.Of("/").ServerSideEmit("exit"); err != nil {
		t.Fatal(err)
	}
	for event, want := range map[string]string{"panic": "[map[error:map[message:internal error]]]", "fine": "[fine]"} {
		for reply, err := range a.Of("/").ServerSideEmitWithAck(t.Context(), event) {
			if got := fmt.Sprint(reply.Args()); err != nil || got != want {
				t.Errorf("%s: got %s, %v", event, got, err)
			}
		}
	}
}

// A shutdown waits for the handler that is running; what waits behind it is dropped, and what comes
// later too.
func TestServerSideShutdown(t *testing.T) {
	w := &wire{}
	a, b := start(t, w.option), start(t, w.option)
	began, goOn := make(chan struct{}), make(chan struct{})
	ended := false
	b.Of("/").OnServerSideEmit("e", func(*socketio.ServerSideEvent) error {
		close(began) // a second time would panic
		<-goOn
		ended = true
		return nil
	})
	send := func() {
		if err := a.Of("/").ServerSideEmit("e"); err != nil {
			t.Fatal(err)
		}
	}
	send()
	wait(t, began)
	send()
	done := make(chan error)
	go func() { done <- b.Shutdown(t.Context()) }()
	eventually(t, "the second event is dropped", func() bool { return b.Of("/").ServerSideWaiting() == 0 })
	send()
	close(goOn)
	if err := wait(t, done); err != nil || !ended {
		t.Errorf("%v, handler ended: %t", err, ended)
	}
	send()
	if n := b.Of("/").ServerSideWaiting(); n != 0 {
		t.Errorf("%d events wait", n)
	}
}

// A child has the handlers of its parent.
func TestServerSideParent(t *testing.T) {
	w := &wire{}
	a, b := start(t, w.option), start(t, w.option)
	p := b.OfFunc(func(string, json.RawMessage) bool { return true })
	heard := make(chan string, 1)
	p.OnServerSideEmit("e", func(e *socketio.ServerSideEvent) error { heard <- e.Namespace().Name(); return nil })
	b.WebSocket().Join("/child", "")
	if err := a.Of("/child").ServerSideEmit("e"); err != nil {
		t.Fatal(err)
	}
	if got := wait(t, heard); got != "/child" {
		t.Errorf("heard in %s", got)
	}
}
