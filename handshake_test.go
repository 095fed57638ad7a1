package socketio_test

import (
	"errors"
	"net/http"
	"testing"

	"github.com/gosocketio/socketio"
)

// The handshake as other origins see it.
func TestHandshakeOfOtherOrigins(t *testing.T) {
	const origin = "http://localhost:54023"
	_, e := serve(t, socketio.Config{CORS: socketio.CORS{
		Origins: []string{
			origin,
		},
		Methods:        []string{"GET", "POST"},
		AllowedHeaders: []string{"content-type"},
		Credentials:    true,
	}})
	for _, c := range []struct {
		method, covers string
		status         int
		header         map[string]string
	}{
		{http.MethodOptions, "socketio/handshake/1", http.StatusNoContent, map[string]string{
			"Access-Control-Allow-Origin": origin, "Access-Control-Allow-Methods": "GET,POST",
			"Access-Control-Allow-Headers": "content-type", "Access-Control-Allow-Credentials": "true",
		}},
		{http.MethodGet, "socketio/handshake/2", http.StatusOK, map[string]string{
			"Access-Control-Allow-Origin": origin, "Access-Control-Allow-Credentials": "true",
		}},
	} {
		t.Run(c.method, func(t *testing.T) {
			t.Attr("covers", c.covers)
			req, err := http.NewRequestWithContext(t.Context(), c.method, e.URL+"/socket.io/?transport=polling&EIO=4", nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Origin", origin)
			res, err := e.HTTPClient().Do(req)
			if err != nil {
				t.Fatal(err)
			}
			_ = res.Body.Close()
			if res.StatusCode != c.status {
				t.Errorf("status %d", res.StatusCode)
			}
			for k, want := range c.header {
				if got := res.Header.Get(k); got != want {
					t.Errorf("%s is %q, want %q", k, got, want)
				}
			}
		})
	}
}

func TestAllowRequest(t *testing.T) {
	for name, c := range map[string]struct {
		covers string
		err    error
		status int
	}{
		"true":  {"socketio/handshake/3", nil, http.StatusOK},
		"false": {"socketio/handshake/4", errors.New("not you"), http.StatusForbidden},
	} {
		t.Run(name, func(t *testing.T) {
			t.Attr("covers", c.covers)
			_, e := serve(t, socketio.Config{AllowRequest: func(*http.Request) error { return c.err }})
			if res := get(t, e.URL+"/socket.io/?transport=polling&EIO=4", ""); res.status != c.status {
				t.Errorf("status %d", res.status)
			}
		})
	}
}
