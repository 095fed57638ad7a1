package adminui

import (
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/adapter/adaptertest"
	"github.com/gosocketio/socketio/internal/rawclient"
	"github.com/gosocketio/socketio/siotest"
)

// In development mode admins see each socket, as the official server would show it.
func TestDevelopment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := start(t, socketio.Config{}, Options{NoAuth: true, Mode: Development})
		name := socketio.NewSharedKey[string]("name")
		chat := f.io.Of("/chat")
		chat.OnConnection(func(s *socketio.Socket) {
			name.Set(s, "ann")
			s.Join("lobby")
		})
		socketio.OnCall(chat, "hello", func(*socketio.Event, any) (int, error) { return 1, nil })
		conn, err := f.Dial(t.Context(), siotest.Options{Header: http.Header{
			"Cookie": {"id=secret"}, "Authorization": {"secret"}, "X-Custom": {"seen"},
		}})
		if err != nil {
			t.Fatal(err)
		}
		user, err := conn.Join(t.Context(), "/chat", map[string]any{"token": "secret"})
		if err != nil {
			t.Fatal(err)
		}
		admin := f.connect(t, "/admin", nil)
		sockets := next(t, admin, "all_sockets")[0].([]any)
		i := slices.IndexFunc(sockets, func(v any) bool { return v.(map[string]any)["id"] == user.ID() })
		if len(sockets) != 2 || i < 0 {
			t.Fatal(sockets)
		}
		socket := sockets[i].(map[string]any)
		if text := raw(t, socket); strings.Contains(text, "secret") || strings.Contains(text, conn.ID()) {
			t.Errorf("%s shows a secret", text)
		}
		handshake := socket["handshake"].(map[string]any)
		if handshake["headers"].(map[string]any)["x-custom"] != "seen" || handshake["query"].(map[string]any)["EIO"] != "4" {
			t.Error(handshake)
		}
		delete(socket, "handshake")
		want := map[string]any{
			"id": user.ID(), "clientId": conn.ID()[:12], "transport": "websocket", "nsp": "/chat",
			"data": map[string]any{"name": "ann"}, "rooms": []any{user.ID(), "lobby"},
		}
		if d := cmp.Diff(want, socket); d != "" {
			t.Error(d)
		}

		names(t, admin)
		if err := user.Emit("hello", map[string]any{"b": []byte{1, 2}}, "x"); err != nil {
			t.Fatal(err)
		}
		if err := chat.To("lobby").Emit("news", 1); err != nil {
			t.Fatal(err)
		}
		check := func(event string, want ...any) {
			t.Helper()
			got := next(t, admin, event)
			last := got[len(got)-1].(string)
			at, err := time.Parse("2006-01-02T15:04:05.000Z", last)
			if err != nil || time.Since(at) > time.Second {
				t.Errorf("%s: the date is %s", event, last)
			}
			if d := cmp.Diff(want, got[:len(got)-1]); d != "" {
				t.Errorf("%s: %s", event, d)
			}
		}
		id := user.ID()
		check("event_received", "/chat", id, []any{"hello", map[string]any{"b": []byte{1, 2}}, "x"})
		check("event_sent", "/chat", id, []any{"news", 1.})
		if err := admin.Emit("join", "/chat", "new", id); err != nil {
			t.Fatal(err)
		}
		check("room_joined", "/chat", "new", id)
		if err := admin.Emit("leave", "/chat", "new"); err != nil {
			t.Fatal(err)
		}
		check("room_left", "/chat", "new", id)
		user.Conn().Close()
		check("socket_disconnected", "/chat", id, "transport close")
		check("room_left", "/chat", id, id)
		check("room_left", "/chat", "lobby", id)

		later, err := conn0(t, f).Join(t.Context(), "/chat", nil)
		if err != nil {
			t.Fatal(err)
		}
		check("room_joined", "/chat", later.ID(), later.ID())
		if got := next(t, admin, "socket_connected"); got[0].(map[string]any)["transport"] != "polling" {
			t.Error(got)
		}
	})
}

// conn0 opens a connection by polling.
func conn0(t *testing.T, f *fixture) *siotest.Conn {
	t.Helper()
	conn, err := f.Dial(t.Context(), siotest.Options{Transport: socketio.Polling})
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

// While there is no admin nothing listens.
func TestNothingListens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		io := socketio.New(socketio.Config{Logger: quiet})
		srv := siotest.Serve(t, io)
		user, err := srv.Connect(t.Context(), "/", nil)
		if err != nil {
			t.Fatal(err)
		}
		s, _ := io.Socket(user.ID())
		moves := func() float64 {
			return testing.AllocsPerRun(100, func() {
				s.Join("room")
				s.Leave("room")
			})
		}
		before := moves()
		stop, err := Instrument(io, Options{NoAuth: true, Mode: Development, Logger: quiet})
		if err != nil {
			t.Fatal(err)
		}
		defer stop()
		if after := moves(); after > before {
			t.Errorf("to join and leave a room takes %v allocations, %v without the admin UI", after, before)
		}
		seen := func(c *siotest.Client) (list []string) {
			names(t, c)
			s.Join("room")
			s.Leave("room")
			if err := s.Emit("x"); err != nil {
				t.Fatal(err)
			}
			return slices.DeleteFunc(names(t, c), func(e string) bool { return e == "server_stats" })
		}
		for range 2 { // admins come and go
			admin, err := srv.Connect(t.Context(), "/admin", nil)
			if err != nil {
				t.Fatal(err)
			}
			if got := seen(admin); !slices.Equal(got, []string{"room_joined", "room_left", "event_sent"}) {
				t.Error(got)
			}
			admin.Conn().Close()
			synctest.Wait()
			if after := moves(); after > before {
				t.Errorf("without admins %v allocations, %v before there was one", after, before)
			}
		}
	})
}

// BenchmarkEmit sends to one socket: without the admin UI, and with one that nobody watches.
func BenchmarkEmit(b *testing.B) {
	for _, mode := range []Mode{"", Production, Development} {
		b.Run(string("mode="+mode), func(b *testing.B) {
			io := socketio.New(socketio.Config{Logger: quiet})
			user, err := siotest.Serve(b, io).Connect(b.Context(), "/", nil)
			if err != nil {
				b.Fatal(err)
			}
			if mode != "" {
				stop, err := Instrument(io, Options{NoAuth: true, Mode: mode, Logger: slog.New(slog.DiscardHandler)})
				if err != nil {
					b.Fatal(err)
				}
				defer stop()
			}
			for b.Loop() {
				if err := io.Emit("x", 1); err != nil {
					b.Fatal(err)
				}
				if _, err := user.Next(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// More events than allowed are not shown; after more changes than allowed sockets are listed again.
func TestLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := start(t, socketio.Config{}, Options{
			NoAuth: true, Mode: Development, MaxEventsPerSecond: 10, MaxEventBytes: 50, MaxSockets: 2,
		})
		user, admin := f.connect(t, "/", nil), f.connect(t, "/admin", nil)
		next(t, admin, "all_sockets")
		time.Sleep(time.Minute)
		names(t, admin)
		s, _ := f.io.Socket(user.ID())
		for range 30 {
			s.Join("room")
			s.Leave("room")
			if err := s.Emit("x"); err != nil {
				t.Fatal(err)
			}
		}
		s.Join("last")
		count := map[string]int{}
		for _, name := range names(t, admin) {
			count[name]++
		}
		if count["event_sent"] != 10 || count["room_joined"]+count["room_left"] != 10 {
			t.Error(count)
		}
		list := next(t, admin, "all_sockets")[0]
		if !strings.Contains(raw(t, list), `"last"`) {
			t.Error(list)
		}
		time.Sleep(time.Minute)
		names(t, admin)
		if log := f.log.String(); !strings.Contains(log, "value=20 limit=10 field=Options.MaxEventsPerSecond") {
			t.Errorf("the log has %s", log)
		}

		if err := s.Emit("large", strings.Repeat("x", 50)); err != nil {
			t.Fatal(err)
		}
		if err := s.Emit("binary", make([]byte, 50)); err != nil {
			t.Fatal(err)
		}
		for _, want := range []any{
			[]any{"large", "62 bytes, which are not shown"}, []any{"binary", "90 bytes, which are not shown"},
		} {
			if d := cmp.Diff(want, next(t, admin, "event_sent")[2]); d != "" {
				t.Error(d)
			}
		}

		f.connect(t, "/", nil)
		third := f.connect(t, "/admin", nil)
		if list := next(t, third, "all_sockets")[0].([]any); len(list) != 2 {
			t.Errorf("%d sockets are listed", len(list))
		}
		synctest.Wait()
		if log := f.log.String(); !strings.Contains(log, "limit=2 field=Options.MaxSockets") {
			t.Errorf("the log has %s", log)
		}
	})
}

// An admin of one server sees the sockets and events of all, from when it is found.
func TestCluster(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bus := adaptertest.NewBus()
		var servers [2]*fixture
		for i, id := range []string{"a", "b"} {
			servers[i] = start(t, socketio.Config{Adapter: bus.Adapter(adapter.ClusterConfig{})},
				Options{NoAuth: true, Mode: Development, ServerID: id})
		}
		time.Sleep(11 * time.Second) // they know each other; and not when they tick
		user := servers[1].connect(t, "/", nil)
		admin := servers[0].connect(t, "/admin", nil)
		if list := raw(t, next(t, admin, "all_sockets")); !strings.Contains(list, user.ID()) ||
			!strings.Contains(list, user.Conn().ID()[:12]) || strings.Contains(list, "_admin") {
			t.Error(list)
		}
		later := servers[1].connect(t, "/", nil) // before b has found the admin
		for {
			if got := next(t, admin, "socket_connected")[0].(map[string]any); got["id"] == later.ID() {
				break
			}
		}
		time.Sleep(interval) // between two ticks
		synctest.Wait()
		s, _ := servers[1].io.Socket(user.ID())
		if err := s.Emit("x"); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff([]any{"/", user.ID(), []any{"x"}}, next(t, admin, "event_sent")[:3]); d != "" {
			t.Error(d)
		}
		if err := admin.Emit("_disconnect", "/", true, user.ID()); err != nil {
			t.Fatal(err)
		}
		<-user.Done()
		seen := map[any]bool{}
		for len(seen) < 2 {
			seen[next(t, admin, "server_stats")[0].(map[string]any)["serverId"]] = true
		}
		if !seen["a"] || !seen["b"] {
			t.Error(seen)
		}
		admin.Conn().Close()
		time.Sleep(2 * interval)
		synctest.Wait()
		sent, _ := bus.Messages()
		s, _ = servers[1].io.Socket(later.ID())
		if err := s.Emit("x"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if now, _ := bus.Messages(); now != sent {
			t.Error("an event was published that nobody watches")
		}
	})
}

// A socket that upgrades is shown with its new transport, once, however often it was listed.
func TestUpgrade(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := start(t, socketio.Config{}, Options{NoAuth: true, Mode: Development, MaxSockets: 3})
		admin := f.connect(t, "/admin", nil)
		e := rawclient.ServePipe(t, f.io)
		poller := e.Polling()
		id := poller.Join("/", "")
		if got := next(t, admin, "socket_connected")[0].(map[string]any)["transport"]; got != "websocket" {
			t.Error(got) // its own
		}
		if got := next(t, admin, "socket_connected")[0].(map[string]any); got["id"] != id || got["transport"] != "polling" {
			t.Error(got)
		}
		for range 4 {
			next(t, f.connect(t, "/admin", nil), "all_sockets")
		}
		conn := poller.Upgrade()
		defer conn.Close()
		want := []any{map[string]any{"id": id, "nsp": "/", "transport": "websocket"}}
		if d := cmp.Diff(want, next(t, admin, "socket_updated")); d != "" {
			t.Error(d)
		}
		time.Sleep(3 * interval)
		if got := names(t, admin); slices.Contains(got, "socket_updated") {
			t.Error(got)
		}
	})
}
