package chat

import (
	"bytes"
	"embed"
	"html"
	"net/http"
	"net/url"
	"strings"
)

//go:embed *.html *.css *.js *.svg
var files embed.FS

// writtenPath is the server's path in index.html.
const writtenPath = "/socket.io/"

// policy allows what the page needs: its own scripts and styles, its connection, and received
// media.
// Media are blob: URLs. So nothing that a visitor sends can run.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; media-src blob:; " +
	"connect-src 'self' blob:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

// Handler serves the chat page at / and its files below.
// path is that of the Socket.IO server, such as "/socket.io/": the page loads the client from there
// and connects to it.
func Handler(path string) http.Handler {
	index := page(strings.TrimSuffix(path, "/") + "/")
	fileServer := http.FileServerFS(files)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-cache") // a new version of the server has a new page
		if r.URL.Path != "/" {
			fileServer.ServeHTTP(w, r)
			return
		}
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			h.Set("Allow", "GET, HEAD")
			http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
			return
		}
		h.Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write(index) // the only error is a client that went away
	})
}

// page returns index.html for a server at path, which may hold any character.
func page(path string) []byte {
	index, err := files.ReadFile("index.html")
	if err != nil {
		panic(err) // it is embedded
	}
	escaped := html.EscapeString((&url.URL{Path: path}).EscapedPath())
	return bytes.ReplaceAll(index, []byte(`"`+writtenPath), []byte(`"`+escaped))
}
