package engineio_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gosocketio/socketio/engineio"
)

// The cookie in every form.
func TestCookie(t *testing.T) {
	for _, c := range []struct {
		name, covers string
		change       func(*http.Cookie)
		want         string // after the value
	}{
		{"default", "engine/server/handshake/1", func(*http.Cookie) {}, "; Path=/; HttpOnly; SameSite=Lax"},
		{"name", "engine/server/handshake/2", func(c *http.Cookie) { c.Name = "woot" }, "; Path=/; HttpOnly; SameSite=Lax"},
		{"path", "engine/server/handshake/3", func(c *http.Cookie) { c.Path = "/custom" }, "; Path=/custom; HttpOnly; SameSite=Lax"},
		{"no path", "engine/server/handshake/4", func(c *http.Cookie) { c.Path = "" }, "; HttpOnly; SameSite=Lax"},
		{"HttpOnly", "engine/server/handshake/5", func(c *http.Cookie) { c.HttpOnly = true }, "; Path=/; HttpOnly; SameSite=Lax"},
		{"strict", "engine/server/handshake/6", func(c *http.Cookie) { c.SameSite = http.SameSiteStrictMode }, "; Path=/; HttpOnly; SameSite=Strict"},
		{"no HttpOnly", "engine/server/handshake/7", func(c *http.Cookie) { c.HttpOnly = false }, "; Path=/; SameSite=Lax"},
		{"everything", "", func(c *http.Cookie) {
			c.Domain, c.MaxAge, c.Secure, c.Partitioned, c.SameSite = "example.com", 60, true, true, http.SameSiteNoneMode
			c.Expires = time.Date(2027, 1, 2, 3, 4, 5, 0, time.UTC)
			c.Unparsed = []string{"Priority=High"}
		}, "; Path=/; Domain=example.com; Expires=Sat, 02 Jan 2027 03:04:05 GMT; Max-Age=60; HttpOnly; Secure; SameSite=None; Partitioned; Priority=High"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.covers != "" {
				t.Attr("covers", c.covers)
			}
			cookie := engineio.DefaultCookie()
			c.change(cookie)
			s := start(t, engineio.Config{Cookie: cookie})
			got := s.request("GET", handshake, "")
			want := cookie.Name + "=" + sid(t, got.body[1:]) + c.want
			if v := got.header["Set-Cookie"]; len(v) != 1 || v[0] != want {
				t.Errorf("Set-Cookie is %q, want %q", v, want)
			}
			if cookie.Value != "" {
				t.Error("the configured cookie was changed")
			}
		})
	}
	t.Run("none", func(t *testing.T) {
		t.Attr("covers", "engine/server/handshake/9")
		s := start(t, engineio.Config{})
		if v := s.request("GET", handshake, "").header["Set-Cookie"]; v != nil {
			t.Errorf("Set-Cookie is %q", v)
		}
	})
}

func TestCookieOnlyOnPollingHandshake(t *testing.T) {
	t.Attr("covers", "easy/17 engine/server/response-headers/4")
	s := start(t, engineio.Config{Cookie: engineio.DefaultCookie(), Events: engineio.Events{
		InitialHeaders: func(h http.Header, _ *http.Request) { h.Add("Set-Cookie", "mine=1") },
	}})
	got := s.request("GET", handshake, "")
	id := sid(t, got.body[1:])
	if want := []string{"io=" + id + "; Path=/; HttpOnly; SameSite=Lax", "mine=1"}; !slices.Equal(got.header["Set-Cookie"], want) {
		t.Errorf("Set-Cookie is %q, want %q", got.header["Set-Cookie"], want)
	}
	q := handshake + "&sid=" + id
	if got := s.request("POST", q, "4x"); got.header.Get("Set-Cookie") != "" {
		t.Errorf("POST: %+v", got)
	}
	if got := s.request("GET", q, ""); got.header.Get("Set-Cookie") != "" {
		t.Errorf("GET: %+v", got)
	}
}

// A WebSocket handshake sets no cookie but those of the user.
func TestNoCookieOnWebSocketHandshake(t *testing.T) {
	t.Attr("covers", "engine/server/response-headers/6")
	s := start(t, engineio.Config{Cookie: engineio.DefaultCookie(), Events: engineio.Events{
		InitialHeaders: func(h http.Header, _ *http.Request) { h.Add("Set-Cookie", "mine=1"); h.Set("X-Mine", "yes") },
	}})
	got, _ := s.upgradeWith(direct)
	if v := strings.Join(got.header["Set-Cookie"], "|"); v != "mine=1" || got.header.Get("X-Mine") != "yes" {
		t.Errorf("headers %v", got.header)
	}
}
