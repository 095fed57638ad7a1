package engineio_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gobwas/ws"

	"github.com/gosocketio/socketio/engineio"
	"github.com/gosocketio/socketio/internal/rawclient"
)

// slowLink is a connection that lets 64 KiB through every 200 ms.
type slowLink struct{ io.Reader }

func (l slowLink) Read(b []byte) (int, error) {
	time.Sleep(200 * time.Millisecond)
	return l.Reader.Read(b[:min(len(b), 64<<10)])
}

// slowConn is a slowLink that can be written to at any speed.
type slowConn struct {
	net.Conn
	slow slowLink
}

func (c slowConn) Read(b []byte) (int, error) { return c.slow.Read(b) }

// slowMessage takes a minute on a slowLink, three times as long as a client has for its pong.
var slowMessage = strings.Repeat("large ", 20<<20/6)

// onSlowLink runs a test in a bubble.
func onSlowLink(t *testing.T, name string, test func(s *wtServer, e *rawclient.Endpoint)) {
	t.Helper()
	t.Run(name, func(t *testing.T) {
		inBubble(t, engineio.Config{PingInterval: interval, PingTimeout: timeout, AllowEIO3: true}, test)
	})
}

func (s *wtServer) sendAll(x *engineio.Session, messages ...string) {
	s.Helper()
	for _, m := range messages {
		if err := x.Send([]byte(m), false); err != nil {
			s.Fatal(err)
		}
	}
}

// wantOpen fails the test if the session has ended.
func (s *wtServer) wantOpen() {
	s.Helper()
	synctest.Wait()
	select {
	case got := <-s.closings:
		s.Fatalf("closed with %+v", got)
	default:
	}
}

// A ping waits for the message that is being written, and for nothing else; the time of the client counts from then.
func TestHeartbeatBehindLargeMessage(t *testing.T) {
	const soon = time.Second
	onSlowLink(t, "WebSocket", func(s *wtServer, e *rawclient.Endpoint) {
		c := e.WebSocket()
		s.sendAll(<-s.sessions, slowMessage, "behind", slowMessage)
		link := slowLink{c.Raw()}
		for round, want := range []string{"4" + slowMessage, "2", "4behind", "4" + slowMessage, "2"} {
			f, err := ws.ReadFrame(link)
			if err != nil || string(f.Payload) != want {
				s.Fatalf("%d: read %.20q, %d bytes, %v; want %.20q", round, f.Payload, len(f.Payload), err, want)
			}
			if want == "2" {
				time.Sleep(timeout - soon)
				c.Send("3")
			}
		}
		s.wantOpen()
	})
	onSlowLink(t, "no pong", func(s *wtServer, e *rawclient.Endpoint) {
		c := e.WebSocket()
		s.sendAll(<-s.sessions, slowMessage)
		link := slowLink{c.Raw()}
		for range 2 {
			if _, err := ws.ReadFrame(link); err != nil {
				s.Fatal(err)
			}
		}
		pinged := time.Now()
		_ = s.wantClosing(engineio.ReasonPingTimeout)
		if got := time.Since(pinged); got > timeout || got < timeout-soon {
			s.Errorf("closed %v after the ping was read, want %v", got, timeout)
		}
	})
	onSlowLink(t, "nothing is read", func(s *wtServer, e *rawclient.Endpoint) {
		e.WebSocket()
		s.sendAll(<-s.sessions, slowMessage)
		began := time.Now()
		cause := s.wantClosing(engineio.ReasonTransportError)
		if got := time.Since(began); got != engineio.DefaultWriteTimeout || !errors.Is(cause, engineio.ErrSlowPeer) {
			s.Errorf("closed after %v with %v", got, cause)
		}
	})
	onSlowLink(t, "WebTransport", func(s *wtServer, _ *rawclient.Endpoint) {
		c, x := s.direct()
		s.sendAll(x, slowMessage, "behind")
		c.conn = slowConn{c.conn, slowLink{c.conn}}
		c.want("4"+slowMessage, "2")
		time.Sleep(timeout - soon)
		c.send("\x013")
		c.want("4behind")
		s.wantOpen()
	})
	// Here the client pings, and waits for our pong before it counts to its next one.
	onSlowLink(t, "protocol 3", func(s *wtServer, e *rawclient.Endpoint) {
		c, err := e.Dial(context.Background(), "EIO=3&transport=websocket", nil)
		if err != nil {
			s.Fatal(err)
		}
		c.Read() // the open packet
		s.sendAll(<-s.sessions, slowMessage, "behind")
		pong := make(chan time.Time)
		go func() {
			defer close(pong)
			link := slowLink{c.Raw()}
			for _, want := range []string{"4" + slowMessage, "3", "4behind"} {
				f, err := ws.ReadFrame(link)
				if err != nil || string(f.Payload) != want {
					s.Errorf("read %.20q, %d bytes, %v; want %.20q", f.Payload, len(f.Payload), err, want)
					return
				}
				if want == "3" {
					pong <- time.Now()
				}
			}
		}()
		time.Sleep(interval)
		c.Send("2")
		<-pong
		<-pong
		time.Sleep(interval + timeout - 2*soon)
		c.Send("2")
		s.wantOpen()
	})
	for _, version := range []string{"4", "3"} {
		onSlowLink(t, "polling, protocol "+version, func(s *wtServer, e *rawclient.Endpoint) {
			url := e.URL + e.Path + "?transport=polling&EIO=" + version
			get := func() string {
				r, err := http.NewRequestWithContext(s.Context(), http.MethodGet, url, nil)
				if err != nil {
					s.Fatal(err)
				}
				r.Header.Set("Accept-Encoding", "identity")
				res, err := e.HTTPClient().Do(r)
				if err != nil {
					s.Fatal(err)
				}
				defer res.Body.Close()
				body := make([]byte, res.ContentLength)
				if _, err := io.ReadFull(slowLink{res.Body}, body); err != nil || res.StatusCode != http.StatusOK {
					s.Fatalf("got %d, %v", res.StatusCode, err)
				}
				return string(body)
			}
			get()
			x := <-s.sessions
			url += "&sid=" + x.ID()
			s.sendAll(x, slowMessage)
			if got := get(); !strings.HasSuffix(got, "4"+slowMessage) {
				s.Fatalf("got %d bytes", len(got))
			}
			time.Sleep(timeout - soon)
			beat := map[string]string{"4": "3", "3": "1:2"}[version]
			res, err := e.HTTPClient().Post(url, "text/plain", strings.NewReader(beat))
			if err != nil || res.StatusCode != http.StatusOK {
				s.Fatalf("POST: %+v, %v", res, err)
			}
			_ = res.Body.Close()
			s.wantOpen()
		})
	}
}
