package engineio_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"github.com/gosocketio/socketio/engineio"
)

func newEngine(t *testing.T, c engineio.Config) *engineio.Server {
	t.Helper()
	e, err := engineio.New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return e
}

// answer is what h answers to GET url.
func answer(t *testing.T, h http.Handler, url string) reply {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, url, nil))
	return reply{w.Code, w.Header(), w.Body.String()}
}

const unknownTransport = `{"code":0,"message":"Transport unknown"}`

// The engine is one handler among others: it takes the requests below its path, and no others.
func TestPath(t *testing.T) {
	t.Run("mounted beside others", func(t *testing.T) {
		t.Attr("covers", "engine/engine.io/3 engine/engine.io/13")
		mux := http.NewServeMux()
		mux.Handle(engineio.DefaultPath, newEngine(t, engineio.Config{}))
		for _, name := range []string{"/one", "/two"} {
			mux.HandleFunc(name, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, name) })
		}
		for url, want := range map[string]string{
			"/one": "/one", "/two": "/two", "/engine.io/": unknownTransport, "/engine.io/default/": unknownTransport, "/engine.io/a/b?transport=x": unknownTransport,
		} {
			if got := answer(t, mux, url); got.body != want {
				t.Errorf("%s: %+v", url, got)
			}
		}
	})
	t.Run("without the slash", func(t *testing.T) {
		t.Attr("covers", "engine/server/handshake/32")
		e := newEngine(t, engineio.Config{Path: "/engine.io"})
		for _, url := range []string{"/engine.io", "/engine.io/", "/engine.io/x"} {
			if got := answer(t, e, url+"?"+handshake); got.status != 200 {
				t.Errorf("%s: %+v", url, got)
			}
		}
	})
	t.Run("elsewhere", func(t *testing.T) {
		e := newEngine(t, engineio.Config{})
		for _, url := range []string{"/", "/engine.io", "/x/engine.io/", "/engine.iox"} {
			if got := answer(t, e, url+"?"+handshake); got.status != 404 {
				t.Errorf("%s: %+v", url, got)
			}
		}
	})
}

// upgradeRequest asks for a WebSocket.
const upgradeRequest = " HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"

// An upgrade request for somebody else is somebody else's, and his connection is left alone.
func TestForeignUpgrade(t *testing.T) {
	t.Attr("covers", "engine/engine.io/10 engine/engine.io/12")
	mux := http.NewServeMux()
	mux.Handle(engineio.DefaultPath, newEngine(t, engineio.Config{}))
	mux.HandleFunc("/foreign", func(w http.ResponseWriter, _ *http.Request) {
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\n\r\n")
		line, _ := rw.ReadString('\n')
		_, _ = io.WriteString(conn, "foreign "+line)
	})
	h := httptest.NewServer(mux)
	defer h.Close()
	ask := func(path string) (*http.Response, net.Conn, *bufio.Reader) {
		t.Helper()
		conn, err := net.Dial("tcp", h.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		_ = conn.SetDeadline(time.Now().Add(patience))
		if _, err := io.WriteString(conn, "GET "+path+upgradeRequest+"\r\n"); err != nil {
			t.Fatal(err)
		}
		r := bufio.NewReader(conn)
		res, err := http.ReadResponse(r, nil)
		if err != nil {
			t.Fatal(err)
		}
		return res, conn, r
	}
	res, conn, r := ask("/foreign")
	_ = res.Body.Close()
	if _, err := io.WriteString(conn, "bytes\n"); err != nil {
		t.Fatal(err)
	}
	if line, err := r.ReadString('\n'); line != "foreign bytes\n" {
		t.Errorf("got %q, %v", line, err)
	}
	res, _, _ = ask("/nobody")
	_ = res.Body.Close()
	if res.StatusCode != http.StatusNotFound {
		t.Errorf("status %d", res.StatusCode)
	}
}

// The engine belongs to no http.Server: when one is closed, another can serve it.
func TestServedAgain(t *testing.T) {
	t.Attr("covers", "engine/server/close/9")
	e := newEngine(t, engineio.Config{})
	for range 2 {
		h := httptest.NewServer(e)
		conn, br, _, err := ws.Dial(t.Context(), "ws"+strings.TrimPrefix(h.URL, "http")+engineio.DefaultPath+"?"+direct)
		if err != nil {
			t.Fatal(err)
		}
		c := wrap(t, conn, br)
		id := c.open()
		x, ok := e.Session(id)
		if !ok {
			t.Fatal("no session")
		}
		h.Close()
		if err := x.Send([]byte("still"), false); err != nil {
			t.Fatal(err)
		}
		c.want("4still")
		_ = conn.Close()
	}
}

// Where only polling is served, a request to upgrade is a request like others.
func TestUpgradeRequestWithoutWebSockets(t *testing.T) {
	s := start(t, engineio.Config{Transports: []engineio.Transport{engineio.Polling}})
	header := []string{"Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="}
	s.wantReply(s.with("GET", direct, header...), 400, unknownTransport)
	s.wantReply(s.with("GET", handshake+"&sid=x", header...), 400, `{"code":1,"message":"Session ID unknown"}`)
	got := s.with("GET", handshake, header...)
	if got.status != 200 || !strings.HasPrefix(got.body, "0{") {
		t.Fatalf("%+v", got)
	}
	q := handshake + "&sid=" + sid(t, got.body[1:])
	s.wantReply(s.request("POST", q, "4hi"), 200, "ok")
	s.wantReply(s.with("GET", q, header...), 200, "4hi")
}
