package postgres

import (
	"context"
	"errors"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/gosocketio/socketio/internal/brokers"
)

// remedies say what to do about an error of PostgreSQL, by its code.
var remedies = map[string]string{
	"28P01": "check user and password of the URL",
	"28000": "check the user of the URL, and pg_hba.conf of the server",
	"3D000": "create it with createdb, or change the URL",
	"3F000": "create it with CREATE SCHEMA, or change the name of the table",
	"42501": "GRANT it, or let another user make the tables: their SQL is in docs/clusters.md",
	"42P01": "make it, or set Config.CreateTable (create=true): its SQL is in docs/clusters.md",
	"42703": "the table is another one than in docs/clusters.md: rename it, or set the name of ours",
	"42704": "is a parameter of the URL misspelt?",
	"53300": "a server takes two connections, and up to six with recovery: raise max_connections",
	"57P03": "it is starting or stopping",
	"25006": "it is a standby: use the primary, or target_session_attrs=read-write in the URL",
}

// oneLine returns what is wrong in one line, and what to do about it if that is known. An attempt to
// connect may have failed in several ways: what PostgreSQL has answered says most.
func oneLine(err error) string {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return withRemedy(brokers.OneLine(errors.New(e.Message)), remedies[e.Code])
	}
	connecting, isConnecting := errors.AsType[*pgconn.ConnectError](err)
	if isConnecting {
		err = connecting.Unwrap()
	}
	if e, ok := errors.AsType[*net.DNSError](err); ok {
		return withRemedy(e.Error(), "check the host of the URL")
	}
	text := brokers.OneLine(err)
	switch {
	case isConnecting && errors.Is(err, context.DeadlineExceeded):
		return "it does not answer in time: check host and port of the URL, and firewalls"
	case strings.Contains(text, "connection refused"):
		return withRemedy(text, "is PostgreSQL running there?")
	case strings.Contains(text, "server refused TLS connection"):
		return withRemedy(text, "set sslmode=disable in the URL, or ssl=on in postgresql.conf")
	}
	return text
}

func withRemedy(text, remedy string) string {
	if remedy == "" {
		return text
	}
	return text + ": " + remedy
}
