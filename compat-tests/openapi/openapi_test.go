package openapi_test

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"
	"github.com/pb33f/libopenapi-validator/errors"
	v3 "github.com/pb33f/libopenapi/datamodel/high/v3"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/adapter/adaptertest"
	"github.com/gosocketio/socketio/cmd/socketio/api"
	"github.com/gosocketio/socketio/siotest"
)

const token = "0123456789abcdef"

// contract is the document, and the server that should agree with it.
type contract struct {
	t     *testing.T
	model *v3.Document
	rules validator.Validator
	bus   *adaptertest.Bus
	io    *socketio.Server
	api   http.Handler

	mu   sync.Mutex
	seen map[string]bool // "POST /api/emit 204" for each answer
}

func newContract(t *testing.T) *contract {
	t.Helper()
	document, err := libopenapi.NewDocument([]byte(api.Document))
	if err != nil {
		t.Fatal(err)
	}
	model, err := document.BuildV3Model()
	if err != nil {
		t.Fatal(err)
	}
	rules, failed := validator.NewValidator(document)
	if len(failed) > 0 {
		t.Fatal(failed)
	}
	if ok, failed := rules.ValidateDocument(); !ok {
		t.Fatal(texts(failed))
	}
	c := &contract{t: t, model: &model.Model, rules: rules, bus: adaptertest.NewBus(), seen: make(map[string]bool)}
	silent := slog.New(slog.DiscardHandler)
	c.io = socketio.New(socketio.Config{Logger: silent, Adapter: c.bus.Adapter(adapter.ClusterConfig{})})
	if c.api, err = api.New(c.io, api.Config{Token: token, MaxRequests: 2, MaxBody: 1000, Logger: silent}); err != nil {
		t.Fatal(err)
	}
	return c
}

func texts(failed []*errors.ValidationError) (list []string) {
	for _, e := range failed {
		list = append(list, e.Error())
	}
	return list
}

// operations returns the operations of the document by "METHOD PATH".
func (c *contract) operations() map[string]*v3.Operation {
	all := make(map[string]*v3.Operation)
	for path, item := range c.model.Paths.PathItems.FromOldest() {
		for method, op := range item.GetOperations().FromOldest() {
			all[strings.ToUpper(method)+" "+path] = op
		}
	}
	return all
}

// request returns a request as a backend sends it.
func request(method, target, body string) *http.Request {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+token)
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/json")
	}
	return r
}

// send sends a request, checks the answer against the document, and returns its status and whether
// the document allows the request.
func (c *contract) send(r *http.Request, body string) (status int, allowed bool, why []string) {
	c.t.Helper()
	allowed, failed := c.rules.ValidateHttpRequestSync(r)
	r.Body = http.NoBody
	if body != "" {
		r.Body = readCloser{strings.NewReader(body)}
	}
	w := httptest.NewRecorder()
	c.api.ServeHTTP(w, r)
	answer := w.Body.String()
	if ok, failed := c.rules.ValidateHttpResponse(r, w.Result()); !ok {
		c.t.Errorf("%s %s %s: the document has no such answer: %d %s: %s", r.Method, r.URL, body, w.Code, answer, texts(failed))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seen[fmt.Sprintf("%s %s %d", r.Method, r.URL.Path, w.Code)] = true
	return w.Code, allowed, texts(failed)
}

type readCloser struct{ *strings.Reader }

func (readCloser) Close() error { return nil }

// agree sends a request that is done if the document allows it, and refused if not.
func (c *contract) agree(method, target, body string) {
	c.t.Helper()
	status, allowed, why := c.send(request(method, target, body), body)
	if done := status < 300 || status == http.StatusNotFound; done != allowed {
		c.t.Errorf("%s %s %s: %d, allowed by the document: %t %s", method, target, body, status, allowed, why)
	}
}

// The examples of the document, and each change of one of their members, are done or refused as the
// document says.
func TestBodies(t *testing.T) {
	c := newContract(t)
	values := []string{
		`null`, `true`, `false`, `1`, `"x"`, `[]`, `["x"]`, `[null]`, `[1]`, `{}`, `{"timeout":0}`, `{"timeout":"1"}`, `{"timeout":1.5}`,
		`{"timeout":1,"x":1}`, `{"timeout":1}`,
	}
	members := []string{
		"namespace", "rooms", "except", "local", "all", "event", "args", "volatile", "compress", "ack", "join", "leave", "close", "x",
	}
	examples := 0
	for name, op := range c.operations() {
		method, path, _ := strings.Cut(name, " ")
		if op.RequestBody == nil {
			continue
		}
		for _, example := range op.RequestBody.Content.GetOrZero("application/json").Examples.FromOldest() {
			examples++
			var body map[string]any
			if err := example.Value.Decode(&body); err != nil {
				t.Fatal(err)
			}
			c.agree(method, path, text(t, body))
			for _, member := range members {
				other := maps.Clone(body)
				delete(other, member)
				c.agree(method, path, text(t, other))
				for _, v := range values {
					other[member] = json.RawMessage(v)
					c.agree(method, path, text(t, other))
				}
			}
		}
		for _, body := range []string{`[]`, `null`, `"x"`, `{`} {
			c.agree(method, path, body)
		}
	}
	if examples < 7 {
		t.Errorf("only %d examples were found", examples)
	}
}

func text(t *testing.T, v any) string {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestQueries(t *testing.T) {
	c := newContract(t)
	for _, query := range []string{
		"", "?namespace=/", "?namespace=/nowhere", "?rooms=a&rooms=b&except=c", "?rooms=", "?local=true", "?local=false", "?local=yes",
		"?limit=1", "?limit=10000", "?limit=0", "?limit=10001", "?limit=x", "?limit=1.5",
	} {
		c.agree(http.MethodGet, "/api/sockets"+query, "")
	}
}

// Each status of the document is an answer that there is, and its form is that of the document.
func TestAnswers(t *testing.T) { synctest.Test(t, testAnswers) }

func testAnswers(t *testing.T) {
	c := newContract(t)
	client, err := siotest.Serve(t, c.io).Connect(t.Context(), "/", nil)
	if err != nil {
		t.Fatal(err)
	}
	bodies := map[string]string{
		"/api/emit": `{"event":"x"}`, "/api/join": `{"rooms":["x"],"join":["x"]}`, "/api/leave": `{"rooms":["x"],"leave":["x"]}`,
		"/api/disconnect": `{"rooms":["x"]}`,
	}
	is := func(r *http.Request, body string, want int) {
		t.Helper()
		if status, _, _ := c.send(r, body); status != want {
			t.Errorf("%s %s %.100s: %d, want %d", r.Method, r.URL, body, status, want)
		}
	}
	get := func(target string, want int) { t.Helper(); is(request(http.MethodGet, target, ""), "", want) }
	post := func(path, body string, want int) { t.Helper(); is(request(http.MethodPost, path, body), body, want) }
	for path, body := range bodies {
		post(path, body, http.StatusNoContent)
		post(path, `{}`, http.StatusBadRequest)
		post(path, strings.Replace(body, `{`, `{"namespace":"/nowhere",`, 1), http.StatusNotFound)
		post(path, `{"rooms":["`+strings.Repeat("x", 1000)+`"]}`, http.StatusRequestEntityTooLarge)
		r := request(http.MethodPost, path, body)
		r.Header.Set("Content-Type", "text/plain")
		is(r, body, http.StatusUnsupportedMediaType)
		r = request(http.MethodPost, path, body)
		r.Header.Set("Authorization", "Bearer wrong")
		is(r, body, http.StatusUnauthorized)
	}
	get("/api/sockets", http.StatusOK)
	get("/api/sockets?limit=0", http.StatusBadRequest)
	get("/api/sockets?namespace=/nowhere", http.StatusNotFound)
	is(httptest.NewRequest(http.MethodGet, "/api/sockets", nil), "", http.StatusUnauthorized)
	is(httptest.NewRequest(http.MethodGet, "/api/openapi.yaml", nil), "", http.StatusOK)

	// One request waits for the client, one for its body: no other is taken.
	var done sync.WaitGroup
	done.Go(func() { post("/api/emit", `{"event":"ask","ack":{"timeout":60000}}`, http.StatusOK) })
	m, err := client.Receive(t.Context(), "ask")
	if err != nil {
		t.Fatal(err)
	}
	body, in := io.Pipe()
	done.Go(func() {
		r := request(http.MethodPost, "/api/emit", "")
		r.Body = body
		c.api.ServeHTTP(httptest.NewRecorder(), r)
	})
	_, _ = in.Write([]byte("{")) // until it is read
	for path, body := range bodies {
		post(path, body, http.StatusTooManyRequests)
	}
	get("/api/sockets", http.StatusTooManyRequests)
	_ = in.Close()
	if err := m.Ack("yes", []byte{1}); err != nil {
		t.Error(err)
	}
	done.Wait()

	c.bus.Cut()
	for path, body := range bodies {
		post(path, body, http.StatusServiceUnavailable)
	}
	c.bus.Restore()
	time.Sleep(time.Second)

	for name, op := range c.operations() {
		for status := range op.Responses.Codes.FromOldest() {
			// A body that is slow is tested in api; a failure of the server is none that there is.
			if !c.seen[name+" "+status] && status != "408" && status != "500" {
				t.Errorf("nothing is answered so: %s %s", name, status)
			}
		}
	}
}
