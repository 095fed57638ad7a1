package engineio_test

import (
	"compress/gzip"
	"compress/zlib"
	"encoding/base64"
	"io"
	"strings"
	"testing"

	"github.com/gosocketio/socketio/engineio"
	"github.com/gosocketio/socketio/engineio/wire"
)

func TestCompression(t *testing.T) {
	t.Attr("covers", "engine/server/http-compression/1 engine/server/http-compression/2 engine/server/http-compression/3 engine/server/http-compression/4 engine/server/http-compression/5 engine/server/http-compression/6 easy/16")
	const binary, plain = 1, 2
	long, short := strings.Repeat("a", 1023), strings.Repeat("a", 100)
	for _, c := range []struct {
		name    string
		config  engineio.Config
		text    string
		options int
		accept  string
		want    string
	}{
		{"binary", engineio.Config{}, strings.Repeat("\x00", 1024), binary, "gzip", "gzip"},
		{"gzip", engineio.Config{}, long, 0, "gzip, deflate", "gzip"},
		{"deflate", engineio.Config{}, long, 0, "deflate", "deflate"},
		{"below the threshold", engineio.Config{}, long[1:], 0, "gzip", ""},
		{"short", engineio.Config{}, short, 0, "gzip", ""},
		{"threshold of 1", engineio.Config{CompressionThreshold: 1}, short, 0, "gzip", "gzip"},
		{"switched off", engineio.Config{NoCompression: true}, long, 0, "gzip", ""},
		{"not this message", engineio.Config{}, long, plain, "gzip", ""},
		{"not accepted", engineio.Config{}, long, 0, "br, identity", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := start(t, c.config)
			q := s.polling()
			frames, want := wire.AppendText(nil, wire.Message, []byte(c.text)), "4"+c.text
			if c.options == binary {
				frames, want = wire.AppendBinary(nil, []byte(c.text)), "b"+base64.StdEncoding.EncodeToString([]byte(c.text))
			}
			if err := engineio.LinkOf(next(t, s.sessions)).Write(engineio.Now, engineio.Message{Frames: frames, NoCompress: c.options == plain}); err != nil {
				t.Fatal(err)
			}
			got := s.with("GET", q, "Accept-Encoding: "+c.accept)
			if e := got.header.Get("Content-Encoding"); e != c.want {
				t.Fatalf("Content-Encoding is %q, want %q", e, c.want)
			}
			if body := inflate(t, c.want, got.body); body != want {
				t.Errorf("body is %q", body)
			}
		})
	}
}

func inflate(t *testing.T, encoding, body string) string {
	t.Helper()
	var r io.Reader = strings.NewReader(body)
	var err error
	switch encoding {
	case "gzip":
		r, err = gzip.NewReader(r)
	case "deflate":
		r, err = zlib.NewReader(r)
	}
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
