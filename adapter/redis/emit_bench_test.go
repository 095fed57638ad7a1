package redis

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/adapter/redis/redistest"
)

// BenchmarkEmit is what a broadcast to a room on other servers costs, with the send to a real Redis.
func BenchmarkEmit(b *testing.B) {
	addr := redistest.Start(b).Addr()
	for _, wire := range []Wire{PubSub, Sharded, Streams} {
		for _, size := range []int{32, 1024} {
			b.Run(fmt.Sprintf("%v/%d", wire, size), func(b *testing.B) {
				s := socketio.New(socketio.Config{Adapter: New(Config{Addrs: []string{addr}, Wire: wire})})
				defer func() { _ = s.Shutdown(b.Context()) }()
				to, text := s.To("nobody"), strings.Repeat("x", size)
				b.ReportAllocs()
				for b.Loop() {
					for to.Emit("event", text) != nil {
						time.Sleep(time.Millisecond) // the outbox is full
					}
				}
				for s.Stats().Broker.QueuedBytes > 0 {
					time.Sleep(100 * time.Microsecond)
				}
			})
		}
	}
}
