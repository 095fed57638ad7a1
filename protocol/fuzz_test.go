package protocol

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

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
