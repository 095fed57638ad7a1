package postgres

import (
	"strings"
	"testing"

	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/adapter/postgres/pgtest"
	"github.com/gosocketio/socketio/internal/brokertest"
)

func TestRecoveryAfterKill(t *testing.T) {
	t.Parallel() // it waits most of the time
	factory := func(url string) adapter.Factory { return New(Config{URL: url}) }
	brokertest.RecoverAfterKill(t, factory, func(t *testing.T) (string, func(string) string) {
		server := pgtest.Start(t)
		return server.URL() + "?create=true&recovery=true", func(pid string) string {
			return strings.Join(server.Query(
				"SELECT convert_from(data, 'UTF8') FROM socket_io_log_sessions WHERE pid = '"+pid+"'"), "")
		}
	})
}

// Clients that come and go at random miss nothing and get nothing twice, also while connections to
// PostgreSQL break.
func TestRecoveryUnderLoad(t *testing.T) {
	t.Parallel() // it waits most of the time
	server := pgtest.Start(t)
	for name, fault := range map[string]func(){"quiet": nil, "cut": server.Cut} {
		t.Run(name, func(t *testing.T) {
			var all []adapter.Factory
			for range 3 {
				all = append(all, New(Config{URL: server.URL(), Prefix: name, CreateTable: true, Recovery: true}))
			}
			refused := brokertest.RecoverUnderLoad(t, all, fault)
			t.Logf("%d clients came back as new sockets", refused)
			if fault == nil && refused > 0 {
				t.Errorf("%d clients came back as new sockets", refused)
			}
		})
	}
}
