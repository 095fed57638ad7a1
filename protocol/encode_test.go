package protocol

import (
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestTypesAreNumbered(t *testing.T) {
	t.Attr("covers", "parser/parser/1")
	for i, want := range []string{"CONNECT", "DISCONNECT", "EVENT", "ACK", "CONNECT_ERROR", "BINARY_EVENT", "BINARY_ACK", "TYPE 7"} {
		if got := Type(i).String(); got != want {
			t.Errorf("Type(%d) = %s, want %s", i, got, want)
		}
	}
}

func TestAppendHeader(t *testing.T) {
	t.Attr("covers", "easy/34")
	for _, tc := range []struct {
		rule        string
		typ         Type
		attachments int
		nsp         string
		id          uint64
		hasID       bool
		want        string
	}{
		{"type alone", Connect, 0, "/", 0, false, "0"},
		{"no namespace is /", Event, 0, "", 0, false, "2"},
		{"namespace, comma even without payload", Disconnect, 0, "/admin", 0, false, "1/admin,"},
		{"id 0 is written", Event, 0, "/", 0, true, "20"},
		{"namespace and id", Ack, 0, "/a", 12, true, "3/a,12"},
		{"largest id", Ack, 0, "/", maxID, true, "39007199254740991"},
		{"attachments", BinaryEvent, 2, "/", 0, false, "52-"},
		{"attachments, namespace and id", BinaryAck, 1, "/a", 789, true, "61-/a,789"},
		{"attachments of other types are not written", Event, 2, "/", 0, false, "2"},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			got := string(AppendHeader([]byte("4"), tc.typ, tc.attachments, tc.nsp, tc.id, tc.hasID))
			if got != "4"+tc.want {
				t.Errorf("got %q, want %q after the 4", got, tc.want)
			}
		})
	}
}

type named []byte

func TestAppendPacket(t *testing.T) {
	for _, tc := range []struct {
		rule  string
		typ   Type
		nsp   string
		id    uint64
		hasID bool
		name  string
		args  []any
		want  string
		atts  []string
	}{
		{"event without arguments", Event, "/", 0, false, "hi", nil, `2["hi"]`, nil},
		{"event with empty name", Event, "/", 0, false, "", nil, `2[""]`, nil},
		{"event", Event, "/", 0, false, "a", []any{1, "x", nil, true}, `2["a",1,"x",null,true]`, nil},
		{"event with id in a namespace", Event, "/test", 23, true, "a", []any{"b"}, `2/test,23["a","b"]`, nil},
		{"ack", Ack, "/", 123, true, "", []any{"a", 1, map[string]any{}}, `3123["a",1,{}]`, nil},
		{"empty ack", Ack, "/", 0, true, "", nil, "30[]", nil},
		{
			"binary event", Event, "/", 0, false, "b", []any{[]byte{1, 2}},
			`51-["b",{"_placeholder":true,"num":0}]`, []string{"\x01\x02"},
		},
		{
			"binary event with id in a namespace", Event, "/n", 7, true, "b", []any{"x", []byte("1"), []byte("2")},
			`52-/n,7["b","x",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`, []string{"1", "2"},
		},
		{"binary ack", Ack, "/", 789, true, "", []any{[]byte("1")}, `61-789[{"_placeholder":true,"num":0}]`, []string{"1"}},
		{"an empty buffer is an attachment", Event, "/", 0, false, "b", []any{[]byte{}}, `51-["b",{"_placeholder":true,"num":0}]`, []string{""}},
		{"a nil buffer is null", Event, "/", 0, false, "b", []any{[]byte(nil), named(nil)}, `2["b",null,null]`, nil},
		{
			"depth first, in order", Event, "/", 0, false, "b",
			[]any{
				map[string]any{"z": []byte("3"), "a": []any{[]byte("1"), []any{named("2")}}},
				struct {
					D []byte `json:"d"`
					C named  `json:"c"`
				}{[]byte("4"), named("5")},
				[][]byte{[]byte("6"), nil, []byte("7")},
			},
			`57-["b",{"a":[{"_placeholder":true,"num":0},[{"_placeholder":true,"num":1}]],"z":{"_placeholder":true,"num":2}},` +
				`{"d":{"_placeholder":true,"num":3},"c":{"_placeholder":true,"num":4}},` +
				`[{"_placeholder":true,"num":5},null,{"_placeholder":true,"num":6}]]`,
			strings.Split("1234567", ""),
		},
		{
			"more than ten attachments", Event, "/", 0, false, "b", []any{[][]byte{{0}, {1}, {2}, {3}, {4}, {5}, {6}, {7}, {8}, {9}, {10}, {11}}},
			`512-["b",[` + placeholders(12) + "]]", strings.Split("\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b", ""),
		},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			text, atts, err := AppendPacket([]byte("4"), tc.typ, tc.nsp, tc.id, tc.hasID, tc.name, tc.args)
			if err != nil {
				t.Fatal(err)
			}
			if string(text) != "4"+tc.want {
				t.Errorf("text = %s\nwant  4%s", text, tc.want)
			}
			var got []string
			for _, a := range atts {
				got = append(got, string(a))
			}
			if diff := cmp.Diff(tc.atts, got); diff != "" {
				t.Errorf("attachments (-want +got):\n%s", diff)
			}

			d := Decoder{MaxAttachments: 100}
			p, err := feed(&d, tc.want, got...)
			if err != nil {
				t.Fatalf("what was sent cannot be received: %v", err)
			}
			if p.Type != tc.typ || p.ID != tc.id || p.HasID != tc.hasID || tc.typ == Event && EventName(p.Arg(0)) != tc.name {
				t.Errorf("received %+v", p)
			}
		})
	}
}

func placeholders(n int) string {
	var b []byte
	for i := range n {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendPlaceholder(b, i)
	}
	return string(b)
}

func TestAppendPacketDoesNotCopyOrChangeArguments(t *testing.T) {
	t.Attr("covers", "parser/arraybuffer/6")
	data := []byte("data")
	arg := map[string]any{"a": []any{data}, "b": struct{ C named }{data}}
	want := map[string]any{"a": []any{[]byte("data")}, "b": struct{ C named }{[]byte("data")}}
	_, atts, err := AppendPacket(nil, Event, "/", 0, false, "e", []any{arg})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, arg); diff != "" {
		t.Errorf("the argument was changed (-want +got):\n%s", diff)
	}
	if len(atts) != 2 || &atts[0][0] != &data[0] || &atts[1][0] != &data[0] {
		t.Error("the attachments are not the slices of the argument")
	}
}

func TestAppendControl(t *testing.T) {
	for _, tc := range []struct {
		rule    string
		typ     Type
		nsp     string
		payload any
		want    string
	}{
		{"CONNECT", Connect, "/", struct {
			SID string `json:"sid"`
		}{"abc"}, `0{"sid":"abc"}`},
		{"CONNECT in a namespace", Connect, "/a", map[string]string{"sid": "abc", "pid": "d"}, `0/a,{"pid":"d","sid":"abc"}`},
		{"CONNECT without payload", Connect, "/a", nil, "0/a,"},
		{"DISCONNECT", Disconnect, "/", nil, "1"},
		{"DISCONNECT from a namespace", Disconnect, "/admin", nil, "1/admin,"},
		{"CONNECT_ERROR", ConnectError, "/x", map[string]any{"message": "Invalid namespace"}, `4/x,{"message":"Invalid namespace"}`},
		{"CONNECT_ERROR with a string", ConnectError, "/", "<no>", `4"<no>"`},
		{"binary data is not taken out", ConnectError, "/", map[string]any{"data": []byte{1, 2}}, `4{"data":"AQI="}`},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			text, err := AppendControl([]byte("4"), tc.typ, tc.nsp, tc.payload)
			if err != nil || string(text) != "4"+tc.want {
				t.Errorf("got %s, %v; want 4%s", text, err, tc.want)
			}
		})
	}
}

type failing struct{}

func (failing) MarshalJSON() ([]byte, error) { return nil, errFailing }

var errFailing = errors.New("no")

type brokenJSON struct{}

func (brokenJSON) MarshalJSON() ([]byte, error) { return []byte("{"), nil }

func TestEncodingErrorsLeaveTheBuffersAsTheyWere(t *testing.T) {
	t.Attr("covers", "parser/parser/10")
	circularMap := map[string]any{}
	circularMap["a"] = []any{circularMap}
	circularSlice := []any{nil}
	circularSlice[0] = circularSlice
	type node struct {
		Next *node
		Data []byte
	}
	circularStruct := &node{Data: []byte("x")}
	circularStruct.Next = circularStruct
	type plain struct{ Next *plain }
	circularPlain := &plain{}
	circularPlain.Next = circularPlain

	for _, tc := range []struct {
		rule string
		v    any
	}{
		{"channel", make(chan int)},
		{"function", func() {}},
		{"complex", 1i},
		{"channel beside binary data", []any{[]byte("x"), make(chan int)}},
		{"channel in a struct with binary data", struct {
			B []byte
			C chan int
		}{[]byte("x"), make(chan int)}},
		{"circular map", circularMap},
		{"circular slice", circularSlice},
		{"circular struct with binary data", circularStruct},
		{"circular struct", circularPlain},
		{"marshaler that fails", failing{}},
		{"marshaler that fails, deep", map[string]any{"a": []any{[]byte("x"), failing{}}}},
		{"marshaler that writes no JSON", brokenJSON{}},
		{"raw message that is no JSON", rawMessage("{")},
		{"empty raw message", rawMessage("")},
		{"raw message that is two values", rawMessage("1,2")},
		{"json.Number that is no number", json.Number("x")},
		{"json.Number that is no number, beside binary data", struct {
			N json.Number
			B []byte
		}{"0x1", []byte("x")}},
		{"map with keys that cannot be", map[float64]int{1: 1}},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			before, attsBefore := []byte("before"), [][]byte{[]byte("att")}
			text, atts, err := AppendJSON(before, attsBefore, tc.v)
			if !errors.Is(err, ErrEncode) {
				t.Errorf("AppendJSON error = %v, want ErrEncode", err)
			}
			if string(text) != "before" || len(atts) != 1 {
				t.Errorf("AppendJSON returned %s and %d attachments", text, len(atts))
			}
			text, atts, err = AppendArgs(before, attsBefore, "e", true, []any{[]byte("x"), tc.v})
			if !errors.Is(err, ErrEncode) || string(text) != "before" || len(atts) != 1 {
				t.Errorf("AppendArgs returned %s, %d attachments, %v", text, len(atts), err)
			}
			text, atts, err = AppendPacket(before, Event, "/a", 1, true, "e", []any{[]byte("x"), tc.v})
			if !errors.Is(err, ErrEncode) || string(text) != "before" || len(atts) != 0 {
				t.Errorf("AppendPacket returned %s, %d attachments, %v", text, len(atts), err)
			}
			text, err = AppendControl(before, Connect, "/a", tc.v)
			if !errors.Is(err, ErrEncode) || string(text) != "before" {
				t.Errorf("AppendControl returned %s, %v", text, err)
			}
		})
	}
	if _, _, err := AppendJSON(nil, nil, failing{}); !errors.Is(err, errFailing) {
		t.Errorf("the marshaler's error is lost in %v", err)
	}
}

func TestAppendRefusesTypesThatAreNotItsOwn(t *testing.T) {
	for typ := range Type(8) {
		_, _, err := AppendPacket(nil, typ, "/", 0, false, "", nil)
		if ok := typ == Event || typ == Ack; ok != (err == nil) {
			t.Errorf("AppendPacket of a %v: %v", typ, err)
		}
		_, err = AppendControl(nil, typ, "/", nil)
		if ok := typ == Connect || typ == Disconnect || typ == ConnectError; ok != (err == nil) {
			t.Errorf("AppendControl of a %v: %v", typ, err)
		}
	}
	if _, _, err := AppendPacket(nil, Ack, "/", 0, true, "name", nil); !errors.Is(err, ErrEncode) {
		t.Errorf("AppendPacket of an ACK with a name: %v", err)
	}
}

func FuzzAppendPacket(f *testing.F) {
	f.Add("/", uint64(0), true, "event", "text", 1.5, []byte("bytes"))
	f.Add("/admin", uint64(maxID), false, "\x00\"\\", "\xff\u2028", math.Inf(1), []byte{})
	f.Fuzz(func(t *testing.T, nsp string, id uint64, hasID bool, name, s string, n float64, b []byte) {
		if strings.Contains(nsp, ",") || nsp != "" && nsp[0] != '/' || IsReserved(name) {
			return
		}
		id &= maxID
		if !hasID {
			id = 0
		}
		text, atts, err := AppendPacket(nil, Event, nsp, id, hasID, name, []any{s, n, map[string]any{s: b, "b": []any{s}}})
		if err != nil {
			t.Fatal(err)
		}
		var d Decoder
		p, err := d.AddText(text)
		for _, a := range atts {
			p, err = d.AddBinary(a)
		}
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if nsp == "" {
			nsp = "/"
		}
		want := Packet{Type: Event, Namespace: nsp, ID: id, HasID: hasID, Attachments: atts}
		if diff := cmp.Diff(&want, p, samePacket, cmpopts.IgnoreFields(Packet{}, "Data")); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if got := EventName(p.Arg(0)); got != utf8Text(name) {
			t.Errorf("name %q came back as %q", name, got)
		}
		var gotText string
		var gotNumber float64
		gotMap := map[string]any{}
		for i, v := range []any{&gotText, &gotNumber, &gotMap} {
			if err := Decode(p.Arg(i+1), p.Attachments, v); err != nil {
				t.Fatal(err)
			}
		}
		if gotText != utf8Text(s) {
			t.Errorf("%q came back as %q", s, gotText)
		}
		if n != gotNumber && !math.IsNaN(n) && !math.IsInf(n, 0) {
			t.Errorf("%v came back as %v", n, gotNumber)
		}
		if s == "b" {
			return // the map has one key only
		}
		wantMap := map[string]any{utf8Text(s): nilOr(b), "b": []any{utf8Text(s)}}
		if diff := cmp.Diff(wantMap, gotMap); diff != "" {
			t.Errorf("map (-want +got):\n%s", diff)
		}
	})
}

// utf8Text is s as it arrives: bytes that are not UTF-8 replaced one by one.
func utf8Text(s string) string { return string([]rune(s)) }

func nilOr(b []byte) any {
	if b == nil {
		return nil
	}
	return b
}
