package postgres

import (
	"strings"
	"testing"

	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/adapter/adaptertest"
	"github.com/gosocketio/socketio/adapter/postgres/pgtest"
)

// The tests of every adapter. One PostgreSQL serves all: each test has a prefix of its own.
func TestSuite(t *testing.T) {
	server := pgtest.Start(t)
	adaptertest.Suite{
		Adapters: func(t *testing.T, n int) (all []adapter.Factory) {
			prefix := strings.ReplaceAll(t.Name(), "/", "-")
			for range n {
				all = append(all, New(Config{URL: server.URL(), Prefix: prefix[max(len(prefix)-40, 0):], CreateTable: true}))
			}
			return all
		},
		Faulty: func(t *testing.T, n int) (all []adapter.Factory, f adaptertest.Faults) {
			server := pgtest.Start(t)
			for range n {
				all = append(all, New(Config{URL: server.URL(), CreateTable: true}))
			}
			return all, adaptertest.Faults{
				Cut: server.Cut, Stop: server.Stop, Continue: server.Continue, Kill: server.Kill, Restart: server.Restart,
			}
		},
	}.Run(t)
}
