package socketio_test

import (
	"encoding/base64"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/engineio"
	"github.com/gosocketio/socketio/internal/rawclient"
	"github.com/gosocketio/socketio/protocol"
)

// One message of a client that has joined no namespace: MaxUntrustedPayload bytes, not one more, of which 64 KiB are the default.
// Once it has joined one, MaxPayload holds.
func TestLimitUntrustedPayload(t *testing.T) {
	t.Attr("covers", "abuse/CVE-2026-27571")
	const byDefault = 64 << 10
	for name, test := range map[string]struct {
		config     socketio.Config
		size, most int
	}{
		"at the limit":            {socketio.Config{MaxUntrustedPayload: 100}, 100, 100},
		"one above":               {socketio.Config{MaxUntrustedPayload: 100}, 101, 100},
		"far above":               {socketio.Config{MaxUntrustedPayload: 100}, 900_000, 100},
		"at the default":          {socketio.Config{}, byDefault, byDefault},
		"one above the default":   {socketio.Config{}, byDefault + 1, byDefault},
		"above MaxPayload":        {socketio.Config{MaxPayload: 1000, MaxUntrustedPayload: 2000}, 1001, 1000},
		"below the other default": {socketio.Config{MaxPayload: 1000}, 1000, 1000},
	} {
		t.Run(name, func(t *testing.T) {
			overTransports(t, func(t *testing.T, open func(*rawclient.Endpoint) rawConn) {
				test.config.PingInterval = time.Hour
				causes := make(chan error, 1)
				test.config.EngineEvents.Close = func(_ *engineio.Session, _ engineio.Reason, cause error) { causes <- cause }
				s, e := servePipe(t, test.config)
				got := make(chan int, 1)
				socketio.On(s, "e", func(_ *socketio.Event, text string) error { got <- len(text); return nil })
				c := open(e)
				connect := `40{"token":"` + strings.Repeat("x", test.size-len(`40{"token":""}`)) + `"}`
				p, polls := c.(*rawclient.Poller)
				switch {
				case test.size <= test.most:
					c.Join("/", strings.TrimPrefix(connect, "40"))
				case polls:
					if status, _ := p.Post(connect); status != http.StatusRequestEntityTooLarge {
						t.Errorf("status %d", status)
					}
					time.Sleep(time.Second) // for so long, of fake time, net/http keeps a connection whose body it did not read
					ordinary := test.most == test.config.MaxPayload
					if cause := <-causes; !errors.Is(cause, engineio.ErrPayloadTooLarge) || strings.Contains(cause.Error(), "MaxUntrustedPayload") == ordinary {
						t.Errorf("cause %v", cause)
					}
					return
				default:
					_ = c.(*rawclient.Conn).TrySend(connect) // it may be closed before all of it is written
					wantSessions(t, s, time.Second, 0)
					ordinary := test.most == test.config.MaxPayload
					if cause := <-causes; !errors.Is(cause, engineio.ErrPayloadTooLarge) || strings.Contains(cause.Error(), "MaxUntrustedPayload") == ordinary {
						t.Errorf("cause %v", cause)
					}
					return
				}
				const event = `42["e",""]`
				most := 1_000_000
				if m := test.config.MaxPayload; m > 0 {
					most = m
				}
				c.Send(event[:len(event)-2] + strings.Repeat("x", most-len(event)) + event[len(event)-2:])
				if n := <-got; n != most-len(event) {
					t.Errorf("%d bytes arrived", n)
				}
			})
		})
	}
}

// The attachments of a packet count as well, as long as no namespace is joined: a CONNECT that is still in a middleware has not
// joined it.
func TestLimitUntrustedAttachments(t *testing.T) {
	t.Attr("covers", "abuse/CVE-2026-27571")
	const most, packet = 1000, `453-["e",{"_placeholder":true,"num":0}]`
	const rest = most - (len(packet) - len("4")) - 500 // behind an attachment of 500 bytes
	for name, test := range map[string]struct {
		size  int // of the second attachment
		first string
	}{
		"at the limit":                       {rest, ""},
		"one above":                          {rest + 1, ""},
		"far above":                          {700, ""},
		"one above, in a middleware":         {rest + 1, "40/slow,"},
		"one above, in a middleware and not": {rest + 1, "40/none,"},
	} {
		t.Run(name, func(t *testing.T) {
			overTransports(t, func(t *testing.T, open func(*rawclient.Endpoint) rawConn) {
				causes := make(chan error, 1)
				s, e := servePipe(t, socketio.Config{MaxUntrustedPayload: most, PingInterval: time.Hour, OnError: func(_ *socketio.Socket, err error) { causes <- err }})
				proceed := make(chan struct{})
				defer close(proceed)
				s.Of("/slow").Use(func(*socketio.Socket) error { <-proceed; return nil })
				c := open(e)
				attach := func(n int) {
					if p, polls := c.(*rawclient.Poller); polls {
						p.Send("b" + base64.StdEncoding.EncodeToString(make([]byte, n)))
					} else {
						c.(*rawclient.Conn).SendBinary(make([]byte, n))
					}
				}
				if test.first != "" {
					c.Send(test.first)
					if ws, ok := c.(*rawclient.Conn); ok && test.first == "40/none," {
						ws.Want(`44/none,{"message":"Invalid namespace"}`)
					}
				}
				c.Send(packet)
				attach(500)
				synctest.Wait()
				if len(causes) > 0 {
					t.Fatalf("refused too early: %v", <-causes)
				}
				attach(test.size)
				synctest.Wait()
				if refused := len(causes) > 0; refused != strings.Contains(name, "above") {
					t.Errorf("refused: %t", refused)
				} else if refused {
					if err := <-causes; !errors.Is(err, protocol.ErrTooLarge) {
						t.Errorf("cause %v", err)
					}
				}
			})
		})
	}
}

// Once it is joined they do not: each may have MaxPayload.
func TestAttachmentsOfATrustedClient(t *testing.T) {
	overTransports(t, func(t *testing.T, open func(*rawclient.Endpoint) rawConn) {
		s, e := servePipe(t, socketio.Config{MaxUntrustedPayload: 100, PingInterval: time.Hour})
		got := make(chan int, 1)
		socketio.On(s, "e", func(_ *socketio.Event, list [][]byte) error { got <- len(list[0]) + len(list[1]); return nil })
		c := open(e)
		c.Join("/", "")
		c.Send(`452-["e",[{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]]`)
		for range 2 {
			if p, polls := c.(*rawclient.Poller); polls {
				p.Send("b" + base64.StdEncoding.EncodeToString(make([]byte, 600_000)))
			} else {
				c.(*rawclient.Conn).SendBinary(make([]byte, 600_000))
			}
		}
		if n := <-got; n != 1_200_000 {
			t.Errorf("%d bytes arrived", n)
		}
	})
}
