package engineio_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gosocketio/socketio/engineio"
)

// openPacket opens a session and returns what its open packet says.
func (s *server) openPacket(q string) (o struct {
	Sid                       string
	Upgrades                  []string
	PingInterval, PingTimeout int
	MaxPayload                int
}) {
	s.Helper()
	var text string
	if strings.Contains(q, "websocket") {
		c := s.dial(q)
		text, _, _ = c.read()
	} else {
		text = s.request("GET", q, "").body
	}
	if err := json.Unmarshal([]byte(strings.TrimPrefix(text, "0")), &o); err != nil || o.Upgrades == nil {
		s.Fatalf("open packet %q, %v", text, err)
	}
	return o
}

// What the open packet says of the configuration.
func TestOpenPacket(t *testing.T) {
	t.Run("ping timeout", func(t *testing.T) {
		t.Attr("covers", "engine/server/handshake/16")
		s := start(t, engineio.Config{PingTimeout: 123 * time.Millisecond})
		if o := s.openPacket(handshake); o.PingTimeout != 123 || o.PingInterval != 25_000 {
			t.Errorf("%+v", o)
		}
	})
	for name, c := range map[string]struct {
		covers, query string
		config        engineio.Config
		want          string
	}{
		"polling only": {"engine/server/handshake/21 engine/server/handshake/22", handshake, engineio.Config{Transports: []engineio.Transport{engineio.Polling}}, ""},
		"default":      {"engine/server/handshake/23", handshake, engineio.Config{}, "websocket"},
		"WebSocket":    {"engine/server/handshake/20", direct, engineio.Config{}, ""},
		"no upgrades":  {"", handshake, engineio.Config{NoUpgrades: true}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			if c.covers != "" {
				t.Attr("covers", c.covers)
			}
			s := start(t, c.config)
			if o := s.openPacket(c.query); strings.Join(o.Upgrades, ",") != c.want {
				t.Errorf("upgrades %q, want %q", o.Upgrades, c.want)
			}
		})
	}
}

// A session is registered as long as it lives, and its Connection event gives it.
func TestSessionsAreRegistered(t *testing.T) {
	t.Attr("covers", "engine/server/handshake/10 engine/server/handshake/17")
	s := start(t, engineio.Config{})
	for _, q := range []string{handshake, direct} {
		if n := s.engine.Sessions(); n != 0 {
			t.Fatalf("%d sessions before", n)
		}
		id := s.openPacket(q).Sid
		x := next(t, s.sessions)
		if found, ok := s.engine.Session(id); !ok || found != x || x.ID() != id || s.engine.Sessions() != 1 {
			t.Errorf("session %q is registered: %t, of %d", id, ok, s.engine.Sessions())
		}
		x.Discard(nil)
		next(t, s.closings)
	}
}

// GenerateID may take its time, and fail.
func TestGenerateID(t *testing.T) {
	t.Run("slowly", func(t *testing.T) {
		t.Attr("covers", "engine/server/handshake/12")
		s := start(t, engineio.Config{GenerateID: func(*http.Request) (string, error) {
			<-time.After(10 * time.Millisecond)
			return "slow", nil
		}})
		if id := s.openPacket(handshake).Sid; id != "slow" || next(t, s.sessions).ID() != "slow" {
			t.Errorf("id %q", id)
		}
	})
	refused := make(chan *engineio.ConnectionError, 2)
	s := start(t, engineio.Config{
		GenerateID: func(*http.Request) (string, error) { return "", errors.New("no name") },
		Events:     engineio.Events{ConnectionError: func(e *engineio.ConnectionError) { refused <- e }},
	})
	want := func(t *testing.T) {
		t.Helper()
		if e := next(t, refused); e.Code != 3 || e.Context["name"] != "ID_GENERATION_ERROR" || e.Context["error"] != "no name" || s.engine.Sessions() != 0 {
			t.Errorf("%+v", e)
		}
	}
	t.Run("fails, polling", func(t *testing.T) {
		t.Attr("covers", "engine/server/handshake/13")
		s.wantReply(s.request("GET", handshake, ""), 400, `{"code":3,"message":"Bad request"}`)
		want(t)
	})
	t.Run("fails, WebSocket", func(t *testing.T) {
		t.Attr("covers", "engine/server/handshake/14")
		if _, err := s.tryDial(direct); err == nil {
			t.Error("a WebSocket was opened")
		}
		want(t)
	})
}

// An Origin that no header may have. net/http refuses such a request by itself, other servers may not.
func TestIllegalOrigin(t *testing.T) {
	t.Attr("covers", "engine/server/handshake/28")
	refused := make(chan *engineio.ConnectionError, 1)
	e := newEngine(t, engineio.Config{Events: engineio.Events{ConnectionError: func(e *engineio.ConnectionError) { refused <- e }}})
	r := httptest.NewRequest(http.MethodGet, engineio.DefaultPath+"?"+handshake, nil)
	r.Header["Origin"] = []string{"http://a\x7fb"}
	w := httptest.NewRecorder()
	e.ServeHTTP(w, r)
	if got := next(t, refused); w.Code != 400 || w.Body.String() != `{"code":3,"message":"Bad request"}` || got.Context["name"] != "INVALID_ORIGIN" || got.Context["origin"] != "http://a\x7fb" {
		t.Errorf("%d %s, %+v", w.Code, w.Body, got)
	}
}

// The first request's headers and address.
func TestHandshakeOfEachTransport(t *testing.T) {
	s := start(t, engineio.Config{})
	for name, covers := range map[string]string{"polling": "engine/server/extra-headers/2 engine/server/cors/7", "WebSocket": "engine/server/extra-headers/1 engine/server/cors/8"} {
		t.Run(name, func(t *testing.T) {
			t.Attr("covers", covers)
			headers := []string{"X-Custom: yes", "Cookie: a=1; b=2"}
			if name == "polling" {
				s.with("GET", handshake, headers...)
			} else {
				s.upgradeWith(direct, headers...)
			}
			h := next(t, s.sessions).Handshake()
			if h.Header().Get("X-Custom") != "yes" || h.Header().Get("Cookie") != "a=1; b=2" || !h.ClientIP().IsLoopback() || !strings.HasPrefix(h.RemoteAddr, "127.0.0.1:") {
				t.Errorf("from %s: %v", h.RemoteAddr, h.Header())
			}
		})
	}
}
