package engineio

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsflate"

	"github.com/gosocketio/socketio/engineio/wire"
	"github.com/gosocketio/socketio/internal/bufpool"
)

// Whatever is to be inflated, nothing panics, and what comes out stays within the limit.
func FuzzInflate(f *testing.F) {
	for _, text := range []string{"", "4hello", "4" + string(make([]byte, 5000))} {
		frame, err := wsflate.CompressFrame(ws.NewTextFrame([]byte(text)))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(frame.Payload, 1000)
		f.Add(frame.Payload[:len(frame.Payload)/2], 1000)
	}
	f.Add([]byte("\xf3\x48\xcd\xc9\xc9\x07\x00\x00"), 100) // RFC 7692, section 7.2.3.5: a last block and an empty one
	f.Fuzz(func(t *testing.T, b []byte, limit int) {
		limit = 1 + int(uint(limit)%100_000)
		before := bytes.Clone(b)
		out, err := inflate(b, limit)
		if !bytes.Equal(b, before) {
			t.Fatal("the message was changed")
		}
		var broken *fault
		switch {
		case err == nil && len(*out) > limit:
			t.Fatalf("%d bytes, the limit is %d", len(*out), limit)
		case err == nil && cap(*out) > max(bufpool.Large, 2*limit):
			t.Fatalf("a buffer of %d bytes, the limit is %d", cap(*out), limit)
		case err == nil:
			bufpool.Put(out)
		case !errors.As(err, &broken):
			t.Fatal(err)
		}
	})
}

// What is deflated is inflated to the same, frame by frame, and frames that are not worth it are left as they are.
func FuzzDeflate(f *testing.F) {
	f.Add([]byte("hello"), []byte{}, 1)
	f.Add(bytes.Repeat([]byte("a"), 700), bytes.Repeat([]byte{0, 255}, 200), 100)
	f.Fuzz(func(t *testing.T, text, binary []byte, threshold int) {
		c := &PerMessageDeflate{Threshold: 1 + int(uint(threshold)%5000), Level: 1 + int(uint(threshold)%9)}
		frames := wire.AppendText(nil, wire.Message, text)
		frames = append(frames, 0x89, 1, 'p')
		frames = wire.AppendBinary(frames, binary)
		r := bytes.NewReader(newDeflater(c).frames(frames))
		for _, want := range []ws.Frame{ws.NewTextFrame(append([]byte{'4'}, text...)), ws.NewPingFrame([]byte("p")), ws.NewBinaryFrame(binary)} {
			got, err := ws.ReadFrame(r)
			if err != nil {
				t.Fatal(err)
			}
			payload := got.Payload
			if got.Header.Rsv1() {
				if len(payload) >= len(want.Payload) || len(want.Payload) < c.Threshold || want.Header.OpCode.IsControl() {
					t.Errorf("%d bytes were compressed to %d; the threshold is %d", len(want.Payload), len(payload), c.Threshold)
				}
				out, err := inflate(payload, len(want.Payload))
				if err != nil {
					t.Fatal(err)
				}
				defer bufpool.Put(out)
				payload = *out
			}
			if got.Header.OpCode != want.Header.OpCode || !bytes.Equal(payload, want.Payload) {
				t.Fatalf("got a %d of %d bytes, want a %d of %d", got.Header.OpCode, len(payload), want.Header.OpCode, len(want.Payload))
			}
		}
		if r.Len() > 0 {
			t.Errorf("%d bytes too many", r.Len())
		}
	})
}

// chat is a message as chats have them, of so many bytes.
func chat(size int) []byte {
	var b bytes.Buffer
	for i := 0; b.Len() < size; i++ {
		fmt.Fprintf(&b, `42["message",{"from":"user %d","room":"lobby","text":"What do you think of number %d?","at":%d}]`, i%17, i*i, 1_700_000_000_000+int64(i)*997)
	}
	return b.Bytes()[:size]
}

func BenchmarkDeflate(b *testing.B) {
	for _, size := range []int{1 << 10, 16 << 10, 256 << 10} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			d := newDeflater(&PerMessageDeflate{Threshold: 1, Level: 1})
			frames := wire.AppendText(nil, wire.Message, chat(size))
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				d.frames(frames)
			}
			b.ReportMetric(float64(len(d.frames(frames)))/float64(size), "ratio")
		})
	}
}

func BenchmarkInflate(b *testing.B) {
	for _, size := range []int{1 << 10, 16 << 10, 256 << 10} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			frame, err := wsflate.CompressFrame(ws.NewTextFrame(chat(size)))
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				out, err := inflate(frame.Payload, size)
				if err != nil {
					b.Fatal(err)
				}
				bufpool.Put(out)
			}
		})
	}
}
