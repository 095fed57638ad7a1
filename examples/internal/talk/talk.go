// Package talk tries a recipe as a client would: over long-polling, WebSocket, and the upgrade between them.
package talk

import (
	"context"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/internal/rawclient"
)

// Check serves handler, which has chat mounted at /socket.io/ and answers "home" elsewhere, and talks to it.
func Check(t *testing.T, handler http.Handler, chat *socketio.Server) {
	t.Helper()
	e := rawclient.Serve(t, handler)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := chat.Shutdown(ctx); err != nil {
			t.Error(err)
		}
	})
	res, err := http.Get(e.URL + "/")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if body, err := io.ReadAll(res.Body); err != nil || string(body) != "home" {
		t.Errorf("got %q, %v", body, err)
	}

	ws, polling := e.WebSocket(), e.Polling()
	ws.Join("/", "")
	polling.Join("/", "")
	ws.Send(`421["join","lobby"]`)
	ws.Want(`431["welcome to lobby"]`)
	polling.Send(`422["join","lobby"]`)
	polling.Want(`432["welcome to lobby"]`)

	const said = `42["message",{"room":"lobby","text":"hi"}]`
	ws.Send(said)
	ws.Want(said)
	polling.Want(said)

	moved := polling.Upgrade()
	moved.Send(said)
	moved.Want(said)
	ws.Want(said)
}
