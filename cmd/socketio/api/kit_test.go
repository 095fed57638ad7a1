package api_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/cmd/socketio/api"
	"github.com/gosocketio/socketio/siotest"
)

const token = "0123456789abcdef"

// kit is a server, its API, and what is in its log.
type kit struct {
	t   *testing.T
	io  *socketio.Server
	srv *siotest.Server
	api http.Handler
	log bytes.Buffer
}

func newKit(t *testing.T, c api.Config) *kit {
	t.Helper()
	return newKitOf(t, socketio.Config{}, c)
}

func newKitOf(t *testing.T, server socketio.Config, c api.Config) *kit {
	t.Helper()
	server.Logger = slog.New(slog.DiscardHandler)
	k := &kit{t: t, io: socketio.New(server)}
	c.Token, c.Logger = token, slog.New(slog.NewTextHandler(&k.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	h, err := api.New(k.io, c)
	if err != nil {
		t.Fatal(err)
	}
	k.api, k.srv = h, siotest.Serve(t, k.io)
	return k
}

// connect returns a client in a namespace, whose socket is in rooms.
func (k *kit) connect(namespace string, rooms ...string) *siotest.Client {
	k.t.Helper()
	c, err := k.srv.Connect(k.t.Context(), namespace, nil)
	if err != nil {
		k.t.Fatal(err)
	}
	s, _ := k.io.Of(namespace).Socket(c.ID())
	s.Join(rooms...)
	return c
}

// request returns a request as a backend sends it.
func request(method, target, body string) *http.Request {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", "application/json")
	return r
}

// do sends a request and returns the answer.
func (k *kit) do(r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	k.api.ServeHTTP(w, r)
	return w
}

// post sends a body and checks the answer.
func (k *kit) post(path, body string, status int, answer string) {
	k.t.Helper()
	w := k.do(request(http.MethodPost, path, body))
	if w.Code != status || !strings.Contains(w.Body.String(), answer) {
		k.t.Errorf("%s %.200s: %d %s, want %d %s", path, body, w.Code, w.Body, status, answer)
	}
}

// receives checks which event a client gets next, and its arguments.
func receives(t *testing.T, c *siotest.Client, want string) {
	t.Helper()
	m, err := c.Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if m.String() != want {
		t.Errorf("got %s, want %s", m, want)
	}
}
