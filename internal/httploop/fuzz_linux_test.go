package httploop

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"reflect"
	"testing"
)

// What is plain, net/http reads as the same request, of the same length.
func FuzzPlain(f *testing.F) {
	for _, m := range []map[string]string{plainRequests, foreignRequests} {
		for _, text := range m {
			if len(text) < 1000 {
				f.Add([]byte(text))
			}
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		n, lines, v := scan(b, maxHead)
		if v != whole {
			return
		}
		got := build(string(b[:n]), lines, t.Context())
		if got == nil {
			return
		}
		r := bufio.NewReader(bytes.NewReader(b))
		want, err := http.ReadRequest(r)
		if err != nil {
			t.Fatalf("net/http: %v", err)
		}
		if !plainHeader(want.Header) {
			t.Error("net/http's request would not be taken")
		}
		want = want.WithContext(t.Context())
		body, err := io.ReadAll(want.Body)
		if rest := b[n:]; err == nil && int64(len(rest)) >= got.ContentLength {
			if !bytes.Equal(body, rest[:got.ContentLength]) {
				t.Errorf("body %q, want %q", rest[:got.ContentLength], body)
			}
			behind, _ := io.ReadAll(r) // of a bytes.Reader
			if !bytes.Equal(behind, rest[got.ContentLength:]) {
				t.Errorf("behind it is %q, want %q", rest[got.ContentLength:], behind)
			}
		}
		got.Body, want.Body = nil, nil
		if !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v, want %+v", got, want)
		}
	})
}
