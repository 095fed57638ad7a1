package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/gosocketio/socketio/internal/brokertest"
	"github.com/gosocketio/socketio/internal/rawclient"
)

// tokenOf returns a token for a user.
func tokenOf(t *testing.T, user string) string {
	t.Helper()
	claims := jwt.MapClaims{"sub": user, "exp": time.Now().Add(time.Minute).Unix()}
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString([]byte(tokenSecret))
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// A backend and tokens together: the backend gets the claims, the operators' port has the numbers, and
// queued requests are sent before the server ends.
func TestHooksAndTokens(t *testing.T) {
	type request struct {
		Type string
		Data struct {
			Namespace, Event, Reason string
			Claims                   struct{ Sub string }
		}
	}
	got := make(chan request, 100)
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var q request
		if err := json.NewDecoder(r.Body).Decode(&q); err != nil || r.Header.Get("Webhook-Signature") == "" {
			t.Errorf("%v, %v", err, r.Header)
		}
		got <- q
		if q.Type == "event" {
			_, _ = w.Write([]byte(`["pong"]`))
		}
	}))
	defer backend.Close()
	t.Setenv("SOCKETIO_HOOKS_SECRET", hookSecret)
	t.Setenv("SOCKETIO_JWT_SECRET", tokenSecret)
	p := start(t, "-hooks", backend.URL, "-hooks-namespaces", "/,/chat", "-admin-addr", "0")
	conn := rawclient.At(t, strings.TrimPrefix(p.url, "http://")).WebSocket()
	conn.Send("40/chat,")
	conn.Want(`44/chat,{"message":"token missing"}`)
	for _, namespace := range []string{"/", "/chat"} {
		conn.Join(namespace, `{"token":"`+tokenOf(t, "ann")+`"}`)
		if q := next(t, "request", got); q.Type != "connect" || q.Data.Namespace != namespace || q.Data.Claims.Sub != "ann" {
			t.Errorf("%+v", q)
		}
	}
	conn.Send(`42/chat,7["ping"]`)
	conn.Want(`43/chat,7["pong"]`)
	if q := next(t, "request", got); q.Data.Event != "ping" || q.Data.Claims.Sub != "ann" {
		t.Errorf("%+v", q)
	}
	var page string // the event's place is free a moment after its acknowledgement has gone
	brokertest.Await(t, "nothing waits", func() bool {
		_, page, _ = fetch(t, p.adminURL(t)+"/metrics", nil)
		return strings.Contains(page, "\nsocketio_hooks_waiting 0")
	})
	for _, line := range []string{
		`socketio_hooks_answered_total{type="connect"} 2`, `socketio_hooks_answered_total{type="event"} 1`,
		`socketio_hooks_request_seconds_count{type="connect"} 2`, `socketio_hooks_waiting 0`, `socketio_hooks_waiting_bytes 0`,
		`socketio_hooks_retries_total 0`,
	} {
		if !strings.Contains(page, "\n"+line) {
			t.Errorf("no %s in %s", line, page)
		}
	}
	check := exec.CommandContext(t.Context(), "promtool", "check", "metrics")
	check.Stdin = strings.NewReader(page)
	if out, err := check.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("promtool check metrics (scripts/install.sh prometheus): %v\n%s", err, out)
	}
	p.end(t)
	for range 2 {
		if q := next(t, "request", got); q.Type != "disconnect" || q.Data.Claims.Sub != "ann" {
			t.Errorf("%+v", q)
		}
	}
}

// Tokens without a backend: the demo is for users only.
func TestTokensOfTheDemo(t *testing.T) {
	p := start(t, "-demo", "-jwt-secret", tokenSecret)
	e := rawclient.At(t, strings.TrimPrefix(p.url, "http://"))
	conn := e.WebSocket()
	conn.Send(`40/demo,{"nick":"Eve"}`)
	conn.Want(`44/demo,{"message":"token missing"}`)
	conn.Send(`40{"token":"` + tokenOf(t, "eve")[1:] + `"}`)
	conn.Want(`44{"message":"token invalid"}`)
	conn.Join("/demo", `{"nick":"Ann","token":"`+tokenOf(t, "ann")+`"}`)
	if !strings.Contains(p.stderr.String(), "jwt: connect refused: token missing") {
		t.Error(p.stderr)
	}
	conn.Close()
	p.end(t)
}

// The page shows the example as it is, whose chat compat-tests/demo/backend.test.mjs plays.
func TestBackendPage(t *testing.T) {
	page, err := os.ReadFile("../../docs/backend.md")
	if err != nil {
		t.Fatal(err)
	}
	example, err := os.ReadFile("../../examples/backend/chat.py")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(page), "```python\n"+string(example)+"```\n") {
		t.Error("docs/backend.md does not have examples/backend/chat.py")
	}
	if n := strings.Count(string(example), "\n"); n > 45 {
		t.Errorf("it has %d lines", n)
	}
}
