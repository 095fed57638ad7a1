package engineio_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/gosocketio/socketio/engineio"
)

// Middleware sees every request, AllowRequest only those that would open a session; CORS comes before both, so that preflight requests and
// refusals carry its headers.
func TestWhoSeesWhichRequest(t *testing.T) {
	t.Attr("covers", "easy/4")
	const origin = "Origin: https://app.test"
	var seen, asked int
	s := start(t, engineio.Config{
		CORS: engineio.CORS{Origins: []string{"https://app.test"}},
		Middleware: []func(http.Handler) http.Handler{func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { seen++; next.ServeHTTP(w, r) })
		}},
		AllowRequest: func(*http.Request) error { asked++; return nil },
	})
	check := func(what string, wantSeen, wantAsked int) {
		t.Helper()
		if seen != wantSeen || asked != wantAsked {
			t.Errorf("%s: seen %d times, asked %d times; want %d and %d", what, seen, asked, wantSeen, wantAsked)
		}
		seen, asked = 0, 0
	}
	q := s.polling()
	check("handshake", 1, 1)
	s.request("POST", q, "4x")
	s.request("GET", q, "")
	check("polling", 2, 0)
	s.dial(strings.Replace(q, "polling", "websocket", 1))
	check("upgrade", 1, 0)
	for _, refused := range []string{"EIO=4&transport=x", "EIO=4&transport=polling&sid=x"} {
		if got := s.with("GET", refused, origin); got.status != 400 || got.header.Get("Access-Control-Allow-Origin") != "https://app.test" {
			t.Errorf("%s: %+v", refused, got)
		}
	}
	check("refused", 2, 0)
	if got := s.with("OPTIONS", handshake, origin, "Access-Control-Request-Method: POST"); got.status != 204 || got.header.Get("Access-Control-Allow-Origin") != "https://app.test" {
		t.Errorf("preflight: %+v", got)
	}
	check("preflight", 0, 0)
	all := start(t, engineio.Config{CORS: engineio.CORS{Origins: []string{"*"}}}) // which is the official default
	if got := all.with("GET", handshake, "Origin: https://other.test"); got.status != 200 {
		t.Errorf("another origin: %+v", got)
	}
}

// Over polling the open packet is the whole first response: what a Connection event sends belongs to the next one.
func TestGreetingBelongsToTheNextPoll(t *testing.T) {
	t.Attr("covers", "easy/7")
	s := start(t, engineio.Config{
		InitialPacket: "initial",
		Events:        engineio.Events{Connection: func(x *engineio.Session) { _ = x.Send([]byte("greeting"), false) }},
	})
	got := s.request("GET", handshake, "")
	open, rest, _ := strings.Cut(got.body, "\x1e")
	if rest != "4initial" {
		t.Errorf("the first response is %q", got.body)
	}
	if got := s.request("GET", handshake+"&sid="+sid(t, open[1:]), ""); got.body != "4greeting" {
		t.Errorf("the second response is %q", got.body)
	}
}

// A session can be found by its id, and sent to, before its WebSocket is there: nothing of that is lost.
func TestSentBeforeTheWebSocketIsThere(t *testing.T) {
	var s *server
	s = start(t, engineio.Config{
		GenerateID: func(*http.Request) (string, error) { return "mine", nil },
		Events: engineio.Events{Headers: func(http.Header, *http.Request) {
			x, ok := s.engine.Session("mine")
			if !ok {
				t.Error("no session")
				return
			}
			for _, text := range []string{"one", "two"} {
				if err := x.Send([]byte(text), false); err != nil {
					t.Error(err)
				}
			}
		}},
	})
	c := s.dial(direct)
	c.open()
	c.want("4one")
	c.want("4two")
}
