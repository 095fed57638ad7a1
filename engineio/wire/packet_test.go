package wire

import (
	"errors"
	"testing"
)

func TestDecodeText(t *testing.T) {
	for _, tc := range []struct {
		rule, in string
		want     Packet
	}{
		{"open with data", `0{"sid":"a"}`, Packet{Type: Open, Data: []byte(`{"sid":"a"}`)}},
		{"close", "1", Packet{Type: Close}},
		{"ping", "2", Packet{Type: Ping}},
		{"ping with data", "2probe", Packet{Type: Ping, Data: []byte("probe")}},
		{"pong with data", "3probe", Packet{Type: Pong, Data: []byte("probe")}},
		{"message", "4hello", Packet{Type: Message, Data: []byte("hello")}},
		{"message with non-ASCII text", "4€", Packet{Type: Message, Data: []byte("€")}},
		{"message without data", "4", Packet{Type: Message}},
		{"upgrade", "5", Packet{Type: Upgrade}},
		{"noop", "6", Packet{Type: Noop}},
		{"binary message in base64", "bAQIDBA==", Packet{Type: Message, Binary: true, Data: []byte{1, 2, 3, 4}}},
		{"lone b is an empty binary message", "b", Packet{Type: Message, Binary: true}},
		{"a separator in a WebSocket frame is data", "4a\x1eb", Packet{Type: Message, Data: []byte("a\x1eb")}},
		{"base64 that starts like a packet", "b4444", Packet{Type: Message, Binary: true, Data: []byte{0xe3, 0x8e, 0x38}}},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			got, err := DecodeText([]byte(tc.in))
			if err != nil {
				t.Fatalf("DecodeText(%q): %v", tc.in, err)
			}
			if got.Type != tc.want.Type || got.Binary != tc.want.Binary || string(got.Data) != string(tc.want.Data) {
				t.Errorf("DecodeText(%q) = %v, want %v", tc.in, got, tc.want)
			}
		})
	}
}

func TestDecodeTextRefuses(t *testing.T) {
	t.Attr("covers", "extra/engine-parser/index/2")
	for _, tc := range []struct{ rule, in string }{
		{"empty packet", ""},
		{"type above 6", "7"},
		{"type above 6 with data", "9x"},
		{"a letter other than b", "abc"},
		{"capital B", "BAQID"},
		{"space", " 4"},
		{"the separator alone", "\x1e"},
		{"a byte that is not ASCII", "\xff"},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			if p, err := DecodeText([]byte(tc.in)); !errors.Is(err, ErrPacket) {
				t.Errorf("DecodeText(%q) = %v, %v; want ErrPacket", tc.in, p, err)
			}
		})
	}
}

func TestTypeString(t *testing.T) {
	for typ, want := range map[Type]string{
		Open: "open", Close: "close", Ping: "ping", Pong: "pong", Message: "message",
		Upgrade: "upgrade", Noop: "noop", 7: "type 7", 255: "type 255",
	} {
		if got := typ.String(); got != want {
			t.Errorf("Type(%d).String() = %q, want %q", byte(typ), got, want)
		}
	}
}

func TestDecodeTextOfTextAllocatesNothing(t *testing.T) {
	frame := []byte(`42["message","hello"]`)
	if n := testing.AllocsPerRun(100, func() {
		if _, err := DecodeText(frame); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("DecodeText allocates %v times, want 0", n)
	}
}

func BenchmarkDecodeText(b *testing.B) {
	frame := []byte(`42["message","hello"]`)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := DecodeText(frame); err != nil {
			b.Fatal(err)
		}
	}
}
