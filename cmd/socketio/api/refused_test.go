package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/adapter/adaptertest"
	"github.com/gosocketio/socketio/cmd/socketio/api"
	"github.com/gosocketio/socketio/siotest"
)

// problem is the answer to a request that is refused.
type problem struct {
	Name, Message, Rule, Field string
	Value, Limit               any
}

// refused sends a request, checks status and rule, and that the log has them too.
func (k *kit) refused(r *http.Request, status int, rule, field string) (p problem) {
	k.t.Helper()
	k.log.Reset()
	w := k.do(r)
	d := json.NewDecoder(bytes.NewReader(w.Body.Bytes()))
	d.DisallowUnknownFields()
	if err := d.Decode(&p); err != nil || w.Code != status || p.Rule != rule || p.Field != field ||
		p.Name == "" || p.Message == "" || w.Header().Get("Content-Type") != "application/json" {
		k.t.Errorf("%s %s: %d %v %s, want %d %s, field %q", r.Method, r.URL, w.Code, err, w.Body, status, rule, field)
	}
	if strings.Contains(w.Body.String(), "Config.") {
		k.t.Errorf("%s: a backend in another language reads %s", rule, w.Body)
	}
	if line := k.log.String(); !strings.Contains(line, rule) || len(line) > 2000 {
		k.t.Errorf("%s: the log has %q", rule, line)
	}
	return p
}

// Each mistake of a backend is answered with the rule and the field, and nothing is done.
func TestMistakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKit(t, api.Config{})
		c := k.connect("/", "lobby")
		deep := strings.Repeat("[", 10_001) + strings.Repeat("]", 10_001)
		for _, x := range []struct{ path, body, rule, field string }{
			{"emit", ``, "not a JSON object", "body"},
			{"emit", `null`, "not a JSON object", "body"},
			{"emit", `[]`, "not a JSON object", "body"},
			{"emit", `{"event":"x"} {}`, "not a JSON object", "body"},
			{"emit", `{"event":"x","args":` + deep + `}`, "not a JSON object", "body"},
			{"emit", "{\"event\":\"\xff\"}", "text that is not UTF-8", "body"},
			{"emit", `{}`, "missing field", "event"},
			{"emit", `{"event":"x","room":["lobby"]}`, "unknown field", "room"},
			{"emit", `{"Event":"x"}`, "unknown field", "Event"},
			{"emit", `{"` + strings.Repeat("k", 9000) + `":"x"}`, "unknown field", strings.Repeat("k", 100) + "..."},
			{"emit", `{"event":null}`, "wrong type", "event"},
			{"emit", `{"event":1}`, "wrong type", "event"},
			{"emit", `{"event":"x","rooms":null}`, "wrong type", "rooms"},
			{"emit", `{"event":"x","rooms":"lobby"}`, "wrong type", "rooms"},
			{"emit", `{"event":"x","rooms":["lobby",null]}`, "wrong type", "rooms"},
			{"emit", `{"event":"x","volatile":"yes"}`, "wrong type", "volatile"},
			{"emit", `{"event":"x","args":{}}`, "not a JSON array", "args"},
			{"emit", `{"event":"x","args":null}`, "not a JSON array", "args"},
			{"emit", `{"event":"x","args":[{"base64":"A"}]}`, "invalid base64", "args"},
			{"emit", `{"event":"connect"}`, "reserved event name", "event"},
			{"emit", `{"event":"disconnect","ack":{"timeout":10}}`, "reserved event name", "event"},
			{"emit", `{"event":"x","ack":null}`, "not a JSON object", "ack"},
			{"emit", `{"event":"x","ack":true}`, "not a JSON object", "ack"},
			{"emit", `{"event":"x","ack":{}}`, "timeout out of range", "ack.timeout"},
			{"emit", `{"event":"x","ack":{"timeout":0}}`, "timeout out of range", "ack.timeout"},
			{"emit", `{"event":"x","ack":{"timeout":60001}}`, "timeout out of range", "ack.timeout"},
			{"emit", `{"event":"x","ack":{"timeout":1.5}}`, "wrong type", "ack.timeout"},
			{"emit", `{"event":"x","ack":{"timeout":9223372036854775807}}`, "timeout out of range", "ack.timeout"},
			{"emit", `{"event":"x","ack":{"timeout":1e30}}`, "wrong type", "ack.timeout"},
			{"emit", `{"event":"x","ack":{"time":1}}`, "unknown field", "ack.time"},
			{"emit", `{"event":"x","all":true}`, "unknown field", "all"},
			{"join", `{"rooms":["lobby"]}`, "missing field", "join"},
			{"join", `{"rooms":["lobby"],"join":[]}`, "missing field", "join"},
			{"join", `{"join":["x"]}`, "missing field", "rooms"},
			{"join", `{"join":["x"],"all":false}`, "missing field", "rooms"},
			{"join", `{"join":["x"],"all":true,"rooms":["lobby"]}`, "fields that exclude each other", "all"},
			{"leave", `{"rooms":["lobby"],"join":["lobby"]}`, "unknown field", "join"},
			{"disconnect", `{}`, "missing field", "rooms"},
			{"disconnect", `{"rooms":null}`, "wrong type", "rooms"},
			{"sockets?rooms=%zz", "", "malformed query", "query"},
			{"sockets?room=lobby", "", "unknown parameter", "room"},
			{"sockets?limit=0", "", "limit out of range", "limit"},
			{"sockets?limit=10001", "", "limit out of range", "limit"},
			{"sockets?local=1", "", "wrong type", "local"},
			{"sockets?namespace=/&namespace=/", "", "parameter given twice", "namespace"},
		} {
			method := http.MethodPost
			if strings.HasPrefix(x.path, "sockets") {
				method = http.MethodGet
			}
			k.refused(request(method, "/api/"+x.path, x.body), http.StatusBadRequest, x.rule, x.field)
		}
		pending(t, c)
		if s, _ := k.io.Socket(c.ID()); !s.Connected() || len(s.Rooms()) != 2 {
			t.Error("something was done")
		}
	})
}

// Without the token there is nothing but the document.
func TestToken(t *testing.T) {
	for _, given := range []string{
		"", token, "Bearer", "Bearer ", "Bearer " + token[1:], "Bearer " + token + "0", "Bearer  " + token, "Basic " + token,
	} {
		k := newKit(t, api.Config{})
		for _, path := range []string{"/api/emit", "/api/sockets", "/api/nothing", "/"} {
			r := request(http.MethodPost, path, `{"event":"x"}`)
			r.Header.Set("Authorization", given)
			w := k.do(r)
			if w.Code != http.StatusUnauthorized || w.Header().Get("WWW-Authenticate") != "Bearer" {
				t.Errorf("%q: %d %s", given, w.Code, w.Body)
			}
		}
		if line := k.log.String(); !strings.Contains(line, `level=WARN msg="api: request refused: missing or wrong token`) || strings.Contains(line, token[1:]) {
			t.Errorf("the log has %q", line)
		}
	}
	k := newKit(t, api.Config{})
	r := request(http.MethodPost, "/api/emit", `{"event":"x"}`)
	r.Header.Set("Authorization", "bearer "+token) // the scheme is not case-sensitive
	if w := k.do(r); w.Code != http.StatusNoContent {
		t.Error(w.Code)
	}
	r = request(http.MethodGet, "/api/openapi.yaml", "")
	r.Header.Del("Authorization")
	if w := k.do(r); w.Code != http.StatusOK || w.Body.String() != api.Document || !strings.HasPrefix(api.Document, "openapi: 3.1") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// What a page in a browser could send is refused, and no page gets permission to send more.
func TestNoPages(t *testing.T) {
	k := newKit(t, api.Config{})
	r := request(http.MethodOptions, "/api/emit", "")
	r.Header.Set("Origin", "https://example.com")
	r.Header.Set("Access-Control-Request-Method", "POST")
	k.refused(r, http.StatusMethodNotAllowed, "wrong method", "")
	for name := range k.do(r).Header() {
		if strings.HasPrefix(name, "Access-Control-") {
			t.Error(name)
		}
	}
	for _, kind := range []string{"", "text/plain", "application/x-www-form-urlencoded", "application/json; ="} {
		r := request(http.MethodPost, "/api/emit", `{"event":"x"}`)
		r.Header.Set("Content-Type", kind)
		k.refused(r, http.StatusUnsupportedMediaType, "wrong type of the body", "Content-Type")
	}
	k.refused(request(http.MethodGet, "/api/emit", ""), http.StatusMethodNotAllowed, "wrong method", "")
	k.refused(request(http.MethodGet, "/api/Emit", ""), http.StatusNotFound, "unknown path", "")
}

func TestBodyTooLarge(t *testing.T) {
	body := `{"event":"` + strings.Repeat("x", 88) + `"}`
	k := newKit(t, api.Config{MaxBody: int64(len(body))})
	k.post("/api/emit", body, http.StatusNoContent, "")
	for _, length := range []int64{int64(len(body)) + 1, -1} {
		r := request(http.MethodPost, "/api/emit", body+" ")
		r.ContentLength = length
		if p := k.refused(r, http.StatusRequestEntityTooLarge, "body too large", ""); p.Limit != float64(len(body)) ||
			!strings.Contains(k.log.String(), "field=Config.MaxBody") {
			t.Errorf("%+v", p)
		}
	}
}

// A body that does not arrive ends after 10 seconds.
func TestSlowBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKit(t, api.Config{})
		srv := siotest.Serve(t, k.api)
		body, in := io.Pipe()
		go func() { _, _ = in.Write([]byte(`{"event":`)) }()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, srv.URL+"/api/emit", body)
		if err != nil {
			t.Fatal(err)
		}
		r.Header = request(http.MethodPost, "/", "").Header
		began := time.Now()
		res, err := srv.HTTPClient().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = res.Body.Close() }()
		if took := time.Since(began); res.StatusCode != http.StatusRequestTimeout || took != 10*time.Second {
			t.Errorf("%s after %v", res.Status, took)
		}
		_ = in.Close()
	})
}

// Half of the requests may wait; the others pass. A backend that has gone does not count.
func TestTooManyRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKit(t, api.Config{MaxRequests: 4})
		c := k.connect("/")
		const ask = `{"event":"ask","ack":{"timeout":60000}}`
		wait := func(ctx context.Context) (status <-chan int) {
			done := make(chan int, 1)
			go func() { done <- k.do(request(http.MethodPost, "/api/emit", ask).WithContext(ctx)).Code }()
			synctest.Wait()
			return done
		}
		gone, leave := context.WithCancelCause(t.Context())
		first, second := wait(gone), wait(t.Context())
		if p := k.refused(request(http.MethodPost, "/api/emit", ask), 429, "too many requests that wait", ""); p.Limit != 2.0 ||
			!strings.Contains(k.log.String(), "field=Config.MaxRequests") {
			t.Errorf("%+v", p)
		}
		k.post("/api/emit", `{"event":"x"}`, http.StatusNoContent, "")
		leave(errors.New("gone"))
		<-first
		third := wait(t.Context())

		pipe, in := io.Pipe() // two more whose bodies are on the way
		for range 2 {
			go func() {
				r := request(http.MethodPost, "/api/emit", "")
				r.Body = pipe
				k.do(r)
			}()
		}
		synctest.Wait()
		k.refused(request(http.MethodGet, "/api/sockets", ""), 429, "too many requests at a time", "")
		_ = in.Close()
		synctest.Wait()
		k.refused(request(http.MethodGet, "/api/sockets", ""), 429, "too many requests that wait", "")
		c.Conn().Close()
		for _, status := range []<-chan int{second, third} {
			if code := <-status; code != http.StatusOK {
				t.Error(code)
			}
		}
		if w := k.do(request(http.MethodGet, "/api/sockets", "")); w.Code != http.StatusOK {
			t.Error(w.Code)
		}
	})
}

func TestConfig(t *testing.T) {
	io := socketio.New(socketio.Config{Logger: slog.New(slog.DiscardHandler)})
	for want, c := range map[string]api.Config{
		"at least 16":          {Token: token[1:]},
		"visible ASCII":        {Token: token + " "},
		"Config.MaxBody":       {Token: token, MaxBody: -1},
		"Config.MaxRequests":   {Token: token, MaxRequests: 1},
		"Config.MaxAckTimeout": {Token: token, MaxAckTimeout: time.Microsecond},
	} {
		if _, err := api.New(io, c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// While the broker is away the sockets here are reached, and the answer says that others may not be.
func TestBrokerAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bus := adaptertest.NewBus()
		k := newKitOf(t, socketio.Config{Adapter: bus.Adapter(adapter.ClusterConfig{})}, api.Config{})
		c := k.connect("/")
		bus.Cut()
		defer bus.Restore()
		p := k.refused(request(http.MethodPost, "/api/emit", `{"event":"x"}`), http.StatusServiceUnavailable, "other servers not reached", "")
		if p.Name != "Unavailable" || p.Value == nil {
			t.Errorf("%+v", p)
		}
		receives(t, c, "x[]")
	})
}
