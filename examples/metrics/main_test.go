package main

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/gosocketio/socketio/siotest"
)

func TestRecipe(t *testing.T) { synctest.Test(t, testRecipe) }

func testRecipe(t *testing.T) {
	server, handler := newServer()
	srv := siotest.Serve(t, handler)
	t.Cleanup(func() { _ = server.Shutdown(context.Background()) })
	ann, err := srv.Connect(t.Context(), "/", nil)
	if err != nil {
		t.Fatal(err)
	}
	bob, err := srv.Connect(t.Context(), "/", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := srv.Connect(t.Context(), "/nowhere", nil); err == nil {
		t.Error("connected to nowhere")
	}
	for _, x := range []*siotest.Client{ann, bob} {
		if _, err := x.EmitWithAck(t.Context(), "join", "lobby"); err != nil {
			t.Fatal(err)
		}
	}
	for _, emit := range []error{ann.Emit("message", map[string]string{"room": "lobby", "text": "hi"}), ann.Emit("message", "no message"), ann.Emit("made up", 1)} {
		if emit != nil {
			t.Error(emit)
		}
	}
	if _, err := bob.Receive(t.Context(), "message"); err != nil {
		t.Fatal(err)
	}
	if _, err := ann.EmitWithAck(t.Context(), "join", "lobby"); err != nil {
		t.Fatal(err)
	}
	bob.Conn().Close()
	synctest.Wait() // until all of it is over

	want := []string{
		`socketio_connects_total 2`,
		`socketio_refusals_total 1`,
		`socketio_disconnects_total{reason="transport close"} 1`,
		`socketio_event_seconds_count{event="join",outcome="ok"} 3`,
		`socketio_event_seconds_count{event="message",outcome="ok"} 1`,
		`socketio_event_seconds_count{event="message",outcome="error"} 1`,
		`socketio_event_seconds_count{event="unhandled",outcome="ok"} 1`,
		`socketio_sent_total 2`,
		`socketio_buffered_bytes 0`,
		`socketio_sockets 1`,
	}
	page := metricsPage(t, srv)
	for _, line := range want {
		if !strings.Contains(page, line+"\n") {
			t.Errorf("no %s in\n%s", line, page)
		}
	}
}

func metricsPage(t *testing.T, srv *siotest.Server) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, srv.URL+"/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := srv.HTTPClient().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	page, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(page)
}
