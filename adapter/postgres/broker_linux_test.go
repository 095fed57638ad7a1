package postgres

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/adapter/clusterwire"
	"github.com/gosocketio/socketio/adapter/postgres/pgtest"
	"github.com/gosocketio/socketio/internal/brokertest"
)

// What most tests need of brokertest.
var publish, await = brokertest.Publish, brokertest.Await

// start starts a broker. It is closed with the test.
func start(t *testing.T, uid string, c Config) *brokertest.Server {
	t.Helper()
	b, err := newBroker(c)
	if err != nil {
		t.Fatal(err)
	}
	return brokertest.Start(t, b, uid)
}

func event(args ...any) *adapter.Message {
	return &adapter.Message{
		UID: "aaaa", Namespace: "/", Type: adapter.MessageBroadcast, Packet: &adapter.Packet{Event: "e", Args: args},
	}
}

// What official servers wrote, and their emitter, is received: each message of the recording once and in
// order, whether it is a notification or a row.
func TestRecorded(t *testing.T) {
	server := pgtest.Start(t)
	n := start(t, "aaaa", Config{URL: server.URL(), CreateTable: true})
	_, root := n.Link("/")
	_, chat := n.Link("/chat")
	conn, err := pgx.Connect(t.Context(), server.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	text, err := os.ReadFile("testdata/postgres.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	type line struct {
		Step     string
		Cmd      []any
		Observed string
		Payload  any
	}
	var lines []line
	rows := make(map[string]any)
	for s := range strings.Lines(string(text)) {
		var x line
		if err := json.Unmarshal([]byte(s), &x); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, x)
		if id, is := strings.CutPrefix(x.Observed, "row "); is {
			rows[id] = x.Payload
		}
	}
	read, fromRows, fromEmitter := 0, 0, 0
	for _, x := range lines {
		if len(x.Cmd) != 3 || x.Cmd[0] != "NOTIFY" {
			continue
		}
		payload, whole := x.Cmd[2].(string)
		if !whole {
			continue // the recording has only its beginning
		}
		var head struct {
			UID, AttachmentID string
			Type              int
		}
		if err := json.Unmarshal([]byte(payload), &head); err != nil {
			t.Fatal(err)
		}
		if head.AttachmentID != "" {
			row := rows[head.AttachmentID].(map[string]any)
			if row["truncated"] != nil {
				continue
			}
			data, err := hex.DecodeString(row["hex"].(string))
			if err == nil {
				id, _ := strconv.Atoi(head.AttachmentID)
				_, err = conn.Exec(t.Context(), "INSERT INTO socket_io_attachments (id, payload) VALUES ($1, $2)", id, data)
			}
			if err != nil {
				t.Fatal(err)
			}
			fromRows++
		}
		if _, err := conn.Exec(t.Context(), "SELECT pg_notify($1, $2)", x.Cmd[1], payload); err != nil {
			t.Fatal(err)
		}
		m, nsp := root, "/"
		if strings.HasSuffix(x.Cmd[1].(string), "/chat") {
			m, nsp = chat, "/chat"
		}
		got := m.Next(t)
		if int(got.Type) != head.Type || got.UID != head.UID || got.Namespace != nsp {
			t.Errorf("%s: got type %d of %s in %s, want %s", x.Step, got.Type, got.UID, got.Namespace, payload)
		}
		if head.UID == adapter.Emitter {
			fromEmitter++
		}
		read++
	}
	if read < 80 || fromRows < 8 || fromEmitter < 8 || n.Stats().Invalid != 0 {
		t.Errorf("%d messages, %d of rows, %d of the emitter, %d invalid", read, fromRows, fromEmitter, n.Stats().Invalid)
	}
}

// Order is that of Publish, also where a row is among notifications, and equal messages all arrive.
func TestOrder(t *testing.T) {
	server := pgtest.Start(t)
	c := Config{URL: server.URL(), CreateTable: true}
	a, b := start(t, "aaaa", c), start(t, "bbbb", c)
	link, own := a.Link("/")
	_, other := b.Link("/")
	server.Stop() // so that they gather
	const events = 500
	for i := range events {
		switch i % 10 {
		case 3:
			publish(t, link, event(i, []byte{1}))
		case 7:
			publish(t, link, event(i, strings.Repeat("x", 9000)))
		default:
			publish(t, link, event(i, "equal"))
		}
		publish(t, link, event("same"))
		publish(t, link, event(strings.Repeat("y", 7900))) // equal ones do not fit with spaces behind them
	}
	server.Continue()
	for i := range events {
		_, args, err := other.Next(t).Packet.Decode()
		if err != nil || fmt.Sprint(args[0]) != fmt.Sprint(i) {
			t.Fatalf("number %d is %v, %v", i, args, err)
		}
		for range 2 {
			if _, args, _ := other.Next(t).Packet.Decode(); len(args) != 1 {
				t.Fatalf("after number %d comes %v", i, args)
			}
		}
	}
	await(t, "all is sent", func() bool { return a.Stats().QueuedBytes == 0 })
	if len(own.Messages) != 0 || len(other.Messages) != 0 || a.Stats().Sent != 3*events {
		t.Errorf("%d came back, %d came twice, %+v", len(own.Messages), len(other.Messages), a.Stats())
	}
}

// A message is a notification as long as PostgreSQL takes it, and then a row. One that is in the log too
// has a mark, for servers that have none.
func TestBorder(t *testing.T) {
	server := pgtest.Start(t)
	c := Config{URL: server.URL(), CreateTable: true}
	b := start(t, "bbbb", c)
	_, other := b.Link("/")
	rows := func() string { return server.Query("SELECT count(*) FROM socket_io_attachments")[0] }
	before := 0
	for _, recovery := range []bool{false, true} {
		c.Recovery = recovery
		a := start(t, "aaaa", c)
		link, _ := a.Link("/")
		border := maxPayload - a.Broker.(*broker).markLen(event())
		for _, x := range []struct{ size, rows int }{{border - 1, 0}, {border, 0}, {border + 1, 1}, {border + 2, 2}} {
			empty, _, err := clusterwire.Encode(event(""))
			if err != nil {
				t.Fatal(err)
			}
			text := strings.Repeat("z", x.size-len(empty))
			publish(t, link, event(text))
			if _, args, _ := other.Next(t).Packet.Decode(); args[0] != text || rows() != strconv.Itoa(before+x.rows) {
				t.Errorf("%d bytes: %d arrived, %s rows, want %d", x.size, len(fmt.Sprint(args[0])), rows(), before+x.rows)
			}
		}
		before = 2
	}
}

// A namespace whose channel would be cut off is refused by its name.
func TestLongNamespace(t *testing.T) {
	server := pgtest.Start(t)
	c := Config{URL: server.URL(), CreateTable: true}
	n := start(t, "aaaa", c)
	fits := "/" + strings.Repeat("n", maxChannel-len("socket.io#/"))
	link, _ := n.Link(fits)
	publish(t, link, event(1))
	for _, name := range []string{fits + "n", "/\xff", "/\x00"} {
		_, err := n.Join(t.Context(), brokertest.NewMember(name))
		quoted := strings.Trim(strconv.Quote(name), `"`)
		if err == nil || !errors.Is(err, adapter.ErrBroker) || !strings.Contains(err.Error(), quoted) {
			t.Errorf("%q: %v", name, err)
		}
	}
	for _, odd := range []string{`/a"b`, "/a'b", "/Ünï", "/a b;", `/a\b`} {
		link, _ := n.Link(odd)
		other := start(t, "bbbb", c)
		_, m := other.Link(odd)
		x := event(odd)
		x.Namespace = odd
		publish(t, link, x)
		if got := m.Next(t); got.Namespace != odd {
			t.Errorf("%q: %+v", odd, got)
		}
	}
}

// Without the table what needs it is refused, and everything else works. It is found when it is made.
func TestWithoutTable(t *testing.T) {
	server := pgtest.Start(t)
	c := Config{URL: server.URL(), CleanupInterval: 50 * time.Millisecond}
	a, b := start(t, "aaaa", c), start(t, "bbbb", c)
	if errs := a.AwaitReports(1); len(errs) != 1 || !strings.Contains(errs[0].Error(), "socket_io_attachments") {
		t.Errorf("reported at the start: %v", errs)
	}
	link, _ := a.Link("/")
	_, other := b.Link("/")
	err := link.Publish(event([]byte{1}))
	if !errors.Is(err, adapter.ErrBroker) || !strings.Contains(err.Error(), "socket_io_attachments") {
		t.Errorf("a binary message: %v", err)
	}
	publish(t, link, event(1))
	other.Next(t)
	server.Query("CREATE TABLE socket_io_attachments " +
		"(id bigserial UNIQUE, created_at timestamptz DEFAULT NOW(), payload bytea)")
	await(t, "the table is found", func() bool {
		publish(t, link, event(2))
		return link.Publish(event([]byte{1})) == nil
	})
	for m := other.Next(t); len(m.Packet.Attachments) == 0; {
		m = other.Next(t)
	}
}

// Old rows are deleted, and one that somebody needed is a gap.
func TestCleanup(t *testing.T) {
	server := pgtest.Start(t)
	n := start(t, "aaaa", Config{URL: server.URL(), CreateTable: true, CleanupInterval: 50 * time.Millisecond})
	link, m := n.Link("/")
	server.Query("INSERT INTO socket_io_attachments (created_at, payload) " +
		"SELECT now() - interval '1 minute', '' FROM generate_series(1, 2500)")
	await(t, "there are no rows", func() bool {
		publish(t, link, event([]byte{1}))
		return server.Query("SELECT count(*) < 10 FROM socket_io_attachments")[0] == "t"
	})
	for range 2 { // reported once a minute
		server.Query(`SELECT pg_notify('socket.io#/', '{"uid":"b","type":3,"attachmentId":"1"}')`)
	}
	server.Query(`SELECT pg_notify('socket.io#/', '{"uid":"b","type":2,"nsp":"/"}')`)
	m.Next(t)
	if len(m.Gaps) != 1 || n.Stats().Invalid != 2 || n.Stats().Gaps != 1 {
		t.Errorf("%d gaps, %+v", len(m.Gaps), n.Stats())
	}
}

// What no server would write is counted, and neither ends the connection nor what follows.
func TestBadInput(t *testing.T) {
	server := pgtest.Start(t)
	n := start(t, "aaaa", Config{URL: server.URL(), CreateTable: true, MaxQueuedBytes: 1000})
	_, m := n.Link("/")
	server.Query("INSERT INTO socket_io_attachments (id, payload) " +
		"VALUES (1, ''), (2, NULL), (3, decode(repeat('c0', 1001), 'hex')), (4, '\\xdfffffffff')")
	bad := []string{"", " ", "x", "[]", "{}", `{"type":3}`, `{"type":3,"uid":"b","nsp":"/","data":{}}`, `{"type":`}
	for _, id := range []string{
		`"x"`, `"1"`, `"2"`, `"3"`, `"4"`, `"5"`, `"-1"`, `"99999999999999999999"`, `null`, `{}`, `1`,
	} {
		bad = append(bad, `{"uid":"b","type":3,"attachmentId":`+id+`}`)
	}
	for _, payload := range bad {
		server.Query("SELECT pg_notify('socket.io#/', '" + payload + "')")
	}
	server.Query(`SELECT pg_notify('socket.io#/', '{"uid":"b","type":3,"data":{` +
		`"packet":{"type":2,"data":["\"attachmentId\""]},"opts":{"rooms":[],"except":[]}}}')`)
	if got := m.Next(t); got.Packet.Name() != `"attachmentId"` {
		t.Errorf("got %q", got.Packet.Name())
	}
	if s := n.Stats(); s.Invalid != uint64(len(bad)) || s.Received != 1 || len(n.Reports()) != 0 {
		t.Errorf("%d were bad: %+v, %v", len(bad), s, n.Reports())
	}
}

// Connections of the user's pool are used, and it goes on working.
func TestPool(t *testing.T) {
	server := pgtest.Start(t)
	pool, err := pgxpool.New(t.Context(), server.URL()+"?pool_max_conns=1")
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	c := Config{Pool: pool, CreateTable: true}
	a, b := start(t, "aaaa", c), start(t, "bbbb", c)
	link, _ := a.Link("/")
	_, other := b.Link("/")
	publish(t, link, event([]byte{1}))
	other.Next(t)
	server.Cut()
	other.WantsGap(t)
	publish(t, link, event(2))
	other.Next(t)
	if n := len(other.Gaps); n != 0 || b.Stats().Gaps != 1 || !b.Stats().Connected {
		t.Errorf("%d more gaps, %+v", n, b.Stats())
	}
	if err := pool.Ping(t.Context()); err != nil {
		t.Error(err)
	}
}

// What PostgreSQL refuses does not take along what was sent with it.
func TestRefused(t *testing.T) {
	server := pgtest.Start(t)
	c := Config{URL: server.URL(), CreateTable: true}
	a, b := start(t, "aaaa", c), start(t, "bbbb", c)
	link, _ := a.Link("/")
	_, other := b.Link("/")
	server.Query("DROP TABLE socket_io_attachments")
	server.Stop()
	for i := range 20 {
		publish(t, link, event(i))
		if i == 10 {
			publish(t, link, event([]byte{1}))
		}
	}
	server.Continue()
	for i := range 20 {
		if _, args, _ := other.Next(t).Packet.Decode(); fmt.Sprint(args) != fmt.Sprint([]any{i}) {
			t.Fatalf("number %d is %v", i, args)
		}
	}
	await(t, "one is lost", func() bool { return a.Stats().Failed == 1 })
	if errs := a.AwaitReports(1); len(errs) != 1 || !strings.Contains(errs[0].Error(), "1 of ") {
		t.Errorf("reported %v", errs)
	}
}

// What a newcomer meets is one line that names the cause and says what to do.
func TestStartErrors(t *testing.T) {
	t.Parallel() // it waits most of the time
	server := pgtest.Start(t)
	url := func(user, database string) string {
		return strings.Replace(strings.TrimSuffix(server.URL(), "postgres")+database, "postgres@", user+"@", 1)
	}
	wait := brokertest.Patience
	fails := func(url, says, remedy string) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), wait)
		defer cancel()
		b, err := newBroker(Config{URL: url})
		if err == nil {
			err = brokertest.StartError(ctx, t, b)
		}
		if err == nil {
			t.Errorf("%s: no error", says)
			return
		}
		for _, part := range []string{b.where, says, remedy} {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%q is not in: %v", part, err)
			}
		}
		if text := err.Error(); strings.Contains(text, "\n") || strings.Contains(text, "wrong") || len(text) > 250 {
			t.Errorf("it is not short: %s", text)
		}
	}
	hba := server.Query("SHOW hba_file")[0]
	server.Query("CREATE USER poor CONNECTION LIMIT 1; CREATE USER secret PASSWORD 'right'")
	fails(url("postgres", "nope"), `database "nope" does not exist`, "createdb")
	fails(url("nobody", "postgres"), `role "nobody" does not exist`, "user of the URL")
	fails(url("poor", "postgres"), "too many connections", "max_connections")
	fails(url("postgres", "postgres?sslmode=require"), "refused TLS", "sslmode=disable")
	fails(url("postgres", "postgres?recover=1"), `"recover"`, "misspelt")
	fails(url("postgres", "postgres?recovery=true"), "socket_io_log_sessions", "create=true")
	fails(url("secret", "postgres?create=true"), "permission denied", "GRANT")
	fails(url("postgres", "postgres?create=true&table=x.y"), `schema "x" does not exist`, "CREATE SCHEMA")
	server.Query("COPY (SELECT 'host all postgres all trust' UNION ALL SELECT 'host all secret all scram-sha-256') TO '" +
		hba + "'; SELECT pg_reload_conf()")
	await(t, "the password is asked for", func() bool {
		b, err := newBroker(Config{URL: url("secret", "postgres")})
		return err == nil && brokertest.StartError(t.Context(), t, b) != nil
	})
	fails(url("secret:wrong", "postgres"), `password authentication failed for user "secret"`, "user and password")
	fails(url("poor", "postgres"), `no pg_hba.conf entry`, "pg_hba.conf of the server")
	server.Stop()
	wait = 2 * time.Second
	fails(url("postgres", "postgres?connect_timeout=1"), "does not answer in time", "firewalls")
	server.Continue()
	server.Kill()
	fails(url("postgres", "postgres"), "connection refused", "is PostgreSQL running")
	fails("postgres://u@no-such-host.invalid/db", "no-such-host.invalid", "host of the URL")
}

// A new connection sends nothing before PostgreSQL has ended the process of the one before, which may
// still commit what that was sent last. Another process with its id lives on.
func TestProcessBefore(t *testing.T) {
	server := pgtest.Start(t)
	a, b := start(t, "aaaa", Config{URL: server.URL(), CreateTable: true}), start(t, "bbbb", Config{URL: server.URL()})
	linkA, _ := a.Link("/")
	_, member := b.Link("/")
	s := &a.Broker.(*broker).sender
	for _, earlier := range []time.Duration{0, time.Second} {
		before, err := pgx.Connect(t.Context(), server.URL())
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = before.Close(context.Background()) }()
		await(t, "the sender is idle", func() bool { return a.Stats().QueuedBytes == 0 })
		const own = "SELECT pid, backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid()"
		if err := before.QueryRow(t.Context(), own).Scan(&s.backend.pid, &s.backend.start); err != nil {
			t.Fatal(err)
		}
		s.backend.start = s.backend.start.Add(-earlier)
		s.drop()
		publish(t, linkA, event(1))
		if got := string(member.Next(t).Packet.Data); got != `["e",1]` {
			t.Fatalf("got %s", got)
		}
		if err := before.Ping(t.Context()); (err == nil) != (earlier > 0) {
			t.Errorf("started %v earlier, the process before: %v", earlier, err)
		}
	}
}
