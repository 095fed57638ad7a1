package clientjs

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"io"

	"github.com/andybalholm/brotli"

	"github.com/gosocketio/socketio/internal/accept"
)

// compress returns data in the given encoding. HTTP's "deflate" is the zlib
// format (RFC 9110, section 8.4.1.2), not a bare deflate stream.
func compress(encoding string, data []byte) []byte {
	var out bytes.Buffer
	var w io.WriteCloser
	// The level is valid and a bytes.Buffer does not fail, so neither do these.
	switch encoding {
	case accept.Brotli:
		w = brotli.NewWriterLevel(&out, brotli.BestCompression)
	case accept.Gzip:
		w, _ = gzip.NewWriterLevel(&out, gzip.BestCompression)
	case accept.Deflate:
		w, _ = zlib.NewWriterLevel(&out, zlib.BestCompression)
	default:
		return data
	}
	_, _ = w.Write(data)
	_ = w.Close()
	return out.Bytes()
}
