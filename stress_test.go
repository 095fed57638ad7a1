package socketio_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gosocketio/socketio"
)

// Sockets come, go, join, leave, emit, ask and broadcast from many goroutines at once, while others
// disconnect them. Whatever happens, each socket connects once and disconnects once, and nothing is
// left.
func TestStress(t *testing.T) {
	f := start(t)
	main, chat := f.Of("/"), f.Of("/chat")
	var connected, disconnected, concurrent atomic.Int64
	running := socketio.Namespace{} // only to have a key nobody else has
	for _, ns := range []*socketio.Namespace{main, chat} {
		enter := func(s *socketio.Socket) func() {
			v, _ := s.Value(&running)
			n := v.(*atomic.Int32)
			if n.Add(1) != 1 {
				concurrent.Add(1)
			}
			return func() { n.Add(-1) }
		}
		ns.Use(func(s *socketio.Socket) error {
			s.SetValue(&running, new(atomic.Int32))
			s.Join("early")
			return nil
		})
		ns.OnConnection(func(s *socketio.Socket) {
			defer enter(s)()
			connected.Add(1)
			s.Join("room")
			_ = s.To("room").Emit("hello", s.ID())
		})
		ns.OnDisconnecting(func(s *socketio.Socket, _ socketio.Reason) {
			defer enter(s)()
			_ = s.To("room").Emit("goodbye", s.ID())
		})
		ns.OnDisconnect(func(s *socketio.Socket, _ socketio.Reason) {
			defer enter(s)()
			disconnected.Add(1)
		})
		ns.Handle("ask", func(e *socketio.Event) error {
			defer enter(e.Socket())()
			_, err := e.Socket().Timeout(time.Millisecond).EmitWithAck(e.Context(), "q", []byte{1})
			_ = err // the client may answer, or not, or be gone
			return e.Ack(1)
		})
		ns.Handle("room", func(e *socketio.Event) error {
			defer enter(e.Socket())()
			e.Socket().Leave("room")
			e.Socket().Join("room", "other")
			return ns.To("room").Except("other").Emit("x", e.Args()...)
		})
		ns.Handle("bye", func(e *socketio.Event) error {
			defer enter(e.Socket())()
			e.Socket().Disconnect(false)
			return nil
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	var background sync.WaitGroup
	background.Go(func() {
		for ctx.Err() == nil {
			_ = main.Emit("tick")
			_ = chat.Volatile().Emit("tick", []byte{1})
			for _, err := range main.Timeout(time.Millisecond).EmitWithAck(ctx, "vote") {
				_ = err // some answer, some go, some do neither
			}
			for s, err := range chat.FetchSockets(ctx) {
				if err == nil {
					_ = s.Join("fetched")
				}
			}
			_ = main.To("fetched").DisconnectSockets(false)
			_ = main.SocketsLeave("other")
		}
	})

	var clients sync.WaitGroup
	for c := range 8 {
		clients.Go(func() {
			r := rand.New(rand.NewPCG(uint64(c), 1))
			for range 25 {
				conn, err := f.TryWebSocket()
				if err != nil {
					t.Error(err)
					return
				}
				joined := make(chan struct{}, 2)
				clients.Go(func() {
					defer close(joined)
					for {
						text, _, err := conn.Next()
						if err != nil {
							return
						}
						if strings.HasPrefix(text, "40") {
							joined <- struct{}{}
						}
					}
				})
				_ = conn.TrySend("40")
				_ = conn.TrySend("40/chat,")
				<-joined
				<-joined
				for i := range 20 {
					p := []string{"", "/chat,"}[r.IntN(2)]
					packet := []string{
						`42%s["room",%d]`, `42%s0["ask",%d]`, `43%s%d[]`, `42%s["nobody",%d]`,
					}[r.IntN(4)]
					if r.IntN(60) == 0 {
						packet = `42%s["bye",%d]`
					}
					if conn.TrySend(fmt.Sprintf(packet, p, i)) != nil {
						break
					}
				}
				if r.IntN(2) == 0 {
					_ = conn.TrySend("41")
				}
				conn.Close()
			}
		})
	}
	clients.Wait()
	cancel()
	background.Wait()
	f.stop(t)
	if connected.Load() != disconnected.Load() {
		t.Errorf("%d connected, %d disconnected", connected.Load(), disconnected.Load())
	}
	if n := concurrent.Load(); n != 0 {
		t.Errorf("%d functions ran while another one of their socket was running", n)
	}
	if connected.Load() == 0 {
		t.Error("nobody connected: the test tests nothing")
	}
	for _, ns := range f.Namespaces() {
		if n := socketio.OwedAcks(ns); n != 0 {
			t.Errorf("%d broadcasts are waited for in %s", n, ns.Name())
		}
	}
	t.Logf("%d sockets", connected.Load())
}
