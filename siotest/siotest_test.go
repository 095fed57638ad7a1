package siotest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/internal/leak"
	"github.com/gosocketio/socketio/siotest"
)

func TestMain(m *testing.M) { leak.Main(m) }

// each runs a test in a bubble for each transport, with a server and a way to connect to it.
func each(t *testing.T, c socketio.Config, test func(t *testing.T, s *socketio.Server, dial func() *siotest.Conn)) {
	t.Helper()
	for _, transport := range []socketio.Transport{socketio.WebSocket, socketio.Polling} {
		t.Run(transport.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c.Logger = slog.New(slog.NewTextHandler(io.Discard, nil))
				s := socketio.New(c)
				srv := siotest.Serve(t, s)
				test(t, s, func() *siotest.Conn {
					t.Helper()
					conn, err := srv.Dial(t.Context(), siotest.Options{Transport: transport})
					if err != nil {
						t.Fatal(err)
					}
					return conn
				})
			})
		})
	}
}

func join(t *testing.T, c *siotest.Conn, namespace string) *siotest.Client {
	t.Helper()
	x, err := c.Join(t.Context(), namespace, nil)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// receive returns the next event of a name as text.
func receive(t *testing.T, x *siotest.Client, event string) string {
	t.Helper()
	m, err := x.Receive(t.Context(), event)
	if err != nil {
		t.Fatal(err)
	}
	return m.String()
}

func TestEvents(t *testing.T) {
	each(t, socketio.Config{}, func(t *testing.T, s *socketio.Server, dial func() *siotest.Conn) {
		s.OnConnection(func(s *socketio.Socket) { s.Join("room") })
		s.Handle("echo", func(e *socketio.Event) error { return s.To("room").Emit("echo", e.Args()...) })
		s.Handle("ack", func(e *socketio.Event) error { return e.Ack(e.Args()...) })
		a, b := join(t, dial(), "/"), join(t, dial(), "/")
		if x, ok := s.Socket(a.ID()); !ok || x.Conn().ID() != a.Conn().ID() || a.Namespace() != "/" {
			t.Errorf("socket %q is %v", a.ID(), x)
		}
		large := strings.Repeat("x", 100_000)
		if err := a.Emit("echo", "text", 1, map[string]any{"b": []byte{1, 2}}, []byte{}, large); err != nil {
			t.Fatal(err)
		}
		for _, x := range []*siotest.Client{a, b} {
			m, err := x.Next(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			var text, tail string
			var n int
			var nested struct{ B []byte }
			var empty []byte
			if err := m.Decode(&text, &n, &nested, &empty, &tail); err != nil || m.Event() != "echo" || m.Len() != 5 || m.WantsAck() {
				t.Errorf("got %s, %v", m.Event(), err)
			}
			if text != "text" || n != 1 || string(nested.B) != "\x01\x02" || empty == nil || tail != large {
				t.Error("the arguments differ")
			}
			if err := m.Decode(&text, &text); err == nil {
				t.Error("a number is a string")
			}
			if err := m.Decode(&text, &n, &nested, &empty, &tail, &n); err == nil {
				t.Error("six arguments of five")
			}
			if err := m.Ack(); err == nil {
				t.Error("acknowledged what nobody asked for")
			}
		}
		m, err := a.EmitWithAck(t.Context(), "ack", "x", []byte{7})
		if err != nil || m.String() != "[x [7]]" {
			t.Errorf("answered with %v, %v", m, err)
		}
		// Events are taken by name, in order.
		for i := range 3 {
			for _, event := range []string{"odd", "even"} {
				if err := s.Emit(event, i); err != nil {
					t.Fatal(err)
				}
			}
		}
		synctest.Wait()
		if n := a.Pending(); n != 6 {
			t.Errorf("%d events are pending", n)
		}
		for _, event := range []string{"even", "odd"} {
			for i := range 3 {
				if got, want := receive(t, a, event), fmt.Sprint(event, []any{i}); got != want {
					t.Errorf("got %s, want %s", got, want)
				}
			}
		}
	})
}

func TestServerAsks(t *testing.T) {
	each(t, socketio.Config{}, func(t *testing.T, s *socketio.Server, dial func() *siotest.Conn) {
		a := join(t, dial(), "/")
		socket, _ := s.Socket(a.ID())
		answered := make(chan string)
		go func() {
			reply, err := socket.EmitWithAck(t.Context(), "question", []byte{1})
			answered <- fmt.Sprint(reply.Args(), err)
		}()
		m, err := a.Receive(t.Context(), "question")
		if err != nil || !m.WantsAck() {
			t.Fatal(m, err)
		}
		if err := m.Ack("yes", []byte{2}); err != nil {
			t.Fatal(err)
		}
		if got := <-answered; got != "[yes [2]] <nil>" {
			t.Errorf("answered %s", got)
		}
		if err := m.Ack("again"); err == nil {
			t.Error("acknowledged twice")
		}
	})
}

func TestJoin(t *testing.T) {
	each(t, socketio.Config{}, func(t *testing.T, s *socketio.Server, dial func() *siotest.Conn) {
		s.Of("/chat").Use(func(s *socketio.Socket) error {
			var auth struct{ Token string }
			if err := s.Handshake().DecodeAuth(&auth); err != nil {
				return err
			}
			if auth.Token != "t" {
				return &socketio.Error{Message: "who are you?", Data: map[string]int{"code": 401}}
			}
			return nil
		})
		conn := dial()
		main := join(t, conn, "")
		var refused *siotest.ConnectError
		if _, err := conn.Join(t.Context(), "/chat", nil); !errors.As(err, &refused) || refused.Message != "who are you?" || string(refused.Data) != `{"code":401}` {
			t.Errorf("got %v", err)
		}
		if _, err := conn.Join(t.Context(), "/nowhere", nil); !errors.As(err, &refused) || refused.Message != "Invalid namespace" || refused.Data != nil {
			t.Errorf("got %v", err)
		}
		chat, err := conn.Join(t.Context(), "chat", map[string]string{"token": "t"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Join(t.Context(), "/chat", nil); err == nil {
			t.Error("joined twice")
		}
		if _, err := conn.Join(t.Context(), "/other", func() {}); err == nil {
			t.Error("a function is auth")
		}
		_ = s.Emit("e", "main")
		_ = s.Of("/chat").Emit("e", "chat")
		if a, b := receive(t, main, "e"), receive(t, chat, "e"); a != "e[main]" || b != "e[chat]" {
			t.Errorf("got %s and %s", a, b)
		}
	})
}

// Who disconnects whom, and what each side is told.
func TestDisconnect(t *testing.T) {
	for name, c := range map[string]struct {
		do             func(s *socketio.Server, x *siotest.Client)
		client, server string
	}{
		"by the client":                {func(_ *socketio.Server, x *siotest.Client) { _ = x.Disconnect() }, siotest.ReasonClientDisconnect, "client namespace disconnect"},
		"by closing the connection":    {func(_ *socketio.Server, x *siotest.Client) { x.Conn().Close() }, siotest.ReasonClientDisconnect, "transport close"},
		"by the server":                {func(s *socketio.Server, _ *siotest.Client) { _ = s.DisconnectSockets(false) }, siotest.ReasonServerDisconnect, "server namespace disconnect"},
		"by the server, with the rest": {func(s *socketio.Server, _ *siotest.Client) { _ = s.DisconnectSockets(true) }, siotest.ReasonServerDisconnect, "server namespace disconnect"},
		"by a shutdown":                {func(s *socketio.Server, _ *siotest.Client) { _ = s.Shutdown(context.Background()) }, siotest.ReasonTransportClose, "server shutting down"},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, socketio.Config{}, func(t *testing.T, s *socketio.Server, dial func() *siotest.Conn) {
				reasons := make(chan socketio.Reason, 1)
				s.OnDisconnect(func(_ *socketio.Socket, r socketio.Reason) { reasons <- r })
				x := join(t, dial(), "/")
				if x.Reason() != "" {
					t.Errorf("disconnected before it is: %s", x.Reason())
				}
				_ = s.Emit("last")
				synctest.Wait()
				asked := make(chan error)
				go func() {
					_, err := x.EmitWithAck(t.Context(), "unanswered")
					asked <- err
				}()
				synctest.Wait()
				c.do(s, x)
				<-x.Done()
				var gone *siotest.DisconnectError
				if err := <-asked; !errors.As(err, &gone) || gone.Reason != c.client {
					t.Errorf("the wait for an answer ended with %v", err)
				}
				if got := x.Reason(); got != c.client {
					t.Errorf("the client is told %q, want %q", got, c.client)
				}
				if got := <-reasons; string(got) != c.server {
					t.Errorf("the server is told %q, want %q", got, c.server)
				}
				if got := receive(t, x, "last"); got != "last[]" {
					t.Errorf("got %s", got)
				}
				if _, err := x.Next(t.Context()); !errors.As(err, &gone) {
					t.Errorf("nothing more, and %v", err)
				}
				if err := x.Emit("late"); !errors.As(err, &gone) {
					t.Errorf("emit: %v", err)
				}
				_ = x.Disconnect()
			})
		})
	}
}

// Waiting ends with the context.
func TestContexts(t *testing.T) {
	each(t, socketio.Config{}, func(t *testing.T, s *socketio.Server, dial func() *siotest.Conn) {
		s.Of("/slow").Use(func(s *socketio.Socket) error { <-s.Context().Done(); return nil })
		conn := dial()
		x := join(t, conn, "/")
		ctx, cancel := context.WithTimeout(t.Context(), 24*time.Hour) // hours of heartbeats
		defer cancel()
		_, err1 := x.Receive(ctx, "never")
		_, err2 := x.EmitWithAck(ctx, "unanswered")
		_, err3 := conn.Join(ctx, "/slow", nil)
		for _, err := range []error{err1, err2, err3} {
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got %v", err)
			}
		}
		select {
		case <-conn.Done():
			t.Error("the connection ended meanwhile")
		default:
		}
	})
}

// The first request can say more, and can be refused.
func TestDial(t *testing.T) {
	for _, transport := range []socketio.Transport{socketio.WebSocket, socketio.Polling} {
		t.Run(transport.String(), func(t *testing.T) {
			s := socketio.New(socketio.Config{Path: "/rt/", AllowRequest: func(r *http.Request) error {
				if r.URL.Query().Get("a") != "b" || r.Header.Get("X-Name") != "ann" {
					return errors.New("not you")
				}
				return nil
			}})
			mux := http.NewServeMux()
			mux.Handle("/rt/", s)
			mux.HandleFunc("/page", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "a page") })
			t.Cleanup(func() { _ = s.Shutdown(context.Background()) })
			srv := siotest.Serve(t, mux)
			srv.Path = "/rt/"
			o := siotest.Options{Transport: transport, Query: url.Values{"a": {"b"}}}
			if _, err := srv.Dial(t.Context(), o); err == nil || !strings.Contains(err.Error(), "403") && !strings.Contains(err.Error(), "400") {
				t.Errorf("got %v", err)
			}
			o.Header = http.Header{"X-Name": {"ann"}}
			conn, err := srv.Dial(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			join(t, conn, "/")
			res, err := srv.HTTPClient().Get(srv.URL + "/page")
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			if body, _ := io.ReadAll(res.Body); string(body) != "a page" {
				t.Errorf("the page is %q", body)
			}
			gone, cancel := context.WithCancel(t.Context())
			cancel()
			if _, err := srv.Dial(gone, o); err == nil {
				t.Error("dialled without a context")
			}
		})
	}
}

// What the example shows.
func TestExample(t *testing.T) { gameTest(t) }
