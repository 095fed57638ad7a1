package clusterwire_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/adapter/clusterwire"
)

// broadcasts are messages for one room, as another server sends them.
func broadcasts(t testing.TB) map[string]*adapter.Message {
	object := json.RawMessage(`{"id":123456,"name":"some name","tags":["a","b","c"],"price":12.5,` +
		`"nested":{"ok":true,"none":null}}`)
	list := []any{}
	for range 9 {
		list = append(list, object)
	}
	messages := map[string]*adapter.Message{}
	for name, p := range map[string]*adapter.Packet{
		"32 B":         packet(t, "message", strings.Repeat("x", 18)),
		"1 KiB text":   packet(t, "message", strings.Repeat("x", 1012)),
		"1 KiB object": packet(t, "message", list),
		"1 KiB binary": packet(t, "message", []byte(strings.Repeat("x", 1012))),
	} {
		messages[name] = &adapter.Message{
			UID: "322f43d08df0018a", Namespace: "/", Type: adapter.MessageBroadcast, Packet: p,
			Options: adapter.Options{Rooms: []string{"room1"}},
		}
	}
	return messages
}

// wire has broadcasts as a broker has them: JSON or, where the name ends so, MessagePack.
func wire(t testing.TB) map[string]string {
	texts := map[string]string{}
	for name, m := range broadcasts(t) {
		data, binary, err := clusterwire.Encode(m)
		if err != nil {
			t.Fatal(err)
		}
		packed, err := clusterwire.EncodeMsgpack(m)
		if err != nil {
			t.Fatal(err)
		}
		texts[name+", packed"] = string(packed)
		if !binary {
			texts[name] = string(data)
		}
	}
	return texts
}

// A broadcast for a room that nobody here is in.
func BenchmarkReadNobody(b *testing.B) { benchmarkRead(b, false) }

// A broadcast for somebody: with the event, ready to be spliced into a frame.
func BenchmarkReadAll(b *testing.B) { benchmarkRead(b, true) }

func benchmarkRead(b *testing.B, all bool) {
	for name, text := range wire(b) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				m, err := clusterwire.Read(text)
				if err == nil && all {
					err = m.Rest(m)
				}
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkEncode(b *testing.B) {
	for name, m := range broadcasts(b) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := clusterwire.Encode(m); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// A message for nobody here costs at most three allocations, whatever its size and form. JSON for
// somebody costs no more.
func TestReadAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("allocations are counted without the race detector")
	}
	for name, text := range wire(t) {
		read := func() *adapter.Message {
			m, err := clusterwire.Read(text)
			if err != nil {
				t.Fatal(err)
			}
			return m
		}
		nobody := testing.AllocsPerRun(100, func() { read() })
		all := testing.AllocsPerRun(100, func() {
			if m := read(); m.Rest(m) != nil {
				t.Fatal("it cannot be read")
			}
		})
		if most := map[bool]float64{true: 3, false: 7}[text[0] == '{']; nobody > 3 || all > most {
			t.Errorf("%s: %v allocations, %v with its rest", name, nobody, all)
		}
		t.Logf("%s: %v allocations, %v with its rest", name, nobody, all)
	}
}
