package main

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/gosocketio/socketio/internal/rawclient"
)

func statusFor(path string, change func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, "http://chat.example:3001/", nil)
	change(r)
	w := httptest.NewRecorder()
	statusPage(path).ServeHTTP(w, r)
	return w
}

// Without -demo, the page at / says how to connect to the very server and path.
func TestStatusPage(t *testing.T) {
	plainly := func(*http.Request) {}
	w := statusFor("/socket.io/", plainly)
	body := w.Body.String()
	for _, part := range []string{
		`&lt;script src="http://chat.example:3001/socket.io/socket.io.js"&gt;`, `io("http://chat.example:3001");`, `href="/socket.io/socket.io.js"`,
	} {
		if w.Code != http.StatusOK || !strings.Contains(body, part) {
			t.Errorf("status %d, no %s", w.Code, part)
		}
	}
	if body := statusFor("/a/b/", plainly).Body.String(); !strings.Contains(body, `io("http://chat.example:3001", { path: "/a/b/" });`) {
		t.Error("the page does not know the path")
	}
	forwarded := func(r *http.Request) { r.Header.Set("X-Forwarded-Proto", "https") }
	if body := statusFor("/socket.io/", forwarded).Body.String(); !strings.Contains(body, `io("https://chat.example:3001");`) {
		t.Error("the page does not know that the proxy has HTTPS")
	}
	evil := func(r *http.Request) { r.Host = `"><script>alert(1)</script>` }
	if body := statusFor("/socket.io/", evil).Body.String(); strings.Contains(body, "<script") {
		t.Error("a Host header is HTML in the page")
	}
	for name, c := range map[string]struct {
		change func(*http.Request)
		status int
	}{
		"HEAD":         {func(r *http.Request) { r.Method = http.MethodHead }, http.StatusOK},
		"POST":         {func(r *http.Request) { r.Method = http.MethodPost }, http.StatusMethodNotAllowed},
		"another path": {func(r *http.Request) { r.URL.Path = "/nope" }, http.StatusNotFound},
	} {
		if w := statusFor("/socket.io/", c.change); w.Code != c.status {
			t.Errorf("%s: status %d, want %d", name, w.Code, c.status)
		}
	}
}

// The page's policy allows its style and nothing else, and it links to pages that there are.
func TestStatusPagePolicy(t *testing.T) {
	w := statusFor("/socket.io/", func(*http.Request) {})
	body, policy := w.Body.String(), w.Header().Get("Content-Security-Policy")
	style := regexp.MustCompile(`(?s)<style>(.*)</style>`).FindStringSubmatch(body)
	if style == nil {
		t.Fatal("no style")
	}
	sum := sha256.Sum256([]byte(style[1]))
	if !strings.Contains(policy, "default-src 'none'; style-src 'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'") {
		t.Errorf("the policy is %s", policy)
	}
	links := regexp.MustCompile(`href="`+docs+`/([^"#]+)`).FindAllStringSubmatch(body, -1)
	for _, m := range links {
		if _, err := os.Stat("../../" + m[1]); err != nil {
			t.Error(err)
		}
	}
	if len(links) < 3 {
		t.Errorf("only %d links to the documentation", len(links))
	}
}

// Without -demo there is nothing of the demo.
func TestWithoutDemo(t *testing.T) {
	p := start(t)
	defer p.end(t)
	for path, want := range map[string]int{"/": 200, "/app.js": 404, "/chat": 404, "/socket.io/?EIO=4&transport=polling": 200} {
		status, body, _ := fetch(t, p.url+path, nil)
		if status != want {
			t.Errorf("%s: status %d, want %d", path, status, want)
		}
		if path == "/" && !strings.Contains(body, `io("`+p.url+`");`) {
			t.Errorf("the page is %.300s", body)
		}
	}
	for _, nsp := range []string{"/chat", "/demo"} {
		c := rawclient.At(t, strings.TrimPrefix(p.url, "http://")).WebSocket()
		c.Send("40" + nsp + ",")
		if got := c.Read(); !strings.HasPrefix(got, "44"+nsp+`,{"message":"Invalid namespace"`) {
			t.Errorf("%s: %s", nsp, got)
		}
		c.Close()
	}
}
