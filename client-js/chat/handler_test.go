package chat_test

import (
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/gosocketio/socketio/client-js/chat"
)

func get(h http.Handler, method, path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(method, path, nil))
	return w
}

func TestThePageKnowsThePath(t *testing.T) {
	for path, want := range map[string]string{
		"/socket.io/": "/socket.io/",
		"/socket.io":  "/socket.io/",
		"/a/b":        "/a/b/",
		"/{x}/":       "/%7Bx%7D/",
		`/"><script>`: "/%22%3E%3Cscript%3E/",
		"/a&b'c":      "/a&amp;b%27c/",
	} {
		body := get(chat.Handler(path), "GET", "/").Body.String()
		for _, part := range []string{`<meta name="socketio-path" content="` + want + `">`, `<script src="` + want + `socket.io.js"`} {
			if !strings.Contains(body, part) {
				t.Errorf("path %s: no %s", path, part)
			}
		}
	}
}

func TestEveryFileOfThePageIsServed(t *testing.T) {
	h := chat.Handler("/socket.io/")
	types := map[string]string{"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml", "": "text/html"}
	paths := []string{"/"}
	for _, m := range regexp.MustCompile(`(?:href|src)="([\w.]+)"`).FindAllStringSubmatch(get(h, "GET", "/").Body.String(), -1) {
		paths = append(paths, "/"+m[1])
	}
	if len(paths) < 5 {
		t.Fatalf("the page names only %q", paths)
	}
	seen := make(map[string]bool)
	for len(paths) > 0 {
		path := paths[0]
		if paths = paths[1:]; seen[path] {
			continue
		}
		seen[path] = true
		w := get(h, "GET", path)
		if w.Code != http.StatusOK {
			t.Errorf("%s: status %d", path, w.Code)
		}
		_, extension, _ := strings.Cut(path, ".")
		if got := w.Header().Get("Content-Type"); !strings.HasPrefix(got, types[extension]) {
			t.Errorf("%s: Content-Type %q", path, got)
		}
		if w.Header().Get("X-Content-Type-Options") != "nosniff" || w.Header().Get("Cache-Control") != "no-cache" {
			t.Errorf("%s: headers %v", path, w.Header())
		}
		for _, m := range regexp.MustCompile(`from "\./([\w.]+)"`).FindAllStringSubmatch(w.Body.String(), -1) {
			paths = append(paths, "/"+m[1])
		}
	}
}

func TestNothingElseIsServed(t *testing.T) {
	h := chat.Handler("/socket.io/")
	for _, path := range []string{"/doc.go", "/handler.go", "/nope", "/../go.mod", "/chat"} {
		if w := get(h, "GET", path); w.Code != http.StatusNotFound {
			t.Errorf("%s: status %d", path, w.Code)
		}
	}
	if w := get(h, "POST", "/"); w.Code != http.StatusMethodNotAllowed {
		t.Errorf("POST /: status %d", w.Code)
	}
}

// What the browser's policy forbids would fail only in a browser, and only where it is tried.
func TestThePageObeysItsOwnPolicy(t *testing.T) {
	csp := get(chat.Handler("/socket.io/"), "GET", "/").Header().Get("Content-Security-Policy")
	for _, part := range []string{"default-src 'none'", "script-src 'self';", "frame-ancestors 'none'"} {
		if !strings.Contains(csp, part) {
			t.Errorf("the policy has no %q: %s", part, csp)
		}
	}
	forbidden := regexp.MustCompile(`(?i)innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|DOMParser|\bstyle="|\son\w+="|<script>|<style>|(?:src|href|url\()\s*[="'(]+(?:https?:)?//`)
	files, err := fs.Glob(os.DirFS("."), "*.[hjc][ts]*")
	if err != nil || len(files) < 10 {
		t.Fatalf("%q, %v", files, err)
	}
	for _, name := range files {
		for i, line := range strings.Split(read(t, name), "\n") {
			if m := forbidden.FindString(line); m != "" {
				t.Errorf("%s:%d: %s", name, i+1, m)
			}
		}
	}
}

// An id that a script looks for and the page does not have is an error only when that line runs.
func TestIds(t *testing.T) {
	html := read(t, "index.html")
	ids := make(map[string]bool)
	for _, m := range regexp.MustCompile(`\bid="([\w-]+)"`).FindAllStringSubmatch(html, -1) {
		if ids[m[1]] {
			t.Errorf("id %s is there twice", m[1])
		}
		ids[m[1]] = true
	}
	for _, m := range regexp.MustCompile(`(?:<label[^>]* for|aria-controls|href)="#?([\w-]+)"`).FindAllStringSubmatch(html, -1) {
		if !ids[m[1]] {
			t.Errorf("the page refers to %q", m[1])
		}
	}
	scripts, err := fs.Glob(os.DirFS("."), "*.js")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range scripts {
		script := read(t, name)
		for _, m := range regexp.MustCompile(`\$\("([\w-]+)"\)`).FindAllStringSubmatch(script, -1) {
			if !ids[m[1]] {
				t.Errorf("%s: no element %q", name, m[1])
			}
		}
		for _, m := range regexp.MustCompile(`\bicon\("([\w-]+)"\)`).FindAllStringSubmatch(script, -1) {
			if !ids["i-"+m[1]] {
				t.Errorf("%s: no icon %q", name, m[1])
			}
		}
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
