package redis

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/adapter/redis/redistest"
)

// after returns the events after a position.
func (p *streamPeer) after(t *testing.T, position string) (events []string, err error) {
	t.Helper()
	for m, err := range p.link.After(t.Context(), position) {
		if err == nil && m.Rest != nil {
			err = m.Rest(m)
		}
		if err != nil {
			return events, err
		}
		events = append(events, m.Packet.Name())
	}
	return events, nil
}

func (p *streamPeer) positions() (list []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, m := range p.got {
		list = append(list, m.Position)
	}
	return list
}

func TestStreamsLog(t *testing.T) {
	s := redistest.Start(t)
	c := Config{Addrs: []string{s.Addr()}}
	a, b := joinStreams(t, c, "aaaaaaaaaaaaaaaa"), joinStreams(t, c, "bbbbbbbbbbbbbbbb")
	start := b.link.Reached()
	if got, err := b.after(t, start); start != "0-0" || len(got) != 0 || err != nil {
		t.Fatalf("an empty log has %q after %s, %v", got, start, err)
	}
	const n = 2*rangePage + 10
	var want []string
	for i := range n {
		a.emit(t, fmt.Sprint(i))
		want = append(want, fmt.Sprint(i))
		if i == rangePage {
			err := a.link.Publish(&adapter.Message{
				UID: a.uid, Namespace: "/", Type: adapter.MessageSocketsJoin, Rooms: []string{"r"},
			})
			if err != nil {
				t.Fatal(err)
			}
			s.Do("XADD", "socket.io", "*", "uid", "x", "nsp", "/other", "type", "3", "data",
				`{"packet":{"type":2,"data":["no"]},"opts":{"rooms":[],"except":[],"flags":{}}}`)
			s.Do("XADD", "socket.io", "*", "uid", "x", "nsp", "/", "type", "3", "data", "poison")
			s.Do("XADD", "socket.io", "*", "poison", "")
		}
	}
	await(t, "all arrive", func() bool { return len(b.positions()) == n+1 && len(a.positions()) == n+1 })
	positions := b.positions()
	if got := a.positions(); !slices.Equal(got, positions) {
		t.Fatal("the positions differ")
	}
	if !slices.IsSortedFunc(positions, b.link.ComparePositions) {
		t.Fatal("the positions are not sorted")
	}
	await(t, "the position is that of the last", func() bool { return b.link.Reached() == positions[n] })
	if got, err := b.after(t, start); !slices.Equal(got, want) || err != nil {
		t.Errorf("from the start: got %q, %v", got, err)
	}
	if got, err := b.after(t, positions[5]); !slices.Equal(got, want[6:]) || err != nil {
		t.Errorf("after 5: got %q, %v", got, err)
	}
	if got, err := b.after(t, positions[n]); len(got) != 0 || err != nil {
		t.Errorf("after the last: got %q, %v", got, err)
	}
	last, _ := parsePosition(positions[n])
	for _, position := range []string{"", "abc", "1", last.next().String(), "18446744073709551615-18446744073709551615"} {
		if got, err := b.after(t, position); !errors.Is(err, adapter.ErrPosition) {
			t.Errorf("after %q: got %q, %v", position, got, err)
		}
	}
	if got := b.invalid.Load(); got != 1 {
		t.Errorf("%d entries were invalid, want 1", got)
	}
	s.Do("XTRIM", "socket.io", "MINID", positions[5])
	if got, err := b.after(t, positions[5]); !slices.Equal(got, want[6:]) || err != nil {
		t.Errorf("after the oldest: got %q, %v", got, err)
	}
	if got, err := b.after(t, positions[4]); !slices.Equal(got, want[5:]) || err != nil {
		t.Errorf("after what has just been read: got %q, %v", got, err)
	}
	for _, position := range []string{start, positions[4]} {
		if got, err := a.after(t, position); !errors.Is(err, adapter.ErrPosition) {
			t.Errorf("after %s, which is gone: got %q, %v", position, got, err)
		}
	}
	s.Do("XTRIM", "socket.io", "MAXLEN", "0")
	if got, err := b.after(t, positions[n]); len(got) != 0 || err != nil {
		t.Errorf("after the end of a log that is empty: got %q, %v", got, err)
	}
}

// An entry that was written twice is one broadcast.
func TestStreamsTwice(t *testing.T) {
	s := redistest.Start(t)
	p := joinStreams(t, Config{Addrs: []string{s.Addr()}}, "aaaaaaaaaaaaaaaa")
	add := func(event, sequence string) string {
		return s.Do("XADD", "socket.io", "*", "uid", "x", "nsp", "/", "type", "3", "data",
			`{"packet":{"type":2,"data":["`+event+`"]},"opts":{"rooms":[],"except":[],"flags":{}}}`, "seq", sequence)
	}
	first := add("a", "w.1")
	for _, e := range []string{"w.1 a", "w.2 b", "w.1 a", "w.2 b", "v.1 c", "x d"} {
		sequence, event, _ := strings.Cut(e, " ")
		add(event, sequence)
	}
	await(t, "all arrive", func() bool { return len(p.positions()) >= 4 })
	if got, _ := p.broadcasts(); !slices.Equal(got, []string{"a", "b", "c", "d"}) {
		t.Errorf("got %q", got)
	}
	if got, err := p.after(t, first); !slices.Equal(got, []string{"b", "c", "d"}) || err != nil {
		t.Errorf("the log has %q, %v", got, err)
	}
}

func TestStreamsSessions(t *testing.T) {
	s := redistest.Start(t)
	c := Config{Addrs: []string{s.Addr()}}
	a, b := joinStreams(t, c, "aaaaaaaaaaaaaaaa"), joinStreams(t, c, "bbbbbbbbbbbbbbbb")
	session := `{"sid":"s","pid":"p","rooms":["s","r é"],"data":{"n":1.5,"_placeholder":true,"num":0},"ours":[1]}`
	if err := a.link.PutSession(t.Context(), "p", []byte(session), time.Minute); err != nil {
		t.Fatal(err)
	}
	got, err := b.link.TakeSession(t.Context(), "p")
	if string(got) != session || err != nil {
		t.Errorf("got %s, %v", got, err)
	}
	for _, p := range []*streamPeer{a, b} {
		if got, err := p.link.TakeSession(t.Context(), "p"); got != nil || err != nil {
			t.Errorf("the second time: got %s, %v", got, err)
		}
	}
	if err := a.link.PutSession(t.Context(), "p", []byte(session), 20*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	await(t, "the session expires", func() bool { return s.Do("EXISTS", "sio:session:p") == "0" })
	if err := a.link.PutSession(t.Context(), "p", []byte("{"), time.Minute); err == nil {
		t.Error("what is not JSON is stored")
	}

	// Those that official servers have written.
	_, commands := vectors(t, "testdata/streams.jsonl")
	known := 0
	for _, cmd := range commands {
		if cmd[0] != "set" {
			continue
		}
		s.Do(cmd...)
		pid := strings.TrimPrefix(cmd[1], "sio:session:")
		got, err := a.link.TakeSession(t.Context(), pid)
		var v struct {
			SID, PID string
			Rooms    []string
			Data     map[string]any
		}
		if err != nil || json.Unmarshal(got, &v) != nil || v.PID != pid || v.Rooms[0] != v.SID || v.Data["user"] == nil {
			t.Errorf("got %s, %v", got, err)
		}
		if err := a.link.PutSession(t.Context(), pid, got, time.Minute); err != nil {
			t.Error(err)
		}
		if got := s.Do("GET", cmd[1]); got != cmd[2] {
			t.Errorf("got  %s\nwant %s", got, cmd[2])
		}
		known++
	}
	if known < 5 {
		t.Errorf("%d sessions", known)
	}

	// {"sid":"s","pid":"q","rooms":["s",42],"data":{"b":<01 02>}}
	s.Do("SET", "sio:session:q", "hKNzaWShc6NwaWShcaVyb29tc5Khcyqk"+"ZGF0YYGhYsQCAQI=")
	got, err = a.link.TakeSession(t.Context(), "q")
	var m map[string]json.RawMessage
	if err != nil || json.Unmarshal(got, &m) != nil || string(m["rooms"]) != `["s","42"]` ||
		string(m["data"]) != `{"b":{"type":"Buffer","data":[1,2]}}` || len(slices.Collect(maps.Keys(m))) != 4 {
		t.Errorf("got %s, %v", got, err)
	}
	for _, bad := range []string{"", "*", "gA==", "wA==", "gaVyb29tc6Fh", "3///"} {
		s.Do("SET", "sio:session:bad", bad)
		if got, err := a.link.TakeSession(t.Context(), "bad"); err == nil {
			t.Errorf("%q is %s", bad, got)
		}
	}
}

// A reader names what was trimmed before it read it, and how much.
func TestStreamsTrimmed(t *testing.T) {
	s := redistest.Start(t)
	p := joinStreams(t, Config{Addrs: []string{s.Addr()}, MaxLen: 50}, "aaaaaaaaaaaaaaaa")
	p.emit(t, "first")
	await(t, "it arrives", func() bool { got, _ := p.broadcasts(); return len(got) == 1 })
	client, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{s.Addr()}, DisableCache: true})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	cut := func(script string) { // while the reader has no connection
		t.Helper()
		for _, r := range client.DoMulti(t.Context(), client.B().Multi().Build(),
			client.B().Arbitrary("CLIENT", "KILL", "TYPE", "normal").Build(),
			client.B().Eval().Script(script).Numkeys(0).Build(), client.B().Exec().Build()) {
			if err := r.Error(); err != nil {
				t.Fatal(err)
			}
		}
	}
	cut(`for n = 1, 10 do
		redis.call('XADD', 'socket.io', '*', 'uid', 'x', 'nsp', '/', 'type', '3', 'data',
			'{"packet":{"type":2,"data":["e"]},"opts":{"rooms":[],"except":[],"flags":{}}}')
		end
		return redis.call('XTRIM', 'socket.io', 'MAXLEN', 3)`)
	await(t, "the rest arrives", func() bool { got, _ := p.broadcasts(); return len(got) == 4 })
	p.wantGap(t, "7 entries are gone")
	// The stream is gone altogether: what comes then is read.
	cut("return redis.call('DEL', 'socket.io')")
	p.wantGap(t, "another server took over, or it was deleted")
	p.emit(t, "last")
	await(t, "an event after that arrives", func() bool { got, _ := p.broadcasts(); return len(got) == 5 })
}

func (p *streamPeer) wantGap(t *testing.T, text string) {
	t.Helper()
	await(t, "a gap is reported: "+text, func() bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		return slices.ContainsFunc(p.gaps, func(err error) bool { return strings.Contains(err.Error(), text) })
	})
}

// Entries are kept for Config.Retention, and not much longer while others are written.
func TestStreamsRetention(t *testing.T) {
	s := redistest.Start(t)
	p := joinStreams(t, Config{Addrs: []string{s.Addr()}, Retention: time.Minute}, "aaaaaaaaaaaaaaaa")
	old := time.Now().Add(-2 * time.Minute).UnixMilli()
	script := ""
	for n := range 200 { // Redis removes whole nodes of 100 entries
		script += fmt.Sprintf("redis.call('XADD', 'socket.io', '%d-%d', 'a', 'b') ", old, n+1)
	}
	s.Do("EVAL", script+"return 1", "0")
	for _, event := range []string{"a", "b"} {
		p.emit(t, event)
		await(t, "it arrives", func() bool { _, last := p.broadcasts(); return last != "" && p.link.Reached() == last })
	}
	await(t, "old entries are gone", func() bool {
		p.emit(t, "c")
		length := s.Do("XLEN", "socket.io")
		return len(length) < 3
	})
}
