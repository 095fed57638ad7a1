package engineio_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gosocketio/socketio/engineio"
)

// A POST whose answer waits for slow handlers gets a byte each PingInterval: proxies cut a request
// that is idle for longer.
func TestDelayedPostIsNotIdle(t *testing.T) {
	c := engineio.Config{PingInterval: 100 * time.Millisecond, PingTimeout: time.Minute}
	paused := make(chan *engineio.Session, 1)
	c.Events.Message = func(s *engineio.Session, data []byte, _ bool) {
		engineio.LinkOf(s).PauseReading()
		if string(data) == "short" { // several of these are as long as one that is not
			time.AfterFunc(c.PingInterval/2, engineio.LinkOf(s).ResumeReading)
			return
		}
		paused <- s
	}
	e, err := engineio.New(c)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(e)
	defer server.Close()
	url := server.URL + "/engine.io/?EIO=4&transport=polling"
	body, err := fetch(http.Get(url))
	if err != nil {
		t.Fatal(err)
	}
	_, sid, _ := strings.Cut(body, `"sid":"`)
	sid, _, _ = strings.Cut(sid, `"`)

	sent := time.Now()
	res, err := http.Post(url+"&sid="+sid, "text/plain", strings.NewReader(strings.Repeat("4short\x1e", 20)+"4long"))
	if err != nil {
		t.Fatal(err)
	}
	if took := time.Since(sent); took > 9*c.PingInterval {
		t.Errorf("the answer began after %v", took)
	}
	s := <-paused // reading is not resumed yet, and the answer has begun
	spaces := make([]byte, 6)
	if _, err := io.ReadFull(res.Body, spaces); err != nil || strings.Trim(string(spaces), " ") != "" {
		t.Errorf("got %q, %v", spaces, err)
	}
	engineio.LinkOf(s).ResumeReading()
	if body, err = fetch(res, nil); err != nil || strings.TrimSpace(body) != "ok" {
		t.Errorf("got %q, %v", body, err)
	}
	if got := res.Header.Get("Content-Type"); got != "text/html" {
		t.Errorf("Content-Type is %q", got)
	}
	s.Close()
}

// fetch reads the body of a response.
func fetch(res *http.Response, err error) (string, error) {
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	return string(b), err
}
