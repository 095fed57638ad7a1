package protocol

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// samePacket compares what packets say, not how they say it.
var samePacket = cmp.Options{cmpopts.IgnoreFields(Packet{}, "Args"), cmpopts.EquateEmpty()}

func TestDecoderGrammar(t *testing.T) {
	t.Attr("covers", "easy/34")
	for _, tc := range []struct {
		rule, in string
		want     Packet
		args     []string
	}{
		{"CONNECT", "0", Packet{Type: Connect, Namespace: "/"}, nil},
		{"CONNECT with payload", `0{"token":"x"}`, Packet{Type: Connect, Namespace: "/", Data: []byte(`{"token":"x"}`)}, nil},
		{"CONNECT to a namespace", `0/admin,{"token":"x"}`, Packet{Type: Connect, Namespace: "/admin", Data: []byte(`{"token":"x"}`)}, nil},
		{"CONNECT with comma, without payload", "0/admin,", Packet{Type: Connect, Namespace: "/admin"}, nil},
		{"CONNECT without comma", "0/admin", Packet{Type: Connect, Namespace: "/admin"}, nil},
		{"a query string stays part of the namespace", "0/admin?x=1&y={},", Packet{Type: Connect, Namespace: "/admin?x=1&y={}"}, nil},
		{"without comma everything is namespace", `2/admin["a"]`, Packet{Type: Event, Namespace: `/admin["a"]`}, nil},
		{"the namespace / may be named", `2/,["a"]`, Packet{Type: Event, Namespace: "/", Data: []byte(`["a"]`)}, []string{`"a"`}},
		{"DISCONNECT", "1", Packet{Type: Disconnect, Namespace: "/"}, nil},
		{"DISCONNECT from a namespace", "1/admin,", Packet{Type: Disconnect, Namespace: "/admin"}, nil},
		{"EVENT", `2["a",1,{}]`, Packet{Type: Event, Namespace: "/", Data: []byte(`["a",1,{}]`)}, []string{`"a"`, "1", "{}"}},
		{"EVENT with integer name", `2[1,"a"]`, Packet{Type: Event, Namespace: "/", Data: []byte(`[1,"a"]`)}, []string{"1", `"a"`}},
		{"EVENT with fractional name", "2[1.5]", Packet{Type: Event, Namespace: "/", Data: []byte("[1.5]")}, []string{"1.5"}},
		{"EVENT with negative name", "2[-1]", Packet{Type: Event, Namespace: "/", Data: []byte("[-1]")}, []string{"-1"}},
		{"EVENT with empty name", `2[""]`, Packet{Type: Event, Namespace: "/", Data: []byte(`[""]`)}, []string{`""`}},
		{"error is no reserved name", `2["error"]`, Packet{Type: Event, Namespace: "/", Data: []byte(`["error"]`)}, []string{`"error"`}},
		{"connection is no reserved name", `2["connection"]`, Packet{Type: Event, Namespace: "/", Data: []byte(`["connection"]`)}, []string{`"connection"`}},
		{"EVENT with ack id and namespace", `2/test,23["a"]`, Packet{Type: Event, Namespace: "/test", ID: 23, HasID: true, Data: []byte(`["a"]`)}, []string{`"a"`}},
		{"ack id 0 is an id", `20["a"]`, Packet{Type: Event, Namespace: "/", HasID: true, Data: []byte(`["a"]`)}, []string{`"a"`}},
		{"zeros before an ack id", `2007["a"]`, Packet{Type: Event, Namespace: "/", ID: 7, HasID: true, Data: []byte(`["a"]`)}, []string{`"a"`}},
		{"largest ack id", `29007199254740991["a"]`, Packet{Type: Event, Namespace: "/", ID: 9007199254740991, HasID: true, Data: []byte(`["a"]`)}, []string{`"a"`}},
		{"ACK", `3456["a"]`, Packet{Type: Ack, Namespace: "/", ID: 456, HasID: true, Data: []byte(`["a"]`)}, []string{`"a"`}},
		{"empty ACK", "30[]", Packet{Type: Ack, Namespace: "/", HasID: true, Data: []byte("[]")}, nil},
		{"ACK may begin with anything", `31[null,"connect"]`, Packet{Type: Ack, Namespace: "/", ID: 1, HasID: true, Data: []byte(`[null,"connect"]`)}, []string{"null", `"connect"`}},
		{"CONNECT_ERROR with a string", `4"Unauthorized"`, Packet{Type: ConnectError, Namespace: "/", Data: []byte(`"Unauthorized"`)}, nil},
		{"CONNECT_ERROR with an object", `4/a,{"message":"no"}`, Packet{Type: ConnectError, Namespace: "/a", Data: []byte(`{"message":"no"}`)}, nil},
		{"payload absent: EVENT", "2", Packet{Type: Event, Namespace: "/"}, nil},
		{"payload absent: EVENT with id", "21", Packet{Type: Event, Namespace: "/", ID: 1, HasID: true}, nil},
		{"payload absent: ACK", "3", Packet{Type: Ack, Namespace: "/"}, nil},
		{"payload absent: CONNECT_ERROR", "4", Packet{Type: ConnectError, Namespace: "/"}, nil},
		{"white space in the payload", "2 [ \"a\" ,\t1\r\n] ", Packet{Type: Event, Namespace: "/", Data: []byte(" [ \"a\" ,\t1\r\n] ")}, []string{`"a"`, "1"}},
		{"_placeholder in a packet without attachments is left alone", `2["a",{"_placeholder":true,"num":9}]`, Packet{
			Type: Event, Namespace: "/", Data: []byte(`["a",{"_placeholder":true,"num":9}]`),
		}, []string{`"a"`, `{"_placeholder":true,"num":9}`}},
		{"namespace that is not ASCII", `2/é,["a"]`, Packet{Type: Event, Namespace: "/é", Data: []byte(`["a"]`)}, []string{`"a"`}},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			var d Decoder
			p, err := d.AddText([]byte(tc.in))
			if err != nil {
				t.Fatalf("AddText(%q): %v", tc.in, err)
			}
			if diff := cmp.Diff(&tc.want, p, samePacket); diff != "" {
				t.Errorf("AddText(%q) (-want +got):\n%s", tc.in, diff)
			}
			if (p.Data == nil) != (tc.want.Data == nil) {
				t.Errorf("Data is nil: %v", p.Data == nil)
			}
			if got := args(p); !cmp.Equal(got, tc.args, cmpopts.EquateEmpty()) {
				t.Errorf("arguments = %q, want %q", got, tc.args)
			}
		})
	}
}

func args(p *Packet) (all []string) {
	for i := range p.Args {
		all = append(all, string(p.Arg(i)))
	}
	return all
}

func TestDecoderRefuses(t *testing.T) {
	t.Attr("covers", "parser/parser/11 parser/parser/15 abuse/CVE-2023-32695 later/6")
	for _, tc := range []struct{ rule, in, want string }{
		{"no content", "", "empty packet"},
		{"type 7", `7["a"]`, "unknown packet type 7"},
		{"type 9", "9", "unknown packet type 9"},
		{"no type", `["a"]`, "unknown packet type NaN"},
		{"letter", "abc", "unknown packet type NaN"},
		{"not ASCII", "é", "unknown packet type NaN"},

		{"count missing", "5", "Illegal attachments"},
		{"count missing, with payload", `5["a"]`, "Illegal attachments"},
		{"count without dash", "51", "Illegal attachments"},
		{"count without dash, with payload", `51["a"]`, "Illegal attachments"},
		{"count not numeric", "5a-", "Illegal attachments"},
		{"count a fraction", "51.23-", "Illegal attachments"},
		{"count empty", `5-["a"]`, "Illegal attachments"},
		{"count negative", `5-1-["a"]`, "Illegal attachments"},
		{"count zero", `50-["a"]`, "Illegal attachments"},
		{"count of several zeros", `5000-["a"]`, "Illegal attachments"},
		{"count signed", `5+1-["a"]`, "Illegal attachments"},
		{"count with exponent", `51e0-["a"]`, "Illegal attachments"},
		{"count of an ACK missing", "6[]", "Illegal attachments"},
		{"count of an ACK zero", "60-[]", "Illegal attachments"},
		{"count above the limit", `511-["a"]`, "too many attachments"},
		{"count far above the limit", `5999999-["a"]`, "too many attachments"},
		{"count that overflows", `599999999999999999999999999-["a"]`, "too many attachments"},
		{"count of an ACK above the limit", "611-[]", "too many attachments"},

		{"id above 2^53-1", `29007199254740992["a"]`, "invalid packet id"},
		{"id that overflows", `299999999999999999999999999["a"]`, "invalid packet id"},

		{"CONNECT with an array", `0["a"]`, "invalid payload"},
		{"CONNECT with a string", `0"a"`, "invalid payload"},
		{"CONNECT with null", "0null", "invalid payload"},
		{"CONNECT with broken JSON", `0{"a":}`, "invalid payload"},
		{"DISCONNECT with an object", "1{}", "invalid payload"},
		{"DISCONNECT with null", "1null", "invalid payload"},
		{"EVENT with an object", "2{}", "invalid payload"},
		{"EVENT with a string", `2"a"`, "invalid payload"},
		{"EVENT with broken JSON", `2["a"`, "invalid payload"},
		{"EVENT with something behind", `2["a"]x`, "invalid payload"},
		{"EVENT with two arrays", `2["a"]["b"]`, "invalid payload"},
		{"EVENT with a comma too many", `2["a",]`, "invalid payload"},
		{"EVENT without name", "2[]", "invalid payload"},
		{"EVENT named true", "2[true]", "invalid payload"},
		{"EVENT named null", "2[null]", "invalid payload"},
		{"EVENT named by an object", "2[{}]", "invalid payload"},
		{"EVENT named by an array", `2[["a"]]`, "invalid payload"},
		{"EVENT named connect", `2["connect"]`, "invalid payload"},
		{"EVENT named connect_error", `2["connect_error"]`, "invalid payload"},
		{"EVENT named disconnect", `2["disconnect"]`, "invalid payload"},
		{"EVENT named disconnecting", `2["disconnecting"]`, "invalid payload"},
		{"EVENT named newListener", `2["newListener"]`, "invalid payload"},
		{"EVENT named removeListener", `2["removeListener"]`, "invalid payload"},
		{"reserved name with escapes", `2["\u0063onnect"]`, "invalid payload"},
		{"EVENT with a word before the payload", `2abc["a"]`, "invalid payload"},
		{"white space only", "2 ", "invalid payload"},
		{"ACK with an object", "31{}", "invalid payload"},
		{"ACK with a string", `31"a"`, "invalid payload"},
		{"CONNECT_ERROR with an array", `4["a"]`, "invalid payload"},
		{"CONNECT_ERROR with a number", "4/,{}1", "invalid payload"},
		{"CONNECT_ERROR with null", "4null", "invalid payload"},
		{"BINARY_EVENT with an object", "51-{}", "invalid payload"},
		{"BINARY_EVENT named by a placeholder", `51-[{"_placeholder":true,"num":0}]`, "invalid payload"},
		{"BINARY_EVENT with a reserved name", `51-["connect",{"_placeholder":true,"num":0}]`, "invalid payload"},
		{"BINARY_ACK with an object", "61-{}", "invalid payload"},
		{"raw control character", "2[\"a\x01\"]", "invalid payload"},
		{"raw separator", "2[\"a\x1e\"]", "invalid payload"},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			var d Decoder
			p, err := d.AddText([]byte(tc.in))
			if p != nil || err == nil || err.Error() != tc.want {
				t.Fatalf("AddText(%q) = %v, %v; want %q", tc.in, p, err, tc.want)
			}
			if parse, ok := errors.AsType[*ParseError](err); !ok || parse.Message != tc.want {
				t.Errorf("%v is no *ParseError with that message", err)
			}
			if !errors.Is(err, ErrParse) {
				t.Errorf("%v does not wrap ErrParse", err)
			}
			if p, err := d.AddText([]byte(`2["a"]`)); err != nil || string(p.Data) != `["a"]` {
				t.Errorf("a good packet after the error = %v, %v", p, err)
			}
		})
	}
}

// TestDecoderDifferences lists, with one input for each class, what the official
// decoder (socket.io-parser 4.2.7) answers differently. All of it is on purpose.
func TestDecoderDifferences(t *testing.T) {
	for _, tc := range []struct{ why, in, official, ours string }{
		{"white space is no digit of an id", `2 ["a"]`, "event with id 0", "event without id"},
		{"white space is no digit of an id", `2 1["a"]`, "event with id 1", "invalid payload"},
		{"nor is a byte order mark", "2\ufeff[\"a\"]", "event with id 0", "invalid payload"},
		{"nor is white space the type 0", " ", "CONNECT", "unknown packet type NaN"},
		{"a count is digits", `5+1-["a"]`, "1 attachment", "Illegal attachments"},
		{"a count is digits", `50x1-["a"]`, "1 attachment", "Illegal attachments"},
		{"a count is digits", `51.0-["a"]`, "1 attachment", "Illegal attachments"},
		{"a count is digits", `51e0-["a"]`, "1 attachment", "Illegal attachments"},
		{"a count is digits", `5 1-["a"]`, "1 attachment", "Illegal attachments"},
		{"an id keeps its digits", `29007199254740993["a"]`, "event with id 9007199254740992", "invalid packet id"},
		{"an attachment has no fractions", `51-["a",{"_placeholder":true,"num":0.5}]`, "undefined", "illegal attachments"},
		{"a value is checked that a repeated key replaces", `51-["a",{"k":{"_placeholder":true,"num":9},"k":1}]`, "1", "illegal attachments"},
		{"nesting is limited", `2["a",` + strings.Repeat("[", maxDepth) + strings.Repeat("]", maxDepth) + "]", "an array", "invalid payload"},
		{"a message has content", "", "Cannot read properties of undefined (reading 'base64')", "empty packet"},
	} {
		t.Run(tc.why, func(t *testing.T) {
			var d Decoder
			p, err := d.AddText([]byte(tc.in))
			if d.Pending() {
				p, err = d.AddBinary([]byte("x"))
			}
			got := ""
			switch {
			case err != nil:
				got = err.Error()
			case !p.HasID:
				got = "event without id"
			}
			if got != tc.ours {
				t.Errorf("got %q, want %q (official: %s)", got, tc.ours, tc.official)
			}
		})
	}
}

// FuzzDecoder feeds a decoder with any sequence of messages. The input is cut at
// bytes 0xff: what begins with 0xfe is a binary message, anything else a text.
// Errors must be ParseErrors, and packets must come back when they are sent on.
func FuzzDecoder(f *testing.F) {
	for _, s := range []string{
		`0{"token":"x"}`, "0/admin,", "1", "1/admin,", `2["a",1]`, `2/n,12["a",{"b":[null]}]`, "30[]", `4{"message":"no"}`, `4"no"`,
		"51-[\"a\"," + ph0 + "]\xff\xfeabc", "52-/n,1[\"a\"," + ph0 + ",[" + ph1 + "]]\xff\xfe\xff\xfeb", "61-7[" + ph0 + "]\xff\xfex",
		"51-[\"a\"]\xff2[\"b\"]", "\xfe", "52-[\"a\"]\xff\xfea\xff3", "51-\xff\xfe", "2[\"a\"]\xff2[\"b\"]\xff\xfe", "51-[\"a\"," + ph1 + "]\xff\xfea\xff2[\"a\"]",
		"5999999-[", "29007199254740992[]", `2["\u0063onnect"]`, "7", "",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		var d Decoder
		for message := range bytes.SplitSeq(in, []byte{0xff}) {
			var p *Packet
			var err error
			if len(message) > 0 && message[0] == 0xfe {
				p, err = d.AddBinary(message[1:])
			} else {
				p, err = d.AddText(message)
			}
			switch {
			case err != nil:
				if _, ok := errors.AsType[*ParseError](err); !ok || p != nil || d.Pending() {
					t.Fatalf("%q: %v, %v, pending %v", message, p, err, d.Pending())
				}
			case p != nil:
				checkPacket(t, p)
			case !d.Pending():
				t.Fatalf("%q: neither a packet nor an error", message)
			}
		}
	})
}

// checkPacket looks at a decoded packet, sends it on and decodes it again.
func checkPacket(t *testing.T, p *Packet) {
	t.Helper()
	if p.Data != nil && !json.Valid(p.Data) {
		t.Fatalf("data %q is no JSON", p.Data)
	}
	typ := p.Type
	if len(p.Attachments) > 0 {
		typ += BinaryEvent - Event
	}
	text := AppendHeader(nil, typ, len(p.Attachments), p.Namespace, p.ID, p.HasID)
	text = append(text, p.Data...)
	var d Decoder
	again, err := d.AddText(text)
	for _, a := range p.Attachments {
		again, err = d.AddBinary(a)
	}
	if err != nil {
		t.Fatalf("%q cannot be decoded again: %v", text, err)
	}
	if diff := cmp.Diff(p, again, cmpopts.EquateEmpty()); diff != "" || (p.Data == nil) != (again.Data == nil) {
		t.Fatalf("%q (-first +second):\n%s", text, diff)
	}
	if p.Type != Event && p.Type != Ack || p.Data == nil {
		return
	}

	// And as values.
	name, values := "", make([]any, len(p.Args))
	for i := range p.Args {
		if err := Decode(p.Arg(i), p.Attachments, &values[i]); err != nil {
			return // a number that is too large for a float64, or a bad placeholder
		}
	}
	if p.Type == Event {
		if name = EventName(p.Arg(0)); IsReserved(name) {
			t.Fatalf("reserved name %q", name)
		}
		values = values[1:]
	}
	text, atts, err := AppendPacket(nil, p.Type, p.Namespace, p.ID, p.HasID, name, values)
	if err != nil {
		t.Fatal(err)
	}
	d = Decoder{MaxAttachments: len(text)} // one may have stood in many places
	again, err = d.AddText(text)
	for _, a := range atts {
		again, err = d.AddBinary(a)
	}
	if err != nil {
		t.Fatalf("%q cannot be decoded: %v", text, err)
	}
	if len(again.Args) != len(p.Args) {
		t.Fatalf("%q has %d elements, want %d", text, len(again.Args), len(p.Args))
	}
	for i, v := range values {
		var got any
		if err := Decode(again.Arg(len(again.Args)-len(values)+i), again.Attachments, &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(v, got); diff != "" {
			t.Fatalf("argument %d (-first +second):\n%s", i, diff)
		}
	}
}
