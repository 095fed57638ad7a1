package wire

import (
	"bytes"
	"fmt"
	"math"
	"testing"

	"github.com/gobwas/ws"
)

// sizes lie around the bounds of the three forms of a frame's length.
var sizes = []int{0, 1, 2, 124, 125, 126, 127, 1000, math.MaxUint16 - 1, math.MaxUint16, math.MaxUint16 + 1, math.MaxUint16 + 2, 200_000}

// check reads frame with another implementation of RFC 6455.
func check(t *testing.T, frame []byte, op ws.OpCode, want []byte) {
	t.Helper()
	r := bytes.NewReader(frame)
	f, err := ws.ReadFrame(r)
	if err != nil {
		t.Fatal(err)
	}
	if h := f.Header; !h.Fin || h.Rsv != 0 || h.OpCode != op || h.Masked {
		t.Errorf("header = %+v, want a final unmasked frame with opcode %v", h, op)
	}
	if !bytes.Equal(f.Payload, want) {
		t.Errorf("payload of %d bytes differs from the %d bytes framed", len(f.Payload), len(want))
	}
	if r.Len() != 0 {
		t.Errorf("%d bytes after the frame", r.Len())
	}
	if shortest := ws.HeaderSize(f.Header) + len(want); len(frame) != shortest {
		t.Errorf("frame has %d bytes, want the shortest form of %d", len(frame), shortest)
	}
}

func TestFramesOfEverySize(t *testing.T) {
	for _, n := range sizes {
		data := bytes.Repeat([]byte{'x'}, n)
		text := append([]byte{'4'}, data...)

		t.Run(fmt.Sprintf("AppendText/%d", n), func(t *testing.T) {
			check(t, AppendText(nil, Message, data), ws.OpText, text)
		})
		t.Run(fmt.Sprintf("AppendBinary/%d", n), func(t *testing.T) {
			check(t, AppendBinary(nil, data), ws.OpBinary, data)
		})
		for _, spare := range []int{0, 100} {
			t.Run(fmt.Sprintf("FinishText/%d/spare %d", n, spare), func(t *testing.T) {
				buf := make([]byte, HeadRoom, HeadRoom+n+spare)
				check(t, FinishText(append(buf, data...)), ws.OpText, data)
			})
		}
	}
}

// The two ways to make a frame give the same bytes, those of the official server.
func TestFrameOfAText(t *testing.T) {
	t.Attr("covers", "adapter/index/6")
	const want = "\x81\x044123"
	if got := AppendText(nil, Message, []byte("123")); string(got) != want {
		t.Errorf("AppendText gave %q", got)
	}
	if got := FinishText(append(make([]byte, HeadRoom), "4123"...)); string(got) != want {
		t.Errorf("FinishText gave %q", got)
	}
}

func TestFinishTextStaysInItsBuffer(t *testing.T) {
	for _, n := range []int{1, 125, 126, math.MaxUint16} {
		buf := make([]byte, HeadRoom+n)
		got := FinishText(buf)
		if &got[len(got)-1] != &buf[len(buf)-1] {
			t.Errorf("a text of %d bytes was moved", n)
		}
	}
	if n := testing.AllocsPerRun(100, func() {
		var buf [HeadRoom + 10]byte
		FinishText(buf[:])
	}); n != 0 {
		t.Errorf("FinishText allocates %v times, want 0", n)
	}
}

func TestNextFrameWalksWhatWasAppended(t *testing.T) {
	var frames []byte
	for i, n := range sizes {
		if data := bytes.Repeat([]byte{byte(i)}, n); i%2 == 0 {
			frames = AppendBinary(frames, data)
		} else {
			frames = AppendText(frames, Message, data)
		}
	}
	for i, n := range sizes {
		binary, payload, rest := NextFrame(frames)
		if binary != (i%2 == 0) {
			t.Errorf("frame %d: binary = %v", i, binary)
		}
		if !binary {
			payload = payload[1:]
		}
		if !bytes.Equal(payload, bytes.Repeat([]byte{byte(i)}, n)) {
			t.Errorf("frame %d: wrong payload of %d bytes, want %d", i, len(payload), n)
		}
		frames = rest
	}
	if len(frames) != 0 {
		t.Errorf("%d bytes left over", len(frames))
	}
}

func TestNextFrameSurvivesGarbage(t *testing.T) {
	for _, in := range []string{
		"", "\x81", "\x81\x05abc", "\x81\x7e", "\x81\x7e\x00", "\x81\x7e\xff\xffx", "\x81\x7f\x00\x00",
		"\x81\x7f\xff\xff\xff\xff\xff\xff\xff\xff", "\x81\x7f\x80\x00\x00\x00\x00\x00\x00\x00abc", "\x82\x80", "\x82\xff",
	} {
		if _, payload, rest := NextFrame([]byte(in)); payload != nil || rest != nil {
			t.Errorf("NextFrame(%q) = %q, %q; want nothing", in, payload, rest)
		}
	}
}

func FuzzNextFrame(f *testing.F) {
	f.Add(AppendBinary(AppendText(nil, Message, []byte("a")), make([]byte, 300)))
	f.Add([]byte("\x81\x7f\xff\xff\xff\xff\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, frames []byte) {
		for len(frames) > 0 {
			_, payload, rest := NextFrame(frames)
			if len(payload)+len(rest) >= len(frames) {
				t.Fatalf("%d bytes gave %d and %d", len(frames), len(payload), len(rest))
			}
			frames = rest
		}
	})
}

func BenchmarkAppendText(b *testing.B) {
	data := bytes.Repeat([]byte{'x'}, 128)
	var dst []byte
	b.ReportAllocs()
	for b.Loop() {
		dst = AppendText(dst[:0], Message, data)
	}
}

func BenchmarkFinishText(b *testing.B) {
	buf := make([]byte, HeadRoom+128)
	b.ReportAllocs()
	for b.Loop() {
		FinishText(buf)
	}
}
