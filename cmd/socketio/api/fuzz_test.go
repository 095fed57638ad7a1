package api_test

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/cmd/socketio/api"
)

// Any body is done or refused with a JSON that says why.
func FuzzBody(f *testing.F) {
	paths := []string{"/api/emit", "/api/join", "/api/leave", "/api/disconnect"}
	for i, seed := range []string{
		`{"event":"x","args":[1,{"base64":"AAEC"}],"rooms":["a"],"except":["b"],"volatile":true,"compress":false,"local":true}`,
		`{"rooms":["a"],"join":["b"]}`, `{"all":true,"leave":["b"]}`, `{"namespace":"/","rooms":[],"close":true}`,
	} {
		f.Add(uint8(i), []byte(seed))
	}
	f.Add(uint8(0), []byte(`{"event":"x","ack":{"timeout":1}}`))
	silent := slog.New(slog.DiscardHandler)
	h, err := api.New(socketio.New(socketio.Config{Logger: silent}), api.Config{Token: token, Logger: silent})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, path uint8, body []byte) {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, request(http.MethodPost, paths[int(path)%len(paths)], string(body)))
		var answer struct{ Rule string }
		switch w.Code {
		case http.StatusNoContent:
			if w.Body.Len() > 0 {
				t.Error(w.Body)
			}
		case http.StatusOK, http.StatusBadRequest, http.StatusNotFound:
			if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || (answer.Rule == "") != (w.Code == http.StatusOK) {
				t.Errorf("%d %s: %v", w.Code, w.Body, err)
			}
		default:
			t.Errorf("%d %s", w.Code, w.Body)
		}
	})
}

// Any query is answered.
func FuzzQuery(f *testing.F) {
	f.Add("namespace=/&rooms=a&rooms=b&except=c&local=true&limit=5")
	silent := slog.New(slog.DiscardHandler)
	h, err := api.New(socketio.New(socketio.Config{Logger: silent}), api.Config{Token: token, Logger: silent})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, query string) {
		r := request(http.MethodGet, "/api/sockets", "")
		r.URL.RawQuery = query
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code >= 500 || !json.Valid(w.Body.Bytes()) {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	})
}
