package engineio_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/gosocketio/socketio/engineio"
)

// What the server and its sessions say about themselves follows what happens to them.
func TestStats(t *testing.T) {
	s := v3(t, engineio.Config{ConnectionMode: engineio.PortableMode})
	want := func(w engineio.Stats) {
		t.Helper()
		if diff := cmp.Diff(w, s.engine.Stats(), cmpopts.EquateEmpty()); diff != "" {
			t.Error(diff)
		}
	}
	want(engineio.Stats{})
	q := s.polling()
	x := next(t, s.sessions)
	s.polling3("EIO=3")
	next(t, s.sessions)
	c := s.dial(direct)
	c.open()
	ws := next(t, s.sessions)
	want(engineio.Stats{Polling: 2, WebSocket: 1, Protocol3: 1, Pending: 3, Opened: 3})

	if err := x.Send([]byte("four"), false); err != nil {
		t.Fatal(err)
	}
	engineio.LinkOf(ws).PauseReading()
	candidate := s.dial(strings.Replace(q, "polling", "websocket", 1))
	candidate.send("2probe")
	candidate.want("3probe")
	want(engineio.Stats{
		Polling: 2, WebSocket: 1, Protocol3: 1, Pending: 3, Opened: 3, Upgrading: 1, Paused: 1,
		BufferedBytes: len("\x81\x054four"), BufferedPackets: 1,
	})

	got := x.Stats()
	if got.Age <= 0 {
		t.Errorf("age %v", got.Age)
	}
	got.Age = 0
	if diff := cmp.Diff(engineio.SessionStats{Transport: engineio.Polling, Protocol: 4, BufferedBytes: 7, BufferedPackets: 1, Upgrading: true}, got); diff != "" {
		t.Error(diff)
	}
	engineio.LinkOf(ws).ResumeReading()
	candidate.send("5")
	candidate.want("4four")
	candidate.send("4back")
	candidate.want("4back")
	if got := s.engine.Stats(); got.Polling != 1 || got.WebSocket != 2 || got.Pending != 2 || got.Upgrading != 0 || got.Paused != 0 {
		t.Errorf("got %+v", got)
	}
}

// What is refused and what ends is counted by the rule that the log names.
func TestStatsCountRules(t *testing.T) {
	s := v3(t, engineio.Config{MaxBufferedPackets: 1})
	s.request("GET", "EIO=4&transport=polling&sid=unknown", "")
	s.request("GET", "EIO=4&transport=carrier+pigeon", "")
	s.request("GET", "EIO=4&transport=carrier+pigeon", "")
	s.polling()
	x := next(t, s.sessions)
	first, second := x.Send([]byte("x"), false), x.Send([]byte("x"), false)
	if first != nil || !errors.Is(second, engineio.ErrQueueFull) {
		t.Fatal(first, second)
	}
	s.polling()
	next(t, s.sessions).Discard(nil)
	eventually(t, "two sessions end", func() bool { return len(s.engine.Stats().Ended) == 2 })
	got := s.engine.Stats()
	want := engineio.Stats{
		Opened: 2, Refused: map[string]uint64{"unknown session id": 1, "unknown transport": 2},
		Ended: map[string]uint64{"queue full": 1, "forced close": 1}, SlowConsumers: 1,
	}
	got.Pending = 0
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
