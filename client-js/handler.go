package clientjs

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/gosocketio/socketio/internal/accept"
)

// Handler returns a handler that answers requests for the files directly below
// prefix, the server's path such as "/socket.io/", with or without its last
// slash, and hands every other request to next.
//
// As in the official server any method is answered, the query is ignored, and
// an If-None-Match that equals the entity tag, weak or strong, gets 304 without
// any header. A file is sent as brotli, gzip or deflate when the client accepts one of
// them. Two things differ from the official server. Brotli is not offered: a
// dependency for one static file would be in every user's module graph. And
// the length and "Vary: Accept-Encoding" are sent, without which a shared cache
// could hand a compressed file to a client that did not ask for it.
//
// Access-Control headers are not its business: put it behind the CORS
// middleware that the server uses for itself.
func (f *Files) Handler(prefix string, next http.Handler) http.Handler {
	prefix = strings.TrimSuffix(prefix, "/") + "/"
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, below := strings.CutPrefix(r.URL.Path, prefix)
		b := f.bundles[name]
		if !below || b == nil {
			next.ServeHTTP(w, r)
			return
		}
		f.serve(w, r, b)
	})
}

func (f *Files) serve(w http.ResponseWriter, r *http.Request, b *bundle) {
	if tag := r.Header.Get("If-None-Match"); tag == f.etag || tag == "W/"+f.etag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	encoding := accept.Encoding(strings.Join(r.Header.Values("Accept-Encoding"), ","), accept.Brotli, accept.Gzip, accept.Deflate)
	body := b.body(encoding)
	h := w.Header()
	h.Set("Cache-Control", "public, max-age=0")
	h.Set("Content-Type", b.contentType)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("ETag", f.etag)
	h.Add("Vary", "Accept-Encoding")
	if encoding != accept.Identity {
		h.Set("Content-Encoding", encoding)
	}
	w.WriteHeader(http.StatusOK)
	// The only error is a client that went away, which nobody needs to hear of.
	_, _ = w.Write(body)
}
