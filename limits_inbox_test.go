package socketio_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/internal/rawclient"
)

// What waits for the handlers of one connection: MaxInboxEvents and MaxInboxBytes may; with one
// more, be it an event or a byte, the connection is not read from, and what a client sends far
// above that waits at the client. None of it is lost.
func TestLimitInbox(t *testing.T) {
	const events, overhead = 10, 256
	packet := func(i, size int) string {
		text := fmt.Sprintf(`["e",%d,""]`, i)
		return "42" + text[:len(text)-2] + strings.Repeat("x", size-len(text)) + `"]`
	}
	const size = 100 // of each payload
	for name, c := range map[string]struct {
		config socketio.Config
		sizes  []int
		paused bool
	}{
		"events at the limit": {socketio.Config{MaxInboxEvents: events}, same(size, events), false},
		"events, one above":   {socketio.Config{MaxInboxEvents: events}, same(size, events+1), true},
		"events, far above":   {socketio.Config{MaxInboxEvents: events}, same(size, 50*events), true},
		"bytes at the limit":  {socketio.Config{MaxInboxBytes: events * (size + overhead)}, same(size, events), false},
		"bytes, one above": {socketio.Config{MaxInboxBytes: events * (size + overhead)},
			append(same(size, events-1), size+1), true},
		"bytes, far above": {socketio.Config{MaxInboxBytes: events * (size + overhead)}, same(size, 50*events), true},
	} {
		t.Run(name, func(t *testing.T) {
			overTransports(t, func(t *testing.T, open func(*rawclient.Endpoint) rawConn) {
				var waiting, handled atomic.Int32
				var paused atomic.Bool
				c := c
				c.config.PingInterval = time.Hour
				c.config.Hooks.Receive = func(socketio.ReceiveInfo) { waiting.Add(1) }
				c.config.Hooks.Pause = func(i socketio.PauseInfo) { paused.Store(i.Paused) }
				s, e := servePipe(t, c.config)
				goOn := make(chan struct{})
				socketio.On(s, "e", func(_ *socketio.Event, i int) error {
					<-goOn
					if n := handled.Add(1); int(n) != i+1 {
						t.Errorf("event %d is the %dth", i, n)
					}
					return nil
				})
				conn := open(e)
				conn.Join("/", "")
				synctest.Wait()
				sent := make(chan struct{})
				go func() {
					defer close(sent)
					for i, size := range c.sizes {
						conn.Send(packet(i, size))
					}
				}()
				synctest.Wait()
				if paused.Load() != c.paused {
					t.Errorf("paused: %t", paused.Load())
				}
				// The one that is too many has been read, and one may have come behind it.
				if n := int(waiting.Load()); n > events+2 || !c.paused && n != len(c.sizes) {
					t.Errorf("%d events wait", n)
				}
				close(goOn)
				<-sent
				synctest.Wait()
				if n := int(handled.Load()); n != len(c.sizes) || paused.Load() {
					t.Errorf("%d of %d events were handled, paused: %t", n, len(c.sizes), paused.Load())
				}
			})
		})
	}
}

// same is n times v.
func same(v, n int) []int {
	list := make([]int, n)
	for i := range list {
		list[i] = v
	}
	return list
}

// What comes in one piece stops between packets too: one POST, or one read of a WebSocket, holds
// thousands of events. What is left of it waits as it came.
func TestLimitInboxInOnePiece(t *testing.T) {
	const most, total = 100, 4000
	for name, c := range map[string]struct {
		mode socketio.ConnectionMode
		open func(*rawclient.Endpoint) inOnePiece
	}{
		"polling":    {socketio.AutoMode, func(e *rawclient.Endpoint) inOnePiece { return onePost{e.Polling()} }},
		"websocket":  {socketio.AutoMode, func(e *rawclient.Endpoint) inOnePiece { return e.WebSocket() }},
		"portable":   {socketio.PortableMode, func(e *rawclient.Endpoint) inOnePiece { return e.WebSocket() }},
		"namespaces": {socketio.AutoMode, func(e *rawclient.Endpoint) inOnePiece { return onePost{e.Polling()} }},
	} {
		t.Run(name, func(t *testing.T) {
			var received, handled, waiting atomic.Int64
			paused := make(chan struct{}, total)
			s, e := serveTCP(t, socketio.Config{MaxInboxEvents: most, ConnectionMode: c.mode, Hooks: socketio.Hooks{
				Receive: func(socketio.ReceiveInfo) { waiting.Store(max(waiting.Load(), received.Add(1)-handled.Load())) },
				Pause: func(i socketio.PauseInfo) {
					if i.Paused {
						paused <- struct{}{}
					}
				},
			}})
			goOn, done := make(chan struct{}), make(chan struct{})
			handler := func(_ *socketio.Event, i int) error {
				<-goOn
				if n := handled.Add(1); name != "namespaces" && int(n) != i+1 {
					t.Errorf("event %d is the %dth", i, n)
				} else if n == total {
					close(done)
				}
				return nil
			}
			socketio.On(s, "e", handler)
			socketio.On(s.Of("/other"), "e", handler)
			conn, other := c.open(e), e.WebSocket()
			conn.Join("/", "")
			conn.Join("/other", "")
			packets := make([]string, total)
			for i := range packets {
				packets[i] = fmt.Sprintf(`42["e",%d]`, i)
				if name == "namespaces" && i%2 == 1 {
					packets[i] = fmt.Sprintf(`42/other,["e",%d]`, i)
				}
			}
			sent := make(chan struct{})
			go func() { defer close(sent); conn.SendTogether(packets...) }()
			<-paused
			for range 100 {
				other.Join("/", "")
				other.Send("41")
			}
			if n := waiting.Load(); n > most+1 {
				t.Errorf("%d events wait", n)
			}
			if polls := name == "polling" || name == "namespaces"; polls {
				select {
				case <-sent:
					t.Error("the POST was answered")
				default:
				}
			}
			close(goOn)
			<-sent
			<-done
			if n := waiting.Load(); n > most+1 {
				t.Errorf("%d events waited", n)
			}
		})
	}
}

// inOnePiece is a connection that can send packets in one piece.
type inOnePiece interface {
	Join(namespace, auth string) string
	SendTogether(packets ...string)
}

type onePost struct{ *rawclient.Poller }

func (p onePost) SendTogether(packets ...string) { p.Send(packets...) }

// Arguments cost memory besides their bytes: each has a place.
func TestLimitInboxCountsArguments(t *testing.T) {
	const size = 300_000
	for name, c := range map[string]struct {
		packet string
		paused bool
	}{
		"one argument":        {`42["e","` + strings.Repeat("x", size) + `"]`, false},
		"very many arguments": {`42["e"` + strings.Repeat(",1", size/2) + `]`, true},
	} {
		t.Run(name, func(t *testing.T) {
			overTransports(t, func(t *testing.T, open func(*rawclient.Endpoint) rawConn) {
				var paused atomic.Bool
				s, e := servePipe(t, socketio.Config{PingInterval: time.Hour, Hooks: socketio.Hooks{
					Pause: func(i socketio.PauseInfo) { paused.Store(i.Paused) },
				}})
				goOn := make(chan struct{})
				s.Handle("e", func(*socketio.Event) error { <-goOn; return nil })
				conn := open(e)
				conn.Join("/", "")
				synctest.Wait()
				go conn.Send(c.packet)
				synctest.Wait()
				if paused.Load() != c.paused {
					t.Errorf("paused: %t", paused.Load())
				}
				close(goOn)
				synctest.Wait()
			})
		})
	}
}

// The heap that one POST of small events takes while their handler blocks.
func TestInboxMemory(t *testing.T) {
	full, goOn := make(chan struct{}, 1000), make(chan struct{})
	s, e := serveTCP(t, socketio.Config{Hooks: socketio.Hooks{Pause: func(socketio.PauseInfo) { full <- struct{}{} }}})
	s.Handle("e", func(*socketio.Event) error { <-goOn; return nil })
	p, other := e.Polling(), e.WebSocket()
	p.Join("/", "")
	body := strings.TrimSuffix(strings.Repeat("42[\"e\"]\x1e", 999_000/8), "\x1e")
	before := heap()
	sent := make(chan struct{})
	go func() { defer close(sent); p.Send(body) }()
	wait(t, full)
	for range 100 { // the rest would be read meanwhile
		other.Join("/", "")
		other.Send("41")
	}
	if more := heap() - before; more > 8<<20 {
		t.Errorf("%d KiB more", more>>10)
	}
	close(goOn)
	wait(t, sent)
}

// heap is what is allocated and in use, in bytes.
func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// serveTCP is servePipe over TCP, and outside of a bubble.
func serveTCP(t *testing.T, c socketio.Config) (*socketio.Server, *rawclient.Endpoint) {
	t.Helper()
	c.Logger = slog.New(slog.NewTextHandler(io.Discard, nil))
	s := socketio.New(c)
	e := rawclient.Serve(t, s)
	t.Cleanup(func() {
		if err := s.Shutdown(context.Background()); err != nil {
			t.Errorf("shutdown: %v", err)
		}
	})
	return s, e
}

// The limit holds between the packets of one POST of protocol 3 too, in its text and in its binary form.
func TestLimitInboxInOnePostOfProtocol3(t *testing.T) {
	const most, total = 100, 3000
	for name, form := range map[string]struct{ contentType, packet string }{
		"text":   {"text/plain;charset=UTF-8", `7:42["e"]`},
		"binary": {"application/octet-stream", "\x00\x07\xff" + `42["e"]`},
	} {
		t.Run(name, func(t *testing.T) {
			var received, handled, waiting atomic.Int64
			connected, paused := make(chan struct{}), make(chan struct{}, total)
			goOn, done := make(chan struct{}), make(chan struct{})
			s, e := serveTCP(t, socketio.Config{AllowEIO3: true, MaxInboxEvents: most, Hooks: socketio.Hooks{
				Receive: func(socketio.ReceiveInfo) { waiting.Store(max(waiting.Load(), received.Add(1)-handled.Load())) },
				Pause: func(i socketio.PauseInfo) {
					if i.Paused {
						paused <- struct{}{}
					}
				},
			}})
			s.OnConnection(func(*socketio.Socket) { close(connected) })
			socketio.On0(s, "e", func(*socketio.Event) error {
				<-goOn
				if handled.Add(1) == total {
					close(done)
				}
				return nil
			})
			url := e.URL + "/socket.io/?EIO=3&transport=polling"
			do := func(method, url, body string) (string, error) {
				r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
				if err != nil {
					return "", err
				}
				r.Header.Set("Content-Type", form.contentType)
				res, err := e.HTTPClient().Do(r)
				if err != nil {
					return "", err
				}
				defer res.Body.Close()
				b, err := io.ReadAll(res.Body)
				return string(b), err
			}
			opened, err := do(http.MethodGet, url, "")
			_, sid, found := strings.Cut(opened, `"sid":"`)
			if err != nil || !found {
				t.Fatal(opened, err)
			}
			wait(t, connected)
			sent := make(chan error, 1)
			go func() {
				_, err := do(http.MethodPost, url+"&sid="+sid[:20], strings.Repeat(form.packet, total))
				sent <- err
			}()
			wait(t, paused)
			close(goOn)
			wait(t, done)
			if err := wait(t, sent); err != nil {
				t.Error(err)
			}
			if n := waiting.Load(); n > most+1 {
				t.Errorf("%d events waited", n)
			}
		})
	}
}
