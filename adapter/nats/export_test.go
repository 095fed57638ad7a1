package nats

import (
	"context"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// StartForRecovery starts a NATS server with JetStream. It returns its address, and what reads a
// session as it is stored, "" if it is not there.
func StartForRecovery(t *testing.T) (host string, session func(pid string) string) {
	t.Helper()
	s := startJetStream(t)
	conn, err := nats.Connect("nats://" + s.host())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	return s.host(), func(pid string) string {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
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
}
