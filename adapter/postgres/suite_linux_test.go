package postgres

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/adapter/adaptertest"
	"github.com/gosocketio/socketio/adapter/postgres/pgtest"
)

// The tests of every adapter. One PostgreSQL serves all: each test has a prefix of its own.
func TestSuite(t *testing.T) {
	t.Parallel() // it waits most of the time
	for _, recovery := range []bool{false, true} {
		t.Run(fmt.Sprintf("recovery=%v", recovery), func(t *testing.T) {
			t.Parallel()
			server := pgtest.Start(t, "max_connections=300")
			adapters := func(server *pgtest.Server, prefix string, n int) (all []adapter.Factory) {
				for range n {
					all = append(all, New(Config{URL: server.URL(), Prefix: prefix, CreateTable: true, Recovery: recovery}))
				}
				return all
			}
			adaptertest.Suite{
				Adapters: func(t *testing.T, n int) []adapter.Factory {
					prefix := strings.ReplaceAll(t.Name(), "/", "-")
					return adapters(server, prefix[max(len(prefix)-40, 0):], n)
				},
				Faulty: func(t *testing.T, n int) ([]adapter.Factory, adaptertest.Faults) {
					server := pgtest.Start(t)
					return adapters(server, "", n), adaptertest.Faults{
						Cut: server.Cut, Stop: server.Stop, Continue: server.Continue, Kill: server.Kill, Restart: server.Restart,
						Lossless: recovery,
					}
				},
			}.Run(t)
		})
	}
}
