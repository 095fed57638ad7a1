package clusterwire_test

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/adapter/clusterwire"
	"github.com/gosocketio/socketio/protocol"
	"github.com/gosocketio/socketio/protocol/msgpack"
)

// answer returns the value of an answer as another server reads it.
func answer(t testing.TB, v any) adapter.Values {
	t.Helper()
	raw, attachments, err := protocol.AppendJSON(nil, nil, v)
	if err != nil {
		t.Fatal(err)
	}
	return adapter.Values{JSON: []json.RawMessage{raw}, Attachments: attachments}
}

// packet returns an event as another server reads it.
func packet(t testing.TB, event string, args ...any) *adapter.Packet {
	t.Helper()
	p := adapter.Packet{Event: event, Args: args}
	if err := p.Encode(); err != nil {
		t.Fatal(err)
	}
	return &adapter.Packet{Data: p.Data, Attachments: p.Attachments}
}

// What official adapters wrote (sharded Redis 8.3.0), byte for byte, in both directions.
func TestRecorded(t *testing.T) {
	here := func(m adapter.Message) adapter.Message {
		m.UID, m.Namespace = "322f43d08df0018a", "/"
		return m
	}
	room := func(rooms ...string) adapter.Options { return adapter.Options{Rooms: rooms} }
	for _, test := range []struct {
		name    string
		message adapter.Message
		wire    string // JSON, or hexadecimal digits of MessagePack
	}{
		{"broadcast", here(adapter.Message{Type: adapter.MessageBroadcast, Packet: packet(t, "hello", "world")}),
			`{"type":3,"data":{"packet":{"type":2,"data":["hello","world"]},"opts":{"rooms":[],"except":[],"flags":{}}},"uid":"322f43d08df0018a","nsp":"/"}`},
		{"binary", here(adapter.Message{Type: adapter.MessageBroadcast, Packet: packet(t, "bin", []byte{1, 2})}),
			"84a47479706503a46461746182a67061636b657482a47479706502a46461746192a362696ec4020102a46f70747383a5726f6f6d7390a665786365707490a5666c61677380a3756964b033323266343364303864663030313861a36e7370a12f"},
		{"acknowledgements", here(adapter.Message{
			Type: adapter.MessageBroadcast, Packet: packet(t, "ackme", "q"), RequestID: "cae3824e9e3d1c2f",
			Options: adapter.Options{Flags: adapter.Flags{Timeout: time.Second}}}),
			`{"type":3,"data":{"packet":{"type":2,"data":["ackme","q"]},"requestId":"cae3824e9e3d1c2f","opts":{"rooms":[],"except":[],"flags":{"timeout":1000}}},"uid":"322f43d08df0018a","nsp":"/"}`},
		{"count", adapter.Message{UID: "94e4805415a894b8", Namespace: "/", Type: adapter.MessageBroadcastClientCount, RequestID: "cae3824e9e3d1c2f", Count: 1},
			`{"type":11,"data":{"requestId":"cae3824e9e3d1c2f","clientCount":1},"uid":"94e4805415a894b8","nsp":"/"}`},
		{"acknowledgement", adapter.Message{
			UID: "94e4805415a894b8", Namespace: "/", Type: adapter.MessageBroadcastAck,
			RequestID: "cae3824e9e3d1c2f", Values: answer(t, []byte{7})},
			"84a4747970650ca46461746182a9726571756573744964b063616533383234653965336431633266a67061636b6574c40107a3756964b039346534383035343135613839346238a36e7370a12f"},
		{"fetch", here(adapter.Message{Type: adapter.MessageFetchSockets, RequestID: "91910fe59c8e0b0a"}),
			`{"type":7,"data":{"opts":{"rooms":[],"except":[],"flags":{}},"requestId":"91910fe59c8e0b0a"},"uid":"322f43d08df0018a","nsp":"/"}`},
		{"fetched", here(adapter.Message{Type: adapter.MessageFetchSocketsResponse, RequestID: "91910fe59c8e0b0a",
			Sockets: []adapter.Info{{ID: "s", Rooms: []string{"s", "r"}, Handshake: json.RawMessage(`{"secure":false}`), Data: json.RawMessage(`{"n":1}`)}}}),
			`{"type":8,"data":{"requestId":"91910fe59c8e0b0a","sockets":[{"id":"s","handshake":{"secure":false},"rooms":["s","r"],"data":{"n":1}}]},"uid":"322f43d08df0018a","nsp":"/"}`},
		{"join", here(adapter.Message{Type: adapter.MessageSocketsJoin, Options: room("room1"), Rooms: []string{"room2"}}),
			`{"type":4,"data":{"opts":{"rooms":["room1"],"except":[],"flags":{}},"rooms":["room2"]},"uid":"322f43d08df0018a","nsp":"/"}`},
		{"leave", here(adapter.Message{Type: adapter.MessageSocketsLeave, Options: room("room1"), Rooms: []string{"room2", "room3"}}),
			`{"type":5,"data":{"opts":{"rooms":["room1"],"except":[],"flags":{}},"rooms":["room2","room3"]},"uid":"322f43d08df0018a","nsp":"/"}`},
		{"disconnect", here(adapter.Message{Type: adapter.MessageDisconnectSockets, Options: room("room1")}),
			`{"type":6,"data":{"opts":{"rooms":["room1"],"except":[],"flags":{}},"close":false},"uid":"322f43d08df0018a","nsp":"/"}`},
		{"server-side", here(adapter.Message{Type: adapter.MessageServerSideEmit, Packet: packet(t, "sse", "a")}),
			`{"type":9,"data":{"packet":["sse","a"]},"uid":"322f43d08df0018a","nsp":"/"}`},
		{"server-side with an answer", here(adapter.Message{
			Type: adapter.MessageServerSideEmit, RequestID: "42bc6ecd7d4ac566", Packet: packet(t, "sse", "a")}),
			`{"type":9,"data":{"requestId":"42bc6ecd7d4ac566","packet":["sse","a"]},"uid":"322f43d08df0018a","nsp":"/"}`},
		{"answer", here(adapter.Message{
			Type: adapter.MessageServerSideEmitResponse, RequestID: "42bc6ecd7d4ac566",
			Values: answer(t, json.RawMessage(`{"from":"S2","got":["a"]}`))}),
			`{"type":10,"data":{"requestId":"42bc6ecd7d4ac566","packet":{"from":"S2","got":["a"]}},"uid":"322f43d08df0018a","nsp":"/"}`},
		{"heartbeat", here(adapter.Message{Type: adapter.MessageHeartbeat}), `{"type":2,"uid":"322f43d08df0018a","nsp":"/"}`},
		{"flags", here(adapter.Message{Type: adapter.MessageBroadcast, Packet: packet(t, "e"),
			Options: adapter.Options{Rooms: []string{"a"}, Except: []string{"é"}, Flags: adapter.Flags{Volatile: true, NoCompress: true}}}),
			`{"type":3,"data":{"packet":{"type":2,"data":["e"]},"opts":{"rooms":["a"],"except":["é"],"flags":{"volatile":true,"compress":false}}},"uid":"322f43d08df0018a","nsp":"/"}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, binary, err := clusterwire.Encode(&test.message)
			if err != nil {
				t.Fatal(err)
			}
			text := string(got)
			if binary {
				text = hex.EncodeToString(got)
			}
			if text != test.wire {
				t.Errorf("got  %s\nwant %s", text, test.wire)
			}
			wire := []byte(test.wire)
			if binary {
				if wire, err = hex.DecodeString(test.wire); err != nil {
					t.Fatal(err)
				}
			}
			packed, err := clusterwire.EncodeMsgpack(&test.message)
			if err != nil {
				t.Fatal(err)
			}
			for _, wire := range [][]byte{wire, packed} {
				m, err := clusterwire.Decode(wire)
				if err != nil {
					t.Fatal(err)
				}
				if d := cmp.Diff(&test.message, m, cmp.Transformer("nothing", func(list []string) []string {
					return append([]string{}, list...)
				}), cmp.Comparer(func(a, b json.RawMessage) bool { return string(a) == string(b) })); d != "" {
					t.Error(d)
				}
			}
		})
	}
}

// Entries of a stream of the official Redis streams adapter (0.3.1): the data alone, base64 where
// it holds binary data.
func TestRecordedData(t *testing.T) {
	packed, err := base64.StdEncoding.DecodeString("gqZwYWNrZXSCpHR5cGUCpGRhdGGYpGRhdGXX/x1TUwBlU/EAxAEBwIGhdcDLP/gAAAAAAAD9zwAAAAEAAAAApG9wdHODpXJvb21zkKZleGNlcHSQpWZsYWdzgA==")
	if err != nil {
		t.Fatal(err)
	}
	m := adapter.Message{Type: adapter.MessageBroadcast}
	if err := clusterwire.DecodeData(&m, packed); err != nil {
		t.Fatal(err)
	}
	want := `date ["date","2023-11-14T22:13:20.123Z",{"_placeholder":true,"num":0},null,{"u":null},` +
		`1.5,-3,4294967296] [[1]]`
	if got := fmt.Sprintf("%s %s %v", "date", m.Packet.Data, m.Packet.Attachments); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}

	m = adapter.Message{Type: adapter.MessageBroadcast, Packet: packet(t, "bin", []byte{1, 2}, []byte{3})}
	data, binary, err := clusterwire.EncodeData(&m)
	if got := base64.StdEncoding.EncodeToString(data); !binary || err != nil || got != "gqZwYWNrZXSCpHR5cGUCpGRhdGGTo2JpbsQCAQLEAQOkb3B0c4Olcm9vbXOQpmV4Y2VwdJClZmxhZ3OA" {
		t.Errorf("got %s, %v", got, err)
	}
	m = adapter.Message{Type: adapter.MessageHeartbeat}
	if data, binary, err := clusterwire.EncodeData(&m); data != nil || binary || err != nil {
		t.Errorf("got %q, %v", data, err)
	}
	if err := clusterwire.DecodeData(&m, nil); err != nil {
		t.Error(err)
	}
}

// What programs in JavaScript may write besides.
func TestLenient(t *testing.T) {
	m, err := clusterwire.Decode([]byte(`{"uid":"emitter","nsp":"/","type":3.0,"more":1,"data":{"packet":{"type":2,"data":[7,null],"nsp":"/"},
		"opts":{"rooms":[42,"a"],"except":[],"flags":{"volatile":false,"compress":true,"expectSingleResponse":true}}}}`))
	if err != nil {
		t.Fatal(err)
	}
	if m.Packet.Name() != "7" || len(m.Options.Rooms) != 2 || m.Options.Rooms[0] != "42" ||
		m.Options.Flags != (adapter.Flags{ExpectSingle: true}) || string(m.Packet.Data) != "[7,null]" {
		t.Errorf("got %+v", m)
	}
	m, err = clusterwire.Decode([]byte(`{"uid":"x","nsp":"/","type":12,"data":{"requestId":"r"}}`)) // an acknowledgement with undefined
	if err != nil || len(m.Values.JSON) != 0 {
		t.Errorf("got %+v, %v", m, err)
	}
}

// The data of a socket may hold binary values, or be null.
func TestSocketsData(t *testing.T) {
	text := `{"type":8,"data":{"requestId":"r","sockets":[` +
		`{"id":"a","handshake":{},"rooms":["a",7],"data":{"b":{"_placeholder":true,"num":0}}},` +
		`{"id":"b","data":null}]},"uid":"x","nsp":"/"}`
	packed, err := msgpack.AppendValue(nil, []byte(text), [][]byte{{1, 2, 3}})
	if err != nil {
		t.Fatal(err)
	}
	m, err := clusterwire.Decode(packed)
	if err != nil {
		t.Fatal(err)
	}
	want := []adapter.Info{
		{ID: "a", Rooms: []string{"a", "7"}, Handshake: json.RawMessage(`{}`), Data: json.RawMessage(`{"b":"AQID"}`)},
		{ID: "b"},
	}
	if d := cmp.Diff(want, m.Sockets); d != "" {
		t.Error(d)
	}
}

// A message of any size and shape takes linear time, and memory in proportion to it.
func TestHostile(t *testing.T) {
	const most = 1 << 20
	packet := func(data string) string {
		return `{"type":3,"data":{"packet":{"type":2,"data":` + data + `},"opts":{"rooms":[]}},"uid":"x","nsp":"/"}`
	}
	for name, text := range map[string]func(n int) string{
		"deep":         func(n int) string { return packet(`["e",` + strings.Repeat("[", n) + strings.Repeat("]", n) + "]") },
		"deep, open":   func(n int) string { return packet(strings.Repeat(`{"a":`, n)) },
		"deep, packed": func(n int) string { return "\x81\xa4data\x81\xa6packet" + strings.Repeat("\x91", n) },
		"long counts":  func(n int) string { return "\x81\xa4data" + strings.Repeat("\xdd\x00\x0f\xff\xff", n/5) },
		"escapes":      func(n int) string { return packet(`["` + strings.Repeat(`\u0041`, n/6) + `"]`) },
		"keys": func(n int) string {
			return `{"type":3,` + strings.Repeat(`"type":3,"data":{"opts":{}},`, n/30) +
				`"data":{"packet":{"data":["e"]},"opts":{}}}`
		},
		"no text": func(n int) string { return packet("[\"" + strings.Repeat("\xff", n) + "\"]") },
		"rooms": func(n int) string {
			return strings.Replace(packet(`["e"]`), "[]}", "["+strings.Repeat("1,", n/2)+"1]}", 1)
		},
		"rooms, escaped": func(n int) string {
			return strings.Replace(packet(`["e"]`), "[]}", "["+strings.Repeat(`"\n",`, n/5)+"1]}", 1)
		},
	} {
		decode := func(n int) time.Duration {
			text := []byte(text(n))
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			began := time.Now()
			_, _ = clusterwire.Decode(text) // whether it is an error is not the question
			took := time.Since(began)
			runtime.ReadMemStats(&after)
			if bytes := after.TotalAlloc - before.TotalAlloc; bytes > 60*uint64(len(text)) {
				t.Errorf("%s: %d bytes for %d", name, bytes, len(text))
			}
			return took
		}
		// Eight times the input takes eight times as long, not 64 times: one of many tries is undisturbed.
		short, long := decode(most/8), decode(most)
		for try := 0; long > 24*short && try < 20; try++ {
			short, long = min(short, decode(most/8)), min(long, decode(most))
		}
		if long > 24*short {
			t.Errorf("%s: %v for %d bytes, %v for %d", name, short, most/8, long, most)
		}
	}
}

func TestInvalid(t *testing.T) {
	for _, data := range []string{
		"", "x", "{", "{}", "[]", "null", "\x80", "\xdd\xff\xff\xff\xff", "\xc6\xff\xff\xff\xff",
		`{"type":3}`, `{"type":3,"data":null}`, `{"type":3,"data":{}}`, `{"type":3,"data":{"packet":[]}}`, `{"type":3,"data":{"packet":{"data":[]}}}`,
		`{"type":3,"data":{"packet":{"data":["e"]}}}`,
		`{"type":3,"data":{"opts":{}}}`,
		`{"type":3,"data":{"packet":{"data":{}},"opts":{}}}`,
		`{"type":3.5,"data":{"packet":{"data":["e"]},"opts":{}}}`,
		`{"type":3,"data":{"packet":{"data":["e"]},"opts":{}}}x`,
		`{"type":3,"data":{"packet":{"data":["e"]},"opts":{},}}`,
		`{"type":6,"data":{"close":true}}`,
		`{"type":11,"data":{"clientCount":-1}}`,
		"{\"type\":3,\"data\":{\"packet\":{\"data\":[\"e\",\"\x01\"]},\"opts\":{}}}",
		`{"type":9,"data":{"packet":{}}}`, `{"type":9,"data":{"packet":[]}}`, `{"type":-1,"data":{}}`, `{"type":300,"data":{}}`, `{"type":"3","data":{}}`,
		`{"type":4,"data":{"rooms":"a"}}`, `{"type":4,"data":{"opts":{"rooms":{}}}}`, `{"type":8,"data":{"sockets":{}}}`,
	} {
		if m, err := clusterwire.Decode([]byte(data)); !errors.Is(err, clusterwire.ErrMessage) {
			t.Errorf("%q: %+v, %v", data, m, err)
		}
	}
}
