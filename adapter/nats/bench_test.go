package nats

import (
	"context"
	"fmt"
	"testing"

	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/adapter/clusterwire"
)

// Batches of the outbox, to a stream on one and on three NATS servers.
func BenchmarkWrite(b *testing.B) {
	for _, replicas := range []int{1, 3} {
		c := Config{JetStream: true, Replicas: replicas}
		for _, s := range startCluster(b, replicas) {
			c.Addrs = append(c.Addrs, s.host())
		}
		c, err := c.resolve()
		if err != nil {
			b.Fatal(err)
		}
		x := newStream(c)
		if err := x.Start(b.Context(), "aaaaaa", func(err error) { b.Log(err) }); err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = x.Close(context.Background()) })
		m := event("aaaaaa", 1, "room")
		data, _, err := clusterwire.Encode(m)
		if err != nil {
			b.Fatal(err)
		}
		for _, size := range []int{1, 8, 512} {
			items := make([]*adapter.Item, size)
			for i := range items {
				items[i] = &adapter.Item{Key: c.Prefix + ".b.log.aaaaaa", Data: data, Message: m}
			}
			b.Run(fmt.Sprintf("replicas=%d/batch=%d", replicas, size), func(b *testing.B) {
				for n := 0; n < b.N; n += size {
					if _, err := x.writer.write(b.Context(), items); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
