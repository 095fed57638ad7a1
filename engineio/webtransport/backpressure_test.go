package webtransport_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gosocketio/socketio/engineio"
)

// pausing is a handler that stops reading at the message "pause".
type pausing struct {
	link   engineio.Link
	paused chan engineio.Link
}

func (p pausing) Open()                        { p.link.Trust() }
func (p pausing) Batch(bool)                   {}
func (p pausing) TooLarge([]byte, string)      {}
func (p pausing) Close(engineio.Reason, error) {}
func (p pausing) Message(data []byte, _ bool) {
	if string(data) == "pause" {
		p.link.PauseReading()
		p.paused <- p.link
	}
}

// While the server does not read, it goes on pinging, and a client whose pongs it cannot see stays.
func TestBackPressureKeepsTheSession(t *testing.T) {
	const step = 300 * time.Millisecond
	paused := make(chan engineio.Link, 1)
	s := start(t, engineio.Config{
		PingInterval: step, PingTimeout: step,
		NewHandler: func(l engineio.Link) engineio.Handler { return pausing{l, paused} },
	})
	c, _ := s.direct()
	c.send("4pause")
	link := next(t, paused)
	for range 5 { // far longer than the interval and the timeout
		c.want("2")
		c.send("3")
	}
	c.send("4later")
	link.ResumeReading()
	for _, want := range []string{"pause", "later"} {
		if m := next(t, s.messages); m.data != want {
			t.Errorf("received %q, want %q", m.data, want)
		}
	}
	select {
	case e := <-s.closings:
		t.Errorf("ended: %v, %v", e.reason, e.cause)
	default:
	}
}

// What arrived in one piece behind the message at which reading stopped waits until reading goes on.
func TestPauseWithinOnePiece(t *testing.T) {
	const step, behind = 300 * time.Millisecond, 50
	paused := make(chan engineio.Link, 1)
	s := start(t, engineio.Config{
		PingInterval: step, PingTimeout: 10 * step,
		NewHandler: func(l engineio.Link) engineio.Handler { return pausing{l, paused} },
	})
	c, _ := s.direct()
	piece := append(header(0, len("4pause")), "4pause"...)
	for range behind {
		piece = append(append(piece, header(0, len("4x"))...), "4x"...)
	}
	c.write(piece)
	link := next(t, paused)
	if m := next(t, s.messages); m.data != "pause" {
		t.Errorf("received %q", m.data)
	}
	c.want("2") // sent an interval later
	if n := len(s.messages); n != 0 {
		t.Errorf("%d messages were delivered while reading was paused", n)
	}
	link.ResumeReading()
	for range behind {
		if m := next(t, s.messages); m.data != "x" {
			t.Errorf("received %q, want x", m.data)
		}
	}
}

// logged keeps what is logged.
type logged struct {
	slog.Handler
	mu  *sync.Mutex
	out *bytes.Buffer
}

func (l logged) Handle(ctx context.Context, r slog.Record) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.Handler.Handle(ctx, r)
}

// A refused WebTransport session is one line in the log, with the field to change.
func TestRefusalIsLogged(t *testing.T) {
	l := logged{mu: new(sync.Mutex), out: new(bytes.Buffer)}
	l.Handler = slog.NewTextHandler(l.out, &slog.HandlerOptions{Level: slog.LevelDebug})
	s := start(t, engineio.Config{Logger: slog.New(l)})
	status, _, err := s.tryDial(engineio.DefaultPath, http.Header{"Origin": {"https://app.test"}})
	if err == nil || status/100 != 4 {
		t.Fatalf("status %d, %v", status, err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if text := l.out.String(); strings.Count(text, "foreign origin") != 2 || strings.Count(text, "\n") != 1 ||
		!strings.Contains(text, "level=WARN") || !strings.Contains(text, "Config.CORS.Origins") {
		t.Errorf("logged %q", text)
	}
}
