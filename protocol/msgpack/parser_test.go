package msgpack_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/gosocketio/socketio/protocol"
	"github.com/gosocketio/socketio/protocol/msgpack"
)

// decode returns a packet in words.
func decode(message []byte, maxAttachments int) (string, error) {
	p, err := msgpack.Parser.NewDecoder(maxAttachments).AddBinary(message)
	if err != nil {
		return "", err
	}
	id := ""
	if p.HasID {
		id = string(rune('0' + p.ID))
	}
	words := []string{p.Type.String(), p.Namespace, id, string(p.Data)}
	for _, a := range p.Attachments {
		words = append(words, string(a))
	}
	return strings.Join(words, "|"), nil
}

// The messages are those of the official parser for the same packets, but for the order of a map's
// members.
func TestEncode(t *testing.T) {
	for _, test := range []struct {
		text        string
		attachments [][]byte
		want        string
	}{
		{`0{"sid":"x"}`, nil, "\x83\xa4type\x00\xa3nsp\xa1/\xa4data\x81\xa3sid\xa1x"},
		{`1/a,`, nil, "\x82\xa4type\x01\xa3nsp\xa2/a"},
		{`20["e",1,-1,1.5,null,true,200,70000,-200]`, nil, "\x84\xa4type\x02\xa3nsp\xa1/\xa4data\x99\xa1e\x01\xff\xcb\x3f\xf8\x00\x00\x00\x00\x00\x00\xc0\xc3\xcc\xc8\xce\x00\x01\x11\x70\xd1\xff\x38\xa2id\x00"},
		{`51-["e",{"_placeholder":true,"num":0}]`, [][]byte{{1, 2}}, "\x83\xa4type\x02\xa3nsp\xa1/\xa4data\x92\xa1e\xc4\x02\x01\x02"},
		{`2["e",{"_placeholder":true,"num":0}]`, nil, "\x83\xa4type\x02\xa3nsp\xa1/\xa4data\x92\xa1e\x82\xac_placeholder\xc3\xa3num\x00"},
		{`4"no"`, nil, "\x83\xa4type\x04\xa3nsp\xa1/\xa4data\xa2no"},
		{`2["e",1e3,1e300]`, nil, "\x83\xa4type\x02\xa3nsp\xa1/\xa4data\x93\xa1e\xcd\x03\xe8\xcb\x7e\x37\xe4\x3c\x88\x00\x75\x9c"},
	} {
		got, err := msgpack.Parser.Encode([]byte(test.text), test.attachments)
		if err != nil || len(got) != 1 || !got[0].Binary || string(got[0].Data) != test.want {
			t.Errorf("%s: %+v, %v; want %q", test.text, got, err, test.want)
		}
	}
}

func TestDecode(t *testing.T) {
	const head = "\xa4type\x02\xa3nsp\xa1/"
	for _, test := range []struct{ name, message, want string }{
		{"event", "\x83" + head + "\xa4data\x92\xa1e\x01", `EVENT|/||["e",1]`},
		{"id", "\x84" + head + "\xa4data\x91\xa1e\xa2id\x07", `EVENT|/|7|["e"]`},
		{"connect", "\x82\xa4type\x00\xa3nsp\xa2/a", "CONNECT|/a||"},
		{"unknown members", "\x84" + head + "\xa4data\x91\xa1e\xa7options\x81\xa8compress\xc3", `EVENT|/||["e"]`},
		{"binary", "\x83" + head + "\xa4data\x92\xa1e\xc4\x02\x01\x02", "EVENT|/||[\"e\",{\"_placeholder\":true,\"num\":0}]|\x01\x02"},
		{"timestamp, 4 bytes", "\x83" + head + "\xa4data\x92\xa1e\xd6\xff\x00\x00\x00\x01", `EVENT|/||["e","1970-01-01T00:00:01.000Z"]`},
		{"timestamp, 8 bytes", "\x83" + head + "\xa4data\x92\xa1e\xd7\xff\x07\x73\x59\x40\x00\x00\x00\x01", `EVENT|/||["e","1970-01-01T00:00:01.031Z"]`},
		{"old date", "\x83" + head + "\xa4data\x92\xa1e\xd7\x00\x00\x00\x00\x00\x00\x00\x03\xe8", `EVENT|/||["e","1970-01-01T00:00:01.000Z"]`},
		{"undefined", "\x83" + head + "\xa4data\x92\xa1e\xd4\x00\x00", `EVENT|/||["e",null]`},
		{"not a number", "\x83" + head + "\xa4data\x92\xa1e\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00", `EVENT|/||["e",null]`},
		{"number as key", "\x83" + head + "\xa4data\x92\xa1e\x81\x05\xc0", `EVENT|/||["e",{"5":null}]`},
		{"array buffer", "\x83" + head + "\xa4data\x92\xa1e\xc7\x01\x00\x00", "EVENT|/||[\"e\",{\"_placeholder\":true,\"num\":0}]|\x00"},
		{"array buffer of 8", "\x83" + head + "\xa4data\x92\xa1e\xc7\x08\x0012345678", "EVENT|/||[\"e\",{\"_placeholder\":true,\"num\":0}]|12345678"},
		{"other extension", "\x83" + head + "\xa4data\x92\xa1e\xd4\x05\x09", "EVENT|/||[\"e\",[5,{\"_placeholder\":true,\"num\":0}]]|\x09"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got, err := decode([]byte(test.message), 10); got != test.want {
				t.Errorf("got %q, %v; want %q", got, err, test.want)
			}
		})
	}
}

// CVE-2022-41719, CVE-2026-32284, CVE-2026-5740: announced lengths are not believed; CVE-2023-32695
// and the official checks.
func TestRefused(t *testing.T) {
	t.Attr("covers", "parser/parser/17 abuse/CVE-2022-41719")
	const head = "\xa4type\x02\xa3nsp\xa1/"
	for _, test := range []struct{ name, message, want string }{
		{"empty", "", "invalid format"},
		{"no map", "\x90", "invalid format"},
		{"type", "\x82\xa4type\x05\xa3nsp\xa1/", "invalid packet type"},
		{"type is text", "\x82\xa4type\xa12\xa3nsp\xa1/", "invalid packet type"},
		{"no type", "\x81\xa3nsp\xa1/", "invalid packet type"},
		{"namespace is a number", "\x82\xa4type\x00\xa3nsp\x01", "invalid namespace"},
		{"no namespace", "\x81\xa4type\x00", "invalid namespace"},
		{"comma in the namespace", "\x82\xa4type\x00\xa3nsp\xa3/,a", "invalid namespace"},
		{"event without data", "\x82" + head, "invalid payload"},
		{"event is a number", "\x83" + head + "\xa4data\x07", "invalid payload"},
		{"event is an object", "\x83" + head + "\xa4data\x80", "invalid payload"},
		{"event's name is an object", "\x83" + head + "\xa4data\x91\x80", "invalid payload"},
		{"event's name is reserved", "\x83" + head + "\xa4data\x91\xa7connect", "invalid payload"},
		{"connect with an array", "\x83\xa4type\x00\xa3nsp\xa1/\xa4data\x90", "invalid payload"},
		{"disconnect with data", "\x83\xa4type\x01\xa3nsp\xa1/\xa4data\x80", "invalid payload"},
		{"id is text", "\x84" + head + "\xa4data\x91\xa1e\xa2id\xa11", "invalid packet id"},
		{"id is negative", "\x84" + head + "\xa4data\x91\xa1e\xa2id\xff", "invalid packet id"},
		{"trailing bytes", "\x83" + head + "\xa4data\x91\xa1e\x00", "invalid format"},
		{"array of 4 G", "\x83" + head + "\xa4data\xdd\xff\xff\xff\xff", "invalid format"},
		{"map of 4 G", "\x83" + head + "\xa4data\xdf\xff\xff\xff\xff", "invalid format"},
		{"binary of 4 G", "\x83" + head + "\xa4data\x92\xa1e\xc6\xff\xff\xff\xff", "invalid format"},
		{"string of 4 G", "\x83" + head + "\xa4data\x92\xa1e\xdb\xff\xff\xff\xff", "invalid format"},
		{"extension of 4 G", "\x83" + head + "\xa4data\x92\xa1e\xc9\xff\xff\xff\xff\x05", "invalid format"},
		{"nested without end", "\x83" + head + "\xa4data" + strings.Repeat("\x91", 1_000_000), "invalid format"},
		{"three attachments", "\x83" + head + "\xa4data\x94\xa1e\xc4\x00\xc4\x00\xc4\x00", "too many attachments"},
		{"what looks like a placeholder", "\x83" + head + "\xa4data\x93\xa1e\xc4\x00\x82\xac_placeholder\xc3\xa3num\x00", "invalid payload"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := decode([]byte(test.message), 2)
			if !errors.Is(err, protocol.ErrParse) || err.Error() != test.want {
				t.Errorf("got %q, %v; want %s", got, err, test.want)
			}
		})
	}
	if _, err := msgpack.Parser.NewDecoder(2).AddText([]byte("0")); !errors.Is(err, protocol.ErrParse) {
		t.Errorf("text: %v", err)
	}
}

// Whatever comes is refused or has a form that encodes to a packet that decodes to the same.
func FuzzDecode(f *testing.F) {
	for _, text := range []string{`0{"sid":"x"}`, `20["e",1.5,{"a":[null,"€"]}]`, `1/a,`} {
		m, _ := msgpack.Parser.Encode([]byte(text), nil)
		f.Add(m[0].Data)
	}
	f.Add([]byte("\x83\xa4type\x02\xa3nsp\xa1/\xa4data\x92\xa1e\xc4\x02\x01\x02"))
	f.Fuzz(func(t *testing.T, message []byte) {
		p, err := msgpack.Parser.NewDecoder(5).AddBinary(bytes.Clone(message))
		if err != nil {
			if !errors.Is(err, protocol.ErrParse) {
				t.Errorf("%v", err)
			}
			return
		}
		typ, attachments := p.Type, p.Attachments
		form := typ
		if len(attachments) > 0 {
			form += protocol.BinaryEvent - protocol.Event
		}
		text := append(protocol.AppendHeader(nil, form, len(attachments), p.Namespace, p.ID, p.HasID), p.Data...)
		again, err := msgpack.Parser.Encode(text, attachments)
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		q, err := msgpack.Parser.NewDecoder(5).AddBinary(again[0].Data)
		if err != nil || q.Type != typ || q.Namespace != p.Namespace || !slices.EqualFunc(q.Attachments, attachments, bytes.Equal) {
			t.Errorf("%q: %+v, %v", text, q, err)
		}
	})
}
