package clientjs

import (
	"compress/gzip"
	"compress/zlib"
	"net/http"
	"strconv"
	"strings"

	"github.com/gosocketio/socketio/internal/accept"
)

// Handler serves the files directly below prefix and passes every other request to next.
//
// prefix is the server's path such as "/socket.io/", with or without its last slash. As in the
// official server, any method is answered, the query is ignored, and an If-None-Match that equals
// the entity tag, weak or strong, gets 304 without any header. A file is compressed with gzip or
// deflate for a client that accepts one of them.
//
// Two things differ from the official server. Brotli is not offered, because it would be a
// dependency of every program that uses the server. "Vary: Accept-Encoding" is sent, so that a
// shared cache gives a compressed file only to clients that accept it.
//
// Handler sets no Access-Control headers: put it behind the CORS middleware of the server.
func (f *Files) Handler(prefix string, next http.Handler) http.Handler {
	prefix = strings.TrimSuffix(prefix, "/") + "/"
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, below := strings.CutPrefix(r.URL.Path, prefix)
		data, ok := f.bundles[name]
		if !below || !ok {
			next.ServeHTTP(w, r)
			return
		}
		f.serve(w, r, name, data)
	})
}

func (f *Files) serve(w http.ResponseWriter, r *http.Request, name string, data []byte) {
	if tag := r.Header.Get("If-None-Match"); tag == f.etag || tag == "W/"+f.etag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h := w.Header()
	h.Set("Cache-Control", "public, max-age=0")
	h.Set("Content-Type", "application/javascript; charset=utf-8")
	if strings.HasSuffix(name, ".map") {
		h.Set("Content-Type", "application/json; charset=utf-8")
	}
	h.Set("ETag", f.etag)
	h.Add("Vary", "Accept-Encoding")
	encoding := accept.Encoding(strings.Join(r.Header.Values("Accept-Encoding"), ","))
	if encoding == accept.Identity {
		h.Set("Content-Length", strconv.Itoa(len(data)))
	} else {
		h.Set("Content-Encoding", encoding)
	}
	if r.Method == http.MethodHead {
		return // net/http would drop the body after it was compressed
	}
	// The only error of a write is a client that went away.
	switch encoding {
	case accept.Gzip:
		z := gzip.NewWriter(w)
		_, _ = z.Write(data)
		_ = z.Close()
	case accept.Deflate: // HTTP's "deflate" is the zlib format (RFC 9110, section 8.4.1.2)
		z := zlib.NewWriter(w)
		_, _ = z.Write(data)
		_ = z.Close()
	default:
		_, _ = w.Write(data)
	}
}
