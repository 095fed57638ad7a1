package nats

import (
	"context"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/internal/brokertest"
)

func TestRecoveryAfterKill(t *testing.T) {
	factory := func(url string) adapter.Factory { return New(Config{URL: url}) }
	brokertest.RecoverAfterKill(t, factory, func(t *testing.T) (string, func(string) string) {
		s := startJetStream(t)
		conn, err := nats.Connect("nats://"+s.host(), dialTime)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(conn.Close)
		js, err := jetstream.New(conn)
		if err != nil {
			t.Fatal(err)
		}
		return "nats+jetstream://" + s.host(), func(pid string) string {
			ctx, cancel := context.WithTimeout(t.Context(), brokertest.Patience)
			defer cancel()
			kv, err := js.KeyValue(ctx, "socketio-sessions")
			if err != nil {
				t.Fatal(err)
			}
			entry, err := kv.Get(ctx, pid)
			if err != nil {
				return ""
			}
			return string(entry.Value())
		}
	})
}
