package hooks

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/internal/rawclient"
	"github.com/gosocketio/socketio/siotest"
)

// ask sends an event and returns a function that cancels the wait for its acknowledgement, which must
// not have come.
func ask(t *testing.T, c *siotest.Client, event string) (cancel func()) {
	t.Helper()
	ctx, end := context.WithCancel(t.Context())
	answer := make(chan error, 1)
	go func() { _, err := c.EmitWithAck(ctx, event); answer <- err }()
	return func() {
		t.Helper()
		end()
		if err := next(t, "answer", answer); !errors.Is(err, context.Canceled) {
			t.Errorf("%s was answered: %v", event, err)
		}
	}
}

// A backend that is away: connects are refused, events get no acknowledgement and are dropped in time,
// the log says so, and the clients stay. When it is back everything works.
func TestBackendAway(t *testing.T) {
	b := listen(t, "127.0.0.1:0")
	f := serve(t, b.url, timeout(time.Second))
	c := f.connect(nil)
	b.want("connect")
	_ = b.server.Close()
	unanswered := ask(t, c, "lost")
	if err := f.connectError(); err.Message != "backend unavailable" {
		t.Errorf("%+v", err)
	}
	await(t, "the event is dropped", func() bool { // the log says so a moment after it was counted
		return strings.Contains(f.log.String(), `hooks: event dropped: backend unreachable`)
	})
	if n := f.failed("event", "backend unreachable"); n != 1 {
		t.Errorf("%d events were dropped", n)
	}
	unanswered()
	log := f.log.String()
	if !strings.Contains(log, "hooks: connect refused: backend unreachable") || !strings.Contains(log, "event=lost") {
		t.Error(log)
	}
	if f.hooks.Stats().Retries == 0 {
		t.Error("nothing was tried again")
	}
	socket := f.io.Of("/").Sockets()[0]
	back := listen(t, strings.TrimSuffix(strings.TrimPrefix(b.url, "http://"), "/hooks"))
	if got := f.call(c, "again"); got != "[]" || !socket.Connected() {
		t.Errorf("acknowledged with %s", got)
	}
	if r := back.want("event"); r.Data.Event != "again" {
		t.Errorf("%+v", r)
	}
	f.connect(nil)
	back.want("connect")
}

// Which requests are sent again: those that the backend has not handled, under the same id; a connect
// and a disconnect also when it may have.
func TestSentAgain(t *testing.T) {
	for _, c := range []struct {
		status int // 0 breaks off
		again  string
	}{{503, "connect event disconnect"}, {429, "connect event disconnect"}, {500, "connect disconnect"}, {502, "connect disconnect"},
		{0, "connect disconnect"}, {404, ""}, {302, ""}} {
		t.Run(fmt.Sprint(c.status), func(t *testing.T) {
			b := listen(t, "127.0.0.1:0")
			f := serve(t, b.url)
			var mu sync.Mutex
			var fails int
			failing := func(n int) {
				mu.Lock()
				defer mu.Unlock()
				fails = n
			}
			b.answers(func(request) (int, string) {
				mu.Lock()
				defer mu.Unlock()
				if fails > 0 {
					fails--
					return c.status, `{"error":{"message":"not read"}}`
				}
				return 200, ""
			})
			twice := func(kind string) {
				t.Helper()
				first := b.want(kind)
				if strings.Contains(c.again, kind) {
					if second := b.want(kind); second.ID != first.ID {
						t.Errorf("%s has the ids %s and %s", kind, first.ID, second.ID)
					}
					return
				}
				await(t, kind+" fails", func() bool {
					n := uint64(0)
					for _, failed := range f.hooks.Stats().Failed[kind] {
						n += failed
					}
					return n == 1
				})
			}
			failing(1)
			if strings.Contains(c.again, "connect ") {
				f.connect(nil)
			} else if err := f.connectError(); err.Message != "backend unavailable" {
				t.Errorf("%+v", err)
			}
			twice("connect")
			client := f.connect(nil)
			b.want("connect")
			// On a kept connection, net/http sends a request once more that the server broke off: as if the
			// connection had ended before.
			failing(1)
			if c.status == 0 {
				f.hooks.client.CloseIdleConnections()
			}
			if strings.Contains(c.again, "event") {
				f.call(client, "x")
				twice("event")
			} else {
				unanswered := ask(t, client, "x")
				twice("event")
				unanswered()
			}
			failing(1)
			if err := client.Disconnect(); err != nil {
				t.Fatal(err)
			}
			twice("disconnect")
		})
	}
}

// hang makes the backend hang until the returned function is called.
func (b *backend) hang() (resume func()) {
	hung := make(chan struct{})
	b.accepts(func(request) (int, string) { <-hung; return 200, "[]" })
	resume = sync.OnceFunc(func() { close(hung) })
	b.t.Cleanup(resume)
	return resume
}

// A backend that accepts requests and does not answer.
func TestBackendHangs(t *testing.T) {
	b := listen(t, "127.0.0.1:0")
	f := serve(t, b.url, timeout(time.Second))
	c := f.connect(nil)
	hung := make(chan struct{})
	t.Cleanup(sync.OnceFunc(func() { close(hung) }))
	b.answers(func(r request) (int, string) {
		if r.Type != "disconnect" {
			<-hung
		}
		return 200, ""
	})
	b.want("connect")
	unanswered := ask(t, c, "x")
	if err := f.connectError(); err.Message != "backend unavailable" {
		t.Errorf("%+v", err)
	}
	await(t, "the event is dropped", func() bool { return f.failed("event", "backend too slow") == 1 })
	unanswered()
	connection := ""
	for range 3 { // the event, the connect, and a disconnect because the backend may have accepted it
		switch r := b.next(); r.Type {
		case "connect":
			connection = r.Data.Connection
		case "disconnect":
			if r.Data.Connection != connection || r.Data.Reason != notConnected {
				t.Errorf("%+v", r)
			}
		}
	}
	if connection == "" || !strings.Contains(f.log.String(), "limit=1s field=-hooks-timeout") {
		t.Error(f.log)
	}
}

// A client that sends faster than the backend handles is slowed down: little waits for it, it stays
// connected although it is not read from, and nothing of it is lost. Over TCP an event loop reads it.
func TestFastClient(t *testing.T) {
	const events, size = 1000, 10 << 10 // more than TCP buffers
	b := listen(t, "127.0.0.1:0")
	f := serve(t, b.url, timeout(MaxTimeout), func(_ *Config, s *socketio.Config) {
		s.PingInterval, s.PingTimeout = 200*time.Millisecond, 1500*time.Millisecond
	})
	c, err := rawclient.Serve(t, f.io).Dial(t.Context(), "EIO=4&transport=websocket", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if tcp, ok := c.Raw().(*net.TCPConn); !ok || tcp.SetWriteBuffer(64<<10) != nil {
		t.Fatal("no TCP connection")
	}
	resume := b.hang()
	joined, acknowledged := make(chan bool, 1), make(chan string, 1)
	go func() {
		for { // answers pings
			text, _, err := c.Next()
			if strings.HasPrefix(text, "40") {
				joined <- true
			}
			if err != nil || strings.HasPrefix(text, "43") {
				acknowledged <- text
				return
			}
		}
	}()
	if err := c.TrySend("40"); err != nil {
		t.Fatal(err)
	}
	b.want("connect")
	next(t, "answer to CONNECT", joined)
	var sent atomic.Int32
	text := strings.Repeat("x", size)
	done := make(chan error, 1)
	go func() {
		for i := range events {
			id := ""
			if i == events-1 {
				id = "7"
			}
			if err := c.TrySend(fmt.Sprintf(`42%s["n",%d,%q]`, id, i, text)); err != nil {
				done <- err
				return
			}
			sent.Add(1)
		}
		done <- nil
	}()
	// The client is blocked: nothing was sent for longer than a heartbeat may take.
	for still, last := 0, int32(-1); still < 36; time.Sleep(50 * time.Millisecond) {
		if n := sent.Load(); n == last && n > 0 {
			still++
		} else {
			still, last = 0, n
		}
	}
	s, sockets := f.hooks.Stats(), f.io.Of("/").Sockets()
	if n := sent.Load(); n >= events || s.Waiting > maxSocketTasks || s.WaitingBytes > maxSocketBytes+2*size || len(sockets) != 1 {
		t.Errorf("%d events were sent, %+v, %d sockets", n, s, len(sockets))
	}
	resume()
	if err := next(t, "end of sending", done); err != nil {
		t.Fatal(err)
	}
	if text := next(t, "acknowledgement", acknowledged); text != "437[]" {
		t.Errorf("acknowledged with %q", text)
	}
	for i := range events {
		if r := b.want("event"); !strings.HasPrefix(string(r.Data.Args), fmt.Sprintf("[%d,", i)) {
			t.Fatalf("got %.20s, want %d", r.Data.Args, i)
		}
	}
}

// All queues together have a limit when the backend hangs: further events are dropped and counted.
// Disconnects have room of their own.
func TestQueueFull(t *testing.T) {
	const clients, size = 10, 100 << 10
	b := listen(t, "127.0.0.1:0")
	f := serve(t, b.url, timeout(MaxTimeout), func(c *Config, _ *socketio.Config) { c.QueueBytes, c.Parallel = minQueueBytes, 1 })
	var all []*siotest.Client
	for range clients {
		all = append(all, f.connect(nil))
	}
	resume := b.hang()
	for _, c := range all {
		if err := c.Emit("large", strings.Repeat("x", size)); err != nil {
			t.Fatal(err)
		}
	}
	fit := minQueueBytes / 4 * 3 / size // a little less than so many times the size
	await(t, "events are dropped", func() bool { return f.failed("event", "queue full") == uint64(clients-fit) })
	if s := f.hooks.Stats(); s.Waiting != fit || s.WaitingBytes > minQueueBytes/4*3 {
		t.Errorf("%+v", s)
	}
	unanswered := ask(t, all[0], strings.Repeat("x", size))
	await(t, "an event with acknowledgement is dropped", func() bool { return f.failed("event", "queue full") == uint64(clients-fit+1) })
	unanswered()
	if log := f.log.String(); strings.Count(log, "dropped: queue full") != 1 || !strings.Contains(log, "limit=1048576 field=-hooks-queue") {
		t.Error(log) // one warning a minute
	}
	for _, c := range all {
		if err := c.Disconnect(); err != nil {
			t.Fatal(err)
		}
	}
	await(t, "disconnects wait", func() bool { return f.hooks.Stats().Waiting == fit+clients })
	resume()
	count := map[string]int{}
	for range clients + fit + clients {
		count[b.next().Type]++
	}
	if count["connect"] != clients || count["event"] != fit || count["disconnect"] != clients {
		t.Errorf("%v", count)
	}
}

// A client that leaves while the backend is asked about it: the backend is told.
func TestLeavesWhileConnecting(t *testing.T) {
	b := listen(t, "127.0.0.1:0")
	f := serve(t, b.url)
	asked, answer := make(chan struct{}), make(chan struct{})
	t.Cleanup(sync.OnceFunc(func() { close(answer) }))
	b.answers(func(r request) (int, string) {
		if r.Type == "connect" {
			close(asked)
			<-answer
		}
		return 204, ""
	})
	conn, err := f.Dial(t.Context(), siotest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	joined := make(chan error, 1)
	go func() { _, err := conn.Join(t.Context(), "/", nil); joined <- err }()
	next(t, "question", asked)
	conn.Close()
	if err := next(t, "answer to CONNECT", joined); err == nil {
		t.Error("joined")
	}
	connect, disconnect := b.want("connect"), b.want("disconnect")
	if disconnect.Data.Reason != notConnected || disconnect.Data.Connection != connect.Data.Connection {
		t.Errorf("%+v", disconnect)
	}
	if f.hooks.Stats().Failed["connect"]["given up"] != 0 || strings.Contains(f.log.String(), "level=WARN") {
		t.Error(f.log)
	}
}

// Close sends the queued requests, and ends in time when the backend hangs.
func TestClose(t *testing.T) {
	b := listen(t, "127.0.0.1:0")
	f := serve(t, b.url)
	b.accepts(func(request) (int, string) { return http.StatusServiceUnavailable, "" })
	c := f.connect(nil)
	for range 3 {
		if err := c.Emit("x"); err != nil {
			t.Fatal(err)
		}
	}
	await(t, "events wait", func() bool { return f.hooks.Stats().Waiting == 3 && f.hooks.Stats().Retries > 0 })
	if err := f.io.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	ended, end := context.WithCancel(t.Context())
	closed := make(chan error, 1)
	go func() { closed <- f.hooks.Close(ended) }()
	b.accepts(func(request) (int, string) { return 200, "" })
	if err := next(t, "end", closed); err != nil {
		t.Error(err)
	}
	if s := f.hooks.Stats(); s.Answered["event"] != 3 || s.Answered["disconnect"] != 1 || s.Waiting != 0 {
		t.Errorf("%+v", s)
	}
	end()

	hangs := serve(t, b.url)
	c = hangs.connect(nil)
	b.hang()
	for range 3 {
		if err := c.Emit("x"); err != nil {
			t.Fatal(err)
		}
	}
	await(t, "events wait", func() bool { return hangs.hooks.Stats().Waiting == 3 })
	if err := hangs.io.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := hangs.hooks.Close(ended); err == nil || !strings.Contains(err.Error(), "3 requests were not sent") {
		t.Errorf("%v", err) // 2 events and the disconnect; the first event was given up
	}
}

// What has waited for too long is not sent any more.
func TestExpiresInTheQueue(t *testing.T) {
	b := listen(t, "127.0.0.1:0")
	f := serve(t, b.url)
	f.connect(nil)
	b.want("connect")
	socket := f.io.Of("/").Sockets()[0]
	for _, k := range []kind{kindEvent, kindDisconnect} {
		expired := f.hooks.newTask(k, socket, []byte("{}"))
		limit := map[kind]time.Duration{kindEvent: f.hooks.cfg.Timeout, kindDisconnect: disconnectRetry}[k]
		if left := time.Until(expired.expires); left > limit || left < limit-patience/2 {
			t.Errorf("a %v may take %v, want %v", k, left, limit)
		}
		expired.expires = time.Now()
		if _, again := f.hooks.attempt(expired); again || len(b.got) > 0 || f.failed(k.String(), "backend too slow") != 1 {
			t.Errorf("a %v that is too late was sent: %v, %v, %+v", k, again, len(b.got), f.hooks.Stats())
		}
	}
}

// A kept connection that the backend ends as it is used again: the request is sent once more, on a new
// one, under the same id. Backends that keep connections for few seconds do that all the time.
func TestKeptConnectionEnds(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ids := make(chan string, 10) // of each request, with the connection's number
	var work sync.WaitGroup
	work.Go(func() {
		for n := 1; ; n++ {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			work.Go(func() {
				defer func() { _ = conn.Close() }()
				r := bufio.NewReader(conn)
				for requests := 1; ; requests++ {
					request, err := http.ReadRequest(r)
					if err != nil {
						return
					}
					_, _ = io.Copy(io.Discard, request.Body)
					ids <- fmt.Sprint(n, " ", request.Header.Get("Webhook-Id"))
					if n == 1 && requests == 2 {
						return
					}
					_, _ = io.WriteString(conn, "HTTP/1.1 204 No Content\r\n\r\n")
				}
			})
		}
	})
	f := serve(t, "http://"+listener.Addr().String())
	t.Cleanup(work.Wait)
	t.Cleanup(func() { _ = listener.Close(); f.hooks.client.CloseIdleConnections() })
	c := f.connect(nil)
	if connect := next(t, "request", ids); !strings.HasPrefix(connect, "1 ") {
		t.Errorf("got %s", connect)
	}
	if got := f.call(c, "x"); got != "[]" {
		t.Errorf("acknowledged with %s", got)
	}
	first, second := next(t, "request", ids), next(t, "request", ids)
	if !strings.HasPrefix(first, "1 ") || second != "2"+first[1:] {
		t.Errorf("got %s, then %s", first, second)
	}
}

// While a backend is restarted, events arrive in order and at most once. One that was on its way when a
// connection broke may be lost: then it is counted.
func TestBackendRestarts(t *testing.T) {
	const events = 300
	b := listen(t, "127.0.0.1:0")
	f := serve(t, b.url, timeout(MaxTimeout))
	c := f.connect(nil)
	b.want("connect")
	done := make(chan string, 1)
	go func() {
		for i := range events - 1 {
			if err := c.Emit("n", i); err != nil {
				t.Error(err)
			}
		}
		done <- f.call(c, "n", events-1)
	}()
	last, lost := -1, 0
	handled := func(r request) {
		t.Helper()
		var args [1]int
		if err := json.Unmarshal(r.Data.Args, &args); err != nil || args[0] <= last {
			t.Fatalf("got %s after %d: %v", r.Data.Args, last, err)
		}
		lost += args[0] - last - 1
		last = args[0]
	}
	for range 3 {
		for range events / 5 {
			handled(b.want("event"))
		}
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		if err := b.server.Shutdown(ctx); err != nil { // answers what it has got
			t.Error(err)
		}
		cancel()
		for len(b.got) > 0 {
			handled(<-b.got)
		}
		b = listen(t, strings.TrimSuffix(strings.TrimPrefix(b.url, "http://"), "/hooks"))
	}
	for last < events-1 {
		handled(b.want("event"))
	}
	if got := next(t, "acknowledgement", done); got != "[]" {
		t.Errorf("acknowledged with %s", got)
	}
	if counted := f.failed("event", "backend broke off"); lost > 3 || uint64(lost) > counted {
		t.Errorf("%d events were lost, %d were counted", lost, counted)
	}
}
