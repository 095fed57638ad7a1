package postgres

import (
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/adapter/postgres/pgtest"
	"github.com/gosocketio/socketio/internal/brokertest"
)

func logConfig(server *pgtest.Server) Config {
	return Config{URL: server.URL(), CreateTable: true, Recovery: true}
}

func TestLog(t *testing.T) {
	server := pgtest.Start(t)
	for name, test := range map[string]func(*testing.T, *pgtest.Server){
		"order":     testLogOrder,
		"kinds":     testLogKinds,
		"held up":   testLogHeldUp,
		"gaps":      testLogGaps,
		"retention": testLogRetention,
		"sessions":  testLogSessions,
		"strangers": testLogStrangers,
		"bad input": testLogBadInput,
		"tables":    testLogTables,
	} {
		t.Run(name, func(t *testing.T) { test(t, server.Database(t)) })
	}
}

// Broadcasts come back to all servers in one order, with positions, and can be read again.
func testLogOrder(t *testing.T, server *pgtest.Server) {
	c := logConfig(server)
	brokertest.LogOrder(t, start(t, "aaaaaa", c), start(t, "bbbbbb", c))
}

// Messages of all kinds and sizes are read from the log. Commands keep their order among
// broadcasts, and a request comes after the messages sent before it.
func testLogKinds(t *testing.T, server *pgtest.Server) {
	c := logConfig(server)
	a, b := start(t, "aaaaaa", c), start(t, "bbbbbb", c)
	linkA, memberA := a.Link("/")
	linkB, memberB := b.Link("/")
	begin := linkA.(adapter.Log).Reached()
	join := &adapter.Message{UID: a.UID, Namespace: "/", Type: adapter.MessageSocketsJoin, Rooms: []string{"room"}}
	ask := &adapter.Message{UID: a.UID, Namespace: "/", Type: adapter.MessageFetchSockets, RequestID: "1"}
	sent := []*adapter.Message{
		event(1, "text"), event(2, []byte{1}), join, event(3, strings.Repeat("x", 100_000)), ask,
		event(4, strings.Repeat("y", 7_900)), event(4, strings.Repeat("y", 7_900)), ask,
	}
	for _, m := range sent {
		m.UID = a.UID
		publish(t, linkA, m)
	}
	for server, member := range []*brokertest.Member{memberA, memberB} {
		asked := 0
		left := slices.DeleteFunc(slices.Clone(sent), func(m *adapter.Message) bool { return m == ask })
		for len(left) > 0 || asked < 2*server {
			got := member.Next(t)
			if got.Type == ask.Type && got.Position == "" {
				asked++
				if len(left) > 4-2*asked { // those before it are there
					t.Errorf("question %d came before %d messages", asked, len(left))
				}
				continue
			}
			if got.Type != left[0].Type || got.Position == "" {
				t.Fatalf("server %d: got %+v", server, got)
			}
			left = left[1:]
		}
	}
	if numbers, _, err := brokertest.After(linkB, begin); err != nil || len(numbers) != 5 {
		t.Errorf("got %.100q, %v", numbers, err)
	}
}

// No message that is kept is lost or comes twice while PostgreSQL is away.
func TestLogRestart(t *testing.T) {
	t.Parallel() // it waits most of the time
	server := pgtest.Start(t)
	a, b := start(t, "aaaaaa", logConfig(server)), start(t, "bbbbbb", logConfig(server))
	restart := func() { server.Kill(); server.Restart() }
	memberB := brokertest.LogFaults(t, a, b, server.Cut, restart, server.Cut, server.Cut)
	memberB.WantsGap(t) // messages that are not in the log may be lost
}

// A transaction that another one holds up delays those behind it, and no reader passes it. When its
// connection breaks it is sent again, and still comes once if the first one commits after all.
func testLogHeldUp(t *testing.T, server *pgtest.Server) {
	a, b := start(t, "aaaaaa", logConfig(server)), start(t, "bbbbbb", logConfig(server))
	linkA, memberA := a.Link("/")
	linkB, memberB := b.Link("/")
	publish(t, linkA, brokertest.Event(a.UID, 0))
	for _, m := range []*brokertest.Member{memberA, memberB} {
		m.Wants(t, 0)
	}
	conn, err := b.Broker.(*broker).connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer closeConn(conn)
	waiting := func(n, but string) (pids string) {
		t.Helper()
		await(t, n+" transactions wait", func() bool {
			all := server.Query("SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' " +
				"AND datname = current_database() AND pid::text <> '" + but + "'")
			pids = strings.Join(all, ",")
			return strconv.Itoa(len(all)) == n
		})
		return pids
	}
	tx, err := conn.Begin(t.Context())
	if err == nil { // that of a, on a connection that a has lost
		_, err = tx.Exec(t.Context(), "UPDATE socket_io_log_head SET seq = seq + 1")
	}
	if err == nil {
		_, err = tx.Exec(t.Context(), "INSERT INTO socket_io_log (prefix, made, seq, nsp, batch, payload) "+
			"SELECT prefix, made, seq, '/', $1, $2 FROM socket_io_log_head", a.Broker.(*broker).sender.log.id+".1", []byte(
			`{"uid":"aaaaaa","nsp":"/","type":3,"data":{"packet":{"type":2,"data":["n",1]},"opts":{"rooms":[],"except":[]}}}`))
	}
	if err != nil {
		t.Fatal(err)
	}
	publish(t, linkA, brokertest.Event(a.UID, 1))
	pid := waiting("1", "")
	server.Query("SELECT pg_terminate_backend(" + pid + ")")
	waiting("1", pid)
	publish(t, linkB, brokertest.Event(b.UID, 2))
	waiting("2", pid)
	if len(memberA.Messages)+len(memberB.Messages) > 0 {
		t.Error("a message passed the one that waits")
	}
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	memberA.Wants(t, 1, 2)
	memberB.Wants(t, 1, 2)
	publish(t, linkA, brokertest.Event(a.UID, 3))
	memberA.Wants(t, 3)
	memberB.Wants(t, 3)
	await(t, "all is settled", func() bool { return a.Stats().Sent == 3 && b.Stats().Sent == 1 })
	if n := server.Query("SELECT count(*) FROM socket_io_log")[0]; n != "4" || a.Stats().Failed > 0 {
		t.Errorf("%s rows, stats are %+v", n, a.Stats())
	}
}

// Messages that were deleted before they were read are a gap, and so is another log.
func testLogGaps(t *testing.T, server *pgtest.Server) {
	c := logConfig(server)
	c.CleanupInterval, c.MaxLen = 10*time.Millisecond, 10
	a := start(t, "aaaaaa", c)
	link, member := a.Link("/")
	begin := link.(adapter.Log).Reached()
	for i := range 100 {
		publish(t, link, brokertest.Event(a.UID, i))
		member.Wants(t, i)
	}
	await(t, "10 are kept", func() bool {
		publish(t, link, brokertest.Event(a.UID, -1))
		member.Wants(t, -1)
		return server.Query("SELECT count(*) <= 10 + 5 FROM socket_io_log")[0] == "t"
	})
	brokertest.WantsNoPosition(t, link, begin)

	server.Query("UPDATE socket_io_log_head SET seq = seq + 7")
	publish(t, link, brokertest.Event(a.UID, 1000))
	member.WantsGapOf(t, "7 messages were deleted")
	member.Wants(t, 1000)
	brokertest.LogMadeAgain(t, a, link, member, func() { server.Query("DELETE FROM socket_io_log_head") })
}

// Cleanup deletes old messages and sessions, and no others.
func testLogRetention(t *testing.T, server *pgtest.Server) {
	c := logConfig(server)
	c.CleanupInterval = 10 * time.Millisecond
	a := start(t, "aaaaaa", c)
	link, member := a.Link("/")
	log := link.(adapter.Log)
	for i := range 10 {
		publish(t, link, brokertest.Event(a.UID, i))
		member.Wants(t, i)
	}
	for _, pid := range []string{"old", "new"} {
		if err := log.PutSession(t.Context(), pid, []byte("{}"), time.Minute); err != nil {
			t.Fatal(err)
		}
	}
	begin := ""
	await(t, "all has been read", func() bool {
		begin = log.Reached()
		return strings.HasSuffix(begin, ".10")
	})
	server.Query("UPDATE socket_io_log SET created_at = created_at - interval '4 minutes'")
	server.Query("UPDATE socket_io_log_sessions SET expires_at = now() WHERE pid = 'old'")
	sent := 0
	await(t, "only the new ones are there", func() bool {
		publish(t, link, brokertest.Event(a.UID, 10+sent))
		sent++
		return server.Query("SELECT (SELECT min(seq) FROM socket_io_log) = 11 " +
			"AND (SELECT string_agg(pid, ',') FROM socket_io_log_sessions) = 'new'")[0] == "t"
	})
	await(t, "all is sent", func() bool { return a.Stats().QueuedBytes == 0 })
	if numbers, _, err := brokertest.After(link, begin); err != nil || len(numbers) != sent {
		t.Errorf("got %d of %d, %v", len(numbers), sent, err)
	}
	p, _ := parsePosition(begin)
	brokertest.WantsNoPosition(t, link, position{p.made, p.seq - 1}.String())
}

// A session is taken once, is kept for its time, and no id breaks anything.
func testLogSessions(t *testing.T, server *pgtest.Server) {
	c := logConfig(server)
	brokertest.LogSessions(t, start(t, "aaaaaa", c), start(t, "bbbbbb", c), "\x00")
}

// A broadcast of a server without the log arrives. Clients that were away then are not recovered,
// because the log lacks it. A server without the log gets the messages of the others.
func testLogStrangers(t *testing.T, server *pgtest.Server) {
	c := logConfig(server)
	a, b := start(t, "aaaaaa", c), start(t, "bbbbbb", c)
	stranger := start(t, "cccccc", Config{URL: server.URL(), CreateTable: true})
	linkA, memberA := a.Link("/")
	linkB, memberB := b.Link("/")
	link, member := stranger.Link("/")
	both := []*brokertest.Member{memberA, memberB}
	publish(t, linkA, brokertest.Event(a.UID, 0))
	publish(t, linkA, event([]byte("binary")))
	member.Wants(t, 0)
	if got := member.Next(t); len(got.Packet.Attachments) != 1 {
		t.Errorf("got %+v", got)
	}
	for _, m := range both {
		m.Wants(t, 0)
		m.Next(t)
	}
	before := linkA.(adapter.Log).Reached()
	for i := range 3 {
		publish(t, link, brokertest.Event(stranger.UID, i))
		for _, m := range both {
			m.Wants(t, i)
		}
		for _, l := range []adapter.Link{linkA, linkB} { // also before the row is there
			brokertest.WantsNoPosition(t, l, before)
		}
	}
	await(t, "the log says so", func() bool {
		return server.Query("SELECT count(*) > 0 FROM socket_io_log WHERE payload IS NULL")[0] == "t" &&
			a.Stats().QueuedBytes+b.Stats().QueuedBytes == 0
	})
	late := start(t, "dddddd", c)
	linkD, _ := late.Link("/")
	brokertest.WantsNoPosition(t, linkD, before)
	after := linkD.(adapter.Log).Reached()
	publish(t, linkD, brokertest.Event(late.UID, 7))
	await(t, "it is in the log", func() bool {
		numbers, _, err := brokertest.After(linkA, after)
		return err == nil && len(numbers) == 1
	})
	for _, m := range both {
		m.Wants(t, 7)
	}
}

// Rows and notifications that no server writes are counted. The connection and later messages
// survive.
func testLogBadInput(t *testing.T, server *pgtest.Server) {
	c := logConfig(server)
	c.MaxQueuedBytes = 10_000
	n := start(t, "aaaa", c)
	link, m := n.Link("/")
	begin := link.(adapter.Log).Reached()
	insert := func(payload string) {
		server.Query("BEGIN; UPDATE socket_io_log_head SET seq = seq + 1; INSERT INTO socket_io_log " +
			"(prefix, made, seq, nsp, payload) SELECT prefix, made, seq, '/', " + payload +
			" FROM socket_io_log_head; COMMIT; " +
			"SELECT pg_notify('socket.io#log', made || '.' || seq) FROM socket_io_log_head")
	}
	bad := []string{
		`''`, `'x'`, `'{}'`, `'\xdfffffffff'`, `'{"uid":"b","nsp":"/x","type":3,"data":{}}'`,
		`'{"uid":"b","nsp":"/","type":1}'`,
	}
	for _, payload := range bad {
		insert(payload)
	}
	insert(`decode(repeat('c0', 10001), 'hex')`)
	bells := []string{"", "x", "1.2.3", "-1.5", "99999999999999999999.1"}
	for _, bell := range append(bells, "1.1", strings.Split(begin, ".")[0]+".999999") {
		server.Query("SELECT pg_notify('socket.io#log', '" + bell + "')")
	}
	publish(t, link, brokertest.Event(n.UID, 1))
	m.Wants(t, 1)
	all := uint64(len(bad) + len(bells))
	await(t, "all are counted", func() bool { return n.Stats().Invalid >= all }) // a bell may have read ahead
	if s := n.Stats(); s.Invalid != all || len(m.Gaps) != 1 || len(n.Reports()) != 0 {
		t.Errorf("%d were bad: %+v, %v", all, s, n.Reports())
	}
	if numbers, _, err := brokertest.After(link, begin); err != nil || len(numbers) != 1 {
		t.Errorf("got %v, %v", numbers, err)
	}
}

// Without the tables the start fails and names them, unless it may make them.
func testLogTables(t *testing.T, server *pgtest.Server) {
	c := Config{URL: server.URL(), Recovery: true, LogTable: "public.events"}
	b, err := newBroker(c)
	if err != nil {
		t.Fatal(err)
	}
	err = brokertest.StartError(t.Context(), t, b)
	if err == nil || !strings.Contains(err.Error(), "public.events, public.events_head and public.events_sessions") {
		t.Errorf("got %v", err)
	}
	c.CreateTable = true
	var all sync.WaitGroup // servers that start at the same time do not disturb each other
	for range 4 {
		all.Go(func() {
			b, err := newBroker(c)
			if err == nil {
				err = brokertest.StartError(t.Context(), t, b)
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	n := start(t, "aaaa", c)
	link, m := n.Link("/")
	publish(t, link, brokertest.Event(n.UID, 1))
	m.Wants(t, 1)
}
