package protocol

import (
	"fmt"
	"strings"
	"testing"
)

func BenchmarkAddText(b *testing.B) {
	for _, bc := range []struct{ name, in string }{
		{"small", `2["message","hello"]`},
		{"object", `2/chat,12["message",{"text":"hello","room":"lobby","n":42}]`},
		{"1KB", `2["message","` + strings.Repeat("x", 1024) + `"]`},
		{"4KB", `2["message","` + strings.Repeat("Lorem ipsum dolor sit amet. ", 146) + `"]`},
	} {
		b.Run(bc.name, func(b *testing.B) {
			var d Decoder
			data := []byte(bc.in)
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := d.AddText(data); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkAddBinary(b *testing.B) {
	var d Decoder
	text, data := []byte(`51-["b",{"_placeholder":true,"num":0}]`), make([]byte, 1024)
	b.SetBytes(1024)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := d.AddText(text); err != nil {
			b.Fatal(err)
		}
		if _, err := d.AddBinary(data); err != nil {
			b.Fatal(err)
		}
	}
}

type chatMessage struct {
	Text string `json:"text"`
	Room string `json:"room"`
	N    int    `json:"n"`
}

type chatPicture struct {
	Name string `json:"name"`
	Data []byte `json:"data"`
}

func BenchmarkAppendPacket(b *testing.B) {
	for _, bc := range []struct {
		name string
		args []any
	}{
		{"string", []any{"hello"}},
		{"map", []any{map[string]any{"text": "hello", "room": "lobby", "n": 42}}},
		{"struct", []any{chatMessage{"hello", "lobby", 42}}},
		{"bytes", []any{make([]byte, 100)}},
		{"struct with bytes", []any{chatPicture{"me", make([]byte, 100)}}},
		{"1KB", []any{strings.Repeat("x", 1024)}},
		{"4KB", []any{strings.Repeat("Lorem ipsum dolor sit amet. ", 146)}},
		{"16KB object", []any{decoded(object(16 << 10))}},
	} {
		b.Run(bc.name, func(b *testing.B) {
			var dst []byte
			b.ReportAllocs()
			for b.Loop() {
				var err error
				if dst, _, err = AppendPacket(dst[:0], Event, "/chat", 12, true, "message", bc.args); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// object returns an object of about size bytes.
func object(size int) string {
	b := []byte(`{"rows":[`)
	for i := 0; len(b) < size-60; i++ {
		b = fmt.Appendf(b, `{"id":%d,"name":"user %d","ok":true,"score":%d.5,"tags":["a","b"]},`, i, i, i)
	}
	return string(b) + "null]}"
}

func BenchmarkDecode(b *testing.B) {
	atts := [][]byte{make([]byte, 100)}
	for _, bc := range []struct {
		name, raw string
		into      any
	}{
		{"string", `"hello"`, new(string)},
		{"string as any", `"hello"`, nil},
		{"1KB", `"` + strings.Repeat("x", 1024) + `"`, new(string)},
		{"1KB as any", `"` + strings.Repeat("x", 1024) + `"`, nil},
		{"int as any", "42", nil},
		{"int", "42", new(int)},
		{"struct", `{"text":"hello","room":"lobby","n":42}`, new(chatMessage)},
		{"map", `{"text":"hello","room":"lobby","n":42}`, new(map[string]any)},
		{"1KB object as any", object(1 << 10), nil},
		{"16KB object as any", object(16 << 10), nil},
		{"bytes", ph0, new([]byte)},
		{"struct with bytes", `{"name":"me","data":` + ph0 + "}", new(chatPicture)},
	} {
		b.Run(bc.name, func(b *testing.B) {
			raw := []byte(bc.raw)
			b.ReportAllocs()
			for b.Loop() {
				into := bc.into
				if into == nil {
					into = new(any)
				}
				if err := Decode(raw, atts, into); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func decoded(raw string) (v any) {
	if err := Decode([]byte(raw), nil, &v); err != nil {
		panic(err)
	}
	return v
}
