package redis

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/internal/brokertest"
)

// recorded is a line of a recording of what official servers do.
type recorded struct {
	Step string `json:"step"`
	Cmd  []any  `json:"cmd"`
}

// published returns the commands of a recording that send a message.
func published(t *testing.T, file string) (steps []recorded) {
	t.Helper()
	f, err := os.Open("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var r recorded
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
		if len(r.Cmd) == 3 && strings.HasSuffix(strings.ToLower(r.Cmd[0].(string)), "publish") && text(t, r.Cmd[2]) != "" {
			steps = append(steps, r)
		}
	}
	if len(steps) == 0 {
		t.Fatalf("%s has no messages", file)
	}
	return steps
}

// text returns an argument of a recorded command, "" when the recording does not have all of it.
func text(t *testing.T, arg any) string {
	t.Helper()
	object, ok := arg.(map[string]any)
	if !ok {
		return arg.(string)
	}
	if object["truncated"] != nil {
		return ""
	}
	data, err := hex.DecodeString(object["hex"].(string))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// changed are the steps whose bytes differ when they are written again, and why.
var changed = map[string]string{
	"io.emit Date undefined NaN Infinity 2^32 2^53-1 -129": "Date is text, NaN is null",
	"io.emit binary + Date undefined NaN 2^32 2^53-1":      "Date is text, NaN is null",
	"io.to(42) numeric room":                               "the room is text",
	"emitter emit":                                         "Date is text",
	"emitter socketsJoin":                                  "has no uid",
	"emitter socketsLeave":                                 "has no uid",
	"emitter disconnectSockets":                            "has no uid",
	"allRooms":                                             "only version 7 asks",
}

// What official servers with the pub/sub adapter sent is understood, and what this server sends in
// the same place has the same bytes.
func TestRecordedClassic(t *testing.T) {
	for _, file := range []string{"redis.jsonl", "redis-specific.jsonl"} {
		t.Run(file, func(t *testing.T) {
			for _, step := range published(t, file) {
				channel, payload := text(t, step.Cmd[1]), text(t, step.Cmd[2])
				namespace := "/"
				if strings.Contains(channel, "/chat#") {
					namespace = "/chat"
				}
				m := brokertest.NewMember(namespace)
				c := &connection{cfg: Config{Prefix: "socket.io", PrivateResponses: file == "redis-specific.jsonl"}, uid: "me"}
				l := newClassicLink(c, nil, m)
				if strings.HasPrefix(channel, l.responses) {
					channel = l.responses
				}
				l.receive(channel, payload)
				if len(m.Messages) != 1 || c.invalid.Load() > 0 {
					if step.Step != "allRooms" {
						t.Errorf("%s: %d messages, %d invalid", step.Step, len(m.Messages), c.invalid.Load())
					}
					continue
				}
				got := <-m.Messages
				brokertest.Read(t, got)
				if changed[step.Step] != "" {
					continue
				}
				c.uid = got.UID // of the recorded server
				again, err := l.encode(got)
				if channel == l.responses {
					again, err = l.encodeResponse(got)
				}
				if err != nil {
					t.Errorf("%s: %v", step.Step, err)
				}
				if want := order(payload); order(string(again)) != want {
					t.Errorf("%s:\ngot  %q\nwant %q", step.Step, again, payload)
				}
			}
		})
	}
}

// order moves the exceptions of an emitter's options before the flags, as servers write them.
func order(payload string) string {
	if !strings.Contains(payload, adapter.Emitter) {
		return payload
	}
	flags := strings.Index(payload, "\xa5flags")
	except := strings.Index(payload, "\xa6except")
	if flags < 0 || except < flags {
		return payload
	}
	return payload[:flags] + payload[except:] + payload[flags:except]
}

// A message is written as the recording has it, also where reading loses something.
func TestEncodeClassic(t *testing.T) {
	l := newClassicLink(&connection{uid: "UUrwTY"}, nil, brokertest.NewMember("/"))
	for want, m := range map[string]*adapter.Message{
		"\x83\xa3uid\xa6UUrwTY\xa4type\x06\xa4data\x92\xa3sse\xc4\x01\x01": {
			Type: adapter.MessageServerSideEmit, Packet: &adapter.Packet{Event: "sse", Args: []any{[]byte{1}}}},
		`{"uid":"UUrwTY","type":4,"opts":{"rooms":[],"except":[]},"close":true}`: {
			Type: adapter.MessageDisconnectSockets, Close: true},
		"": {Type: adapter.MessageAdapterClose},
	} {
		if got, err := l.encode(m); string(got) != want || err != nil {
			t.Errorf("got  %s, %v\nwant %s", got, err, want)
		}
	}
	for want, m := range map[string]*adapter.Message{
		"\x83\xa4type\x06\xa9requestId\xa1r\xa4data\xc4\x01\x09": {
			Type: adapter.MessageServerSideEmitResponse, RequestID: "r", Values: adapter.Values{
				JSON: []json.RawMessage{json.RawMessage(`{"_placeholder":true,"num":0}`)}, Attachments: [][]byte{{9}},
			}},
		`{"requestId":"r","sockets":[]}`: {Type: adapter.MessageFetchSocketsResponse, RequestID: "r"},
		`{"requestId":"r","sockets":["b","a"]}`: {
			Type: adapter.MessageFetchSocketsResponse, RequestID: answerIDs + "r",
			Sockets: []adapter.Info{{ID: "b"}, {ID: "a"}}},
		`{"requestId":"r","rooms":["a","b"]}`: {Type: adapter.MessageFetchSocketsResponse, RequestID: answerRooms + "r",
			Sockets: []adapter.Info{{Rooms: []string{"b", "a"}}, {Rooms: []string{"b"}}}},
		`{"requestId":"r"}`: {
			Type: adapter.MessageFetchSocketsResponse, RequestID: answerDone + "r", Sockets: []adapter.Info{{ID: "a"}}},
		"": {Type: adapter.MessageFetchSocketsResponse, RequestID: answerDone + "r"},
	} {
		if got, err := l.encodeResponse(m); string(got) != want || err != nil {
			t.Errorf("got  %s, %v\nwant %s", got, err, want)
		}
	}
}

// An event has the same bytes whether its arguments are there or its JSON.
func TestEncodeEvent(t *testing.T) {
	many := make([]string, 70)
	all := []adapter.Options{
		{}, {Rooms: []string{"a", "b"}, Except: []string{"c"}}, {Rooms: many}, {Rooms: []string{"a\xff"}},
		{Rooms: []string{"a"}, Except: []string{"b\xff"}}, {Rooms: []string{"a", "b"}, Flags: adapter.Flags{Volatile: true}},
	}
	for _, namespace := range []string{"/", "/é", "/\xff"} {
		l := newClassicLink(&connection{uid: "UUrwTY"}, nil, brokertest.NewMember(namespace))
		for _, args := range [][]any{nil, {1, "text", []byte{1, 2}, nil, true}, {1.5}, {map[string]any{"a": []byte{1}}}} {
			for _, options := range all {
				packet := &adapter.Packet{Event: "e", Args: args}
				there := &adapter.Message{Type: adapter.MessageBroadcast, Options: options, Packet: packet}
				got, err := l.encode(there)
				if err != nil {
					t.Fatal(err)
				}
				if err := there.Packet.Encode(); err != nil {
					t.Fatal(err)
				}
				there.Packet.Event, there.Packet.Args = "", nil
				want, err := l.encode(there)
				if err != nil || !bytes.Equal(got, want) {
					t.Errorf("%q, %v, %v: got %q, want %q, %v", namespace, args, options, got, want, err)
				}
			}
		}
	}
}

func TestInlineBuffers(t *testing.T) {
	text := `["e",{"_placeholder":true,"num":1},"{\"_placeholder\":true,\"num\":0}",` +
		`{"a":{"_placeholder":true,"num":0}},{"_placeholder":true,"num":2}]`
	want := `["e",{"type":"Buffer","data":[]},"{\"_placeholder\":true,\"num\":0}",` +
		`{"a":{"type":"Buffer","data":[255,0]}},{"_placeholder":true,"num":2}]`
	if got := inlineBuffers([]byte(text), [][]byte{{255, 0}, {}}); string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// What older servers and emitters send is understood too, and what is invalid is counted.
func TestDecodeClassic(t *testing.T) {
	quiet := cmp.Options{cmpopts.EquateEmpty(), cmpopts.IgnoreUnexported(adapter.Packet{})}
	sid := adapter.Options{Rooms: []string{"sid"}}
	for payload, want := range map[string][]adapter.Message{
		`{"uid":"z","requestId":"r","type":0,"rooms":["a",7]}`: {
			{UID: "z", Type: adapter.MessageFetchSockets, RequestID: answerIDs + "r",
				Options: adapter.Options{Rooms: []string{"a", "7"}}}},
		`{"uid":"z","requestId":"r","type":1}`: {{UID: "z", Type: adapter.MessageFetchSockets, RequestID: answerRooms + "r"}},
		`{"uid":"z","requestId":"r","type":2,"sid":"sid","room":"a"}`: {
			{UID: "z", Type: adapter.MessageFetchSockets, RequestID: answerDone + "r", Options: sid},
			{UID: "z", Type: adapter.MessageSocketsJoin, Options: sid, Rooms: []string{"a"}}},
		`{"uid":"z","requestId":"r","type":4,"sid":"sid","close":true}`: {
			{UID: "z", Type: adapter.MessageFetchSockets, RequestID: answerDone + "r", Options: sid},
			{UID: "z", Type: adapter.MessageDisconnectSockets, Options: sid, Close: true}},
		`{"type":2.0,"opts":{"rooms":["sid"]},"rooms":[]}`: {
			{UID: adapter.Emitter, Type: adapter.MessageSocketsJoin, Options: sid}},
		`{"uid":"me","type":4,"opts":{},"close":true}`:  {},
		`{"uid":"z","type":4,"close":true}`:             nil,
		`{"uid":"z","type":4,"opts":null,"close":true}`: nil,
		`{"uid":"z","type":5,"requestId":"r"}`:          nil,
		`{"uid":"z","type":7,"requestId":"r"}`:          nil,
		`{"uid":"z","type":99}`:                         nil,
		`{"uid":"z"}`:                                   nil,
		`{"uid":`:                                       nil,
		"\xff":                                          nil,
		"":                                              nil,
	} {
		m := brokertest.NewMember("/")
		c := &connection{uid: "me"}
		l := newClassicLink(c, nil, m)
		l.receive(l.requests, payload)
		if invalid := c.invalid.Load() > 0; invalid != (want == nil) {
			t.Errorf("%s: invalid is %v", payload, invalid)
		}
		var got []adapter.Message
		for len(m.Messages) > 0 {
			x := <-m.Messages
			brokertest.Read(t, x)
			x.Namespace = ""
			got = append(got, *x)
		}
		if d := cmp.Diff(want, got, quiet); d != "" {
			t.Errorf("%s: %s", payload, d)
		}
	}
	for payload, valid := range map[string]bool{
		"\x93\xa1z\x82\xa4type\x02\xa4data\x91\xa1e\x81\xa5rooms\x90":              true, // no nsp, except, flags
		"\x93\xa1z\x83\xa4type\x02\xa4data\x91\xa1e\xa3nsp\xa2/b\x81\xa5rooms\x90": false,
		"\x92\xa1z\x82\xa4type\x02\xa4data\x91\xa1e":                               false, // no options
		"\x93\xa1z\x82\xa4type\x02\xa4data\x91\xa1e\xc0":                           false,
		"\x93\xa1z\xc0\x81\xa5rooms\x90":                                           false,
		"\x81\xa1a\x01":                                                            false,
		"{}":                                                                       false,
		"":                                                                         false,
	} {
		m := brokertest.NewMember("/")
		l := newClassicLink(&connection{uid: "me"}, nil, m)
		l.receive(l.events, payload)
		ok := len(m.Messages) == 1
		if ok {
			x := <-m.Messages
			ok = x.Rest == nil || x.Rest(x) == nil
		}
		if ok != valid {
			t.Errorf("%q: valid is %v", payload, ok)
		}
	}
}

func FuzzClassic(f *testing.F) {
	f.Add(byte(0), []byte("\x93\xa1z\x82\xa4type\x02\xa4data\x91\xa1e\x81\xa5rooms\x90"))
	f.Add(byte(1), []byte(`{"uid":"z","requestId":"r","type":5,"opts":{"rooms":["a"],"except":[]}}`))
	f.Add(byte(2), []byte(`{"requestId":"r","sockets":[{"id":"a","handshake":{},"rooms":["a"],"data":{}}]}`))
	f.Fuzz(func(_ *testing.T, channel byte, payload []byte) {
		m := brokertest.NewMember("/")
		l := newClassicLink(&connection{uid: "me"}, nil, m)
		l.receive([]string{l.events, l.requests, l.responses}[channel%3], string(bytes.Clone(payload)))
		for len(m.Messages) > 0 {
			x := <-m.Messages
			if x.Rest != nil && x.Rest(x) != nil {
				continue
			}
			_, _ = l.encode(x)
			_, _ = l.encodeResponse(x)
		}
	})
}
