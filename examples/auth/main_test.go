package main

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/gosocketio/socketio/internal/rawclient"
)

func TestRecipe(t *testing.T) {
	io := newServer()
	e := rawclient.Serve(t, routes(newVisitors([]byte("a secret")), io))
	t.Cleanup(func() { _ = io.Shutdown(context.Background()) })
	stranger := e.WebSocket()
	stranger.Send("40")
	stranger.Want(`44{"message":"log in first","data":{"code":401}}`)

	res, err := http.PostForm(e.URL+"/login", url.Values{"user": {"ann"}})
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	cookie := res.Cookies()[0]
	header := http.Header{"Cookie": {cookie.Name + "=" + cookie.Value}}

	conn, err := e.Dial(t.Context(), "EIO=4&transport=websocket", header)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if open := conn.Read(); !strings.HasPrefix(open, "0{") {
		t.Errorf("opened with %q", open)
	}
	conn.Join("/", "")
	conn.Send(`421["who am I"]`)
	conn.Want(`431["ann"]`)

	header.Set("Cookie", cookie.Name+"=forged")
	forged, err := e.Dial(t.Context(), "EIO=4&transport=websocket", header)
	if err != nil {
		t.Fatal(err)
	}
	defer forged.Close()
	forged.Read()
	forged.Send("40")
	forged.Want(`44{"message":"log in first","data":{"code":401}}`)
}

// The middleware's headers are on both ways to open a connection.
func TestSessionIsProlonged(t *testing.T) {
	io := newServer()
	e := rawclient.Serve(t, routes(newVisitors([]byte("a secret")), io))
	t.Cleanup(func() { _ = io.Shutdown(context.Background()) })
	res, err := http.PostForm(e.URL+"/login", url.Values{"user": {"ann"}})
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	for transport, status := range map[string]int{"polling": http.StatusOK, "websocket": http.StatusSwitchingProtocols} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, e.URL+"/socket.io/?EIO=4&transport="+transport, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.AddCookie(res.Cookies()[0])
		if transport == "websocket" {
			for k, v := range map[string]string{"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="} {
				req.Header.Set(k, v)
			}
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if cookies := res.Cookies(); res.StatusCode != status || len(cookies) != 1 || cookies[0].MaxAge != 3600 {
			t.Errorf("%s: status %d, cookies %v", transport, res.StatusCode, cookies)
		}
	}
}
