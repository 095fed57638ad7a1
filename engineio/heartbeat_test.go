package engineio_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gobwas/ws"

	"github.com/gosocketio/socketio/engineio"
	"github.com/gosocketio/socketio/internal/rawclient"
)

var quick = engineio.Config{PingInterval: 60 * time.Millisecond, PingTimeout: 40 * time.Millisecond}

func TestHeartbeat(t *testing.T) {
	t.Run("polling", func(t *testing.T) {
		beats := make(chan struct{}, 10)
		c := quick
		c.PingTimeout = patience
		c.Events.Heartbeat = func(*engineio.Session) { beats <- struct{}{} }
		s := start(t, c)
		q := s.polling()
		for range 3 {
			if got := s.request("GET", q, ""); got.body != "2" {
				t.Fatalf("GET: %+v", got)
			}
			s.request("POST", q, "3")
			next(t, beats)
		}
	})
	t.Run("WebSocket", func(t *testing.T) {
		c := quick
		c.PingTimeout = patience
		s := start(t, c)
		w := s.dial(direct)
		w.open()
		for range 3 {
			w.want("2")
			w.send("3")
		}
	})
}

// beating is a client in a synctest bubble that hears and sends what it is told to.
type beating struct {
	*testing.T
	*rawclient.Conn
	began time.Time
}

const interval, timeout = 10 * time.Second, 8 * time.Second

func beat(t *testing.T) beating {
	t.Helper()
	e, err := engineio.New(engineio.Config{PingInterval: interval, PingTimeout: timeout})
	if err != nil {
		t.Fatal(err)
	}
	end := rawclient.ServePipe(t, e)
	t.Cleanup(func() { _ = e.Shutdown(context.Background()) })
	end.Path = engineio.DefaultPath
	return beating{t, end.WebSocket(), time.Now()}
}

// wantAfter reads the next frame, which must come that long after the beginning. No payload means the close frame.
func (b beating) wantAfter(payload string, after time.Duration) {
	b.Helper()
	const grain = time.Millisecond
	f, err := ws.ReadFrame(b.Raw()) // rawclient would answer pings
	if got := time.Since(b.began); err != nil || string(f.Payload) != payload || got < after || got > after+grain {
		b.Errorf("got %q, %v after %v; want %q after %v", f.Payload, err, got, payload, after)
	}
}

// The next ping comes PingInterval after the pong, and the pong's deadline is PingTimeout after the ping.
func TestHeartbeatIsMeasured(t *testing.T) {
	t.Attr("covers", "easy/23")
	const late = 5 * time.Second
	synctest.Test(t, func(t *testing.T) {
		b := beat(t)
		b.wantAfter("2", interval)
		time.Sleep(late)
		b.Send("3")
		b.wantAfter("2", interval+late+interval)
		b.wantAfter("", interval+late+interval+timeout)
	})
}

// Something else than the pong proves life too, but only once for each ping.
func TestOtherPacketsExtendTheDeadlineOnce(t *testing.T) {
	t.Attr("covers", "later/1")
	const late = 5 * time.Second
	synctest.Test(t, func(t *testing.T) {
		b := beat(t)
		b.wantAfter("2", interval)
		time.Sleep(late)
		b.Send("4one")
		time.Sleep(late)
		b.Send("4two")
		b.wantAfter("", interval+late+timeout)
	})
}

// A pong that nobody asked for starts the interval anew, as in the official server.
func TestPongWithoutPing(t *testing.T) {
	const early = 7 * time.Second
	synctest.Test(t, func(t *testing.T) {
		b := beat(t)
		time.Sleep(early)
		b.Send("3")
		b.wantAfter("2", early+interval)
		b.wantAfter("", early+interval+timeout)
	})
}

func TestPingTimeout(t *testing.T) {
	t.Attr("covers", "easy/24 engine/server/close/3 engine/server/close/4 engine/server/close/28 engine/server/close/29")
	t.Run("polling", func(t *testing.T) {
		s := start(t, quick)
		s.wantClosing(s.polling(), engineio.ReasonPingTimeout, "")
	})
	t.Run("WebSocket", func(t *testing.T) {
		s := start(t, quick)
		c := s.dial(direct)
		c.open()
		c.wantEnd()
		if got := next(t, s.closings); got.reason != engineio.ReasonPingTimeout {
			t.Errorf("closed with %+v", got)
		}
	})
	t.Run("survives the upgrade", func(t *testing.T) {
		s := start(t, engineio.Config{PingInterval: 60 * time.Millisecond, PingTimeout: time.Second}) // time to upgrade
		q := s.polling()
		c := s.dial(strings.Replace(q, "polling", "websocket", 1))
		c.send("2probe")
		c.want("3probe")
		c.send("5")
		c.wantEnd()
		if got := next(t, s.closings); got.reason != engineio.ReasonPingTimeout {
			t.Errorf("closed with %+v", got)
		}
	})
	t.Run("wins over a close that nobody fetches", func(t *testing.T) {
		s := start(t, quick)
		s.polling()
		next(t, s.sessions).Close()
		if got := next(t, s.closings); got.reason != engineio.ReasonPingTimeout {
			t.Errorf("closed with %+v", got)
		}
	})
}

// While the server itself does not read, a missing pong is not the peer's fault.
func TestPausedReadingSuspendsPingTimeout(t *testing.T) {
	in := make(chan string, 10)
	c := engineio.Config{PingInterval: 60 * time.Millisecond, PingTimeout: time.Second} // time to pause
	c.Events.Message = func(x *engineio.Session, data []byte, _ bool) {
		in <- string(data)
		engineio.LinkOf(x).PauseReading()
	}
	s := start(t, c)
	w := s.dial(direct)
	w.open()
	w.send("4one")
	next(t, in)
	x := next(t, s.sessions)
	w.want("2")
	w.send("3")
	w.send("4two")
	select {
	case got := <-s.closings:
		t.Fatalf("closed with %+v", got)
	case got := <-in:
		t.Fatalf("read %q while paused", got)
	case <-time.After(2*c.PingInterval + c.PingTimeout):
	}
	engineio.LinkOf(x).ResumeReading()
	if got := next(t, in); got != "two" {
		t.Errorf("got %q", got)
	}
}

// A parked GET is answered as soon as the client may have its probe answered, and seldom when it does not go on.
func TestParkedPollsAreReleased(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, err := engineio.New(engineio.Config{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = e.Shutdown(context.Background()) })
		end := rawclient.ServePipe(t, e)
		end.Path = engineio.DefaultPath
		p := end.Polling()
		c := p.Probe()
		for _, want := range []int64{5, 10, 20, 40, 80, 100, 100} {
			began := time.Now()
			p.Want("6")
			if got := time.Since(began).Milliseconds(); got != want {
				t.Errorf("released after %d ms, want %d", got, want)
			}
		}
		c.Send("5")
	})
}

func TestUpgradeCandidates(t *testing.T) {
	t.Attr("covers", "easy/19 easy/20 easy/22 engine/server/close/32 engine/server/close/33")
	upgrade := func(q string) string { return strings.Replace(q, "polling", "websocket", 1) }
	t.Run("never probes", func(t *testing.T) {
		inBubble(t, engineio.Config{}, func(s *wtServer, e *rawclient.Endpoint) {
			p := e.Polling()
			c, err := e.Dial(s.Context(), "EIO=4&transport=websocket&sid="+p.Sid, nil)
			if err != nil {
				s.Fatal(err)
			}
			if f, err := ws.ReadFrame(c.Raw()); err != nil || f.Header.OpCode != ws.OpClose || len(f.Payload) > 0 {
				s.Errorf("frame %+v, %v; want a close frame without a code", f.Header, err)
			}
			c.Close()
			p.Send("4alive")
			if got := <-s.messages; got != "falsealive" {
				s.Errorf("message %q", got)
			}
			p.Probe() // a retry is allowed
		})
	})
	t.Run("second one", func(t *testing.T) {
		s := start(t, engineio.Config{})
		q := s.polling()
		first := s.dial(upgrade(q))
		first.send("2probe")
		first.want("3probe")
		s.dial(upgrade(q)).wantEnd()
		first.send("5")
		first.send("4hi")
		first.want("4hi")
	})
	t.Run("sends something else", func(t *testing.T) {
		s := start(t, engineio.Config{})
		q := s.polling()
		c := s.dial(upgrade(q))
		c.send("4no")
		c.wantEnd()
		s.request("POST", q, "4alive")
		if got := s.request("GET", q, ""); got.body != "4alive" {
			t.Errorf("GET: %+v", got)
		}
	})
	t.Run("session closes meanwhile", func(t *testing.T) {
		s := start(t, engineio.Config{})
		q := s.polling()
		c := s.dial(upgrade(q))
		c.send("2probe")
		c.want("3probe")
		next(t, s.sessions).Discard(nil)
		if code := c.wantEnd(); code != ws.StatusNoStatusRcvd {
			t.Errorf("closed with %d", code)
		}
		next(t, s.closings)
	})
	t.Run("every GET is released", func(t *testing.T) {
		s := start(t, engineio.Config{})
		q := s.polling()
		c := s.dial(upgrade(q))
		c.send("2probe")
		c.want("3probe")
		for range 3 {
			if got := s.request("GET", q, ""); got.body != "6" {
				t.Errorf("GET: %+v", got)
			}
		}
	})
	t.Run("closing session flushes on the new transport", func(t *testing.T) {
		s := start(t, engineio.Config{})
		q := s.polling()
		x := next(t, s.sessions)
		c := s.dial(upgrade(q))
		c.send("2probe")
		c.want("3probe")
		if err := x.Send([]byte("last"), false); err != nil {
			t.Fatal(err)
		}
		x.Close()
		c.send("5")
		c.want("4last")
		c.wantEnd()
		if got := next(t, s.closings); got.reason != engineio.ReasonForcedClose {
			t.Errorf("closed with %+v", got)
		}
	})
	t.Run("switched off", func(t *testing.T) {
		s := start(t, engineio.Config{NoUpgrades: true})
		if got := s.request("GET", "EIO=4&transport=polling", ""); !strings.Contains(got.body, `"upgrades":[]`) {
			t.Errorf("open packet: %s", got.body)
		}
		s.dial(upgrade(s.polling())).wantEnd()
	})
	t.Run("of a WebSocket session", func(t *testing.T) {
		s := start(t, engineio.Config{})
		c := s.dial(direct)
		id := c.open()
		s.dial(direct + "&sid=" + id).wantEnd()
		c.send("4hi")
		c.want("4hi")
	})
}
