package main

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html/template"
	"net/http"
	"net/url"
)

var (
	//go:embed status.html
	statusHTML string
	//go:embed status.css
	statusCSS string
)

// docs is where the documentation is.
const docs = "https://github.com/gosocketio/socketio/blob/main"

// status is what the page at / says. It has nothing that a client does not know.
type status struct {
	Style     template.CSS
	Docs      string
	URL       string // of this server, as the browser has it
	Path      string // of the Socket.IO server, escaped
	OtherPath bool   // clients must be told of it
}

// statusPage serves a page at / that says how to connect, and what to do next.
func statusPage(path string) http.Handler {
	page := template.Must(template.New("status").Parse(statusHTML))
	style := sha256.Sum256([]byte(statusCSS))
	policy := "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(style[:]) +
		"'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		switch {
		case r.URL.Path != "/":
			http.NotFound(w, r)
			return
		case r.Method != http.MethodGet && r.Method != http.MethodHead:
			h.Set("Allow", "GET, HEAD")
			http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
			return
		}
		h.Set("Content-Security-Policy", policy)
		h.Set("Content-Type", "text/html; charset=utf-8")
		h.Set("Cache-Control", "no-store") // what it says depends on the Host header
		h.Set("Referrer-Policy", "no-referrer")
		at := url.URL{Scheme: "http", Host: r.Host}
		if r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https" {
			at.Scheme = "https"
		}
		escaped := (&url.URL{Path: path}).EscapedPath()
		_ = page.Execute(w, status{ // the only error is a client that went away
			Style: template.CSS(statusCSS), //nolint:gosec // it is ours
			Docs:  docs, URL: at.String(), Path: escaped, OtherPath: path != "/socket.io/",
		})
	})
}
