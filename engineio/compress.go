package engineio

import (
	"bytes"
	"io"
	"net/http"
	"runtime"
	"strings"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zlib"

	"github.com/gosocketio/socketio/internal/accept"
)

// compressor is what gzip and zlib writers have in common.
type compressor interface {
	io.WriteCloser
	Reset(w io.Writer)
}

// Compressors take much memory, so they are pooled, and no more run at once than there are processors to run them.
var (
	compressing = make(chan struct{}, runtime.GOMAXPROCS(0))
	gzips       = sync.Pool{New: func() any {
		w, _ := gzip.NewWriterLevel(nil, gzip.BestSpeed) // the level is valid
		return w
	}}
	zlibs = sync.Pool{New: func() any {
		w, _ := zlib.NewWriterLevel(nil, zlib.BestSpeed)
		return w
	}}
)

// compress returns the body to answer a GET with, and sets Content-Encoding when that is a compressed one.
func (e *Server) compress(w http.ResponseWriter, r *http.Request, batch []entry, body []byte) []byte {
	if e.cfg.NoCompression || len(body) < e.cfg.CompressionThreshold || !worthwhile(batch) || encoded(w) {
		return body
	}
	h := w.Header()
	pool := &gzips
	encoding := accept.Encoding(strings.Join(r.Header.Values("Accept-Encoding"), ","))
	switch encoding {
	case accept.Identity:
		return body
	case accept.Deflate:
		pool = &zlibs
	}
	compressing <- struct{}{}
	defer func() { <-compressing }()
	c := pool.Get().(compressor)
	defer pool.Put(c)
	var out bytes.Buffer
	c.Reset(&out)
	// A bytes.Buffer does not fail.
	_, _ = c.Write(body)
	_ = c.Close()
	c.Reset(nil)
	h.Set("Content-Encoding", encoding)
	return out.Bytes()
}

// encoded tells whether middleware chooses the encoding of a response, or may do so where its headers cannot be seen. What has
// been compressed already it might compress again.
func encoded(w http.ResponseWriter) bool {
	h := w.Header()
	_, visible := innermost(w).(http.Flusher)
	return !visible || h.Get("Content-Encoding") != "" || headerHas(h["Vary"], "Accept-Encoding")
}

// worthwhile tells whether any of the messages may be compressed.
func worthwhile(batch []entry) bool {
	for i := range batch {
		if !batch[i].plain {
			return true
		}
	}
	return false
}
