package postgres

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/internal/brokertest"
)

func TestParseURL(t *testing.T) {
	c, err := ParseURL("postgres://user:se%40cret@h1:5432,h2:5433/db?key=chat&table=app.files&create=true" +
		"&threshold=100&cleanup=1m&timeout=2s&recovery=true&log=app.log&maxlen=7&retention=4m&sslmode=disable")
	want := Config{
		URL:    "postgres://user:se%40cret@h1:5432,h2:5433/db?sslmode=disable",
		Prefix: "chat", TableName: "app.files", CreateTable: true,
		PayloadThreshold: 100, CleanupInterval: time.Minute, RequestTimeout: 2 * time.Second,
		Recovery: true, LogTable: "app.log", MaxLen: 7, Retention: 4 * time.Minute,
	}
	if err != nil || c != want {
		t.Errorf("%+v, %v", c, err)
	}
	b, err := newBroker(Config{URL: "postgres://user:secret@h1,h2:5433/db?key=chat&sslmode=disable", Prefix: "mine"})
	if err != nil || b.where != "h1:5432,h2:5433/db" || b.cfg.Prefix != "mine" ||
		b.cfg.TableName != "socket_io_attachments" {
		t.Errorf("%+v, %v", b, err)
	}
}

// What cannot work is one line that says why, without the password.
func TestMistakes(t *testing.T) {
	closed := fmt.Sprintf("127.0.0.1:%d", brokertest.FreePorts(t, 1)[0])
	pool, err := pgxpool.New(t.Context(), "postgres://u:secret@"+closed+"/db")
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	for _, c := range []struct {
		config Config
		says   string
	}{
		{Config{URL: "localhost:5432"}, "scheme"},
		{Config{URL: "mysql://u:secret@localhost/db"}, "mysql"},
		{Config{URL: "postgres://u:secret@localhost:port/db"}, "invalid port"},
		{Config{URL: "postgres://u:secret/x@localhost/db"}, "%2F"},
		{Config{URL: "postgres://u:sec?ret=secret@localhost/db"}, "%3F"},
		{Config{URL: "postgres://u:secret@localhost/db?threshold=many"}, "threshold"},
		{Config{URL: "postgres://u:secret@localhost/db?threshold=8000"}, "7999"},
		{Config{URL: "postgres://u:secret@localhost/db?sslmode=perhaps"}, "sslmode"},
		{Config{URL: "postgres://u:secret@localhost/db?table=a;b"}, "cannot be read"},
		{Config{URL: "postgres://u:secret@localhost/db?table=a%3Bb"}, "TableName"},
		{Config{Pool: pool, URL: "postgres://u:secret@localhost/db"}, "Config.URL"},
		{Config{Prefix: strings.Repeat("x", 62)}, "Prefix"},
		{Config{MaxQueuedBytes: -1}, "MaxQueuedBytes"},
		{Config{RequestTimeout: -1}, "RequestTimeout"},
		{Config{CleanupInterval: -1}, "CleanupInterval"},
		{Config{Retention: time.Minute}, "Retention has no effect without Recovery"},
		{Config{URL: "postgres://u:secret@localhost/db?maxlen=5"}, "MaxLen has no effect without Recovery"},
		{Config{Recovery: true, MaxLen: -1}, "MaxLen"},
		{Config{Recovery: true, LogTable: strings.Repeat("x", 55)}, "at most 54 bytes"},
		{Config{URL: "postgres://u:secret@localhost/db?recovery=perhaps"}, "recovery=perhaps"},
		{Config{URL: "postgres://u:secret@" + closed + "/db"}, "connection refused"},
		{Config{Pool: pool}, closed},
	} {
		_, err := New(c.config)(host{})
		if err == nil {
			t.Errorf("%+v: no error", c.config)
			continue
		}
		said := err.Error()
		if !strings.Contains(said, c.says) || !strings.Contains(said, "postgres") ||
			strings.Contains(said, "secret") || strings.Contains(said, "\n") {
			t.Errorf("%+v: %s", c.config, said)
		}
	}
}

// host is the part of a namespace that is used before there is an adapter.
type host struct{ adapter.Host }

func (host) Name() string { return "/" }
