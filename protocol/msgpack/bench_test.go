package msgpack_test

import (
	"strings"
	"testing"

	"github.com/gosocketio/socketio/protocol"
	"github.com/gosocketio/socketio/protocol/msgpack"
)

func BenchmarkEncode(b *testing.B) {
	for _, bc := range []struct {
		name, text string
		atts       [][]byte
	}{
		{"small", `2["message","hello"]`, nil},
		{"object", `2/chat,12["message",{"text":"hello","room":"lobby","n":42,"list":[1,2,3,{"a":null}]}]`, nil},
		{"bytes", `51-["b",{"_placeholder":true,"num":0}]`, [][]byte{make([]byte, 100)}},
		{"1KB", `2["message","` + strings.Repeat("x", 1024) + `"]`, nil},
	} {
		b.Run(bc.name, func(b *testing.B) {
			b.ReportAllocs()
			text := []byte(bc.text)
			for b.Loop() {
				if _, err := msgpack.Parser.Encode(text, bc.atts); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkDecode(b *testing.B) {
	for _, bc := range []struct{ name, text string }{
		{"small", `2["message","hello"]`},
		{"object", `2/chat,12["message",{"text":"hello","room":"lobby","n":42,"list":[1,2,3,{"a":null}]}]`},
		{"1KB", `2["message","` + strings.Repeat("x", 1024) + `"]`},
	} {
		m, err := msgpack.Parser.Encode([]byte(bc.text), nil)
		if err != nil {
			b.Fatal(err)
		}
		d := msgpack.Parser.NewDecoder(protocol.DefaultMaxAttachments)
		b.Run(bc.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := d.AddBinary(m[0].Data); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
