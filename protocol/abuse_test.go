package protocol

import (
	"errors"
	"strings"
	"testing"
)

// Packets of ten megabytes that made some decoder take quadratic time, deep
// recursion or memory out of proportion. There is no clock here: a decoder that
// was not linear would not see the end of the test.
func TestHugePackets(t *testing.T) {
	t.Attr("covers", "abuse/CVE-2020-36049 abuse/extra/10")
	const size = 10 << 20
	long := func(head, unit, tail string) func() string {
		return func() string { return head + strings.Repeat(unit, size/len(unit)) + tail }
	}
	// Enough to tell what is not linear, where ten megabytes make ten times as many values.
	some := func(head, unit, tail string) func() string {
		return func() string { return head + strings.Repeat(unit, size/10/len(unit)) + tail }
	}
	nested := func(head, open, middle, end, tail string, depth int) func() string {
		return func() string { return head + strings.Repeat(open, depth) + middle + strings.Repeat(end, depth) + tail }
	}
	for _, tc := range []struct {
		rule string
		in   func() string
		want error // nil: it is fine
	}{
		{"CVE-2020-36049: digits as id", long("2", "1", ""), ErrInvalidID},
		{"zeros as id", long("2", "0", `["a"]`), nil},
		{"digits as attachment count", long("5", "1", ""), ErrIllegalAttachments},
		{"digits as attachment count, with dash", long("5", "1", "-"), ErrTooManyAttachments},
		{"zeros as attachment count", long("5", "0", "-"), ErrIllegalAttachments},
		{"zeros before the attachment count", long("5", "0", `1-["a"]`), nil},
		{"CVE-2026-33151: attachment count", long("5999999-[", " ", ""), ErrTooManyAttachments},
		{"dashes", long("5", "-", ""), ErrIllegalAttachments},
		{"commas", long("2", ",", ""), ErrInvalidPayload},
		{"commas in an array", long("2[", ",", "]"), ErrInvalidPayload},
		{"commas behind the namespace", long("2/", ",", `["a"]`), ErrInvalidPayload},
		{"namespace", long("2/", "n", `,["a"]`), nil},
		{"slashes", long("2", "/", ""), nil},
		{"name", long(`2["`, "n", `"]`), nil},
		{"name that does not end", long(`2["`, "n", ""), ErrInvalidPayload},
		{"name with escapes", some(`2["`, `\u0061`, `"]`), nil},
		{"backslashes", some(`2["`, `\\`, `"]`), nil},
		{"number as name", long("2[", "1", "]"), nil},
		{"number that does not end", long("2[1.", "0", "e"), ErrInvalidPayload},
		{"white space", long(`2["a"`, " ", "]"), nil},
		{"white space that does not end", long("2", " ", ""), ErrInvalidPayload},
		{"arguments", some(`2["a"`, ",1", "]"), nil},
		{"empty arrays", some(`2["a"`, ",[]", "]"), nil},
		{"object", some(`2["a",{"k":0`, `,"k":1`, "}]"), nil},
		{"deep arrays", long("2", "[", ""), ErrInvalidPayload},
		{"deep arrays that end", nested("2", "[", "", "]", "", size/2), ErrInvalidPayload},
		{"deep objects", long("2[", `{"a":`, ""), ErrInvalidPayload},
		{"deep CONNECT", long("0", `{"a":`, ""), ErrInvalidPayload},
		{"deepest that is allowed", nested(`2["a",`, "[", "", "]", "]", maxDepth-1), nil},
		{"one level too deep", nested(`2["a",`, "[", "", "]", "]", maxDepth), ErrInvalidPayload},
		{"deepest object that is allowed", nested("0", `{"a":`, "1", "}", "", maxDepth), nil},
		{"object one level too deep", nested("0", `{"a":`, "1", "}", "", maxDepth+1), ErrInvalidPayload},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			var d Decoder
			p, err := d.AddText([]byte(tc.in()))
			if !errors.Is(err, tc.want) {
				t.Errorf("error = %v, want %v", err, tc.want)
			}
			if err == nil && p == nil && !d.Pending() {
				t.Error("neither packet nor error")
			}
			d.Reset()
			if d.packet.Data != nil || cap(d.packet.Args) > keptArgs || len(d.namespace) > keptNamespace {
				t.Error("the decoder keeps memory after Reset")
			}
		})
	}
}

func TestHugeBinaryPackets(t *testing.T) {
	const size = 1 << 20
	fill := func(s string) string { return strings.Repeat(s, size/len(s)) }
	for _, tc := range []struct {
		rule, data string
		ok         bool
	}{
		{"placeholders", `["a"` + fill(`,{"_placeholder":true,"num":0}`) + "]", true},
		{"placeholders, the last one bad", `["a"` + fill(`,{"_placeholder":true,"num":0}`) + `,{"_placeholder":true,"num":1}]`, false},
		{"repeated keys", `["a",{"_placeholder":true` + fill(`,"num":0`) + "}]", true},
		{"deep", `["a",` + strings.Repeat(`{"a":`, maxDepth-2) + ph0 + strings.Repeat("}", maxDepth-2) + "]", true},
		{"deep, bad", `["a",` + strings.Repeat(`{"a":`, maxDepth-2) + ph1 + strings.Repeat("}", maxDepth-2) + "]", false},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			var d Decoder
			if p, err := feed(&d, "51-"+tc.data); p != nil || err != nil {
				t.Fatalf("%v, %v", p, err)
			}
			p, err := d.AddBinary([]byte("x"))
			if !tc.ok {
				if !errors.Is(err, ErrPlaceholder) {
					t.Errorf("error = %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var v any
			if err := Decode(p.Arg(1), p.Attachments, &v); err != nil {
				t.Errorf("Decode: %v", err)
			}
		})
	}
}

// Nothing is taken for what is only announced.
func TestAnnouncedAttachmentsTakeNoMemory(t *testing.T) {
	d := Decoder{MaxAttachments: 1 << 30}
	if _, err := d.AddText([]byte(`51073741824-["a"]`)); err != nil {
		t.Fatal(err)
	}
	if n := cap(d.packet.Attachments); n > 100 {
		t.Errorf("room for %d attachments is taken", n)
	}
}
