package protocol

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestEventName(t *testing.T) {
	for _, tc := range []struct {
		raw, want string
		plain     bool // NameBytes knows it
	}{
		{`"message"`, "message", true},
		{`""`, "", true},
		{`"é€"`, "é€", true},
		{`"a\"b"`, `a"b`, false},
		{`"\u0063onnect"`, "connect", false},
		{`"\ud83d\ude00"`, "😀", false},
		{`"\\"`, `\`, false},
		{"0", "0", true},
		{"1", "1", true},
		{"42", "42", true},
		{"123456789012345", "123456789012345", true},
		// From here on, String(n) in Node 20.
		{"-1", "-1", false},
		{"-0", "0", false},
		{"1.0", "1", false},
		{"1.50", "1.5", false},
		{"1e3", "1000", false},
		{"1E21", "1e+21", false},
		{"1e-7", "1e-7", false},
		{"9007199254740993", "9007199254740992", false},
		{"1e999", "Infinity", false},
		{"-1e999", "-Infinity", false},
		{"1e-999", "0", false},
		// No names.
		{"", "", false},
		{"null", "", false},
		{"[1]", "", false},
		{`"`, "", false},
		{`"a`, "", false},
		{`"\x"`, "", false},
		{"01", "", false},
		{"1x", "", false},
		{"-", "", false},
	} {
		if got := EventName([]byte(tc.raw)); got != tc.want {
			t.Errorf("EventName(%s) = %q, want %q", tc.raw, got, tc.want)
		}
		name, ok := NameBytes([]byte(tc.raw))
		if ok != tc.plain || ok && string(name) != tc.want {
			t.Errorf("NameBytes(%s) = %q, %v; want %v", tc.raw, name, ok, tc.plain)
		}
	}
}

func TestIsReserved(t *testing.T) {
	t.Attr("covers", "easy/37 abuse/CVE-2024-38355")
	for _, name := range []string{"connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"} {
		if !IsReserved(name) {
			t.Errorf("%s is not reserved", name)
		}
	}
	for _, name := range []string{"", "error", "connection", "Connect", "connect ", "new_namespace", "constructor", "__proto__"} {
		if IsReserved(name) {
			t.Errorf("%s is reserved", name)
		}
	}
}

// What is encoded is decoded to the same: the cases of the official parser's own tests. Go has one
// type of binary data; what they ask of buffers, array buffers and typed arrays is asked of it and
// of types made of it.
func TestRoundTrip(t *testing.T) {
	data := []byte("data")
	other := []byte{0, 1, 2, 0xff}
	for _, tc := range []struct {
		covers string
		rule   string
		typ    Type
		nsp    string
		id     uint64
		hasID  bool
		name   string
		args   []any // of a control packet: its payload
		want   []any
	}{
		{"parser/parser/2", "CONNECT with payload", Connect, "/woot", 0, false, "", []any{map[string]any{"token": "123"}}, []any{map[string]any{"token": "123"}}},
		{"parser/parser/3", "DISCONNECT", Disconnect, "/woot", 0, false, "", nil, nil},
		{"parser/parser/4", "EVENT", Event, "/", 0, false, "a", []any{1, map[string]any{}}, []any{"a", 1.0, map[string]any{}}},
		{"parser/parser/6", "EVENT with id and namespace", Event, "/test", 1, true, "a", []any{1, map[string]any{}}, []any{"a", 1.0, map[string]any{}}},
		{"parser/parser/7", "ACK", Ack, "/", 123, true, "", []any{"a", 1, map[string]any{}}, []any{"a", 1.0, map[string]any{}}},
		{"parser/parser/8", "CONNECT_ERROR with a string", ConnectError, "/", 0, false, "", []any{"Unauthorized"}, []any{"Unauthorized"}},
		{"parser/parser/9", "CONNECT_ERROR with an object", ConnectError, "/", 0, false, "", []any{map[string]any{"message": "Unauthorized"}}, []any{map[string]any{"message": "Unauthorized"}}},
		{"parser/buffer/1 parser/arraybuffer/1", "binary", Event, "/cool", 23, true, "a", []any{data}, []any{"a", data}},
		{
			"parser/buffer/2 parser/arraybuffer/4", "nested binary", Event, "/cool", 999, true, "a",
			[]any{map[string]any{"a": "hi", "b": map[string]any{"why": data}, "c": map[string]any{"a": "bye", "b": map[string]any{"a": other}}}},
			[]any{"a", map[string]any{"a": "hi", "b": map[string]any{"why": data}, "c": map[string]any{"a": "bye", "b": map[string]any{"a": other}}}},
		},
		{"parser/buffer/3", "binary ACK", Ack, "/back", 127, true, "", []any{"a", data, map[string]any{}}, []any{"a", data, map[string]any{}}},
		{"parser/arraybuffer/2", "a map of binary data", Event, "/", 0, false, "a", []any{map[string][]byte{"array": data}}, []any{"a", map[string]any{"array": data}}},
		{"parser/arraybuffer/3", "a type made of bytes", Event, "/", 0, false, "a", []any{named(other)}, []any{"a", other}},
		{
			"parser/arraybuffer/5", "nested binary beside nulls", Event, "/cool", 999, true, "a",
			[]any{map[string]any{"a": "hi", "b": map[string]any{"why": data}, "c": map[string]any{"a": nil, "b": named(nil)}}},
			[]any{"a", map[string]any{"a": "hi", "b": map[string]any{"why": data}, "c": map[string]any{"a": nil, "b": nil}}},
		},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			t.Attr("covers", tc.covers)
			var text []byte
			var atts [][]byte
			var err error
			switch {
			case tc.typ == Event || tc.typ == Ack:
				text, atts, err = AppendPacket(nil, tc.typ, tc.nsp, tc.id, tc.hasID, tc.name, tc.args)
			case len(tc.args) > 0:
				text, err = AppendControl(nil, tc.typ, tc.nsp, tc.args[0])
			default:
				text, err = AppendControl(nil, tc.typ, tc.nsp, nil)
			}
			if err != nil {
				t.Fatal(err)
			}
			var d Decoder
			p, err := d.AddText(text)
			for _, a := range atts {
				if p != nil || err != nil {
					t.Fatalf("before the last attachment: %v, %v", p, err)
				}
				p, err = d.AddBinary(a)
			}
			if err != nil {
				t.Fatal(err)
			}
			if p.Type != tc.typ || p.Namespace != tc.nsp || p.ID != tc.id || p.HasID != tc.hasID {
				t.Errorf("came back as %+v", p)
			}
			raw := p.Data
			if raw != nil && len(p.Args) == 0 {
				raw = []byte("[" + string(raw) + "]")
			}
			var got []any
			if raw != nil {
				if err := Decode(raw, p.Attachments, &got); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// A name that is a number is what JavaScript takes it for: a text. What is sent is a text then.
func TestIntegerName(t *testing.T) {
	t.Attr("covers", "parser/parser/5")
	var d Decoder
	p, err := d.AddText([]byte(`2[1,"a",{}]`))
	if err != nil {
		t.Fatal(err)
	}
	if got := EventName(p.Arg(0)); got != "1" || len(p.Args) != 3 {
		t.Errorf("the name is %q, of %d elements", got, len(p.Args))
	}
	text, _, err := AppendPacket(nil, Event, "/", 0, false, "1", []any{"a", struct{}{}})
	if err != nil || string(text) != `2["1","a",{}]` {
		t.Errorf("encoded: %s, %v", text, err)
	}
}
