package origin

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/gosocketio/socketio/internal/refusal"
)

// request makes a request that came from an address ("peer") to an address ("at"), with the headers
// "Name: value".
func request(peer, at, host string, headers ...string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/engine.io/?EIO=3&transport=polling", nil)
	r.RemoteAddr, r.Host = peer, host
	var local net.Addr = &net.UnixAddr{Net: "unix", Name: "/run/app.sock"}
	if ap, err := netip.ParseAddrPort(at); err == nil {
		local = net.TCPAddrFromAddrPort(ap)
	}
	r = r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, local))
	for _, h := range headers {
		k, v, _ := strings.Cut(h, ": ")
		r.Header.Add(k, v)
	}
	return r
}

func TestCheck(t *testing.T) {
	const (
		far, near = "192.0.2.1:5000", "127.0.0.1:5000"
		public    = "198.51.100.1:80"
		loop      = "127.0.0.1:3000"
		site      = "Origin: https://example.com"
		local     = "Origin: http://localhost:5173"
		cross     = "Sec-Fetch-Site: cross-site"
	)
	allowed := []string{"https://friend.test", "http://tool.localhost:*"}
	proxies := Proxies{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("10.0.0.0/8")}
	for _, c := range []struct {
		name, peer, at, host string
		headers              []string
		rule                 string // "" if served
	}{
		// Host and port.
		{"no page", far, public, "example.com", nil, ""},
		{"own page", far, public, "example.com", []string{"Origin: http://example.com"}, ""},
		{"own page, TLS ends before us", far, public, "example.com", []string{site}, ""},
		{"default port in Host", far, public, "example.com:443", []string{site}, ""},
		{"default port in Origin", far, public, "example.com", []string{"Origin: http://example.com:80"}, ""},
		{"default port of the other scheme", far, public, "example.com:443",
			[]string{"Origin: http://example.com"}, RuleForeign},
		{"both have a port", far, public, "example.com:8080", []string{"Origin: http://example.com:8080"}, ""},
		{"case", far, public, "Example.COM", []string{"Origin: https://eXample.com"}, ""},
		{"IPv6", far, public, "[2001:db8:0::1]:80", []string{"Origin: http://[2001:db8::1]"}, ""},
		{"another port", far, public, "example.com", []string{"Origin: http://example.com:8080"}, RuleForeign},
		{"another host", far, public, "example.com", []string{"Origin: https://evil.test"}, RuleForeign},
		{"a longer host", far, public, "example.com", []string{"Origin: https://example.com.evil.test"}, RuleForeign},
		{"a subdomain", far, public, "example.com", []string{"Origin: https://a.example.com"}, RuleForeign},
		{"no Host", far, public, "", []string{site}, RuleForeign},
		{"a bad Host", far, public, "example.com/x", []string{site}, RuleForeign},
		{"no scheme of the web", far, public, "localhost", []string{"Origin: capacitor://localhost"}, RuleForeign},
		{"null", far, public, "example.com", []string{"Origin: null"}, RuleForeign},
		{"file", far, public, "example.com", []string{"Origin: file://"}, RuleForeign},
		// No serialized origin.
		{"no scheme", far, public, "x", []string{"Origin: //x"}, RuleInvalid},
		{"user", far, public, "x", []string{"Origin: http://u@x"}, RuleInvalid},
		{"path", far, public, "x", []string{"Origin: http://x/evil"}, RuleInvalid},
		{"slash", far, public, "x", []string{"Origin: http://x/"}, RuleInvalid},
		{"two in one", far, public, "x", []string{"Origin: http://x http://evil.test"}, RuleInvalid},
		{"two headers", far, public, "x", []string{"Origin: http://x", "Origin: http://evil.test"}, RuleInvalid},
		{"invalid, said to be same-origin", far, public, "x", []string{"Origin: http://x/",
			"Sec-Fetch-Site: same-origin"}, RuleInvalid},
		// What the policy lists.
		{"listed", far, public, "example.com", []string{"Origin: https://friend.test", cross}, ""},
		{"function", far, public, "example.com", []string{"Origin: https://function.test"}, ""},
		// Loopback.
		{"another port here", near, loop, "localhost:3000", []string{local}, ""},
		{"localhost to 127.0.0.1", near, loop, "127.0.0.1:3000", []string{local, cross}, ""},
		{"127.0.0.1 to localhost", near, loop, "localhost:3000", []string{"Origin: http://127.0.0.1"}, ""},
		{"127.0.0.9 to sub.localhost", near, loop, "sub.localhost:3000", []string{"Origin: https://127.0.0.9:1"}, ""},
		{"IPv6 loopback", "[::1]:5000", "[::1]:3000", "[::1]:3000", []string{"Origin: http://app.localhost"}, ""},
		{"IPv4 within IPv6", "[::ffff:127.0.0.1]:5000", "[::ffff:127.0.0.1]:3000", "localhost", []string{local}, ""},
		{"rebound name", near, loop, "evil.test:3000", []string{local}, RuleForeign},
		{"rebound name of the page", near, loop, "localhost:3000",
			[]string{"Origin: http://evil.test:3000"}, RuleForeign},
		{"loopback in the page's name", near, loop, "localhost:3000",
			[]string{"Origin: http://localhost.evil.test"}, RuleForeign},
		{"loopback in front of the name", near, loop, "localhost:3000",
			[]string{"Origin: http://127.0.0.1.evil.test"}, RuleForeign},
		{"evillocalhost", near, loop, "localhost:3000", []string{"Origin: http://evillocalhost"}, RuleForeign},
		{"app on a loopback name", near, loop, "localhost:3000",
			[]string{"Origin: capacitor://localhost"}, RuleForeign},
		{"Host is a name that may be rebound", near, loop, "localhost.evil.test", []string{local}, RuleForeign},
		{"peer elsewhere", far, public, "localhost:3000", []string{local}, RuleForeign},
		{"peer elsewhere, address here", far, loop, "localhost:3000", []string{local}, RuleForeign},
		{"Unix socket", "@", "unix", "localhost", []string{local}, RuleForeign},
		{"dev proxy, here", near, loop, "localhost:3000",
			[]string{local, "X-Forwarded-For: ::1, ::ffff:127.0.0.1", "X-Forwarded-Host: localhost:5173"}, ""},
		{"proxy here for somebody elsewhere", near, loop, "127.0.0.1:3000",
			[]string{local, "X-Forwarded-For: 192.0.2.1"}, RuleForeign},
		{"proxy here for somebody elsewhere, first", near, loop, "127.0.0.1:3000",
			[]string{local, "X-Forwarded-For: 192.0.2.1, 127.0.0.1"}, RuleForeign},
		{"proxy here, X-Real-IP", near, loop, "127.0.0.1:3000", []string{local, "X-Real-IP: 192.0.2.1"}, RuleForeign},
		{"proxy here, Forwarded", near, loop, "127.0.0.1:3000",
			[]string{local, "Forwarded: for=192.0.2.1"}, RuleForeign},
		{"proxy here, public host", near, loop, "127.0.0.1:3000",
			[]string{local, "X-Forwarded-Host: example.com"}, RuleForeign},
		// Proxies.
		{"nginx with its default Host", near, loop, "127.0.0.1:3000", []string{site}, RuleForeign},
		{"its own upstream name", far, public, "backend", []string{site}, RuleForeign},
		{"trusted proxy", "10.0.0.1:1", "10.0.0.2:3000", "backend",
			[]string{site, "X-Forwarded-Host: example.com"}, ""},
		{"trusted proxy with a port", "10.0.0.1:1", "10.0.0.2:3000", "backend",
			[]string{"Origin: http://example.com:8080", "X-Forwarded-Host: example.com:8080"}, ""},
		{"trusted proxies", "10.0.0.1:1", "10.0.0.2:3000", "backend",
			[]string{site, "X-Forwarded-Host: example.com, frontend"}, ""},
		{"trusted proxy, Forwarded", "10.0.0.1:1", "10.0.0.2:3000", "backend",
			[]string{site, `Forwarded: for=192.0.2.1;proto=https;Host="example.com:443", for=10.0.0.3;host=x`}, ""},
		{"trusted proxy, another host", "10.0.0.1:1", "10.0.0.2:3000", "backend",
			[]string{site, "X-Forwarded-Host: example.org"}, RuleForeign},
		{"trusted proxy on a Unix socket", "@", "unix", "localhost",
			[]string{site, "X-Forwarded-Host: example.com"}, ""},
		{"proxy nobody trusts", far, public, "backend", []string{site, "X-Forwarded-Host: example.com"}, RuleForeign},
		{"Forwarded nobody trusts", far, public, "backend",
			[]string{site, "Forwarded: host=example.com"}, RuleForeign},
		{"public host hidden, but the browser knows", near, loop, "127.0.0.1:3000",
			[]string{site, "Sec-Fetch-Site: same-origin"}, ""},
		// What has no Origin.
		{"typed in", far, public, "example.com", []string{"Sec-Fetch-Site: none"}, ""},
		{"own script", far, public, "example.com", []string{"Sec-Fetch-Site: same-origin",
			"Referer: https://example.com/"}, ""},
		{"foreign script", far, public, "example.com", []string{cross}, RuleCrossSite},
		{"foreign script with referer", far, public, "example.com",
			[]string{cross, "Referer: https://evil.test/x?y"}, RuleCrossSite},
		{"script of a sibling", far, public, "example.com", []string{"Sec-Fetch-Site: same-site",
			"Referer: https://evil.example.com/"}, RuleCrossSite},
		{"script of a listed page", far, public, "example.com",
			[]string{cross, "Referer: https://friend.test/page"}, ""},
		{"script of a page here", near, loop, "localhost:3000", []string{"Sec-Fetch-Site: same-site",
			"Referer: http://localhost:5173/"}, ""},
		{"a bad referer", far, public, "example.com",
			[]string{cross, "Referer: https://u@friend.test/"}, RuleInvalid},
		{"no URL as referer", far, public, "example.com", []string{cross, "Referer: about:client"}, RuleCrossSite},
		{"old browser, no script", far, public, "example.com", []string{"Referer: https://evil.test/"}, ""},
		{"old browser, script", far, public, "example.com", []string{"X-Script: 1",
			"Referer: https://evil.test/"}, RuleCrossSite},
		{"old browser, own script", far, public, "example.com", []string{"X-Script: 1",
			"Referer: https://example.com/page"}, ""},
		{"no browser, script", far, public, "example.com", []string{"X-Script: 1"}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := &Policy{
				Proxies:  proxies,
				Allow:    func(_ *http.Request, o string) bool { return o == "https://function.test" },
				IsScript: func(r *http.Request) bool { return r.Header.Get("X-Script") != "" },
			}
			if strings.Contains(c.name, "Unix socket") != strings.Contains(c.peer, "@") {
				t.Fatal("a peer on a Unix socket is @")
			}
			for _, s := range allowed {
				pattern, err := ParsePattern(s)
				if err != nil {
					t.Fatal(err)
				}
				p.Patterns = append(p.Patterns, pattern)
			}
			got := p.Check(request(c.peer, c.at, c.host, c.headers...))
			if rule := ruleOf(got); rule != c.rule {
				t.Fatalf("%+v, want %q", got, c.rule)
			}
			if got != nil && (got.Remedy == "" || got.Field == "" && c.rule != RuleInvalid) {
				t.Errorf("it does not say what to do: %+v", got)
			}
		})
	}
}

func ruleOf(r *refusal.Refusal) string {
	if r == nil {
		return ""
	}
	return r.Rule
}

// The remedy names what has to change.
func TestRemedies(t *testing.T) {
	for _, c := range []struct {
		host, origin, forwarded, field, remedy string
	}{
		{"127.0.0.1:3000", "https://example.com", "", "Config.CORS.Origins", "proxy_set_header Host $http_host"},
		{"example.com", "http://example.com:8080", "", "Config.CORS.Origins", "proxy_set_header Host $http_host"},
		{"127.0.0.1:3000", "https://example.com", "example.com", "Config.TrustedProxies",
			"192.0.2.1 to Config.TrustedProxies"},
		{"example.com", "https://other.test", "", "Config.CORS.Origins",
			`set Config.CORS.Origins to []string{"https://other.test"}`},
		{"localhost:3000", "http://localhost:5173", "", "Config.CORS.Origins", "CORS.Origins"},
		{"example.com", "null", "", "Config.CORS.Origins", `set Config.CORS.Origins to []string{"null"}`},
	} {
		r := request("192.0.2.1:5000", "198.51.100.1:80", c.host, "Origin: "+c.origin)
		if c.forwarded != "" {
			r.Header.Set("X-Forwarded-Host", c.forwarded)
		}
		got := new(Policy).Check(r)
		if got == nil || got.Field != c.field || !strings.Contains(got.Remedy, c.remedy) ||
			strings.Contains(got.Remedy, "\n") {
			t.Errorf("%+v: %+v", c, got)
		}
	}
}

// Nothing is allocated for a page of the server's own.
func TestAllocOwnPage(t *testing.T) {
	p := &Policy{}
	for _, headers := range [][]string{
		nil, {"Origin: https://example.com:8443"}, {"Origin: http://localhost", "Sec-Fetch-Site: same-origin"},
	} {
		r := request("192.0.2.1:5000", "198.51.100.1:80", "example.com:8443", headers...)
		if n := testing.AllocsPerRun(100, func() {
			if p.Check(r) != nil {
				t.Error("refused")
			}
		}); n > 0 {
			t.Errorf("%v: %v allocations", headers, n)
		}
	}
}
