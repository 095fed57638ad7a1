package redis

import (
	"strings"
	"testing"

	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/adapter/adaptertest"
	"github.com/gosocketio/socketio/adapter/redis/redistest"
)

// The tests of every adapter, over each wire and mode. One Redis serves all: each test has a prefix of
// its own.
func TestSuite(t *testing.T) {
	each(t, func(t *testing.T, _ *redistest.Server, c Config) {
		adaptertest.Suite{Adapters: func(t *testing.T, n int) []adapter.Factory {
			c.Prefix = strings.ReplaceAll(t.Name(), "/", "-")
			all := make([]adapter.Factory, n)
			for i := range all {
				all[i] = New(c)
			}
			return all
		}}.Run(t)
	})
}
