package redis

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/gosocketio/socketio/adapter"
)

// vectors returns what official servers wrote to Redis: commands, with the step of the program that
// led to them.
func vectors(t *testing.T, file string) (steps []string, commands [][]string) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(data) {
		var v struct {
			Step string
			Cmd  []string
		}
		if err := json.Unmarshal(line, &v); err != nil {
			t.Fatal(err)
		}
		steps, commands = append(steps, v.Step), append(commands, v.Cmd)
	}
	return steps, commands
}

// Entries of official servers are read, and written as the same bytes.
func TestStreamVectors(t *testing.T) {
	steps, commands := vectors(t, "testdata/streams.jsonl")
	same := 0
	for i, cmd := range commands {
		if cmd[0] != "xadd" {
			continue
		}
		e := entry{id: "1-0"}
		for f := 6; f+1 < len(cmd); f += 2 {
			e.set(cmd[f], cmd[f+1])
		}
		m, err := e.message()
		if err == nil && m.Rest != nil {
			err = m.Rest(m)
		}
		if err != nil {
			t.Errorf("%s: %v", steps[i], err)
			continue
		}
		it, err := streamItem(&Config{StreamName: "socket.io", StreamCount: 1, Prefix: "socket.io"}, m)
		if err != nil {
			t.Errorf("%s: %v", steps[i], err)
			continue
		}
		switch {
		case string(it.Data) == e.data:
			same++
		case strings.Contains(steps[i], "Date"), strings.Contains(steps[i], "numeric room"): // text here
		default:
			t.Errorf("%s:\ngot  %s\nwant %s", steps[i], it.Data, e.data)
		}
	}
	if same < 35 {
		t.Errorf("%d entries are the same", same)
	}
	t.Logf("%d of %d", same, len(commands))
}

// Values of the official adapter (0.3.1).
func TestStreamName(t *testing.T) {
	for _, test := range []struct {
		namespace string
		count     int
		want      string
	}{
		{"/", 1, "s"},
		{"/", 3, "s-2"},
		{"/chat", 3, "s-1"},
		{"/my-namespace", 2, "s--1"},
		{"/admin", 1000, "s-848"},
		{"/users", 1000, "s-729"},
		{"/é😀", 1 << 30, "s-3396989"},
	} {
		if got := streamName("s", test.count, test.namespace); got != test.want {
			t.Errorf("%s in %d: %s, want %s", test.namespace, test.count, got, test.want)
		}
	}
}

func TestInvalidEntries(t *testing.T) {
	for _, e := range []entry{
		{}, {kind: "x"}, {kind: "-3"}, {kind: "300"}, {kind: "3"}, {kind: "3", data: "{"}, {kind: "3", data: "{}"},
		{kind: "3", data: "***"}, {kind: "3", data: "gqZw"}, {kind: "4", data: `{"rooms":["a"]}`}, {kind: "4", data: "null"},
	} {
		if m, err := e.message(); !errors.Is(err, errEntry) {
			t.Errorf("%+v: %+v, %v", e, m, err)
		}
	}
}

func TestPlaintextEntry(t *testing.T) {
	data, err := entryData(&adapter.Message{
		Namespace: "/", Type: adapter.MessageBroadcast, Packet: &adapter.Packet{
			Event: `{"_placeholder":true,"num":0}`,
			Args:  []any{[]byte{1, 2, 3}, map[string]any{"_placeholder": true, "num": 7}, []any{[]byte{}}},
		},
	}, true)
	want := `{"packet":{"type":2,"data":["{\"_placeholder\":true,\"num\":0}",{"type":"Buffer","data":[1,2,3]},` +
		`{"_placeholder":true,"num":7},[{"type":"Buffer","data":[]}]]},"opts":{"rooms":[],"except":[],"flags":{}}}`
	if err != nil || string(data) != want {
		t.Errorf("got  %s, %v\nwant %s", data, err, want)
	}
}

func FuzzEntry(f *testing.F) {
	f.Add("3", `{"packet":{"type":2,"data":["a",{"b":1}]},"opts":{"rooms":[],"except":[],"flags":{}}}`, "a.1")
	f.Add("3", "gqZwYWNrZXSCpHR5cGUCpGRhdGGSqW1pc3NlZGJpbsQBB6RvcHRzg6Vyb29tc5Glcm9vbUOmZXhjZXB0kKVmbGFnc4A=", "")
	f.Add("6", `{"opts":{"rooms":[],"except":[],"flags":{}},"close":true}`, "x")
	f.Fuzz(func(t *testing.T, kind, data, sequence string) {
		new(seen).again(sequence)
		e := entry{id: "1-1", kind: kind, data: data}
		m, err := e.message()
		if err != nil || m.Rest != nil && m.Rest(m) != nil || !inStream(m) {
			return
		}
		// What was read can be written, and is read again.
		e.kind, e.data = kind, ""
		again, err := entryData(m, false)
		if errors.Is(err, adapter.ErrTooLarge) {
			return
		} else if err != nil {
			t.Fatal(err)
		}
		e.data = string(again)
		n, err := e.message()
		if err == nil && n.Rest != nil {
			err = n.Rest(n)
		}
		if err != nil {
			t.Fatalf("%s became %s: %v", data, again, err)
		}
	})
}

func TestNextCount(t *testing.T) {
	replies := func(n, size int) []entry {
		list := make([]entry, n)
		for i := range list {
			list[i].data = strings.Repeat("x", size)
		}
		return list
	}
	for _, x := range []struct{ count, n, size, want int }{
		{100, 100, 1000, 200}, {100, 99, 1000, 100}, {800, 800, 100, 1000}, {1000, 1000, 100, 1000},
		{400, 400, 1000, 400}, {400, 400, 6000, 200}, {1, 1, 3 << 20, 1}, {3, 3, 10, 6},
	} {
		if got := nextCount(x.count, 100, replies(x.n, x.size)); got != x.want {
			t.Errorf("after %d of %d entries of %d bytes: %d, want %d", x.n, x.count, x.size, got, x.want)
		}
	}
}
