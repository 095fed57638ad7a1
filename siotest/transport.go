package siotest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/gosocketio/socketio/engineio/wire"
	"github.com/gosocketio/socketio/internal/rawclient"
)

// transport carries messages. Calls of receive must not overlap, nor calls of send.
type transport interface {
	receive() (data []byte, binary bool, err error)
	send(text []byte, attachments [][]byte) error
	// close makes a waiting receive return.
	close()
}

// sidOf returns the session id of the open packet.
func sidOf(open string) (string, error) {
	var data struct{ Sid string }
	if !strings.HasPrefix(open, "0") || json.Unmarshal([]byte(open[1:]), &data) != nil || data.Sid == "" {
		return "", fmt.Errorf("siotest: the first packet is %q, it must be an open packet with a sid", open)
	}
	return data.Sid, nil
}

// overWebSocket is the WebSocket transport.
type overWebSocket struct{ conn *rawclient.Conn }

func (s *Server) websocket(ctx context.Context, query url.Values, header http.Header) (*Conn, error) {
	e := *s.e
	e.Path = s.Path
	conn, err := e.Dial(ctx, query.Encode(), header)
	if err != nil {
		return nil, fmt.Errorf("siotest: connect: %w", err)
	}
	stop := context.AfterFunc(ctx, conn.Close)
	defer stop()
	open, _, err := conn.Next()
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("siotest: connect: %w", err)
	}
	id, err := sidOf(open)
	if err != nil {
		conn.Close()
		return nil, err
	}
	return newConn(id, overWebSocket{conn}), nil
}

func (w overWebSocket) receive() ([]byte, bool, error) {
	for {
		text, binary, err := w.conn.Next()
		switch {
		case err != nil:
			return nil, false, err
		case binary != nil:
			return binary, true, nil
		case strings.HasPrefix(text, "4"):
			return []byte(text[1:]), false, nil
		case text == "1":
			return nil, false, io.EOF
		}
	}
}

func (w overWebSocket) send(text []byte, attachments [][]byte) error {
	err := w.conn.TrySend("4" + string(text))
	for _, a := range attachments {
		if err == nil {
			err = w.conn.TrySendBinary(a)
		}
	}
	return err
}

func (w overWebSocket) close() { w.conn.Close() }

// overPolling is the long-polling transport.
type overPolling struct {
	client *http.Client
	url    string
	header http.Header
	ctx    context.Context // of all requests
	cancel context.CancelFunc
	rest   []byte     // the unread part of the last response
	mu     sync.Mutex // one POST at a time
}

func (s *Server) polling(ctx context.Context, query url.Values, header http.Header) (*Conn, error) {
	p := &overPolling{client: s.HTTPClient(), url: s.URL + s.Path + "?" + query.Encode(), header: header}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	stop := context.AfterFunc(ctx, p.cancel)
	defer stop()
	open, err := p.do(p.ctx, http.MethodGet, nil)
	if err != nil {
		p.cancel()
		return nil, fmt.Errorf("siotest: connect: %w", err)
	}
	first, rest, _ := bytes.Cut(open, []byte{0x1e})
	id, err := sidOf(string(first))
	if err != nil {
		p.cancel()
		return nil, err
	}
	p.rest = rest
	p.url += "&sid=" + url.QueryEscape(id)
	return newConn(id, p), nil
}

func (p *overPolling) do(ctx context.Context, method string, body []byte) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, p.url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if p.header != nil {
		req.Header = p.header.Clone()
	}
	res, err := p.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = res.Body.Close() }()
	answer, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s got status %d, must be 200: %s", method, res.StatusCode, answer)
	}
	return answer, err
}

func (p *overPolling) receive() ([]byte, bool, error) {
	for {
		for len(p.rest) > 0 {
			packet, rest, _, err := wire.NextPacket(p.rest)
			if err != nil {
				return nil, false, err
			}
			p.rest = rest
			switch packet.Type {
			case wire.Message:
				return bytes.Clone(packet.Data), packet.Binary, nil
			case wire.Ping:
				if err := p.post([]byte("3")); err != nil {
					return nil, false, err
				}
			case wire.Close:
				return nil, false, io.EOF
			}
		}
		var err error
		if p.rest, err = p.do(p.ctx, http.MethodGet, nil); err != nil {
			return nil, false, err
		}
	}
}

func (p *overPolling) send(text []byte, attachments [][]byte) error {
	frames := wire.AppendText(nil, wire.Message, text)
	for _, a := range attachments {
		frames = wire.AppendBinary(frames, a)
	}
	return p.post(wire.AppendPayload(nil, frames, true))
}

func (p *overPolling) post(body []byte) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, err := p.do(p.ctx, http.MethodPost, body); err != nil {
		return fmt.Errorf("siotest: send: %w", err)
	}
	return nil
}

// closeTimeout is how long close waits for the server's answer.
const closeTimeout = time.Second

func (p *overPolling) close() {
	defer p.cancel()
	if p.mu.TryLock() {
		defer p.mu.Unlock()
		ctx, cancel := context.WithTimeout(p.ctx, closeTimeout)
		defer cancel()
		_, _ = p.do(ctx, http.MethodPost, []byte("1")) // fails if the session has ended
	}
}
