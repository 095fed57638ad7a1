package engineio_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gosocketio/socketio/engineio"
	"github.com/gosocketio/socketio/internal/rawclient"
)

// A POST whose answer waits for slow handlers gets a byte each PingInterval: proxies cut a request
// that is idle for longer.
func TestDelayedPostIsNotIdle(t *testing.T) {
	synctest.Test(t, delayedPost)
}

func delayedPost(t *testing.T) {
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
	server := rawclient.ServePipe(t, newEngine(t, c))
	client := server.HTTPClient()
	url := server.URL + "/engine.io/?EIO=4&transport=polling"
	body, err := fetch(client.Get(url))
	if err != nil {
		t.Fatal(err)
	}
	_, sid, _ := strings.Cut(body, `"sid":"`)
	sid, _, _ = strings.Cut(sid, `"`)

	sent := time.Now()
	res, err := client.Post(url+"&sid="+sid, "text/plain", strings.NewReader(strings.Repeat("4short\x1e", 20)+"4long"))
	if err != nil {
		t.Fatal(err)
	}
	if took := time.Since(sent); took > 9*c.PingInterval {
		t.Errorf("the answer began after %v", took)
	}
	for more := 6; more > 0; { // of these, so many while reading is not resumed
		space := make([]byte, 1)
		if _, err := io.ReadFull(res.Body, space); err != nil || space[0] != ' ' {
			t.Fatalf("got %q, %v", space, err)
		}
		if len(paused) > 0 {
			more--
		}
	}
	s := <-paused
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
