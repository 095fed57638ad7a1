package engineio_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"weak"

	"github.com/gosocketio/socketio/engineio"
	"github.com/gosocketio/socketio/internal/rawclient"
)

// What a session that ends had not sent can be seen in its Close event, and is gone afterwards.
func TestBufferedInCloseEvent(t *testing.T) {
	t.Attr("covers", "engine/server/close/1")
	seen := make(chan int, 1)
	s := start(t, engineio.Config{Events: engineio.Events{Close: func(x *engineio.Session, _ engineio.Reason, _ error) {
		_, packets := x.Buffered()
		seen <- packets
	}}})
	s.polling()
	x := next(t, s.sessions)
	if err := x.Send([]byte("unsent"), false); err != nil {
		t.Fatal(err)
	}
	x.Discard(nil)
	if n := next(t, seen); n != 1 {
		t.Errorf("%d messages are buffered in the event", n)
	}
	eventually(t, "nothing is buffered", func() bool {
		_, n := x.Buffered()
		return n == 0
	})
}

// What was being written when a session ended is not counted for ever, nor taken off twice.
func TestBufferedAfterTheEnd(t *testing.T) {
	for name, end := range map[string]func(c *socket, x *engineio.Session){
		"written after all": func(c *socket, _ *engineio.Session) {
			_, _ = c.Write([]byte{0xff, 0xff}) // the close frame comes behind what is being written
			c.wantEnd()
		},
		"cut off": func(_ *socket, x *engineio.Session) { x.Discard(nil) },
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, engineio.Config{MaxBufferedBytes: 1 << 30})
			c := s.dial(direct)
			c.open()
			x := next(t, s.sessions)
			for range 2 { // one is being written, one waits
				if err := x.Send(make([]byte, 16<<20), true); err != nil {
					t.Fatal(err)
				}
			}
			end(c, x)
			next(t, s.closings)
			eventually(t, "nothing is buffered", func() bool {
				bytes, packets := x.Buffered()
				return bytes == 0 && packets == 0
			})
		})
	}
}

// A session that is opened while Shutdown begins ends with it.
func TestShutdownDuringHandshake(t *testing.T) {
	asked, may := make(chan struct{}), make(chan struct{})
	s := start(t, engineio.Config{GenerateID: func(r *http.Request) (string, error) {
		if id := r.URL.Query().Get("id"); id != "late" {
			return id, nil
		}
		close(asked)
		<-may
		return "late", nil
	}})
	s.dial(direct + "&id=early")
	next(t, s.sessions) // the server knows it, not only the client
	late := s.poll("EIO=4&transport=polling&id=late")
	next(t, asked)
	done := make(chan error, 1)
	go func() { done <- s.engine.Shutdown(t.Context()) }()
	ended := func() {
		if got := next(t, s.closings); !errors.Is(got.cause, engineio.ErrServerClosed) {
			t.Errorf("closed with %+v", got)
		}
	}
	ended() // the early one: Shutdown has looked for sessions
	close(may)
	ended()
	next(t, late)
	if err := next(t, done); err != nil {
		t.Error(err)
	}
}

// When both sides end a connection at once, nobody waits for the other one.
func TestBothSidesEndAtOnce(t *testing.T) {
	s := start(t, engineio.Config{})
	var ended []weak.Pointer[engineio.Session]
	for range 1000 {
		c := s.dial(direct)
		c.open()
		x := next(t, s.sessions)
		ended = append(ended, weak.Make(x))
		go func() { _ = c.Close() }()
		x.Discard(nil)
		next(t, s.closings)
	}
	wantCollected(t, ended)
}

// deadlines tells of the deadlines that a request's connection is given.
type deadlines struct {
	http.ResponseWriter
	set func(t time.Time)
}

func (d *deadlines) SetReadDeadline(t time.Time) error { d.set(t); return nil }
func (d *deadlines) Unwrap() http.ResponseWriter       { return d.ResponseWriter }

// The end of a session leaves a connection alone whose upload has been read: it may be serving another request by then.
func TestCloseBehindUpload(t *testing.T) {
	var x *engineio.Session
	var mu sync.Mutex
	var last time.Time
	s := start(t, engineio.Config{Middleware: []func(http.Handler) http.Handler{func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPost {
				w = &deadlines{w, func(at time.Time) {
					mu.Lock()
					last = at
					mu.Unlock()
					if at.IsZero() { // it has been read
						x.Discard(nil)
					}
				}}
			}
			next.ServeHTTP(w, r)
		})
	}}})
	q := s.polling()
	x = next(t, s.sessions)
	s.request("POST", q, "4hi")
	next(t, s.closings)
	mu.Lock()
	defer mu.Unlock()
	if !last.IsZero() {
		t.Errorf("the connection is left with the deadline %v", last)
	}
}

// An upload that is under way ends with its session, so that an http.Server can end too.
func TestCloseDuringUpload(t *testing.T) {
	t.Attr("covers", "engine/server/close/22")
	s := start(t, engineio.Config{})
	q := s.polling()
	x := next(t, s.sessions)
	conn := s.beginRead(q)
	x.Discard(nil)
	if b, err := io.ReadAll(conn); errors.Is(err, os.ErrDeadlineExceeded) || len(b) > 0 {
		t.Errorf("the upload was answered %q, %v", b, err)
	}
	s.wantClosing(q, engineio.ReasonForcedClose, "")
}

// A client whose connections all end between requests keeps its session.
func TestConnectionClose(t *testing.T) {
	t.Attr("covers", "engine/server/close/16")
	s := start(t, engineio.Config{})
	s.client.Transport.(*http.Transport).DisableKeepAlives = true
	q := s.polling()
	for range 3 {
		s.wantReply(s.request("POST", q, "4hi"), 200, "ok")
		s.wantReply(s.request("GET", q, ""), 200, "4hi")
	}
}

// What was written right before the engine was shut down is never delivered.
func TestShutdownDropsWhatIsQueued(t *testing.T) {
	for name, covers := range map[string]string{"open": "engine/server/close/36", "closing": "engine/server/close/37"} {
		t.Run(name, func(t *testing.T) {
			t.Attr("covers", covers)
			s := start(t, engineio.Config{})
			q := s.polling()
			x := next(t, s.sessions)
			if err := x.Send([]byte("never"), false); err != nil {
				t.Fatal(err)
			}
			if name == "closing" {
				x.Close()
			}
			if err := s.engine.Shutdown(t.Context()); err != nil {
				t.Fatal(err)
			}
			s.wantClosing(q, engineio.ReasonForcedClose, "")
		})
	}
}

// wantCollected waits until sessions that have ended are garbage: a timer that was not stopped would keep them.
func wantCollected(t *testing.T, ended []weak.Pointer[engineio.Session]) {
	t.Helper()
	eventually(t, "no session is kept", func() bool {
		runtime.GC()
		return !slices.ContainsFunc(ended, func(p weak.Pointer[engineio.Session]) bool { return p.Value() != nil })
	})
}

// A server that is shut down leaves neither timers nor goroutines, whatever its sessions were doing.
func TestShutdownLeavesNothing(t *testing.T) {
	for name, covers := range map[string]string{"open": "engine/server/close/39", "upgraded": "engine/server/close/40", "upgrading": "engine/server/close/41"} {
		t.Run(name, func(t *testing.T) {
			t.Attr("covers", covers)
			before := runtime.NumGoroutine()
			var ended []weak.Pointer[engineio.Session]
			func() {
				e, err := engineio.New(engineio.Config{})
				if err != nil {
					t.Fatal(err)
				}
				h := httptest.NewServer(e)
				s := &server{T: t, engine: e, url: h.URL + engineio.DefaultPath, client: h.Client()}
				q := s.polling()
				x, _ := e.Session(q[strings.LastIndex(q, "=")+1:])
				ended = append(ended, weak.Make(x))
				if name != "open" {
					c := s.dial(strings.Replace(q, "polling", "websocket", 1))
					defer c.Close()
					c.send("2probe")
					c.want("3probe")
					if name == "upgraded" {
						c.send("5")
						for x.Transport() == engineio.Polling {
							<-time.After(time.Millisecond)
						}
					}
				}
				if err := e.Shutdown(t.Context()); err != nil {
					t.Error(err)
				}
				h.CloseClientConnections()
				h.Close()
			}()
			wantCollected(t, ended)
			for end := time.Now().Add(patience); runtime.NumGoroutine() > before; <-time.After(time.Millisecond) {
				if time.Now().After(end) {
					t.Fatalf("%d goroutines, %d before", runtime.NumGoroutine(), before)
				}
			}
		})
	}
}

// The connection of a parked GET is free again when its session ends for want of a pong.
func TestPingTimeoutAnswersParkedGET(t *testing.T) {
	t.Attr("covers", "engine/server/close/29")
	inBubble(t, engineio.Config{}, func(s *wtServer, e *rawclient.Endpoint) {
		p := e.Polling()
		p.WantTogether("2")
		p.WantTogether("1")
		_ = s.wantClosing(engineio.ReasonPingTimeout)
		p.WantGone()
	})
}

// Heartbeats go on where they were after an upgrade.
func TestHeartbeatAfterUpgrade(t *testing.T) {
	t.Attr("covers", "engine/server/close/34")
	s := start(t, engineio.Config{PingInterval: 50 * time.Millisecond, PingTimeout: patience})
	q := s.polling()
	c := s.dial(strings.Replace(q, "polling", "websocket", 1))
	c.send("2probe")
	c.want("3probe")
	c.send("5")
	for range 4 {
		c.want("2")
		c.send("3")
	}
	if s.engine.Sessions() != 1 {
		t.Error("the session ended")
	}
}

// A request with an Upgrade header and nothing that belongs to it.
func TestBareUpgradeRequest(t *testing.T) {
	t.Attr("covers", "engine/server/close/14")
	s := start(t, engineio.Config{})
	for _, q := range []string{"", direct} {
		if got := s.with("GET", q, "Connection: Upgrade", "Upgrade: websocket"); got.status != 400 {
			t.Errorf("%q: %+v", q, got)
		}
	}
}
