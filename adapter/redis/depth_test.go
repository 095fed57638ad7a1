package redis

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/adapter/redis/redistest"
	"github.com/gosocketio/socketio/internal/brokertest"
	"github.com/gosocketio/socketio/siotest"
)

// What is nested too deep for official servers is not sent, over any wire.
func TestNestedTooDeep(t *testing.T) {
	each(t, func(t *testing.T, _ *redistest.Server, c Config) {
		a, b := socketio.New(socketio.Config{Adapter: New(c)}), socketio.New(socketio.Config{Adapter: New(c)})
		siotest.Serve(t, a)
		client, err := siotest.Serve(t, b).Connect(brokertest.Limit(t), "/", nil)
		if err != nil {
			t.Fatal(err)
		}
		quoted := strings.Repeat(`[{`, 2000) // does not count
		for depth, want := range map[int]error{maxDepth - 1: nil, maxDepth: adapter.ErrTooLarge} {
			value := json.RawMessage(strings.Repeat("[", depth) + strings.Repeat("]", depth))
			if err := a.Emit("deep", quoted, value); !errors.Is(err, want) {
				t.Errorf("depth %d: got %v, want %v", depth, err, want)
			}
		}
		emitter, err := NewEmitter(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = emitter.Close() }()
		deep := json.RawMessage(strings.Repeat("[", maxDepth) + strings.Repeat("]", maxDepth))
		if err := emitter.Emit("deep", deep); !errors.Is(err, adapter.ErrTooLarge) {
			t.Errorf("an emitter: %v", err)
		}
		if m, err := client.Next(brokertest.Limit(t)); err != nil || m.Len() != 2 {
			t.Errorf("got %v, %v", m, err)
		}
	})
}
