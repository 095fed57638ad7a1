package socketio_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/gosocketio/socketio"
)

type chatMessage struct {
	Room string `json:"room"`
	Text string `json:"text"`
}

const chatPacket = `42["message",{"room":"lobby","text":"hello"}]`

func skipUnderRace(t *testing.T) {
	t.Helper()
	if raceEnabled {
		t.Skip("allocations are counted without the race detector")
	}
}

// receiver is a server with a typed handler, and a function by which a client sends it an event and
// waits until it has been handled.
func receiver(t testing.TB) (send func()) {
	s, e := serve(t, socketio.Config{})
	handled := make(chan string)
	socketio.On(s, "message", func(_ *socketio.Event, m chatMessage) error {
		handled <- m.Text
		return nil
	})
	conn := e.WebSocket()
	conn.Join("/", "")
	frame := conn.Frame(chatPacket)
	return func() {
		if _, err := conn.Raw().Write(frame); err != nil {
			t.Fatal(err)
		}
		if text := <-handled; text != "hello" {
			t.Fatal(text)
		}
	}
}

// sender is n sockets whose clients read all they get.
func senders(t testing.TB, n int) (*socketio.Server, []*socketio.Socket) {
	s, e := serve(t, socketio.Config{})
	var sockets []*socketio.Socket
	for range n {
		conn := e.WebSocket()
		socket, ok := s.Socket(conn.Join("/", ""))
		if !ok {
			t.Fatal("no socket")
		}
		sockets = append(sockets, socket)
		go func() {
			buf := make([]byte, 4096)
			for {
				if _, err := conn.Raw().Read(buf); err != nil {
					return
				}
			}
		}()
	}
	return s, sockets
}

// Reading, decoding and dispatching a small event to a typed handler.
func TestReceiveAllocations(t *testing.T) {
	skipUnderRace(t)
	send := receiver(t)
	n := testing.AllocsPerRun(2000, send)
	if n > 3 {
		t.Errorf("%v allocations", n)
	}
	t.Logf("%v allocations", n)
}

// A long string that a handler gets is the event's own memory: the event, its payload, and where
// the string is put.
func TestReceiveLongAllocations(t *testing.T) {
	skipUnderRace(t)
	s, e := serve(t, socketio.Config{})
	handled := make(chan int)
	socketio.On(s, "message", func(_ *socketio.Event, text string) error {
		handled <- len(text)
		return nil
	})
	s.Handle("any", func(e *socketio.Event) error {
		handled <- len(e.Args()[0].(string))
		return nil
	})
	conn := e.WebSocket()
	conn.Join("/", "")
	for event, most := range map[string]float64{"message": 3, "any": 4} { // Args makes a slice and an interface
		frame := conn.Frame(`42["` + event + `","` + strings.Repeat("x", 1024) + `"]`)
		n := testing.AllocsPerRun(2000, func() {
			if _, err := conn.Raw().Write(frame); err != nil {
				t.Fatal(err)
			}
			if size := <-handled; size != 1024 {
				t.Fatal(size)
			}
		})
		if n > most {
			t.Errorf("%s: %v allocations", event, n)
		}
		t.Logf("%s: %v allocations", event, n)
	}
}

func TestEmitAllocations(t *testing.T) {
	skipUnderRace(t)
	_, sockets := senders(t, 1)
	emit := func() {
		if err := sockets[0].Emit("message", "hello", 42); err != nil {
			t.Fatal(err)
		}
	}
	if n := testing.AllocsPerRun(2000, emit); n > 3 {
		t.Errorf("%v allocations", n)
	}
}

// The allocations of a broadcast do not depend on the number of sockets, but for outboxes that
// grow.
func TestBroadcastAllocations(t *testing.T) {
	skipUnderRace(t)
	measure := func(n int) float64 {
		s, _ := senders(t, n)
		to := s.Volatile() // without queues, what remains is the broadcast
		return testing.AllocsPerRun(500, func() {
			if err := to.Emit("message", "hello", 42); err != nil {
				t.Fatal(err)
			}
		})
	}
	few, many := measure(2), measure(100)
	if few > 8 || many > few+4 {
		t.Errorf("%v allocations for 2 sockets, %v for 100", few, many)
	}
	t.Logf("%v allocations for 2 sockets, %v for 100", few, many)
}

func BenchmarkReceive(b *testing.B) {
	send := receiver(b)
	b.ReportAllocs()
	for b.Loop() {
		send()
	}
}

func BenchmarkEmit(b *testing.B) {
	_, sockets := senders(b, 1)
	b.ReportAllocs()
	for b.Loop() {
		if err := sockets[0].Emit("message", "hello", 42); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkBroadcast(b *testing.B) {
	for _, n := range []int{1, 100, 1000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s, _ := senders(b, n)
			b.ReportAllocs()
			for b.Loop() {
				if err := s.Emit("message", "hello", 42); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// A client sends 16 events in one write; the handlers' replies share a write too.
func BenchmarkBurst(b *testing.B) {
	for _, size := range []int{32, 1024} {
		b.Run(fmt.Sprint(size), func(b *testing.B) { benchmarkBurst(b, strings.Repeat("x", size)) })
	}
}

func benchmarkBurst(b *testing.B, text string) {
	const burst = 16
	s, e := serve(b, socketio.Config{})
	socketio.On(s, "echo", func(e *socketio.Event, text string) error { return e.Socket().Emit("echo", text) })
	conn := e.WebSocket()
	conn.Join("/", "")
	packet := `42["echo","` + text + `"]`
	frames := bytes.Repeat(conn.Frame(packet), burst)
	buf := make([]byte, len(frames)-4*burst) // those of a server have no mask
	reads := 0
	b.ReportAllocs()
	for b.Loop() {
		if _, err := conn.Raw().Write(frames); err != nil {
			b.Fatal(err)
		}
		for n := 0; n < len(buf); reads++ {
			m, err := conn.Raw().Read(buf[n:])
			if err != nil {
				b.Fatal(err)
			}
			n += m
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*burst), "ns/event")
	b.ReportMetric(float64(reads)/float64(b.N), "reads/burst")
}

// Asking one client, and a broadcast that asks ten.
func BenchmarkEmitWithAck(b *testing.B) {
	for _, n := range []int{1, 10} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s, e := serve(b, socketio.Config{})
			var one *socketio.Socket
			for range n {
				conn := e.WebSocket()
				one, _ = s.Socket(conn.Join("/", ""))
				go func() {
					for {
						text, _, err := conn.Next()
						if err != nil {
							return
						}
						if rest, ok := strings.CutPrefix(text, "42"); ok {
							_ = conn.TrySend("43" + strings.TrimSuffix(rest, `["q"]`) + "[]")
						}
					}
				}()
			}
			b.ReportAllocs()
			for b.Loop() {
				if n == 1 {
					if _, err := one.EmitWithAck(b.Context(), "q"); err != nil {
						b.Fatal(err)
					}
					continue
				}
				for _, err := range s.EmitWithAck(b.Context(), "q") {
					if err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}
