package clusterwire_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"testing"
	"unicode/utf8"

	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/adapter/clusterwire"
	"github.com/gosocketio/socketio/protocol"
)

// No input makes the decoder panic. What it accepts can be encoded and is decoded as the same, and
// JSON means what encoding/json says that it means.
func FuzzDecode(f *testing.F) {
	for _, text := range []string{
		`{"type":3,"data":{"packet":{"type":2,"data":["hello","world"],"id":0},` +
			`"opts":{"rooms":["a",1e0],"except":["\u00e9"],"flags":{}}},"uid":"x","nsp":"/"}`,
		`{"nsp":"/","data":{"opts":{"flags":{"volatile":true,"compress":false,"timeout":1e3},"rooms":null},` +
			`"packet":{"data":[1.50]},"requestId":"r"},"type":3.0}`,
		`{"type":8,"data":{"requestId":"r","sockets":[{"id":"s","handshake":{},"rooms":["s"],"data":{}}]},` +
			`"uid":"x","nsp":"/"}`,
		`{"type":4,"data":{"opts":{},"rooms":["a"]}}`,
		`{"type":6,"data":{"opts":{},"close":true}}`,
		`{"type":11,"data":{"clientCount":2}}`,
		`{"type":12,"data":{"requestId":"r","packet":{"data":1,"id":[]}}}`, `{"type":9,"data":{"packet":["e",{"a":[]}]}}`,
	} {
		f.Add([]byte(text))
	}
	packed, err := hex.DecodeString("84a47479706503a46461746182a67061636b657482a47479706502a46461746192a362696ec4020102" +
		"a46f70747383a5726f6f6d7390a665786365707490a5666c61677380a3756964b033323266343364303864663030313861a36e7370a12f")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(packed)
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := clusterwire.Decode(data)
		if err != nil {
			return
		}
		if data[0] == '{' && utf8.Valid(data) {
			if want := reference(t, data); summary(m) != want {
				t.Fatalf("%q\n%s, encoding/json reads\n%s", data, summary(m), want)
			}
		}
		again, err := clusterwire.EncodeMsgpack(m)
		if err != nil {
			t.Fatalf("%+v: %v", m, err)
		}
		n, err := clusterwire.Decode(again)
		if err != nil {
			t.Fatalf("%+v became %q: %v", m, again, err)
		}
		if m.Type != n.Type || m.UID != n.UID || m.RequestID != n.RequestID || m.Count != n.Count ||
			len(m.Values.JSON) != len(n.Values.JSON) || name(m) != name(n) {
			t.Errorf("%+v became %+v", m, n)
		}
	})
}

// summary is what reference reads too.
func summary(m *adapter.Message) string {
	text := fmt.Sprintf("%d %q %q", m.Type, m.UID, m.Namespace)
	if m.Type < adapter.MessageBroadcast || m.Type > adapter.MessageBroadcastAck {
		return text
	}
	text += fmt.Sprintf(" %q %q %q %v", m.RequestID, m.Options.Rooms, m.Options.Except, m.Options.Flags.Volatile)
	if m.Type == adapter.MessageBroadcast {
		text += string(m.Packet.Data)
	}
	return text
}

// reference is summary of what encoding/json reads.
func reference(t *testing.T, data []byte) string {
	object := func(raw json.RawMessage) (members map[string]json.RawMessage) {
		if len(raw) > 0 && json.Unmarshal(raw, &members) != nil {
			t.Fatalf("%q: %q is no object", data, raw)
		}
		return members
	}
	name := func(raw json.RawMessage) string {
		if string(raw) == "null" {
			return ""
		}
		return protocol.EventName(raw)
	}
	names := func(raw json.RawMessage) (list []string) {
		var elements []json.RawMessage
		if len(raw) > 0 && json.Unmarshal(raw, &elements) != nil {
			t.Fatalf("%q: %q is no array", data, raw)
		}
		for _, e := range elements {
			list = append(list, name(e))
		}
		return list
	}
	message := object(data)
	var typ float64
	if err := json.Unmarshal(message["type"], &typ); err != nil {
		t.Fatalf("%q: %v", data, err)
	}
	text := fmt.Sprintf("%v %q %q", typ, name(message["uid"]), name(message["nsp"]))
	if typ < float64(adapter.MessageBroadcast) || typ > float64(adapter.MessageBroadcastAck) {
		return text
	}
	body := object(message["data"])
	options := object(body["opts"])
	text += fmt.Sprintf(" %q %q %q %v", name(body["requestId"]), names(options["rooms"]), names(options["except"]),
		bytes.Equal(object(options["flags"])["volatile"], []byte("true")))
	if typ == float64(adapter.MessageBroadcast) {
		text += string(object(body["packet"])["data"])
	}
	return text
}

func name(m *adapter.Message) string {
	if m.Packet == nil {
		return ""
	}
	return m.Packet.Name()
}
