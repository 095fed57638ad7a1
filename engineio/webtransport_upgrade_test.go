package engineio_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gosocketio/socketio/engineio"
)

func TestWebTransportUpgrade(t *testing.T) {
	all := engineio.Config{Transports: []engineio.Transport{engineio.WebTransport, engineio.Polling, engineio.WebSocket}}
	offer := func(sid string) string { return fmt.Sprintf("%c0{\"sid\":%q}", len(sid)+11, sid) }
	open := func(s *wtServer) (sid string, c stream) {
		first := s.poll("")
		if !strings.Contains(first, `"upgrades":["websocket","webtransport"]`) {
			t.Errorf("opened with %q", first)
		}
		sid = (<-s.sessions).ID()
		c, _ = s.stream(nil)
		return sid, c
	}
	run := func(name string, c engineio.Config, f func(t *testing.T, s *wtServer)) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { f(t, startWT(t, c)) })
		})
	}
	events := all
	told := make(chan engineio.Transport, 2)
	events.Events.Upgrading = func(_ *engineio.Session, to engineio.Transport) { told <- to }
	events.Events.Upgrade = events.Events.Upgrading
	run("from polling", events, func(t *testing.T, s *wtServer) {
		sid, c := open(s)
		x, _ := s.engine.Session(sid)
		c.send(offer(sid))
		c.send("\x062probe")
		c.want("3probe")
		if x.Transport() != engineio.Polling || !x.Stats().Upgrading {
			t.Errorf("%+v", x.Stats())
		}
		if got := s.poll("&sid=" + sid); got != "6" {
			t.Errorf("GET %q", got)
		}
		_ = x.Send([]byte("late"), false)
		c.send("\x015")
		c.want("4late")
		if x.Transport() != engineio.WebTransport {
			t.Errorf("%+v", x.Stats())
		}
		for range 2 {
			if got := <-told; got != engineio.WebTransport {
				t.Errorf("told of %v", got)
			}
		}
		c.send("\x054one!")
		if got := <-s.messages; got != "falseone!" {
			t.Error(got)
		}
		if got := s.poll("&sid=" + sid); !strings.Contains(got, "Bad request") {
			t.Errorf("GET %q", got)
		}
	})
	run("only one at a time, and only once", all, func(t *testing.T, s *wtServer) {
		sid, c := open(s)
		c.send(offer(sid))
		second, _ := s.stream(nil)
		second.send(offer(sid))
		second.wantEnd()
		c.send("\x062probe")
		c.want("3probe")
		c.send("\x015")
		third, _ := s.stream(nil)
		third.send(offer(sid))
		third.wantEnd()
		x, _ := s.engine.Session(sid)
		_ = x.Send([]byte("still here"), false)
		c.want("4still here")
		direct, y := s.direct()
		fourth, _ := s.stream(nil)
		fourth.send(offer(y.ID()))
		fourth.wantEnd()
		_ = y.Send([]byte("here too"), false)
		direct.want("4here too")
	})
	run("bad packet while probing", all, func(t *testing.T, s *wtServer) {
		sid, c := open(s)
		c.send(offer(sid))
		c.send("\x054oops")
		c.wantEnd()
		again, _ := s.stream(nil)
		again.send(offer(sid))
		again.send("\x062probe")
		again.want("3probe")
	})
	run("never probes", all, func(t *testing.T, s *wtServer) {
		sid, c := open(s)
		c.send(offer(sid))
		begun := time.Now()
		c.wantEnd()
		if d := time.Since(begun); d < 9*time.Second || d > 11*time.Second {
			t.Errorf("the candidate was closed after %v", d)
		}
		if s.engine.Sessions() != 1 {
			t.Error("the session is gone")
		}
	})
	run("the session closes while probing", all, func(t *testing.T, s *wtServer) {
		sid, c := open(s)
		c.send(offer(sid))
		c.send("\x062probe")
		c.want("3probe")
		x, _ := s.engine.Session(sid)
		x.Discard(nil)
		c.wantEnd()
	})
	refusing := all
	refusing.NoUpgrades = true
	run("NoUpgrades", refusing, func(t *testing.T, s *wtServer) {
		s.poll("")
		c, _ := s.stream(nil)
		c.send(offer((<-s.sessions).ID()))
		c.wantEnd()
	})
	run("not of protocol 3", engineio.Config{AllowEIO3: true, Transports: all.Transports}, func(t *testing.T, s *wtServer) {
		s.poll("&EIO=3")
		c, _ := s.stream(nil)
		c.send(offer((<-s.sessions).ID()))
		c.wantEnd()
	})
}
