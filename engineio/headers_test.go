package engineio_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/gosocketio/socketio/engineio"
)

func (s *server) with(method, query string, header ...string) reply {
	s.Helper()
	r, err := http.NewRequestWithContext(s.Context(), method, s.url+"?"+query, nil)
	if err != nil {
		s.Fatal(err)
	}
	for _, h := range header {
		k, v, _ := strings.Cut(h, ": ")
		r.Header.Set(k, v)
	}
	got, err := s.do(r)
	if err != nil {
		s.Fatal(err)
	}
	return got
}

const handshake = "EIO=4&transport=polling"

func TestCORS(t *testing.T) {
	t.Attr("covers", "engine/server/cors/1 engine/server/cors/2 engine/server/cors/3 engine/server/handshake/27 abuse/CVE-2020-28481 abuse/CVE-2026-22689")
	const app, evil = "Origin: https://app.test", "Origin: https://evil.test"
	list := engineio.CORS{
		Origins: []string{"https://app.test", "https://*.sub.test"}, Credentials: true,
		Methods: []string{"GET", "PUT"}, AllowedHeaders: []string{"x-a", "x-b"},
	}
	for _, c := range []struct {
		name    string
		cors    engineio.CORS
		method  string
		header  []string
		status  int
		want    map[string]string
		without []string
	}{
		{"same host", engineio.CORS{}, "GET", []string{"Origin: http://HOST"}, 200, nil, []string{"Access-Control-Allow-Origin"}},
		{"default refuses", engineio.CORS{}, "GET", []string{app}, 403, nil, []string{"Access-Control-Allow-Origin"}},
		{"default has no preflight", engineio.CORS{}, "OPTIONS", nil, 400, nil, nil},
		{"listed", list, "GET", []string{app}, 200, map[string]string{"Access-Control-Allow-Origin": "https://app.test", "Vary": "Origin", "Access-Control-Allow-Credentials": "true"}, []string{"Access-Control-Allow-Methods"}},
		{"pattern", list, "GET", []string{"Origin: https://x.sub.test"}, 200, map[string]string{"Access-Control-Allow-Origin": "https://x.sub.test"}, nil},
		{"pattern is no prefix", list, "GET", []string{"Origin: https://evil.test/.sub.test"}, 403, nil, nil},
		{"not listed", list, "GET", []string{evil}, 403, map[string]string{"Vary": "Origin"}, []string{"Access-Control-Allow-Origin"}},
		{"preflight", list, "OPTIONS", []string{app}, 204, map[string]string{"Access-Control-Allow-Methods": "GET,PUT", "Access-Control-Allow-Headers": "x-a,x-b", "Access-Control-Allow-Origin": "https://app.test"}, nil},
		{"preflight with credentials", list, "OPTIONS", []string{app}, 204, map[string]string{"Access-Control-Allow-Credentials": "true"}, nil},
		{"preflight of another", list, "OPTIONS", []string{evil}, 204, nil, []string{"Access-Control-Allow-Origin", "Access-Control-Allow-Credentials"}},
		{"any", engineio.CORS{Origins: []string{"*"}}, "OPTIONS", []string{evil, "Access-Control-Request-Headers: x-q"}, 204, map[string]string{"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Headers": "x-q", "Access-Control-Allow-Methods": "GET,HEAD,PUT,PATCH,POST,DELETE"}, nil},
		{"preflight with the default methods", engineio.CORS{Origins: []string{"https://app.test"}, AllowedHeaders: []string{"my-header"}, Credentials: true}, "OPTIONS", []string{app}, 204, map[string]string{"Access-Control-Allow-Origin": "https://app.test", "Access-Control-Allow-Methods": "GET,HEAD,PUT,PATCH,POST,DELETE", "Access-Control-Allow-Headers": "my-header", "Access-Control-Allow-Credentials": "true"}, nil},
		{"function", engineio.CORS{AllowOrigin: func(_ *http.Request, o string) bool { return o == "https://app.test" }}, "GET", []string{app}, 200, map[string]string{"Access-Control-Allow-Origin": "https://app.test"}, nil},
		{"function for all", engineio.CORS{AllowOrigin: func(*http.Request, string) bool { return true }, Credentials: true}, "GET", []string{evil}, 200, map[string]string{"Access-Control-Allow-Origin": "https://evil.test", "Access-Control-Allow-Credentials": "true"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := start(t, engineio.Config{CORS: c.cors})
			host := strings.TrimSuffix(strings.TrimPrefix(s.url, "http://"), engineio.DefaultPath)
			for i := range c.header {
				c.header[i] = strings.Replace(c.header[i], "HOST", host, 1)
			}
			got := s.with(c.method, handshake, c.header...)
			if got.status != c.status {
				t.Errorf("status %d, want %d", got.status, c.status)
			}
			for k, v := range c.want {
				if got.header.Get(k) != v {
					t.Errorf("%s is %q, want %q", k, got.header.Get(k), v)
				}
			}
			for _, k := range c.without {
				if v := got.header.Get(k); v != "" {
					t.Errorf("%s is %q, want none", k, v)
				}
			}
		})
	}
	t.Run("errors carry it", func(t *testing.T) {
		s := start(t, engineio.Config{CORS: list})
		if got := s.with("GET", "EIO=4&transport=websocket", app); got.status != 400 || got.body != `{"code":3,"message":"Bad request"}` || got.header.Get("Access-Control-Allow-Origin") == "" {
			t.Errorf("got %+v", got)
		}
	})
}

func TestHeaderEvents(t *testing.T) {
	t.Attr("covers", "engine/server/response-headers/5")
	var initial, all int
	s := start(t, engineio.Config{Events: engineio.Events{
		InitialHeaders: func(http.Header, *http.Request) { initial++ },
		Headers:        func(h http.Header, _ *http.Request) { all++; h.Set("X-Mine", "1") },
	}})
	got := s.request("GET", handshake, "")
	q := handshake + "&sid=" + sid(t, got.body[1:])
	if got.header.Get("X-Mine") != "1" {
		t.Error("the handshake lacks the header")
	}
	if got := s.request("POST", q, "4x"); got.header.Get("X-Mine") != "1" {
		t.Error("the answer to the POST lacks the header")
	}
	s.request("GET", q, "")
	c := s.dial(strings.Replace(q, "polling", "websocket", 1))
	c.send("2probe")
	c.want("3probe")
	if initial != 1 || all != 4 {
		t.Errorf("%d initial and %d header events, want 1 and 4", initial, all)
	}
}

func TestInternetExplorerGetsXSSHeader(t *testing.T) {
	t.Attr("covers", "engine/server/response-headers/1 engine/server/response-headers/2")
	s := start(t, engineio.Config{})
	for _, ua := range []string{"Mozilla/4.0 (compatible;MSIE 8.0)", "Mozilla/5.0 (Windows NT; Trident/7.0; rv:11.0)"} {
		if got := s.with("GET", handshake, "User-Agent: "+ua); got.header.Get("X-XSS-Protection") != "0" {
			t.Errorf("%s: %v", ua, got.header)
		}
	}
}

func TestHandshakeData(t *testing.T) {
	t.Attr("covers", "engine/server/handshake/11 engine/server/handshake/25 engine/server/handshake/26 engine/server/handshake/31 engine/server/extra-headers/2")
	type key struct{}
	s := start(t, engineio.Config{
		InitialPacket:  "welcome",
		GenerateID:     func(r *http.Request) (string, error) { return r.URL.Query().Get("id"), errors.Join() },
		SessionContext: func(*http.Request) context.Context { return context.WithValue(context.Background(), key{}, "v") },
	})
	got := s.with("GET", handshake+"&id=mine&a=b%20c", "X-Custom: yes")
	if !strings.HasPrefix(got.body, `0{"sid":"mine",`) || !strings.HasSuffix(got.body, "}\x1e4welcome") {
		t.Errorf("handshake: %s", got.body)
	}
	x := next(t, s.sessions)
	h := x.Handshake()
	if h.Query().Get("a") != "b c" || h.Header().Get("X-Custom") != "yes" || h.RemoteAddr == "" || h.Secure || h.CrossDomain {
		t.Errorf("handshake is %+v", h)
	}
	if x.ID() != "mine" || x.Protocol() != 4 || x.Context().Value(key{}) != "v" {
		t.Errorf("session %s", x.ID())
	}
	for _, id := range []string{"mine", "", "no%22good"} {
		if got := s.request("GET", handshake+"&id="+id, ""); got.status != 400 || !strings.Contains(got.body, `"code":3`) {
			t.Errorf("id %q: %+v", id, got)
		}
	}
}
