package engineio_test

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

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

// Only what trusted proxies added to the headers counts; a client cannot say where it comes from.
func TestClientIP(t *testing.T) {
	const xff, forwarded = "X-Forwarded-For", "Forwarded"
	proxies := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8::/32")}
	for _, test := range []struct {
		name    string
		trusted []netip.Prefix
		header  string
		values  []string
		want    string
	}{
		{"no header", proxies, "", nil, "127.0.0.1"},
		{"nobody is trusted", nil, xff, []string{"1.2.3.4"}, "127.0.0.1"},
		{"the peer is not trusted", proxies[1:], xff, []string{"1.2.3.4"}, "127.0.0.1"},
		{"one hop", proxies, xff, []string{"1.2.3.4"}, "1.2.3.4"},
		{"invented by the client", proxies, xff, []string{"6.6.6.6, 1.2.3.4"}, "1.2.3.4"},
		{"two proxies", proxies, xff, []string{"6.6.6.6, 1.2.3.4, 10.1.1.1"}, "1.2.3.4"},
		{"two headers", proxies, xff, []string{"1.2.3.4", "10.1.1.1"}, "1.2.3.4"},
		{"all trusted", proxies, xff, []string{"10.2.2.2, 10.1.1.1"}, "10.2.2.2"},
		{"garbage", proxies, xff, []string{"1.2.3.4, <script>, 10.1.1.1"}, "10.1.1.1"},
		{"empty", proxies, xff, []string{""}, "127.0.0.1"},
		{"commas", proxies, xff, []string{",,,"}, "127.0.0.1"},
		{"with a port", proxies, xff, []string{"1.2.3.4:5678"}, "1.2.3.4"},
		{"IPv6", proxies, xff, []string{"2001:db9::1"}, "2001:db9::1"},
		{"IPv6 in brackets", proxies, xff, []string{"[2001:db9::1]:80, [2001:db8::1]"}, "2001:db9::1"},
		{"IPv4 in IPv6", proxies, xff, []string{"1.2.3.4, ::ffff:10.0.0.1"}, "1.2.3.4"},
		{"Forwarded", proxies, forwarded, []string{`for=6.6.6.6, For="[2001:db9::1]:99";proto=https;by=10.0.0.1, for=10.0.0.2`}, "2001:db9::1"},
		{"Forwarded, hidden", proxies, forwarded, []string{`for=1.2.3.4, for=_hidden, for=10.0.0.2`}, "10.0.0.2"},
		{"Forwarded without for", proxies, forwarded, []string{`proto=https`}, "127.0.0.1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := start(t, engineio.Config{TrustedProxies: test.trusted})
			r, err := http.NewRequestWithContext(t.Context(), "GET", s.url+"?EIO=4&transport=polling", nil)
			if err != nil {
				t.Fatal(err)
			}
			for _, v := range test.values {
				r.Header.Add(test.header, v)
			}
			if got, err := s.do(r); err != nil || got.status != 200 {
				t.Fatalf("%+v, %v", got, err)
			}
			if got := next(t, s.sessions).Handshake().ClientIP().String(); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

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
