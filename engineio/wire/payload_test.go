package wire

import (
	"bytes"
	"errors"
	"testing"
)

// read decodes a whole payload.
func read(payload []byte) (packets []Packet, err error) {
	for more := true; more; {
		var p Packet
		if p, payload, more, err = NextPacket(payload); err != nil {
			return packets, err
		}
		packets = append(packets, p)
	}
	return packets, nil
}

func same(a, b []Packet) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i].Type != b[i].Type || a[i].Binary != b[i].Binary || !bytes.Equal(a[i].Data, b[i].Data) {
			return false
		}
	}
	return true
}

func TestNextPacket(t *testing.T) {
	t.Attr("covers", "extra/engine-parser/index/3 extra/engine-parser/index/4")
	a := Packet{Type: Message, Data: []byte("a")}
	bin := Packet{Type: Message, Binary: true, Data: []byte{1, 2, 3, 4}}
	for _, tc := range []struct {
		rule, in string
		want     []Packet
		bad      bool
	}{
		{rule: "one packet", in: "4a", want: []Packet{a}},
		{rule: "all types", in: "0\x1e1\x1e2\x1e3probe\x1e4a\x1e5\x1e6", want: []Packet{
			{Type: Open}, {Type: Close}, {Type: Ping}, {Type: Pong, Data: []byte("probe")}, a, {Type: Upgrade}, {Type: Noop},
		}},
		{rule: "text and binary", in: "4a\x1ebAQIDBA==\x1e4a", want: []Packet{a, bin, a}},
		{rule: "message without data", in: "4\x1e4a", want: []Packet{{Type: Message}, a}},
		{rule: "lone b between packets", in: "4a\x1eb\x1e4a", want: []Packet{a, {Type: Message, Binary: true}, a}},
		{rule: "empty body", in: "", bad: true},
		{rule: "trailing separator", in: "4a\x1e", want: []Packet{a}, bad: true},
		{rule: "leading separator", in: "\x1e4a", bad: true},
		{rule: "only a separator", in: "\x1e", bad: true},
		{rule: "empty packet in the middle", in: "4a\x1e\x1e4a", want: []Packet{a}, bad: true},
		{rule: "decoding stops at the first error", in: "4a\x1e4a\x1eabc\x1e4a", want: []Packet{a, a}, bad: true},
		{rule: "malformed JSON is no packet", in: "{", bad: true},
		{rule: "malformed payload", in: "{}", bad: true},
		{rule: "malformed array", in: `["a123", "a456"]`, bad: true},
		{rule: "protocol 3 payload", in: "6:4hello", want: []Packet{{Type: Noop, Data: []byte(":4hello")}}},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			got, err := read([]byte(tc.in))
			if !same(got, tc.want) {
				t.Errorf("packets of %q = %v, want %v", tc.in, got, tc.want)
			}
			if bad := errors.Is(err, ErrPacket); bad != tc.bad || (err != nil) != tc.bad {
				t.Errorf("error of %q = %v, want one: %v", tc.in, err, tc.bad)
			}
		})
	}
}

func TestNextPacketGivesNoRoomToOverwriteTheRest(t *testing.T) {
	payload := []byte("4a\x1e4b")
	p, _, _, err := NextPacket(payload)
	if err != nil {
		t.Fatal(err)
	}
	_ = append(p.Data, "xxxx"...)
	if string(payload) != "4a\x1e4b" {
		t.Errorf("appending to a packet changed the payload to %q", payload)
	}
}

func TestAppendPayload(t *testing.T) {
	t.Attr("covers", "extra/engine-parser/browser/7 extra/engine-parser/node/2 extra/engine-parser/node/8")
	text := AppendText(nil, Message, []byte("€"))
	bin := AppendBinary(nil, []byte{1, 2, 3, 4})
	for _, tc := range []struct {
		rule   string
		frames []byte
		want   string
	}{
		{"nothing", nil, ""},
		{"text", text, "4€"},
		{"binary", bin, "bAQIDBA=="},
		{"empty binary is a lone b", AppendBinary(nil, nil), "b"},
		{"message without data", AppendText(nil, Message, nil), "4"},
		{"text and binary", append(bytes.Clone(text), bin...), "4€\x1ebAQIDBA=="},
		{"control packets", AppendText(AppendText(nil, Noop, nil), Close, nil), "6\x1e1"},
		{"a separator in text is not escaped", AppendText(nil, Message, []byte("a\x1eb")), "4a\x1eb"},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			if got := string(AppendPayload(nil, tc.frames, true)); got != tc.want {
				t.Errorf("payload = %q, want %q", got, tc.want)
			}
			if got := PayloadLen(tc.frames); got != len(tc.want) {
				t.Errorf("PayloadLen = %d, want %d", got, len(tc.want))
			}
			next := "4x"
			if tc.want != "" {
				next += "\x1e" + tc.want
			}
			if got := string(AppendPayload([]byte("4x"), tc.frames, false)); got != next {
				t.Errorf("payload after another = %q, want %q", got, next)
			}
		})
	}
}

// What is framed and transcoded arrives; the input picks packets: an odd byte
// is a binary message, an even one a text, with the following bytes as data.
func FuzzPayload(f *testing.F) {
	f.Add([]byte("\x03abc\x02de\x00\x01"))
	f.Add(bytes.Repeat([]byte{255}, 600))
	f.Fuzz(func(t *testing.T, in []byte) {
		var frames []byte
		var want []Packet
		for len(in) > 0 {
			n := min(int(in[0]), len(in)-1)
			p := Packet{Type: Message, Binary: in[0]%2 == 1, Data: in[1 : 1+n]}
			in = in[1+n:]
			if p.Binary {
				frames = AppendBinary(frames, p.Data)
			} else {
				p.Data = bytes.ReplaceAll(p.Data, []byte{Separator}, nil)
				frames = AppendText(frames, Message, p.Data)
			}
			want = append(want, p)
		}
		payload := AppendPayload(nil, frames, true)
		if len(payload) != PayloadLen(frames) {
			t.Fatalf("PayloadLen = %d, AppendPayload gave %d", PayloadLen(frames), len(payload))
		}
		if len(want) == 0 {
			return
		}
		got, err := read(payload)
		if err != nil {
			t.Fatal(err)
		}
		if !same(got, want) {
			t.Errorf("%v came back as %v", want, got)
		}
	})
}

// Any body decodes or fails without a panic, and what decodes can be sent.
func FuzzNextPacket(f *testing.F) {
	f.Add([]byte("4a\x1ebAQI=\x1e2probe"))
	f.Add([]byte("\x1e\x1e"))
	f.Fuzz(func(t *testing.T, body []byte) {
		packets, err := read(body)
		if err != nil && !errors.Is(err, ErrPacket) {
			t.Fatal(err)
		}
		if len(packets) == 0 {
			return
		}
		var frames []byte
		for _, p := range packets {
			if p.Binary {
				frames = AppendBinary(frames, p.Data)
			} else {
				frames = AppendText(frames, p.Type, p.Data)
			}
		}
		again, err := read(AppendPayload(nil, frames, true))
		if err != nil {
			t.Fatal(err)
		}
		if !same(again, packets) {
			t.Errorf("%v came back as %v", packets, again)
		}
	})
}

func FuzzDecodeText(f *testing.F) {
	for _, s := range []string{"", "4", "4hello", "b", "bAQIDBA==", "7", "2probe"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, frame []byte) {
		p, err := DecodeText(frame)
		if err != nil {
			if !errors.Is(err, ErrPacket) {
				t.Fatal(err)
			}
			return
		}
		if p.Binary {
			if frame[0] != 'b' || p.Type != Message {
				t.Fatalf("%q gave %v", frame, p)
			}
			return
		}
		if _, text, _ := NextFrame(AppendText(nil, p.Type, p.Data)); !bytes.Equal(text, frame) {
			t.Errorf("%q came back as %q", frame, text)
		}
	})
}

func TestTranscodingAllocatesNothing(t *testing.T) {
	frames := AppendBinary(AppendText(nil, Message, []byte(`2["a"]`)), make([]byte, 100))
	dst := make([]byte, 0, PayloadLen(frames))
	if n := testing.AllocsPerRun(100, func() { dst = AppendPayload(dst[:0], frames, true) }); n != 0 {
		t.Errorf("AppendPayload allocates %v times, want 0", n)
	}
}

func BenchmarkAppendPayload(b *testing.B) {
	var frames []byte
	for range 10 {
		frames = AppendText(frames, Message, []byte(`2["message","hello"]`))
	}
	var dst []byte
	b.ReportAllocs()
	for b.Loop() {
		dst = AppendPayload(dst[:0], frames, true)
	}
}

func BenchmarkNextPacket(b *testing.B) {
	body := bytes.TrimSuffix(bytes.Repeat([]byte("42[\"message\",\"hello\"]\x1e"), 10), []byte{Separator})
	b.ReportAllocs()
	for b.Loop() {
		for rest, more := body, true; more; {
			var err error
			if _, rest, more, err = NextPacket(rest); err != nil {
				b.Fatal(err)
			}
		}
	}
}
