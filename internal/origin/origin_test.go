package origin

import (
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for _, s := range []string{
		"null", "file://", "http://example.com", "https://EXAMPLE.com:8443", "http://127.0.0.1:0",
		"http://[::1]:65535",
		"capacitor://localhost", "chrome-extension://abcdef", "app://.", "http://a_b.example",
		"http://xn--bcher-kva.example",
	} {
		if _, ok := Parse(s); !ok {
			t.Errorf("%s is an origin", s)
		}
	}
	for _, s := range []string{
		"", " ", "Null", "example.com", "//x", "://x", "http:", "http://", "http:/x", "http:x", "https://",
		"1http://x", "ht tp://x", "*://x",
		"http://u@x", "http://u:p@x", "http://x/", "http://x/evil", "http://x?y", "http://x#y", `http://x\y`,
		"http://x y", "http://x, http://y",
		"http://x:", "http://x:y", "http://x:-1", "http://x:65536", "http://x:080", "http://x:1:2",
		"http://x:000000000000000000080",
		"http://[::1", "http://::1", "http://[::1]x", "http://[::1%25eth0]", "http://[127.0.0.1]",
		"http://[x]", "http://*", "http://b\u00fccher.example",
		"http://%61", "file://x/y", "file:///", "http://x\n", "null null",
	} {
		if o, ok := Parse(s); ok {
			t.Errorf("%q is no origin, but %+v", s, o)
		}
	}
}

func TestPatterns(t *testing.T) {
	for pattern, origins := range map[string]string{ // those after / do not match
		"*":       "null file:// http://x https://x:1 capacitor://localhost /",
		"null":    "null / file:// http://null",
		"file://": "file:// / null",
		"http://localhost:*": "http://localhost http://localhost:80 http://localhost:3000 " +
			"http://LOCALHOST:1 / https://localhost:1 http://x.localhost:1 http://localhost.example",
		"https://*.example.com": "https://a.example.com https://a.b.example.com https://a.example.com:443 " +
			"HTTPS://A.EXAMPLE.COM / https://example.com http://a.example.com " +
			"https://a.example.com:8443 https://a.example.com.evil.test https://evil.test",
		"https://app.example.com": "https://app.example.com https://app.example.com:443 " +
			"https://App.Example.com / http://app.example.com https://app.example.com:444 " +
			"https://xapp.example.com null",
		"https://app.example.com:1": "https://app.example.com:1 / https://app.example.com https://app.example.com:11",
		"HTTPS://*-team.example:*":  "https://x-team.example https://y-z-team.example:77 / https://team.example",
		"https://pre-*-x.*.test":    "https://pre-1-x.a.test / https://pre-1-y.a.test",
		"http://*:*":                "http://a http://a.b:1 http://[::1]:2 / https://a null file://",
		"https://*":                 "https://a https://a.b:443 / https://a:1 http://a",
		"http://[0:0::1]:3000":      "http://[::1]:3000 / http://[::1] http://127.0.0.1:3000",
		"http://[::1]:*":            "http://[::1]:3000 http://[::1] / http://[::2]",
		"capacitor://localhost": "capacitor://localhost / ionic://localhost capacitor://localhost:1 " +
			"http://localhost",
		"chrome-extension://abcdefg": "chrome-extension://abcdefg / chrome-extension://abc",
		"http://192.168.1.7:*":       "http://192.168.1.7:5173 / http://192.168.1.70:5173",
	} {
		p, err := ParsePattern(pattern)
		if err != nil {
			t.Errorf("%s: %v", pattern, err)
			continue
		}
		yes, no, _ := strings.Cut(origins, " / ")
		if before, ok := strings.CutSuffix(origins, " /"); ok {
			yes, no = before, ""
		}
		for want, list := range map[bool]string{true: yes, false: no} {
			for s := range strings.FieldsSeq(list) {
				o, ok := Parse(s)
				if !ok || p.Match(o) != want {
					t.Errorf("%s matches %s: %t, want %t", pattern, s, !want, want)
				}
			}
		}
		if p.IsAny() != (pattern == "*") {
			t.Errorf("%s matches everything: %t", pattern, p.IsAny())
		}
	}
	for _, pattern := range []string{
		"", "example.com", "https://", "https://example.com/", "https://example.com/x",
		"https://u@example.com", "*.example.com", "*://example.com",
		"http://localhost:30*", "http://localhost:**", "null:*", "file://*/", "file://:*",
		"https://[*.example", "https://a?.example", "http://[*]",
		"https://b\u00fccher.example", "https://example.com https://example.org", "https://*example.com",
		"https://exam*le.com", "https://example.*",
		"http://192.168.1.*", "https://*.*", "https://**.example.com", "https://example.com:*:*",
	} {
		if _, err := ParsePattern(pattern); err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: %v, want an error of one line", pattern, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("https://a.example:443", "a.example")
	f.Add("http://[::1]:1", "[::1]:1")
	f.Fuzz(func(t *testing.T, s, host string) {
		o, ok := Parse(s)
		if ok && s != "null" && strings.ContainsAny(s[strings.Index(s, "://")+3:], "/@?#\\ ") {
			t.Errorf("%q is no origin", s)
		}
		if p, err := ParsePattern(s); ok && (err != nil || !p.Match(o)) {
			t.Errorf("%q does not match itself: %v", s, err)
		}
		if o.isAt(host) && !ok {
			t.Errorf("%q is at %q", s, host)
		}
	})
}
