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
	const size = 10 << 20
	fill := func(s string) string { return strings.Repeat(s, size/len(s)) }
	for _, tc := range []struct {
		rule, in string
		want     error // nil: it is fine
	}{
		{"CVE-2020-36049: digits as id", "2" + fill("1"), ErrInvalidID},
		{"zeros as id", "2" + fill("0") + `["a"]`, nil},
		{"digits as attachment count", "5" + fill("1"), ErrIllegalAttachments},
		{"digits as attachment count, with dash", "5" + fill("1") + "-", ErrTooManyAttachments},
		{"zeros as attachment count", "5" + fill("0") + "-", ErrIllegalAttachments},
		{"zeros before the attachment count", "5" + fill("0") + `1-["a"]`, nil},
		{"CVE-2026-33151: attachment count", `5999999-["a"]`, ErrTooManyAttachments},
		{"CVE-2026-33151: attachment count, long payload", `5999999-["` + fill("a") + `"]`, ErrTooManyAttachments},
		{"dashes", "5" + fill("-"), ErrIllegalAttachments},
		{"commas", "2" + fill(","), ErrInvalidPayload},
		{"commas in an array", "2[" + fill(",") + "]", ErrInvalidPayload},
		{"commas behind the namespace", "2/" + fill(",") + `["a"]`, ErrInvalidPayload},
		{"namespace", "2/" + fill("n") + `,["a"]`, nil},
		{"slashes", "2" + fill("/"), nil},
		{"name", `2["` + fill("n") + `"]`, nil},
		{"name with escapes", `2["` + fill(`\u0061`) + `"]`, nil},
		{"name that does not end", `2["` + fill("n"), ErrInvalidPayload},
		{"backslashes", `2["` + fill(`\`) + `"]`, nil},
		{"number as name", "2[" + fill("1") + "]", nil},
		{"number that does not end", "2[1." + fill("0") + "e", ErrInvalidPayload},
		{"white space", `2["a"` + fill(" ") + "]", nil},
		{"white space that does not end", "2" + fill(" "), ErrInvalidPayload},
		{"arguments", `2["a"` + fill(",1") + "]", nil},
		{"empty arrays", `2["a"` + fill(",[]") + "]", nil},
		{"object", `2["a",{"k":0` + fill(`,"k":1`) + "}]", nil},
		{"deep arrays", "2" + fill("["), ErrInvalidPayload},
		{"deep arrays that end", "2" + strings.Repeat("[", size/2) + strings.Repeat("]", size/2), ErrInvalidPayload},
		{"deep objects", "2[" + fill(`{"a":`), ErrInvalidPayload},
		{"deep CONNECT", "0" + fill(`{"a":`), ErrInvalidPayload},
		{"deepest that is allowed", `2["a",` + strings.Repeat("[", maxDepth-1) + strings.Repeat("]", maxDepth-1) + "]", nil},
		{"one level too deep", `2["a",` + strings.Repeat("[", maxDepth) + strings.Repeat("]", maxDepth) + "]", ErrInvalidPayload},
		{"deepest object that is allowed", "0" + strings.Repeat(`{"a":`, maxDepth) + "1" + strings.Repeat("}", maxDepth), nil},
		{"object one level too deep", "0" + strings.Repeat(`{"a":`, maxDepth+1) + "1" + strings.Repeat("}", maxDepth+1), ErrInvalidPayload},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			var d Decoder
			p, err := d.AddText([]byte(tc.in))
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
	const size = 10 << 20
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
