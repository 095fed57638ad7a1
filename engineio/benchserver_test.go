package engineio_test

import (
	"context"
	"io"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gobwas/ws"

	"github.com/gosocketio/socketio/engineio"
)

// benchServer opens one WebSocket session on an echo server and reads its open packet.
func benchServer(b *testing.B) (<-chan *engineio.Session, io.ReadWriter) {
	b.Helper()
	sessions := make(chan *engineio.Session, 1)
	e, err := engineio.New(engineio.Config{Events: engineio.Events{
		Connection: func(s *engineio.Session) { sessions <- s },
		Message:    func(s *engineio.Session, data []byte, binary bool) { _ = s.Send(data, binary) },
	}})
	if err != nil {
		b.Fatal(err)
	}
	h := httptest.NewServer(e)
	conn, r, _, err := ws.Dial(b.Context(), strings.Replace(h.URL, "http", "ws", 1)+engineio.DefaultPath+"?"+direct)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = e.Shutdown(context.Background())
		_ = conn.Close()
		h.Close()
	})
	var in io.Reader = conn
	if r != nil {
		in = r
	}
	if _, err := ws.ReadFrame(in); err != nil {
		b.Fatal(err)
	}
	return sessions, struct {
		io.Reader
		io.Writer
	}{in, conn}
}
