package hooks

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/internal/lockedbuffer"
	"github.com/gosocketio/socketio/siotest"
)

// secret signs the requests of all tests.
const secret = "whsec_MDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1ub3BxcnN0dXY="

// patience is how long a test waits for what must happen.
const patience = 10 * time.Second

// request is one that the backend got.
type request struct {
	ID        string `json:"-"`
	Type      string
	Timestamp time.Time
	Data      struct {
		Namespace, Socket, Connection, Event, Reason string
		Claims, Values, Args, Handshake              json.RawMessage
		Recovered, Ack                               bool
	}
}

// backend is a real HTTP server.
type backend struct {
	t      *testing.T
	url    string
	server *http.Server
	got    chan request // each request that came

	mu     sync.Mutex
	answer func(request) (status int, body string) // nil: 204
}

// listen starts a backend on addr, which may be one that a stopped backend had.
func listen(t *testing.T, addr string) *backend {
	t.Helper()
	var listener net.Listener
	await(t, "listening on "+addr, func() (ok bool) { // another process may have the port for a while
		var err error
		listener, err = net.Listen("tcp", addr)
		return err == nil
	})
	b := &backend{t: t, url: "http://" + listener.Addr().String() + "/hooks", got: make(chan request, 1<<16)}
	b.server = &http.Server{Handler: b, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, 0)}
	done := make(chan struct{})
	go func() { defer close(done); _ = b.server.Serve(listener) }()
	t.Cleanup(func() { _ = b.server.Close(); <-done })
	return b
}

func (b *backend) answers(f func(request) (status int, body string)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.answer = f
}

// accepts makes the backend accept all clients and answer events as f does.
func (b *backend) accepts(f func(request) (status int, body string)) {
	b.answers(func(r request) (int, string) {
		if r.Type != "event" {
			return 204, ""
		}
		return f(r)
	})
}

func (b *backend) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the client has gone
	}
	verifier, err := standardwebhooks.NewWebhook(secret)
	if err == nil {
		err = verifier.Verify(body, r.Header)
	}
	got := request{ID: r.Header.Get("Webhook-Id")}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err == nil {
		err = d.Decode(&got)
	}
	if err != nil || r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/json" {
		b.t.Errorf("%s %v: %v: %s", r.Method, r.Header, err, body)
	}
	b.got <- got
	b.mu.Lock()
	answer := b.answer
	b.mu.Unlock()
	status, text := http.StatusNoContent, ""
	if answer != nil {
		status, text = answer(got)
	}
	if status == 0 { // breaks off
		panic(http.ErrAbortHandler)
	}
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text)
}

// next returns the next request.
func (b *backend) next() request {
	b.t.Helper()
	return next(b.t, "request", b.got)
}

// want returns the next request, which must have this type.
func (b *backend) want(kind string) request {
	b.t.Helper()
	r := b.next()
	if r.Type != kind {
		b.t.Fatalf("got %+v, want %s", r, kind)
	}
	return r
}

// fixture is a server with hooks.
type fixture struct {
	*siotest.Server
	t     *testing.T
	io    *socketio.Server
	hooks *Hooks
	log   *lockedbuffer.Buffer
}

// serve serves a server in memory whose hooks are sent to a backend.
func serve(t *testing.T, url string, change ...func(*Config, *socketio.Config)) *fixture {
	t.Helper()
	f := &fixture{t: t, log: new(lockedbuffer.Buffer)}
	logger := slog.New(slog.NewTextHandler(f.log, nil))
	c, s := Config{URL: url, Secrets: []string{secret}, Logger: logger}, socketio.Config{Logger: logger}
	for _, fn := range change {
		fn(&c, &s)
	}
	var err error
	if f.hooks, err = New(c); err != nil {
		t.Fatal(err)
	}
	f.io = socketio.New(s)
	f.hooks.Install(f.io.Of("/"))
	f.Server = siotest.Serve(t, f.io)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := f.io.Shutdown(ctx); err != nil {
			t.Error(err)
		}
		done, cancel := context.WithCancel(ctx)
		cancel() // does not wait for the backend
		_ = f.hooks.Close(done)
	})
	return f
}

// timeout sets Config.Timeout.
func timeout(d time.Duration) func(*Config, *socketio.Config) {
	return func(c *Config, _ *socketio.Config) { c.Timeout = d }
}

func (f *fixture) connect(auth any) *siotest.Client {
	f.t.Helper()
	c, err := f.Connect(f.t.Context(), "/", auth)
	if err != nil {
		f.t.Fatal(err)
	}
	return c
}

// call sends an event and returns the acknowledgement as JSON.
func (f *fixture) call(c *siotest.Client, event string, args ...any) string {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(f.t.Context(), patience)
	defer cancel()
	m, err := c.EmitWithAck(ctx, event, args...)
	if err != nil {
		f.t.Fatalf("%s: %v", event, err)
	}
	return asJSON(f.t, m.Args())
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// failed returns how many requests of a type failed by a rule.
func (f *fixture) failed(kind, rule string) uint64 { return f.hooks.Stats().Failed[kind][rule] }

// next receives a value, and fails the test when none comes.
func next[T any](t *testing.T, what string, from <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-from:
	case <-time.After(patience):
		t.Fatal("no ", what, " came")
	}
	return v
}

// await waits until a condition holds.
func await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal(what, " did not happen")
		}
	}
}
