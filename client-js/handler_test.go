package clientjs_test

import (
	"compress/gzip"
	"compress/zlib"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"

	clientjs "github.com/gosocketio/socketio/client-js"
	"github.com/gosocketio/socketio/client-js/bundle"
)

var names = []string{
	"socket.io.js", "socket.io.js.map", "socket.io.min.js", "socket.io.min.js.map", "socket.io.msgpack.min.js",
	"socket.io.msgpack.min.js.map", "socket.io.esm.min.js", "socket.io.esm.min.js.map",
}

const teapot = http.StatusTeapot

// handler serves all eight files; other requests get 418.
func handler(t *testing.T) http.Handler {
	t.Helper()
	files := fstest.MapFS{}
	for _, name := range names {
		files[name] = file(content(name))
	}
	files["socket.io.esm.js"] = file("not one of them")
	f, err := clientjs.New(files, "4.8.4")
	if err != nil {
		t.Fatal(err)
	}
	return f.Handler("/socket.io/", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(teapot)
	}))
}

func content(name string) string { return strings.Repeat("// "+name+"\n", 100) }

func do(h http.Handler, method, target string, header http.Header) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, nil)
	if header != nil {
		r.Header = header
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestTheEightFiles(t *testing.T) {
	t.Attr("covers", "socketio/server-attachment/1 socketio/server-attachment/3 socketio/server-attachment/4 socketio/server-attachment/5 socketio/server-attachment/9 socketio/server-attachment/10 socketio/server-attachment/11 socketio/server-attachment/12")
	h := handler(t)
	for _, name := range names {
		w := do(h, "GET", "/socket.io/"+name, nil)
		contentType := "application/javascript; charset=utf-8"
		if strings.HasSuffix(name, ".map") {
			contentType = "application/json; charset=utf-8"
		}
		if w.Code != http.StatusOK || w.Body.String() != content(name) {
			t.Errorf("%s: status %d, %d bytes", name, w.Code, w.Body.Len())
		}
		for key, want := range map[string]string{
			"Content-Type":     contentType,
			"ETag":             `"4.8.4"`,
			"Cache-Control":    "public, max-age=0",
			"Content-Encoding": "",
			"Vary":             "Accept-Encoding",
			"SourceMap":        "",
			"X-SourceMap":      "",
		} {
			if got := w.Header().Get(key); got != want {
				t.Errorf("%s: %s: %q, want %q", name, key, got, want)
			}
		}
	}
}

func TestTheQueryIsIgnored(t *testing.T) {
	t.Attr("covers", "socketio/server-attachment/2")
	if w := do(handler(t), "GET", "/socket.io/socket.io.js?buster=1&EIO=4", nil); w.Code != http.StatusOK {
		t.Errorf("status %d", w.Code)
	}
}

func TestAnyMethod(t *testing.T) {
	h := handler(t)
	for _, method := range []string{"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "BREW"} {
		if w := do(h, method, "/socket.io/socket.io.min.js", nil); w.Code != http.StatusOK {
			t.Errorf("%s: status %d", method, w.Code)
		}
	}
}

func TestOtherPathsGoToTheNextHandler(t *testing.T) {
	t.Attr("covers", "easy/52")
	h := handler(t)
	for _, target := range []string{
		"/", "/socket.io/", "/socket.io", "/socket.io.js", "/socket.io/socket.io.esm.js", "/socket.io/x/socket.io.js",
		"/socket.io//socket.io.js", "/socket.ioXsocket.io.js", "/socket.io/SOCKET.IO.JS", "/other/socket.io.js",
		"/socket.io/package.json", "/socket.io/..%2fsocket.io.js", "/socket.io/?EIO=4&transport=polling",
	} {
		if w := do(h, "GET", target, nil); w.Code != teapot {
			t.Errorf("%s: status %d, want %d", target, w.Code, teapot)
		}
	}
}

func TestAMissingBundleGoesToTheNextHandler(t *testing.T) {
	f, err := clientjs.New(fstest.MapFS{"socket.io.js": file("x")}, "1")
	if err != nil {
		t.Fatal(err)
	}
	h := f.Handler("/socket.io", http.NotFoundHandler())
	if w := do(h, "GET", "/socket.io/socket.io.js", nil); w.Code != http.StatusOK {
		t.Errorf("the one that is there: status %d", w.Code)
	}
	if w := do(h, "GET", "/socket.io/socket.io.min.js", nil); w.Code != http.StatusNotFound {
		t.Errorf("the one that is not: status %d", w.Code)
	}
}

func TestIfNoneMatch(t *testing.T) {
	t.Attr("covers", "easy/52 socketio/server-attachment/13 socketio/server-attachment/14")
	h := handler(t)
	for tag, want := range map[string]int{
		`"4.8.4"`:     http.StatusNotModified,
		`W/"4.8.4"`:   http.StatusNotModified,
		`"4.8.3"`:     http.StatusOK,
		`4.8.4`:       http.StatusOK,
		`*`:           http.StatusOK,
		`w/"4.8.4"`:   http.StatusOK,
		`"a","4.8.4"`: http.StatusOK,
		``:            http.StatusOK,
	} {
		w := do(h, "GET", "/socket.io/socket.io.js", http.Header{"If-None-Match": {tag}})
		if w.Code != want {
			t.Errorf("If-None-Match: %s: status %d, want %d", tag, w.Code, want)
		}
		if w.Code == http.StatusNotModified && (len(w.Header()) != 0 || w.Body.Len() != 0) {
			t.Errorf("If-None-Match: %s: 304 is not bare: %v, %d bytes", tag, w.Header(), w.Body.Len())
		}
	}
}

func TestContentEncoding(t *testing.T) {
	t.Attr("covers", "socketio/server-attachment/6")
	h := handler(t)
	decoders := map[string]func(io.Reader) (io.ReadCloser, error){
		"":        func(r io.Reader) (io.ReadCloser, error) { return io.NopCloser(r), nil },
		"gzip":    func(r io.Reader) (io.ReadCloser, error) { return gzip.NewReader(r) },
		"deflate": zlib.NewReader,
	}
	for _, c := range []struct{ accept, want string }{
		{"gzip,br,deflate", "gzip"}, {"deflate", "deflate"}, {"br", ""}, {"br, gzip;q=0.1", "gzip"}, {"zstd", ""}, {"", ""},
	} {
		w := do(h, "GET", "/socket.io/socket.io.js", http.Header{"Accept-Encoding": {c.accept}})
		if got := w.Header().Get("Content-Encoding"); got != c.want {
			t.Errorf("Accept-Encoding: %s: Content-Encoding %q, want %q", c.accept, got, c.want)
			continue
		}
		r, err := decoders[c.want](w.Body)
		if err != nil {
			t.Fatal(err)
		}
		if body, err := io.ReadAll(r); err != nil || string(body) != content("socket.io.js") {
			t.Errorf("Accept-Encoding: %s: %d bytes, %v", c.accept, len(body), err)
		}
	}
}

func TestAcceptEncodingInSeveralFields(t *testing.T) {
	w := do(handler(t), "GET", "/socket.io/socket.io.js", http.Header{"Accept-Encoding": {"gzip;q=0", "deflate"}})
	if got := w.Header().Get("Content-Encoding"); got != "deflate" {
		t.Errorf("Content-Encoding %q", got)
	}
}

func TestTheOfficialPackage(t *testing.T) {
	f, err := clientjs.New(bundle.FS(), "")
	if err != nil {
		t.Fatal(err)
	}
	h := f.Handler("/socket.io/", http.NotFoundHandler())
	for _, name := range names {
		if w := do(h, "GET", "/socket.io/"+name, nil); w.Code != http.StatusOK || w.Body.Len() < 10_000 {
			t.Errorf("%s: status %d, %d bytes", name, w.Code, w.Body.Len())
		}
	}
}
