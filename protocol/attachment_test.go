package protocol

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// feed gives the decoder a text and then its attachments.
func feed(d *Decoder, text string, atts ...string) (p *Packet, err error) {
	if p, err = d.AddText([]byte(text)); err != nil {
		return nil, err
	}
	for _, a := range atts {
		if p != nil {
			return p, fmt.Errorf("complete before attachment %q", a)
		}
		if p, err = d.AddBinary([]byte(a)); err != nil {
			return nil, err
		}
	}
	return p, nil
}

func TestDecoderAttachments(t *testing.T) {
	for _, tc := range []struct {
		rule, text string
		atts       []string
		want       Packet
	}{
		{
			"BINARY_EVENT becomes an EVENT", `51-["b",{"_placeholder":true,"num":0}]`, []string{"\x01\x02"},
			Packet{Type: Event, Namespace: "/", Data: []byte(`["b",{"_placeholder":true,"num":0}]`), Attachments: [][]byte{{1, 2}}},
		},
		{
			"BINARY_ACK becomes an ACK", `61-789[{"_placeholder":true,"num":0}]`, []string{"a"},
			Packet{Type: Ack, Namespace: "/", ID: 789, HasID: true, Data: []byte(`[{"_placeholder":true,"num":0}]`), Attachments: [][]byte{[]byte("a")}},
		},
		{
			"namespace and id behind the count", `52-/admin,0["b",{"_placeholder":true,"num":0},[{"a":{"_placeholder":true,"num":1}}]]`, []string{"a", "b"},
			Packet{
				Type: Event, Namespace: "/admin", HasID: true, Data: []byte(`["b",{"_placeholder":true,"num":0},[{"a":{"_placeholder":true,"num":1}}]]`),
				Attachments: [][]byte{[]byte("a"), []byte("b")},
			},
		},
		{
			"leading zeros of the count", `5001-["b"]`, []string{"a"},
			Packet{Type: Event, Namespace: "/", Data: []byte(`["b"]`), Attachments: [][]byte{[]byte("a")}},
		},
		{
			"empty attachment", `51-["b",{"_placeholder":true,"num":0}]`, []string{""},
			Packet{Type: Event, Namespace: "/", Data: []byte(`["b",{"_placeholder":true,"num":0}]`), Attachments: [][]byte{{}}},
		},
		{
			"more attachments than placeholders", `52-["b"]`, []string{"a", "b"},
			Packet{Type: Event, Namespace: "/", Data: []byte(`["b"]`), Attachments: [][]byte{[]byte("a"), []byte("b")}},
		},
		{
			"payload absent", "51-", []string{"a"},
			Packet{Type: Event, Namespace: "/", Attachments: [][]byte{[]byte("a")}},
		},
		{
			"ten attachments are allowed", `510-["b"]`, strings.Split("abcdefghij", ""),
			Packet{Type: Event, Namespace: "/", Data: []byte(`["b"]`), Attachments: bytes.Split([]byte("abcdefghij"), nil)},
		},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			var d Decoder
			p, err := feed(&d, tc.text, tc.atts...)
			if err != nil {
				t.Fatal(err)
			}
			if p == nil {
				t.Fatal("not complete after the last attachment")
			}
			if diff := cmp.Diff(&tc.want, p, samePacket); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			for i, a := range p.Attachments {
				if a == nil {
					t.Errorf("attachment %d is nil", i)
				}
			}
			if d.Pending() {
				t.Error("Pending after the last attachment")
			}
		})
	}
}

// The num of a placeholder is checked when the last attachment has come.
func TestPlaceholderNumbers(t *testing.T) {
	t.Attr("covers", "parser/buffer/4 parser/buffer/5 abuse/CVE-2022-2421")
	for _, tc := range []struct {
		rule, value string
		ok          bool
	}{
		{"the first", `{"_placeholder":true,"num":0}`, true},
		{"the last", `{"_placeholder":true,"num":1}`, true},
		{"members swapped", `{"num":1,"_placeholder":true}`, true},
		{"white space", "{ \"_placeholder\" : true ,\n\"num\" : 1 }", true},
		{"written as a float", `{"_placeholder":true,"num":1.0}`, true},
		{"written with an exponent", `{"_placeholder":true,"num":0.1e1}`, true},
		{"minus zero", `{"_placeholder":true,"num":-0}`, true},
		{"key with escapes", `{"\u005fplaceholder":true,"\u006eum":0}`, true},
		{"used twice", `[{"_placeholder":true,"num":0},{"_placeholder":true,"num":0}]`, true},
		{"other members", `{"a":[1],"_placeholder":true,"b":{},"num":1,"c":"num"}`, true},
		{"what it holds besides is replaced along with it", `{"_placeholder":true,"num":1,"a":{"_placeholder":true,"num":9}}`, true},
		{"the last of repeated nums counts", `{"_placeholder":true,"num":9,"num":1}`, true},
		{"the last of repeated marks counts", `{"_placeholder":true,"num":9,"_placeholder":{}}`, true},
		{"not true but 1", `{"_placeholder":1,"num":9}`, true},
		{"not true but a string", `{"_placeholder":"true","num":9}`, true},
		{"false", `{"_placeholder":false,"num":9}`, true},
		{"in a string", `"{\"_placeholder\":true}"`, true},
		{"as a value", `{"a":"_placeholder"}`, true},
		{"in an array", `["_placeholder",true,"num",9]`, true},
		{"num alone", `{"num":9}`, true},
		{"num in another object", `{"_placeholder":false,"a":{"num":9}}`, true},

		{"negative", `{"_placeholder":true,"num":-1}`, false},
		{"out of range", `{"_placeholder":true,"num":2}`, false},
		{"far out of range", `{"_placeholder":true,"num":1e999}`, false},
		{"a fraction", `{"_placeholder":true,"num":0.5}`, false},
		{"a string", `{"_placeholder":true,"num":"0"}`, false},
		{"a name", `{"_placeholder":true,"num":"splice"}`, false},
		{"null", `{"_placeholder":true,"num":null}`, false},
		{"true", `{"_placeholder":true,"num":true}`, false},
		{"an array", `{"_placeholder":true,"num":[0]}`, false},
		{"an object", `{"_placeholder":true,"num":{}}`, false},
		{"missing", `{"_placeholder":true}`, false},
		{"missing, but present deeper", `{"_placeholder":true,"a":{"num":0}}`, false},
		{"present, then not a number", `{"_placeholder":true,"num":0,"num":"0"}`, false},
		{"present, then an object", `{"_placeholder":true,"num":0,"num":{"num":0}}`, false},
		{"deep", `[[{"a":[{"_placeholder":true,"num":2}]}],{"_placeholder":true,"num":0}]`, false},
		{"beside a good one", `[{"_placeholder":true,"num":2},{"_placeholder":true,"num":0}]`, false},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			var d Decoder
			text := `52-["b",` + tc.value + "]"
			if p, err := feed(&d, text, "a"); p != nil || err != nil {
				t.Fatalf("before the last attachment: %v, %v", p, err)
			}
			p, err := d.AddBinary([]byte("b"))
			if tc.ok && err != nil || !tc.ok && !errors.Is(err, ErrPlaceholder) {
				t.Errorf("AddBinary after %s: %v", text, err)
			}
			if !tc.ok {
				return
			}
			var v any
			if err := Decode(p.Arg(1), p.Attachments, &v); err != nil {
				t.Errorf("Decode: %v", err)
			}
			if _, isBytes := v.([]byte); json.Valid([]byte(tc.value)) && tc.value[0] == '{' {
				var b []byte
				if err := Decode(p.Arg(1), p.Attachments, &b); (err == nil) != isBytes {
					t.Errorf("as []byte: %v; as any: %T", err, v)
				}
			}
		})
	}
}

func TestUnexpectedMessages(t *testing.T) {
	t.Attr("covers", "parser/buffer/6 parser/buffer/7")
	t.Run("binary while none is pending", func(t *testing.T) {
		var d Decoder
		if _, err := d.AddBinary([]byte("a")); !errors.Is(err, ErrUnexpectedBinary) || err.Error() != "got binary data when not reconstructing a packet" {
			t.Errorf("error = %v", err)
		}
	})
	t.Run("binary after a packet without attachments", func(t *testing.T) {
		var d Decoder
		if _, err := feed(&d, `2["a"]`); err != nil {
			t.Fatal(err)
		}
		if _, err := d.AddBinary([]byte("a")); !errors.Is(err, ErrUnexpectedBinary) {
			t.Errorf("error = %v", err)
		}
	})
	t.Run("one attachment too many", func(t *testing.T) {
		var d Decoder
		if _, err := feed(&d, `51-["a"]`, "a"); err != nil {
			t.Fatal(err)
		}
		if _, err := d.AddBinary([]byte("a")); !errors.Is(err, ErrUnexpectedBinary) {
			t.Errorf("error = %v", err)
		}
	})
	t.Run("text while attachments are pending", func(t *testing.T) {
		var d Decoder
		if _, err := feed(&d, `52-["a"]`, "a"); err != nil {
			t.Fatal(err)
		}
		if _, err := d.AddText([]byte(`2["a"]`)); !errors.Is(err, ErrUnexpectedText) || err.Error() != "got plaintext data when reconstructing a packet" {
			t.Errorf("error = %v", err)
		}
	})
}

func TestResetDropsAHalfReceivedPacket(t *testing.T) {
	t.Attr("covers", "parser/parser/16")
	var d Decoder
	if _, err := feed(&d, `52-["a"]`, "a"); err != nil {
		t.Fatal(err)
	}
	d.Release() // does not touch it
	if !d.Pending() {
		t.Error("Pending = false while an attachment is missing")
	}
	d.Reset()
	if d.Pending() {
		t.Error("Pending = true after Reset")
	}
	if p, err := feed(&d, `2["b"]`); err != nil || p == nil || string(p.Data) != `["b"]` {
		t.Errorf("decoding does not resume: %v, %v", p, err)
	}
}

func TestMaxAttachments(t *testing.T) {
	t.Attr("covers", "parser/parser/12 easy/35 abuse/CVE-2026-33151")
	for _, tc := range []struct {
		max   int
		count string
		ok    bool
	}{
		{0, "10", true},
		{0, "11", false},
		{1, "1", true},
		{1, "2", false},
		{100, "100", true},
		{100, "101", false},
		{5, "9", false},
		{-1, "1", false},
		{math.MaxInt, strconv.Itoa(math.MaxInt), true},
		{math.MaxInt, strconv.Itoa(math.MaxInt) + "0", false},
	} {
		d := Decoder{MaxAttachments: tc.max}
		_, err := d.AddText([]byte("5" + tc.count + `-["a"]`))
		if tc.ok && err != nil || !tc.ok && !errors.Is(err, ErrTooManyAttachments) {
			t.Errorf("MaxAttachments %d, count %s: %v", tc.max, tc.count, err)
		}
	}
}

func TestMaxBytes(t *testing.T) {
	text := `52-["a"]`
	d := Decoder{MaxBytes: len(text) + 10}
	if _, err := feed(&d, text, "12345", "12345"); err != nil {
		t.Errorf("exactly MaxBytes: %v", err)
	}
	if _, err := feed(&d, text, "12345", "123456"); !errors.Is(err, ErrTooLarge) {
		t.Errorf("one byte more: %v", err)
	}
	if d.Pending() {
		t.Error("a packet that was too large is still pending")
	}
	if _, err := feed(&d, `52-["aaaaaaaaaaaaaaaaaaaaaaaaaaaa"]`); !errors.Is(err, ErrTooLarge) {
		t.Errorf("text larger than MaxBytes: %v", err)
	}
	if _, err := feed(&d, `2["aaaaaaaaaaaaaaaaaaaaaaaaaaaa"]`); err != nil {
		t.Errorf("a packet without attachments is not limited: %v", err)
	}
}

func TestBinaryPacketsAreCopies(t *testing.T) {
	var d Decoder
	text, att := []byte(`51-["a"]`), []byte("xyz")
	if _, err := d.AddText(text); err != nil {
		t.Fatal(err)
	}
	clear(text)
	p, err := d.AddBinary(att)
	if err != nil {
		t.Fatal(err)
	}
	clear(att)
	data, atts := p.Data, p.Attachments
	if _, err := feed(&d, `51-["b"]`, "abc"); err != nil {
		t.Fatal(err)
	}
	if string(data) != `["a"]` || string(atts[0]) != "xyz" {
		t.Errorf("data = %s, attachments = %q after the next packet", data, atts)
	}
}

func TestReleaseLetsGoOfThePacket(t *testing.T) {
	var d Decoder
	if _, err := feed(&d, `2/ns,1["a"`+strings.Repeat(",1", 10*keptArgs)+"]"); err != nil {
		t.Fatal(err)
	}
	d.Release()
	if d.packet.Data != nil || cap(d.packet.Args) > keptArgs {
		t.Errorf("an idle decoder keeps %d bytes of data and %d spans", len(d.packet.Data), cap(d.packet.Args))
	}
	if _, err := feed(&d, "2/"+strings.Repeat("n", 10*keptNamespace)); err != nil {
		t.Fatal(err)
	}
	d.Release()
	if len(d.namespace) > keptNamespace {
		t.Errorf("an idle decoder keeps a namespace of %d bytes", len(d.namespace))
	}
}

// reference is the official decoder's walk over the placeholders.
func reference(v any, n int) bool {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			if !reference(e, n) {
				return false
			}
		}
	case map[string]any:
		if v["_placeholder"] == true {
			num, ok := v["num"].(float64)
			_, inRange := attachmentIndex(num, n)
			return ok && inRange
		}
		for _, e := range v {
			if !reference(e, n) {
				return false
			}
		}
	}
	return true
}

func FuzzPlaceholders(f *testing.F) {
	f.Add([]byte(`["b",{"_placeholder":true,"num":0}]`), uint8(1))
	f.Add([]byte(`[{"_placeholder":true,"num":1,"a":[{"num":2,"\u005fplaceholder":true}]}]`), uint8(2))
	f.Fuzz(func(t *testing.T, data []byte, n uint8) {
		var v any
		if json.Unmarshal(data, &v) != nil || json.Valid(data) && data[0] != '[' {
			return
		}
		got, want := validPlaceholders(data, int(n)), reference(v, int(n))
		// A value that a repeated key replaces is checked all the same.
		if got != want && (got || !repeatsKey(data)) {
			t.Errorf("validPlaceholders(%q, %d) = %v, want %v", data, n, got, want)
		}
	})
}

// repeatsKey reports whether an object in data has a key twice.
func repeatsKey(data []byte) bool {
	dec := json.NewDecoder(bytes.NewReader(data))
	var keys []map[string]bool // of the objects that are open, nil for an array
	isKey := false
	for {
		tok, err := dec.Token()
		if err != nil {
			return false
		}
		switch v := tok.(type) {
		case json.Delim:
			switch v {
			case '{':
				keys = append(keys, map[string]bool{})
			case '[':
				keys = append(keys, nil)
			default:
				keys = keys[:len(keys)-1]
			}
		case string:
			if isKey {
				if keys[len(keys)-1][v] {
					return true
				}
				keys[len(keys)-1][v] = true
				isKey = false
				continue
			}
		}
		isKey = len(keys) > 0 && keys[len(keys)-1] != nil
	}
}
