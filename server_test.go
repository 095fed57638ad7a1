package socketio_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/engineio"
	"github.com/gosocketio/socketio/internal/rawclient"
)

// A server is mounted like any handler.
func TestMount(t *testing.T) {
	t.Attr("covers", "easy/52 socketio/server-attachment/15")
	s := socketio.New(socketio.Config{})
	mux := http.NewServeMux()
	mux.Handle("/socket.io/", s)
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "page") })
	e := rawclient.Serve(t, mux)
	t.Cleanup(func() { _ = s.Shutdown(context.Background()) })
	e.WebSocket().Join("/", "")
	e.Polling().Join("/", "")
	for path, want := range map[string]string{"/": "page",
		"/socket.io/nothing.js": `{"code":0,"message":"Transport unknown"}`} {
		if res := get(t, e.URL+path, ""); res.body != want {
			t.Errorf("%s: got %q", path, res.body)
		}
	}
}

// response is what is looked at of an HTTP response.
type response struct {
	status int
	header http.Header
	body   string
}

func get(t *testing.T, url, origin string) response {
	t.Helper()
	req, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if origin != "" {
		req.Header.Set("Origin", origin)
	}
	req.Close = true
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response{res.StatusCode, res.Header, string(body)}
}

func TestPath(t *testing.T) {
	t.Attr("covers", "easy/6 socketio/server-attachment/20")
	_, e := serve(t, socketio.Config{Path: "/rt/"})
	e.Path = "/rt/"
	e.WebSocket().Join("/", "")
	if res := get(t, e.URL+"/socket.io/?EIO=4&transport=polling", ""); res.status != http.StatusNotFound {
		t.Errorf("the default path has status %d", res.status)
	}
}

func TestClientFiles(t *testing.T) {
	t.Attr("covers", "easy/52 easy/6 socketio/server-attachment/8 socketio/server-attachment/18 "+
		"socketio/server-attachment/19")
	_, e := serve(t, socketio.Config{
		ClientFiles: fstest.MapFS{
			"package.json":          {Data: []byte(`{"version":"4.8.9"}`)},
			"dist/socket.io.js":     {Data: []byte("the client")},
			"dist/socket.io.js.map": {Data: []byte("{}")},
		},
		CORS: socketio.CORS{Origins: []string{"https://app.example.com"}},
		Middleware: []func(http.Handler) http.Handler{func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("X-Custom", "yes")
				next.ServeHTTP(w, r)
			})
		}},
	})
	res := get(t, e.URL+"/socket.io/socket.io.js?v=1", "https://app.example.com")
	if res.status != http.StatusOK || res.body != "the client" {
		t.Errorf("got %d %q", res.status, res.body)
	}
	for name, want := range map[string]string{
		"ETag": `"4.8.9"`, "X-Custom": "yes", "Access-Control-Allow-Origin": "https://app.example.com",
	} {
		if got := res.header.Get(name); got != want {
			t.Errorf("%s is %q", name, got)
		}
	}
	if res := get(t, e.URL+"/socket.io/socket.io.js", "https://evil.example"); res.status != http.StatusOK {
		t.Errorf("for a page that may not connect: status %d", res.status)
	}
	if res := get(t, e.URL+"/socket.io/socket.io.min.js", ""); res.status != http.StatusBadRequest {
		t.Errorf("a file that is not there has status %d", res.status)
	}
	e.WebSocket().Join("/", "") // the engine is still there
}

func TestEngineHooks(t *testing.T) {
	type key struct{}
	log := make(chan string, 10)
	s, e := serve(t, socketio.Config{
		AllowRequest: func(r *http.Request) error {
			if r.URL.Query().Get("token") != "t" {
				return errors.New("no token")
			}
			return nil
		},
		GenerateID: func(*http.Request) (string, error) { return "my-id", nil },
		SessionContext: func(r *http.Request) context.Context {
			return context.WithValue(context.Background(), key{}, r.URL.Query().Get("token"))
		},
		EngineEvents: engineio.Events{
			Connection: func(s *engineio.Session) {
				s.SetValue("the application's own")
				log <- "connection " + s.ID()
			},
			Message: func(_ *engineio.Session, data []byte, _ bool) { log <- "message " + string(data) },
			Close:   func(_ *engineio.Session, r engineio.Reason, _ error) { log <- "close " + string(r) },
		},
	})
	if res := get(
		t,
		e.URL+"/socket.io/?EIO=4&transport=polling",
		"",
	); res.status != http.StatusForbidden ||
		!strings.Contains(res.body, "no token") {
		t.Errorf("got %d %q", res.status, res.body)
	}
	conn := e.WebSocket("token=t")
	socket, _ := s.Socket(conn.Join("/", ""))
	if got := socket.Context().Value(key{}); got != "t" {
		t.Errorf("context has %v", got)
	}
	conn.Close()
	for _, want := range []string{"connection my-id", "message 0", "close transport close"} {
		if got := wait(t, log); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// The server's own methods are those of "/".
func TestServerIsItsMainNamespace(t *testing.T) {
	t.Attr("covers", "socketio/namespaces/1 socketio/namespaces/2")
	s, e := serve(t, socketio.Config{})
	s.Of("/other")
	var log []string
	done := make(chan struct{})
	s.Use(func(*socketio.Socket) error { log = append(log, "use"); return nil })
	s.OnConnection(func(s *socketio.Socket) { s.Join("room"); log = append(log, "connection") })
	off := s.OnAny(func(e *socketio.Event) { log = append(log, "any "+e.Name()) })
	offOutgoing := s.OnAnyOutgoing(func(_ *socketio.Socket, event string, _ []any) {})
	s.OnDisconnecting(func(*socketio.Socket, socketio.Reason) { log = append(log, "disconnecting") })
	s.OnDisconnect(func(*socketio.Socket, socketio.Reason) { log = append(log, "disconnect"); close(done) })
	s.Handle("x", func(e *socketio.Event) error { log = append(log, "x"); return e.Ack() })

	conn, other := e.WebSocket(), e.WebSocket()
	conn.Join("/", "")
	other.Join("/other", "")
	conn.Send(`420["x"]`)
	conn.Want(`430[]`)
	off()
	offOutgoing()
	s.Off("x")
	conn.Send(`421["x"]`)
	if err := errors.Join(
		s.Emit(
			"a",
		),
		s.Send("b"),
		s.To("room").Emit("c"),
		s.In("room").Emit("d"),
		s.Except("none").Emit("e"),
		s.Local().Emit("f"),
		s.Compress(false).Emit("g"),
		s.Except("room").Emit("never"),
		s.ServerSideEmit("never"),
		s.SocketsJoin("late", "later"),
		s.SocketsLeave("later"),
		s.To("late").Emit("h"),
		s.To("later").Emit("never"),
	); err != nil {
		t.Fatal(err)
	}
	conn.Want(`42["a"]`, `42["message","b"]`, `42["c"]`, `42["d"]`, `42["e"]`, `42["f"]`, `42["g"]`, `42["h"]`)
	n := 0
	for _, err := range s.FetchSockets(t.Context()) {
		if err != nil {
			t.Error(err)
		}
		n++
	}
	if len(s.Sockets()) != 1 || n != 1 {
		t.Errorf("%d sockets, %d fetched", len(s.Sockets()), n)
	}
	answers := make(chan int, 2)
	go func() {
		for r, err := range s.EmitWithAck(t.Context(), "q") {
			if err != nil {
				t.Error(err)
			}
			answers <- r.Len()
		}
		for _, err := range s.Timeout(time.Millisecond).EmitWithAck(t.Context(), "r") {
			if !errors.Is(err, socketio.ErrTimeout) {
				t.Error(err)
			}
			answers <- -1
		}
	}()
	conn.Want(`420["q"]`)
	conn.Send(`430[1,2]`)
	conn.Want(`421["r"]`)
	if a, b := wait(t, answers), wait(t, answers); a != 2 || b != -1 {
		t.Errorf("got %d and %d", a, b)
	}
	if err := s.DisconnectSockets(true); err != nil {
		t.Fatal(err)
	}
	conn.Want("41")
	conn.WantClose()
	wait(t, done)
	if got, want := log, []string{
		"use",
		"connection",
		"any x",
		"x",
		"disconnecting",
		"disconnect",
	}; !slices.Equal(
		got,
		want,
	) {
		t.Errorf("ran %q", got)
	}
	if s.Engine().Sessions() != 1 || len(s.Namespaces()) != 2 {
		t.Errorf("%d sessions, %d namespaces", s.Engine().Sessions(), len(s.Namespaces()))
	}
}
