package main

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/gosocketio/socketio/adapter/redis/redistest"
	"github.com/gosocketio/socketio/internal/rawclient"
)

// A message through one server reaches a client of the other, over each wire.
func TestTwoServers(t *testing.T) {
	addr := redistest.Start(t).Addr()
	for _, scheme := range []string{"redis", "redis+sharded", "redis+streams"} {
		t.Run(scheme, func(t *testing.T) {
			var conns []*rawclient.Conn
			for range 2 {
				io, err := newServer(scheme + "://" + addr + "?key=" + scheme)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() {
					ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
					defer cancel()
					if err := io.Shutdown(ctx); err != nil {
						t.Error(err)
					}
				})
				c := rawclient.Serve(t, io).WebSocket()
				c.Send("40")
				if got := c.Read(); !strings.HasPrefix(got, `40{"sid":"`) {
					t.Fatalf("got %q", got)
				}
				c.Send(`421["join","lobby"]`)
				c.Want(`431["welcome to lobby"]`)
				conns = append(conns, c)
			}
			conns[0].Send(`42["message","lobby","hi"]`)
			for _, c := range conns {
				if got := c.Read(); !strings.HasPrefix(got, `42["message","hi","`) { // and the offset
					t.Errorf("got %q", got)
				}
			}
		})
	}
}

func TestWrongURL(t *testing.T) {
	if _, err := newServer("redis+stream://127.0.0.1"); err == nil || strings.Contains(err.Error(), "\n") {
		t.Errorf("got %v, want one line", err)
	}
}
