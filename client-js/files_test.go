package clientjs_test

import (
	"errors"
	"io/fs"
	"net/http"
	"testing"
	"testing/fstest"

	clientjs "github.com/gosocketio/socketio/client-js"
)

func file(s string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(s)} }

func TestNewReadsTheVersion(t *testing.T) {
	pkg := fstest.MapFS{"package.json": file(`{"version":"1.2.3"}`), "dist/socket.io.js": file("x")}
	for _, c := range []struct{ given, want string }{{"", `"1.2.3"`}, {"9.9.9", `"9.9.9"`}} {
		f, err := clientjs.New(pkg, c.given)
		if err != nil {
			t.Fatal(err)
		}
		w := do(f.Handler("/", http.NotFoundHandler()), "GET", "/socket.io.js", nil)
		if got := w.Header().Get("ETag"); got != c.want {
			t.Errorf("New(pkg, %q): ETag %s, want %s", c.given, got, c.want)
		}
	}
}

func TestNewRefusesWhatItCannotServe(t *testing.T) {
	for name, c := range map[string]struct {
		files   fs.FS
		version string
		cause   error
	}{
		"nil":                 {nil, "1", nil},
		"empty":               {fstest.MapFS{}, "1", fs.ErrNotExist},
		"no package.json":     {fstest.MapFS{"socket.io.js": file("x")}, "", fs.ErrNotExist},
		"broken package.json": {fstest.MapFS{"socket.io.js": file("x"), "package.json": file("{")}, "", nil},
		"no version":          {fstest.MapFS{"socket.io.js": file("x"), "package.json": file("{}")}, "", nil},
		"quoted version":      {fstest.MapFS{"socket.io.js": file("x")}, `1"2`, nil},
		"control character":   {fstest.MapFS{"socket.io.js": file("x")}, "1\r\n2", nil},
		"directory":           {fstest.MapFS{"socket.io.js/x": file("x")}, "1", fs.ErrInvalid},
		"only other files":    {fstest.MapFS{"socket.io.esm.js": file("x")}, "1", fs.ErrNotExist},
	} {
		t.Run(name, func(t *testing.T) {
			f, err := clientjs.New(c.files, c.version)
			if f != nil || !errors.Is(err, clientjs.ErrFiles) {
				t.Fatalf("New = %v, %v; want nil, ErrFiles", f, err)
			}
			if c.cause != nil && !errors.Is(err, c.cause) {
				t.Errorf("error %v does not wrap %v", err, c.cause)
			}
		})
	}
}
