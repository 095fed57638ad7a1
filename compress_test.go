package socketio_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gosocketio/socketio"
)

// Compress(false) reaches the transport, from a socket and from a broadcast.
func TestCompressFlag(t *testing.T) {
	for name, c := range map[string]struct {
		emit func(s *socketio.Socket, text string) error
		want string
	}{
		"by default":       {func(s *socketio.Socket, text string) error { return s.Emit("e", text) }, "gzip"},
		"socket":           {func(s *socketio.Socket, text string) error { return s.Compress(false).Emit("e", text) }, ""},
		"broadcast":        {func(s *socketio.Socket, text string) error { return s.Namespace().Emit("e", text) }, "gzip"},
		"broadcast, false": {func(s *socketio.Socket, text string) error { return s.Namespace().Compress(false).Emit("e", text) }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			io := socketio.New(socketio.Config{})
			sockets := make(chan *socketio.Socket, 1)
			io.OnConnection(func(s *socketio.Socket) { sockets <- s })
			do := func(method, query, body string) *httptest.ResponseRecorder {
				w := httptest.NewRecorder()
				r := httptest.NewRequest(method, "/socket.io/?EIO=4&transport=polling"+query, strings.NewReader(body))
				r.Header.Set("Accept-Encoding", "gzip")
				io.ServeHTTP(w, r)
				return w
			}
			open := do(http.MethodGet, "", "").Body.String()
			sid := "&sid=" + open[len(`0{"sid":"`):][:20]
			do(http.MethodPost, sid, "40")
			s := <-sockets
			do(http.MethodGet, sid, "") // the CONNECT
			if err := c.emit(s, strings.Repeat("a", 2000)); err != nil {
				t.Fatal(err)
			}
			if got := do(http.MethodGet, sid, "").Header().Get("Content-Encoding"); got != c.want {
				t.Errorf("Content-Encoding is %q, want %q", got, c.want)
			}
			if err := io.Shutdown(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}
