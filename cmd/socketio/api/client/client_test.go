package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptrace"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/cmd/socketio/api"
	"github.com/gosocketio/socketio/cmd/socketio/api/client"
	"github.com/gosocketio/socketio/internal/leak"
	"github.com/gosocketio/socketio/siotest"
)

func TestMain(m *testing.M) { leak.Main(m) }

// serve serves a server and its API in memory, each at a port of its own.
func serve(t *testing.T) (*socketio.Server, *siotest.Server, *client.Client) {
	t.Helper()
	sio := socketio.New(socketio.Config{Logger: slog.New(slog.DiscardHandler)})
	h, err := api.New(sio, api.Config{Token: token, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	srv := siotest.Serve(t, h)
	c := client.New(srv.URL+"/", token)
	c.HTTP = srv.HTTPClient()
	return sio, siotest.Serve(t, sio), c
}

// Every call arrives at the server's sockets as it was meant.
func TestCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sio, srv, c := serve(t)
		ctx := t.Context()
		sio.Of("/chat")
		var visitors []*siotest.Client
		for _, namespace := range []string{"/", "/", "/chat"} {
			v, err := srv.Connect(ctx, namespace, nil)
			if err != nil {
				t.Fatal(err)
			}
			visitors = append(visitors, v)
		}
		ann, ben, other := visitors[0], visitors[1], visitors[2]
		do := func(err error) {
			t.Helper()
			if err != nil {
				t.Error(err)
			}
		}
		next := func(v *siotest.Client, want string) *siotest.Message {
			t.Helper()
			m, err := v.Next(ctx)
			if err != nil {
				t.Fatal(err)
			}
			if m.String() != want {
				t.Errorf("got %s, want %s", m, want)
			}
			return m
		}
		of := func(v *siotest.Client) client.Target { return client.Target{Rooms: []string{v.ID()}} }

		do(c.Join(ctx, of(ben), "lobby", "quiet"))
		do(c.Join(ctx, client.Target{All: true}, "hall"))
		do(c.Leave(ctx, client.Target{Rooms: []string{"lobby"}}, "quiet"))
		do(c.Emit(ctx, client.Target{Rooms: []string{"hall"}, Except: []string{"lobby"}, Local: true}, "a", 1, []byte{1}))
		do(c.Emit(ctx, client.Target{Rooms: []string{"lobby"}, Volatile: true, NoCompress: true}, "b",
			map[string]any{"in": client.Binary{2}}))
		do(c.Emit(ctx, client.Target{Rooms: []string{}}, "nobody"))
		do(c.Emit(ctx, client.Target{Namespace: "/chat"}, "c"))
		next(ann, "a[1 [1]]")
		next(ben, "b[map[in:[2]]]")
		next(other, "c[]")

		list, err := c.Sockets(ctx, client.Target{Rooms: []string{"hall"}, Except: []string{"nobody"}, Local: true}, 10)
		do(err)
		if len(list.Sockets) != 2 || list.More || list.Missing != 0 {
			t.Errorf("%+v", list)
		}
		for _, s := range list.Sockets {
			want := []string{s.ID, "hall"}
			if s.ID == ben.ID() {
				want = append(want, "lobby")
			}
			slices.Sort(want)
			if slices.Sort(s.Rooms); !slices.Equal(s.Rooms, want) || string(s.Data) != "{}" {
				t.Errorf("%+v", s)
			}
		}
		if list, err := c.Sockets(ctx, client.Target{Namespace: "/chat"}, 10); err != nil || len(list.Sockets) != 1 {
			t.Errorf("%+v, %v", list, err)
		}
		if list, err := c.Sockets(ctx, client.Target{Rooms: []string{}}, 10); err != nil || len(list.Sockets) != 0 {
			t.Errorf("%+v, %v", list, err)
		}

		go func() { _ = next(ann, "ask[2]").Ack("yes", []byte{3}) }()
		got, err := c.EmitWithAck(ctx, client.Target{}, time.Second, "ask", 2)
		do(err)
		if len(got.Answers) != 1 || got.Answers[0].ID != ann.ID() || got.Missing != 1 || len(got.Errors) != 1 {
			t.Fatalf("%+v", got)
		}
		var text string
		var data client.Binary
		do(json.Unmarshal(got.Answers[0].Args[0], &text))
		do(json.Unmarshal(got.Answers[0].Args[1], &data))
		if text != "yes" || string(data) != "\x03" {
			t.Errorf("%q %q", text, data)
		}
		next(ben, "ask[2]")

		do(c.Disconnect(ctx, of(ann), false))
		<-ann.Done()
		do(c.Disconnect(ctx, client.Target{All: true}, true))
		<-ben.Conn().Done()
		if synctest.Wait(); ann.Pending()+ben.Pending()+other.Pending() > 0 {
			t.Error("more arrived")
		}
	})
}

// roundTripper answers requests.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, _, c := serve(t)
		ctx := t.Context()
		refused := func(err error, status int, name, field string) {
			t.Helper()
			if e, ok := errors.AsType[*client.Error](err); !ok || e.Status != status || e.Name != name || e.Field != field {
				t.Errorf("%v", err)
			}
		}
		for _, call := range []func(context.Context, client.Target, ...string) error{c.Join, c.Leave} {
			refused(call(ctx, client.Target{}, "lobby"), 400, "Invalid", "rooms")
		}
		_, err := c.EmitWithAck(ctx, client.Target{}, time.Hour, "ask")
		refused(err, 400, "Invalid", "ack.timeout")
		_, err = c.Sockets(ctx, client.Target{}, 0)
		refused(err, 400, "Invalid", "limit")
		if err := c.Emit(ctx, client.Target{}, "x", make(chan int)); err == nil || !strings.HasPrefix(err.Error(), "client: json: ") {
			t.Error(err)
		}

		answer := ""
		c.HTTP = &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			if answer == "" { // a server that does not answer
				<-r.Context().Done()
				return nil, r.Context().Err()
			}
			status := http.StatusOK
			if strings.HasPrefix(answer, "<") {
				status = http.StatusBadGateway
			}
			return &http.Response{StatusCode: status, Body: io.NopCloser(strings.NewReader(answer))}, nil
		})}
		began := time.Now()
		_, err = c.EmitWithAck(ctx, client.Target{}, time.Minute, "ask")
		if took := time.Since(began); !errors.Is(err, context.DeadlineExceeded) || took != time.Minute+client.DefaultTimeout {
			t.Errorf("%v after %v", err, took)
		}
		answer = "<html>"
		refused(c.Emit(ctx, client.Target{}, "x"), 502, "Bad Gateway", "")
		answer = `{"answers":[{"id":`
		if _, err = c.EmitWithAck(ctx, client.Target{}, time.Second, "ask"); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Error(err)
		}
		var b client.Binary
		if err := json.Unmarshal([]byte(`[{"text":1}]`), &[]*client.Binary{&b}); err == nil {
			t.Error("no binary data, and no error")
		}
	})
}

// Calls use one connection.
func TestConnectionIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, _, c := serve(t)
		made := 0
		ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{GotConn: func(i httptrace.GotConnInfo) {
			if !i.Reused {
				made++
			}
		}})
		for range 3 {
			_, failed := c.EmitWithAck(ctx, client.Target{}, time.Second, "x")
			_, err := c.Sockets(ctx, client.Target{}, 10)
			if err := errors.Join(failed, err, c.Emit(ctx, client.Target{}, "x")); err != nil {
				t.Error(err)
			}
			if err := c.Disconnect(ctx, client.Target{}, false); err == nil {
				t.Error("everybody is disconnected")
			}
			synctest.Wait()
		}
		if made != 1 {
			t.Errorf("%d connections", made)
		}
	})
}
