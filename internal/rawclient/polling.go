package rawclient

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
)

// Poller is a session over long-polling.
type Poller struct {
	// Sid is the session's id.
	Sid string

	t testing.TB
	e *Endpoint
}

// Polling opens a session over long-polling. query, such as "token=1", is added to the URL.
func (e *Endpoint) Polling(query ...string) *Poller {
	e.t.Helper()
	p := &Poller{t: e.t, e: e}
	status, body := p.request(http.MethodGet, strings.Join(query, "&"), "")
	var data struct{ Sid string }
	if status != http.StatusOK || !strings.HasPrefix(body, "0") || json.Unmarshal([]byte(body[1:]), &data) != nil {
		e.t.Fatalf("got %d %q, want the open packet", status, body)
	}
	p.Sid = data.Sid
	return p
}

// Via sends what follows to another server.
func (p *Poller) Via(e *Endpoint) { p.e = e }

// Get polls once and returns the response.
func (p *Poller) Get() (status int, body string) {
	p.t.Helper()
	return p.request(http.MethodGet, "", "")
}

// Post sends packets in one body and returns the response.
func (p *Poller) Post(packets ...string) (status int, body string) {
	p.t.Helper()
	return p.request(http.MethodPost, "", strings.Join(packets, "\x1e"))
}

// Send is Post that fails the test unless the server accepts.
func (p *Poller) Send(packets ...string) {
	p.t.Helper()
	if status, body := p.Post(packets...); status != http.StatusOK || body != "ok" {
		p.t.Fatalf("POST got %d %q", status, body)
	}
}

// Want fails the test unless exactly these packets come next, in one response or in several.
func (p *Poller) Want(packets ...string) {
	p.t.Helper()
	for len(packets) > 0 {
		status, body := p.Get()
		if status != http.StatusOK {
			p.t.Fatalf("GET got %d %q, want %q", status, body, packets)
		}
		for _, got := range strings.Split(body, "\x1e") {
			if len(packets) == 0 || got != packets[0] {
				p.t.Fatalf("GET got %q, want %q to be next", body, packets)
			}
			packets = packets[1:]
		}
	}
}

// WantTogether is Want, all in one response.
func (p *Poller) WantTogether(packets ...string) {
	p.t.Helper()
	want := strings.Join(packets, "\x1e")
	if status, body := p.Get(); status != http.StatusOK || body != want {
		p.t.Fatalf("GET got %d %q, want %q", status, body, want)
	}
}

// WantEnd fails the test unless the next poll is told that the session ends: with a close packet alone when it was parked
// already, behind a noop when the session had ended before.
func (p *Poller) WantEnd() {
	p.t.Helper()
	if status, body := p.Get(); status != http.StatusOK || body != "1" && body != "6\x1e1" {
		p.t.Fatalf("GET got %d %q, want the end", status, body)
	}
}

// WantGone fails the test unless the server does not know the session any more.
func (p *Poller) WantGone() {
	p.t.Helper()
	if status, body := p.Get(); status != http.StatusBadRequest || body != `{"code":1,"message":"Session ID unknown"}` {
		p.t.Fatalf("GET got %d %q, want an unknown session", status, body)
	}
}

// Join joins a namespace and returns the socket's id.
func (p *Poller) Join(namespace, auth string) (id string) {
	p.t.Helper()
	p.Send("40" + prefix(namespace) + auth)
	_, body := p.Get()
	return socketID(p.t, namespace, body)
}

func (p *Poller) request(method, query, body string) (int, string) {
	p.t.Helper()
	url := p.e.URL + p.e.Path + "?EIO=4&transport=polling"
	if p.Sid != "" {
		url += "&sid=" + p.Sid
	}
	if query != "" {
		url += "&" + query
	}
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	res, err := p.e.client.Do(req)
	if err != nil {
		p.t.Fatalf("%s: %v", method, err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		p.t.Fatalf("%s: read the body: %v", method, err)
	}
	return res.StatusCode, string(data)
}
