package nats

import (
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/adapter/adaptertest"
)

func TestSuite(t *testing.T) {
	for name, c := range map[string]Config{
		"dynamic":   {},
		"static":    {SubscriptionMode: Static},
		"JetStream": {JetStream: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // it waits most of the time
			nats := startNATS(t, suiteOptions)
			adaptertest.Suite{
				Adapters: func(t *testing.T, n int) []adapter.Factory { return adapters(c, nats.host(), n) },
				Faulty: func(t *testing.T, n int) ([]adapter.Factory, adaptertest.Faults) {
					nats := startNATS(t, suiteOptions)
					p := startProxy(t, nats.host())
					return adapters(c, p.Addr(), n), adaptertest.Faults{
						Cut: p.Cut, Stop: p.Stop, Continue: p.Continue, Kill: nats.Kill, Restart: nats.Restart,
						Lossless: c.JetStream,
					}
				},
			}.Run(t)
		})
	}
}

func suiteOptions(o *server.Options) { o.JetStream, o.MaxPayload = true, 8<<20 }

var prefixes atomic.Int64

// adapters returns those of n servers that share a prefix with nobody.
func adapters(c Config, host string, n int) (list []adapter.Factory) {
	c.Addrs, c.Prefix = []string{host}, fmt.Sprint("test-", prefixes.Add(1))
	for range n {
		list = append(list, New(c))
	}
	return list
}
