package socketio_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsflate"

	"github.com/gosocketio/socketio"
)

// Compress(false) reaches the transport, from a socket and from a broadcast.
func TestCompressFlag(t *testing.T) {
	t.Attr("covers", "socketio/namespaces/21 socketio/namespaces/22 socketio/socket/43 socketio/socket/44")
	for name, c := range map[string]struct {
		emit func(s *socketio.Socket, text string) error
		want string
	}{
		"by default": {func(s *socketio.Socket, text string) error { return s.Emit("e", text) }, "gzip"},
		"socket":     {func(s *socketio.Socket, text string) error { return s.Compress(false).Emit("e", text) }, ""},
		"broadcast":  {func(s *socketio.Socket, text string) error { return s.Namespace().Emit("e", text) }, "gzip"},
		"broadcast, false": {func(s *socketio.Socket,
			text string) error {
			return s.Namespace().Compress(false).Emit("e", text)
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			io := socketio.New(socketio.Config{})
			sockets := make(chan *socketio.Socket, 1)
			io.OnConnection(func(s *socketio.Socket) { sockets <- s })
			do := func(method, query, body string) *httptest.ResponseRecorder {
				w := httptest.NewRecorder()
				r := httptest.NewRequest(method, "/socket.io/?EIO=4&transport=polling"+query, strings.NewReader(body))
				r.Header.Set("Accept-Encoding", "gzip")
				io.ServeHTTP(&flushed{w}, r)
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

// flushed makes a recorder look like the writers of net/http: behind another one middleware may
// compress.
type flushed struct{ *httptest.ResponseRecorder }

func (w *flushed) FlushError() error { return nil }

// A CONNECT that is too large only when it is inflated is answered too, and so is one that says to have 2^63 bytes.
func TestTooLargeInflatedConnect(t *testing.T) {
	_, e := serve(t, socketio.Config{PerMessageDeflate: &socketio.PerMessageDeflate{}})
	bomb, err := wsflate.CompressFrame(ws.NewTextFrame([]byte("40" + strings.Repeat("x", 20_000))))
	if err != nil {
		t.Fatal(err)
	}
	bomb = ws.MaskFrame(bomb)
	for want, header := range map[string]ws.Header{
		"more than 16384 bytes when inflated, which is the limit": bomb.Header,
		"9223372036854775807 bytes, the limit is 16384":           {Fin: true, OpCode: ws.OpText, Masked: true, Length: 1<<63 - 1},
	} {
		var d ws.Dialer
		d.Extensions = append(d.Extensions, wsflate.DefaultParameters.Option())
		conn, early, _, err := d.Dial(t.Context(), "ws"+strings.TrimPrefix(e.URL, "http")+"/socket.io/?EIO=4&transport=websocket")
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if err := ws.WriteHeader(conn, header); err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Write(bomb.Payload); err != nil {
			t.Fatal(err)
		}
		from := io.Reader(conn)
		if early != nil {
			from = early
		}
		_, _ = ws.ReadFrame(from) // the open packet
		f, err := ws.ReadFrame(from)
		if want = `44{"message":"too much auth data: ` + want + `"}`; err != nil || string(f.Payload) != want {
			t.Errorf("got %q, %v, want %q", f.Payload, err, want)
		}
	}
}

// A broadcast is compressed once, however many it goes to, and Compress(false) keeps it from being
// compressed.
func TestBroadcastDeflatedOnce(t *testing.T) {
	const clients = 1000
	s, e := serve(t, socketio.Config{PerMessageDeflate: &socketio.PerMessageDeflate{}})
	joined := make(chan struct{}, clients)
	s.OnConnection(func(*socketio.Socket) { joined <- struct{}{} })
	received := make(chan int, clients)
	for range clients {
		var d ws.Dialer
		d.Extensions = append(d.Extensions, wsflate.DefaultParameters.Option())
		conn, _, shaken, err := d.Dial(
			t.Context(),
			"ws"+strings.TrimPrefix(e.URL, "http")+"/socket.io/?EIO=4&transport=websocket",
		)
		if err != nil || len(shaken.Extensions) != 1 {
			t.Fatalf("%v, %v", err, shaken.Extensions)
		}
		defer conn.Close()
		if err := ws.WriteFrame(conn, ws.MaskFrame(ws.NewTextFrame([]byte("40")))); err != nil {
			t.Fatal(err)
		}
		go func() {
			for n := 0; ; {
				f, err := ws.ReadFrame(conn)
				if err != nil {
					return
				}
				if f.Header.Rsv1() {
					n++
					f, err = wsflate.DecompressFrame(f)
				}
				if err == nil && strings.HasPrefix(string(f.Payload), `42["end"`) {
					received <- n
					return
				}
			}
		}()
	}
	for range clients {
		wait(t, joined)
	}
	text := strings.Repeat("a", 5000)
	for _, to := range []socketio.Operator{s.In("nobody"), s.Compress(false), s.Except("nobody")} {
		if err := to.Emit("e", text); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Emit("end", text); err != nil {
		t.Fatal(err)
	}
	for range clients {
		if n := <-received; n != 2 {
			t.Fatalf("%d messages came compressed, want 2", n)
		}
	}
	if n := s.Stats().Connections.Deflated; n != 2 {
		t.Errorf("compressed %d times, want twice", n)
	}
}
