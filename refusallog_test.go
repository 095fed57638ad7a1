package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/engineio"
	"github.com/gosocketio/socketio/internal/lockedbuffer"
	"github.com/gosocketio/socketio/internal/rawclient"
)

// Each refused CONNECT, and each connection that ends because of what the client did, is one line.
func TestRefusalsAreLogged(t *testing.T) {
	const short = 50 * time.Millisecond
	join := func(packets ...string) func(*rawclient.Conn) {
		return func(w *rawclient.Conn) {
			w.Join("/", "")
			w.Send(packets...)
			w.WantClose()
		}
	}
	for _, c := range []struct {
		name   string
		config socketio.Config
		setup  func(*socketio.Server)
		do     func(*rawclient.Conn)
		want   []string // parts of the line
	}{
		{"unknown namespace", socketio.Config{}, nil,
			func(w *rawclient.Conn) { w.Send("40/nobody,"); w.Want(`44/nobody,{"message":"Invalid namespace"}`) },
			[]string{"level=DEBUG", `msg="socketio: connect refused"`, "namespace=/nobody", `rule="unknown namespace"`,
				"value=/nobody"}},
		{"too many namespaces", socketio.Config{MaxNamespaces: 1}, nil, func(w *rawclient.Conn) {
			w.Join("/", "")
			w.Send("40/x,")
			w.Want(`44/x,{"message":"too many namespaces"}`)
		}, []string{"level=DEBUG", "limit=1", "field=Config.MaxNamespaces"}},
		{"middleware", socketio.Config{}, func(h *socketio.Server) {
			h.Of("/").Use(func(*socketio.Socket) error { return &socketio.Error{Message: "no"} })
		}, func(w *rawclient.Conn) { w.Send("40"); w.Want(`44{"message":"no"}`) },
			[]string{"level=DEBUG", "rule=middleware", "error=no"}},
		{"middleware that fails", socketio.Config{}, func(h *socketio.Server) {
			h.Of("/").Use(func(*socketio.Socket) error { return errors.New("no database") })
		}, func(w *rawclient.Conn) { w.Send("40"); w.Want(`44{"message":"internal error"}`) },
			[]string{"level=WARN", "rule=middleware", `error="no database"`}},
		{"not joined", socketio.Config{}, nil, func(w *rawclient.Conn) { w.Send(`42["x"]`); w.WantClose() },
			[]string{"level=DEBUG", `rule="protocol violation"`, "the namespace is not joined"}},
		{"connect timeout", socketio.Config{ConnectTimeout: short}, nil, func(w *rawclient.Conn) { w.WantClose() },
			[]string{"level=DEBUG", `rule="connect timeout"`, "limit=50ms", "field=Config.ConnectTimeout"}},
		{"parse error", socketio.Config{}, nil, join("4x"),
			[]string{"level=WARN", "field=Config.Parser", "unknown packet type"}},
		{"attachments", socketio.Config{MaxAttachments: 1}, nil,
			join(`452-["x",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`),
			[]string{"level=DEBUG", "rule=attachments", "limit=1", "field=Config.MaxAttachments"}},
		{"attachment timeout", socketio.Config{AttachmentTimeout: short}, nil,
			join(`451-["x",{"_placeholder":true,"num":0}]`),
			[]string{"level=DEBUG", `rule="attachment timeout"`, "limit=50ms", "field=Config.AttachmentTimeout"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var log lockedbuffer.Buffer
			f := start(t, func(n *socketio.Config) {
				*n = c.config
				n.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
			})
			f.Of("/")
			if c.setup != nil {
				c.setup(f.Server)
			}
			c.do(f.WebSocket())
			f.stop(t)
			var lines []string
			for line := range strings.Lines(log.String()) {
				if !strings.Contains(line, engineio.ErrServerClosed.Error()) {
					lines = append(lines, line)
				}
			}
			if len(lines) != 1 {
				t.Fatalf("%d lines: %s", len(lines), lines)
			}
			for _, part := range append(c.want, "remote=", "id=") {
				if !strings.Contains(lines[0], part) {
					t.Errorf("no %s in %s", part, lines[0])
				}
			}
		})
	}
}

// A panic has one line, with and without OnError.
func TestPanicIsLoggedOnce(t *testing.T) {
	for _, hook := range []bool{false, true} {
		t.Run(fmt.Sprint("OnError ", hook), func(t *testing.T) {
			var log lockedbuffer.Buffer
			f := start(t, func(c *socketio.Config) {
				c.Logger = slog.New(slog.NewTextHandler(&log, nil))
				if hook {
					c.OnError = func(*socketio.Socket, error) {}
				}
			})
			main := f.Of("/")
			main.Handle("x", func(*socketio.Event) error { panic("oh no") })
			main.OnConnection(func(s *socketio.Socket) { s.OnAny(func(e *socketio.Event) { panic("oh my") }) })
			w := f.WebSocket()
			w.Join("/", "")
			w.Send(`420["x"]`)
			w.Want(`430[{"error":{"message":"internal error"}}]`)
			f.stop(t)
			for _, what := range []string{"oh no", "oh my"} {
				if n := strings.Count(log.String(), what+"\""); n != 1 {
					t.Errorf("%q is in %d lines: %s", what, n, &log)
				}
			}
		})
	}
}

// An event with more binary values than official clients take is sent, and warned about.
func TestManyBinaryValuesAreAWarning(t *testing.T) {
	var log lockedbuffer.Buffer
	f := start(t, func(c *socketio.Config) { c.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
	main := f.Of("/")
	send := func(n int) {
		args := make([]any, n)
		for i := range args {
			args[i] = []byte{1}
		}
		if err := main.Emit("files", args...); err != nil {
			t.Error(err)
		}
	}
	f.WebSocket().Join("/", "")
	send(10)
	if got := log.String(); got != "" {
		t.Errorf("10 values: %s", got)
	}
	send(11)
	send(12)
	got := log.String()
	for _, part := range []string{"level=WARN", "maxAttachments", "event=files", "value=11", "limit=10"} {
		if !strings.Contains(got, part) || strings.Count(got, "\n") != 1 {
			t.Errorf("no %s, or not one line: %s", part, got)
		}
	}
}

// Handlers that would never run are refused with the name of what the program wants.
func TestHandlersThatNeverRun(t *testing.T) {
	f := start(t)
	for event, instead := range map[string]string{
		"connect": "OnConnection", "connection": "OnConnection",
		"disconnect": "OnDisconnect", "disconnecting": "OnDisconnecting",
		"connect_error": "client's library", "newListener": "client's library", "removeListener": "client's library",
	} {
		func() {
			defer func() {
				if text := fmt.Sprint(recover()); !strings.Contains(text, event) || !strings.Contains(text, instead) {
					t.Errorf("Handle(%q): %s", event, text)
				}
			}()
			f.Of("/").Handle(event, func(*socketio.Event) error { return nil })
		}()
	}
}

// A 404 says which field is wrong: the client's files, or the path where the server is mounted.
func TestNotFoundSaysWhatToSet(t *testing.T) {
	var log lockedbuffer.Buffer
	srv := socketio.New(socketio.Config{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	t.Cleanup(func() { _ = srv.Shutdown(context.Background()) })
	mux := http.NewServeMux()
	mux.Handle("/socket.io/", srv)
	mux.Handle("/ws/", srv)
	for path, want := range map[string]string{
		"/socket.io/socket.io.js":                    "set Config.ClientFiles",
		"/socket.io/socket.io.min.js.map":            "set Config.ClientFiles",
		"/ws/socket.io/?EIO=4&transport=polling":     "mounted at /ws/ but the server answers at /socket.io/",
		"/ws/?EIO=4&transport=websocket&t=something": "mounted at /ws/ but the server answers at /socket.io/",
	} {
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		if w.Code != http.StatusNotFound || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s: %d, %s", path, w.Code, w.Body)
		}
		if !strings.Contains(log.String(), want) {
			t.Errorf("%s: the log has no %q: %s", path, want, &log)
		}
	}
}

// An error names one package.
func TestErrorsNameTheirPackageOnce(t *testing.T) {
	for _, c := range []socketio.Config{{PingInterval: -1}, {ClientFiles: fstest.MapFS{}}, {Path: "x"}} {
		_, err := socketio.NewServer(c)
		if text := fmt.Sprint(
			err,
		); !errors.Is(err, socketio.ErrConfig) || strings.Count(text, "invalid configuration") != 1 ||
			strings.Contains(text, "engineio:") ||
			strings.Contains(text, "clientjs:") {
			t.Error(err)
		}
	}
	for _, err := range []error{
		&socketio.DisconnectError{Reason: socketio.ReasonTransportError, Cause: socketio.ErrQueueFull},
		&socketio.HandlerError{Event: "x", Err: socketio.ErrArguments},
		&engineio.TransportError{Message: "write error", Err: engineio.ErrClosed},
	} {
		if n := strings.Count(err.Error(), "socketio: ") + strings.Count(err.Error(), "engineio: "); n != 1 {
			t.Error(err)
		}
	}
}

// A handler that writes to a client that has just gone is no fault to warn of, though its socket
// may not have heard of it yet.
func TestWritingToAClientThatIsGoneIsNoWarning(t *testing.T) {
	var log strings.Builder
	handled := make(chan struct{})
	gone := make(chan struct{})
	f := start(t, func(c *socketio.Config) {
		c.Logger = slog.New(slog.NewTextHandler(&log, nil))
	})
	ns := f.Of("/")
	ns.Handle("x", func(e *socketio.Event) error {
		defer close(handled)
		s := e.Socket()
		s.Conn().Discard(nil)
		return s.Emit("y")
	})
	ns.OnDisconnect(func(*socketio.Socket, socketio.Reason) { close(gone) })
	w := f.WebSocket()
	w.Join("/", "")
	w.Send(`42["x"]`)
	wait(t, handled)
	wait(t, gone) // the handler's error has been reported before
	if log.Len() > 0 {
		t.Errorf("logged: %s", &log)
	}
}
