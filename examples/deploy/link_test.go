//go:build linux

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/gosocketio/socketio/internal/rawclient"
)

// dialTimeout limits how long a client tries to connect.
const dialTimeout = 10 * time.Second

// link is a connection of a visitor.
type link interface {
	// next returns packets that have arrived, or an error when the connection has ended.
	next() ([]string, error)
	send(packet string) error
	close()
}

type webSocket struct{ *rawclient.Conn }

func dialWebSocket(ctx context.Context, e *rawclient.Endpoint) (link, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	c, err := e.Dial(ctx, "EIO=4&transport=websocket", nil)
	if err != nil {
		return nil, err
	}
	defer context.AfterFunc(ctx, c.Close)()
	if _, _, err := c.Next(); err != nil { // the open packet
		c.Close()
		return nil, err
	}
	return webSocket{c}, nil
}

func (w webSocket) next() ([]string, error) {
	text, _, err := w.Next()
	return []string{text}, err
}
func (w webSocket) send(packet string) error { return w.TrySend(packet) }
func (w webSocket) close()                   { w.Close() }

// polling is a link over long-polling.
type polling struct {
	ctx    context.Context
	cancel context.CancelFunc
	client *http.Client
	url    string

	mu sync.Mutex // one POST at a time
}

func dialPolling(ctx context.Context, e *rawclient.Endpoint) (link, error) {
	p := &polling{client: e.HTTPClient(), url: e.URL + e.Path + "?EIO=4&transport=polling"}
	p.ctx, p.cancel = context.WithCancel(ctx)
	defer time.AfterFunc(dialTimeout, p.cancel).Stop()
	packets, err := p.next()
	var open struct{ Sid string }
	if err == nil {
		err = json.Unmarshal([]byte(strings.TrimPrefix(packets[0], "0")), &open)
	}
	if err != nil {
		p.cancel()
		return nil, err
	}
	p.url += "&sid=" + open.Sid
	return p, nil
}

func (p *polling) request(method, body string) (string, error) {
	r, err := http.NewRequestWithContext(p.ctx, method, p.url, strings.NewReader(body))
	if err != nil {
		return "", err
	}
	res, err := p.client.Do(r)
	if err != nil {
		return "", err
	}
	defer func() { _ = res.Body.Close() }()
	answer, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s %q", method, res.Status, answer)
	}
	return string(answer), err
}

func (p *polling) next() ([]string, error) {
	body, err := p.request(http.MethodGet, "")
	packets := strings.Split(body, "\x1e")
	for i, packet := range packets {
		switch packet {
		case "1":
			return packets[:i], io.EOF
		case "2":
			if err := p.send("3"); err != nil {
				return nil, err
			}
		}
	}
	return packets, err
}

func (p *polling) send(packet string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, err := p.request(http.MethodPost, packet)
	return err
}
func (p *polling) close() { p.cancel() }
