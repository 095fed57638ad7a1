package postgres

import (
	"strings"
	"testing"

	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/adapter/postgres/pgtest"
	"github.com/gosocketio/socketio/internal/brokertest"
)

func TestRecoveryAfterKill(t *testing.T) {
	factory := func(url string) adapter.Factory { return New(Config{URL: url}) }
	brokertest.RecoverAfterKill(t, factory, func(t *testing.T) (string, func(string) string) {
		server := pgtest.Start(t)
		return server.URL() + "?create=true&recovery=true", func(pid string) string {
			return strings.Join(server.Query(
				"SELECT convert_from(data, 'UTF8') FROM socket_io_log_sessions WHERE pid = '"+pid+"'"), "")
		}
	})
}
