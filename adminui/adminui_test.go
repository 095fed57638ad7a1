package adminui

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/bcrypt"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/internal/leak"
	"github.com/gosocketio/socketio/siotest"
)

func TestMain(m *testing.M) { leak.Main(m) }

// changeit is the hash of that word.
var changeit = func() string {
	hash, err := bcrypt.GenerateFromPassword([]byte("changeit"), bcrypt.MinCost)
	if err != nil {
		panic(err)
	}
	return string(hash)
}()

// quiet is a log that nobody reads.
var quiet = slog.New(slog.DiscardHandler)

// fixture is a server with an admin UI.
type fixture struct {
	*siotest.Server

	io  *socketio.Server
	log *bytes.Buffer // of the admin UI; to be read after synctest.Wait
}

func start(t *testing.T, c socketio.Config, o Options) *fixture {
	t.Helper()
	c.Logger = quiet
	f := &fixture{io: socketio.New(c), log: new(bytes.Buffer)}
	o.Logger = slog.New(slog.NewTextHandler(f.log, nil))
	f.Server = siotest.Serve(t, f.io)
	stop, err := Instrument(f.io, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	return f
}

// connect connects a client.
func (f *fixture) connect(t *testing.T, namespace string, auth any) *siotest.Client {
	t.Helper()
	c, err := f.Connect(t.Context(), namespace, auth)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// next returns the arguments of the next event of that name.
func next(t *testing.T, c *siotest.Client, event string) []any {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // of the bubble
	defer cancel()
	m, err := c.Receive(ctx, event)
	if err != nil {
		t.Fatalf("%s: %v", event, err)
	}
	return m.Args()
}

// names empties the queue of a client and returns the names of the events in it.
func names(t *testing.T, c *siotest.Client) (list []string) {
	t.Helper()
	for synctest.Wait(); c.Pending() > 0; {
		m, err := c.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, m.Event())
	}
	return list
}

// refused returns why a client is not let in.
func (f *fixture) refused(t *testing.T, auth any) string {
	t.Helper()
	_, err := f.Connect(t.Context(), "/admin", auth)
	refused, ok := errors.AsType[*siotest.ConnectError](err)
	if !ok {
		t.Fatalf("%v: %v, want a refusal", auth, err)
	}
	return refused.Message
}

func TestOptions(t *testing.T) {
	io := socketio.New(socketio.Config{Logger: quiet})
	expensive := "$2a$16$" + strings.Repeat("a", 53)
	for want, o := range map[string]Options{
		"Auth is missing":                         {},
		"NoAuth is set, and Auth too":             {NoAuth: true, Auth: &Auth{"admin", changeit}},
		"Auth.Username is empty":                  {Auth: &Auth{"", changeit}},
		"Auth.Password must be a bcrypt hash":     {Auth: &Auth{"admin", "changeit"}},
		"Auth.Password has the cost 16":           {Auth: &Auth{"admin", expensive}},
		`NamespaceName is "admin"`:                {NoAuth: true, NamespaceName: "admin"},
		`Mode is "debug"`:                         {NoAuth: true, Mode: "debug"},
		"MaxEventsPerSecond is -1":                {NoAuth: true, MaxEventsPerSecond: -1},
		"MaxEventBytes is -1, it must not be neg": {NoAuth: true, MaxEventBytes: -1},
		"MaxSockets is -1":                        {NoAuth: true, MaxSockets: -1},
	} {
		_, err := Instrument(io, o)
		if !errors.Is(err, ErrOptions) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
		if err != nil && o.Auth != nil && strings.Contains(err.Error(), o.Auth.Password) {
			t.Errorf("%v shows the password", err)
		}
	}
}

func TestLogin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := start(t, socketio.Config{}, Options{Auth: &Auth{"admin", changeit}})
		for _, auth := range []any{
			nil, map[string]any{"sessionId": nil}, map[string]any{"username": "", "password": ""},
			map[string]any{"username": "admin", "password": "wrong"}, map[string]any{"username": 1, "password": []int{2}},
			map[string]any{"username": "other", "password": "changeit"}, map[string]any{"sessionId": "unknown"},
			map[string]any{"username": "admin", "password": changeit}, map[string]any{"sessionId": map[string]any{"$ne": 1}},
		} {
			if got := f.refused(t, auth); got != "invalid credentials" {
				t.Errorf("%v: %s", auth, got)
			}
		}
		first := f.connect(t, "/admin", map[string]any{"username": "admin", "password": "changeit"})
		m, err := first.Next(t.Context())
		if err != nil || m.Event() != "session" {
			t.Fatal(m, err)
		}
		session := m.Args()[0]
		next(t, first, "config")

		again := f.connect(t, "/admin", map[string]any{"sessionId": session})
		if got := names(t, again); slices.Contains(got, "session") || !slices.Contains(got, "config") {
			t.Error(got)
		}
	})
}

// Passwords are checked one after another, and few wait.
func TestManyLogins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLogin(Options{Auth: &Auth{"admin", changeit}})
		began := time.Now()
		errs := make(chan error, 100)
		for range cap(errs) {
			go func() { errs <- l.verify(t.Context(), "admin", "wrong") }()
		}
		count := map[string]int{}
		for range cap(errs) {
			count[(<-errs).Error()]++
		}
		if count[errLogins.Error()] < 50 || count[errCredentials.Error()] == 0 {
			t.Error(count)
		}
		synctest.Wait()
		if checked := count[errCredentials.Error()]; time.Since(began) < time.Duration(checked-loginsPerSecond)*time.Second/5 {
			t.Errorf("%d checks took %v", checked, time.Since(began))
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := l.verify(ctx, "admin", "changeit"); !errors.Is(err, errLogins) {
			t.Errorf("%v for a client that has gone", err)
		}
	})
}

func TestSessionsExpire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSessions()
		_ = s.SaveSession(t.Context(), "id")
		time.Sleep(sessionDuration - time.Nanosecond)
		before, _ := s.DoesSessionExist(t.Context(), "id")
		time.Sleep(time.Nanosecond)
		if after, _ := s.DoesSessionExist(t.Context(), "id"); !before || after {
			t.Error(before, after)
		}
	})
}

func TestSessionsAreBounded(t *testing.T) {
	s := newSessions()
	for i := range maxSessions + 1 {
		_ = s.SaveSession(t.Context(), fmt.Sprint(i))
	}
	oldest, _ := s.DoesSessionExist(t.Context(), "0")
	newest, _ := s.DoesSessionExist(t.Context(), fmt.Sprint(maxSessions))
	if oldest || !newest || len(s.until) != maxSessions || len(s.order) != maxSessions {
		t.Error(oldest, newest, len(s.until), len(s.order))
	}
}

// brokenStore fails.
type brokenStore struct{}

func (*brokenStore) DoesSessionExist(context.Context, string) (bool, error) {
	return true, errors.New("the store is away")
}
func (*brokenStore) SaveSession(context.Context, string) error {
	return errors.New("the store is full")
}

func TestBrokenStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := start(t, socketio.Config{}, Options{Auth: &Auth{"admin", changeit}, Store: new(brokenStore)})
		if got := f.refused(t, map[string]any{"sessionId": "known"}); got != errCredentials.Message {
			t.Error(got)
		}
		if got := f.refused(t, map[string]any{"username": "admin", "password": "changeit"}); got != errStore.Message {
			t.Error(got)
		}
		synctest.Wait()
		for _, want := range []string{"the store is away", "the store is full"} {
			if !strings.Contains(f.log.String(), want) {
				t.Errorf("%q is not in the log: %s", want, f.log)
			}
		}
	})
}

// In production mode admins see counts alone.
func TestProduction(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := start(t, socketio.Config{}, Options{NoAuth: true, ServerID: "one"})
		f.io.Of("/chat")
		admin := f.connect(t, "/admin", nil)
		want := map[string]any{"supportedFeatures": []any{
			"EMIT", "JOIN", "LEAVE", "DISCONNECT", "MJOIN", "MLEAVE", "MDISCONNECT", "AGGREGATED_EVENTS",
		}}
		if d := cmp.Diff(want, next(t, admin, "config")[0]); d != "" {
			t.Error(d)
		}
		next(t, admin, "server_stats")
		user := f.connect(t, "/chat", nil)
		if err := user.Emit("hi", "x"); err != nil {
			t.Fatal(err)
		}
		user.Conn().Close()
		polling, err := f.Dial(t.Context(), siotest.Options{Transport: socketio.Polling})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := polling.Join(t.Context(), "/chat", nil); err != nil {
			t.Fatal(err)
		}
		stats := next(t, admin, "server_stats")[0].(map[string]any)
		counts := map[string]any{}
		for _, x := range stats["aggregatedEvents"].([]any) {
			x := x.(map[string]any)
			if ms := x["timestamp"].(float64); int64(ms)%1000 != 0 || time.Since(time.UnixMilli(int64(ms))) > 2*time.Second {
				t.Errorf("timestamp %v", ms)
			}
			name := x["type"].(string)
			if sub, ok := x["subType"].(string); ok {
				name += " " + sub
			}
			counts[name] = x["count"]
		}
		for name, n := range map[string]any{"rawConnection": 2., "rawDisconnection transport close": 1., "packetsIn": 1.} {
			if counts[name] != n {
				t.Errorf("%s: %v, want %v (%v)", name, counts[name], n, counts)
			}
		}
		for _, key := range []string{"hostname", "pid", "uptime"} {
			if stats[key] == nil {
				t.Errorf("no %s", key)
			}
		}
		if stats["serverId"] != "one" || stats["clientsCount"] != 2. || stats["pollingClientsCount"] != 1. {
			t.Error(stats)
		}
		namespaces := []any{}
		for _, n := range []struct {
			name string
			n    float64
		}{{"/", 0}, {"/admin", 1}, {"/chat", 1}} {
			namespaces = append(namespaces, map[string]any{"name": n.name, "socketsCount": n.n})
		}
		if d := cmp.Diff(namespaces, stats["namespaces"]); d != "" {
			t.Error(d)
		}
		if got := names(t, admin); len(got) > 0 {
			t.Errorf("production mode shows %v", got)
		}
	})
}

func TestReadonly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := start(t, socketio.Config{}, Options{NoAuth: true, Readonly: true, Mode: Development})
		user, admin := f.connect(t, "/", nil), f.connect(t, "/admin", nil)
		want := map[string]any{"supportedFeatures": []any{"AGGREGATED_EVENTS", "ALL_EVENTS"}}
		if d := cmp.Diff(want, next(t, admin, "config")[0]); d != "" {
			t.Error(d)
		}
		for _, c := range [][]any{
			{"join", "/", "r", user.ID()}, {"leave", "/", user.ID()}, {"emit", "/", nil, "x"}, {"_disconnect", "/", true},
		} {
			if err := admin.Emit(c[0].(string), c[1:]...); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		s, ok := f.io.Socket(user.ID())
		if !ok || user.Pending() > 0 || !slices.Equal(s.Rooms(), []string{user.ID()}) {
			t.Error("a command had an effect")
		}
	})
}

func TestCommands(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := start(t, socketio.Config{}, Options{NoAuth: true})
		a, b, admin := f.connect(t, "/", nil), f.connect(t, "/", nil), f.connect(t, "/admin", nil)
		emit := func(event string, args ...any) {
			t.Helper()
			if err := admin.Emit(event, args...); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		in := func(room string, want ...*siotest.Client) {
			t.Helper()
			if n := f.io.RoomLen(room); n != len(want) {
				t.Errorf("%d in %s, want %d", n, room, len(want))
			}
			for _, c := range want {
				if s, _ := f.io.Socket(c.ID()); !slices.Contains(s.Rooms(), room) {
					t.Errorf("%s is not in %s", c.ID(), room)
				}
			}
		}
		emit("join", "/", "r", a.ID())
		in("r", a)
		emit("join", "/", "all")
		in("all", a, b)
		emit("join", "/", "q", "r")
		in("q", a)
		emit("leave", "/", "all", b.ID())
		in("all", a)
		emit("leave", "/", "r", nil)
		in("r")
		emit("emit", "/", "q", "to q", 1, []byte{2})
		emit("emit", "/", "", "to all")
		if d := cmp.Diff([]any{1., []byte{2}}, next(t, a, "to q")); d != "" {
			t.Error(d)
		}
		next(t, a, "to all")
		if got := names(t, b); !slices.Equal(got, []string{"to all"}) {
			t.Error(got)
		}
		for _, bad := range [][]any{ // each is refused, and does nothing
			{"join"}, {"join", "/"}, {"join", "/", 1}, {"join", "/made-up", "x"}, {"join", nil, "x"}, {"join", "/", "x", 5},
			{"join", "/", "x", true}, {"emit", "/", nil, "connect"}, {"emit", "/", nil, 5}, {"_disconnect", "/"},
			{"_disconnect", "/", true, map[string]any{}},
		} {
			f.log.Reset()
			emit(bad[0].(string), bad[1:]...)
			if !strings.Contains(f.log.String(), "a command failed") {
				t.Errorf("%v: the log has %q", bad, f.log)
			}
		}
		in("x")
		if len(f.io.Namespaces()) != 2 {
			t.Error("an admin made a namespace")
		}
		f.log.Reset()
		emit("_disconnect", "/", false, b.ID())
		if <-b.Done(); b.Reason() != siotest.ReasonServerDisconnect {
			t.Error(b.Reason())
		}
		if log := f.log.String(); !strings.Contains(log, "_disconnect") || !strings.Contains(log, admin.ID()) {
			t.Errorf("the log has %q", log)
		}
		emit("_disconnect", "/", true)
		<-a.Conn().Done()
	})
}

func TestStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		io := socketio.New(socketio.Config{Logger: quiet})
		stop, err := Instrument(io, Options{NoAuth: true, Mode: Development, Logger: quiet})
		if err != nil {
			t.Fatal(err)
		}
		admin, err := siotest.Serve(t, io).Connect(t.Context(), "/admin", nil)
		if err != nil {
			t.Fatal(err)
		}
		next(t, admin, "server_stats")
		stop()
		names(t, admin)
		s, _ := io.Of("/admin").Socket(admin.ID())
		s.Join("room")
		time.Sleep(time.Minute)
		if got := names(t, admin); len(got) > 0 {
			t.Errorf("%v after stop", got)
		}
	})
}

// raw returns v as JSON.
func raw(t *testing.T, v any) string {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
