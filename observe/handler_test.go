package observe_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/adapter/adaptertest"
	"github.com/gosocketio/socketio/internal/leak"
	"github.com/gosocketio/socketio/internal/rawclient"
	"github.com/gosocketio/socketio/observe"
	"github.com/gosocketio/socketio/siotest"
)

func TestMain(m *testing.M) { leak.Main(m) }

// get asks a handler.
func get(h http.Handler, target string) (status int, body string) {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, target, nil))
	return w.Code, w.Body.String()
}

// want checks the answer to a request.
func want(t *testing.T, h http.Handler, target string, status int, part string) {
	t.Helper()
	if s, body := get(h, target); s != status || !strings.Contains(body, part) {
		t.Errorf("%s: %d %s, want %d %s", target, s, body, status, part)
	}
}

// The body of a request is not read.
func TestBodyIsIgnored(t *testing.T) {
	sio := socketio.New(socketio.Config{Logger: slog.New(slog.DiscardHandler)})
	defer func() { _ = sio.Shutdown(context.Background()) }()
	body := strings.NewReader("--x\r\nContent-Disposition: form-data; name=\"limit\"\r\n\r\n-1\r\n--x--\r\n")
	size := body.Len()
	for _, path := range []string{"/sockets", "/rooms", "/slow"} {
		r := httptest.NewRequest(http.MethodGet, path, body)
		r.Header.Set("Content-Type", "multipart/form-data; boundary=x")
		w := httptest.NewRecorder()
		observe.Handler(sio, observe.Config{}).ServeHTTP(w, r)
		if w.Code != http.StatusOK || body.Len() != size {
			t.Errorf("%s: %d %s, %d bytes are left of %d", path, w.Code, w.Body, body.Len(), size)
		}
	}
}

// A server is ready until it shuts down, and unless its broker is away for longer than stated.
func TestReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bus := adaptertest.NewBus()
		sio := socketio.New(socketio.Config{
			Adapter: bus.Adapter(adapter.ClusterConfig{}), Logger: slog.New(slog.DiscardHandler),
		})
		short := observe.Handler(sio, observe.Config{BrokerAway: 10 * time.Second})
		normal := observe.Handler(sio, observe.Config{})
		never := observe.Handler(sio, observe.Config{BrokerAway: -1})
		all := []http.Handler{short, normal, never}
		ready := func(which ...http.Handler) {
			t.Helper()
			for _, h := range all {
				want(t, h, "/healthz", 200, "ok")
				if slices.Contains(which, h) {
					want(t, h, "/readyz", 200, "ready")
				} else {
					want(t, h, "/readyz", 503, "")
				}
			}
		}
		ready(all...)
		bus.Cut()
		time.Sleep(10 * time.Second)
		ready(all...)
		time.Sleep(time.Second)
		ready(normal, never)
		want(t, short, "/readyz", 503, "the broker (bus) has been away for 11s, 10s are allowed")
		time.Sleep(20 * time.Second)
		ready(never)
		bus.Restore()
		time.Sleep(time.Second)
		ready(all...)

		blocked, unblock := make(chan struct{}), make(chan struct{})
		sio.OnDisconnect(func(*socketio.Socket, socketio.Reason) {
			close(blocked)
			<-unblock
		})
		if _, err := siotest.Serve(t, sio).Connect(t.Context(), "/", nil); err != nil {
			t.Fatal(err)
		}
		done := make(chan error, 1)
		go func() { done <- sio.Shutdown(context.Background()) }()
		<-blocked
		ready()
		want(t, normal, "/readyz", 503, "draining")
		close(unblock)
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// entry is what the lists have of a socket or a room.
type entry struct {
	ID, Namespace, Room, Address, Transport string
	Rooms                                   []string
	RoomCount, QueueBytes, QueuePackets     int
	Paused                                  bool
	Sockets                                 int
}

// list returns all pages of a list.
func list(t *testing.T, h http.Handler, target string) (all []entry, pages int) {
	t.Helper()
	for next := ""; ; {
		status, body := get(h, target+next)
		var page struct {
			Rooms, Sockets []entry
			Next           string
		}
		if err := json.Unmarshal([]byte(body), &page); err != nil || status != http.StatusOK {
			t.Fatalf("%s: %d %s: %v", target+next, status, body, err)
		}
		all = append(append(all, page.Rooms...), page.Sockets...)
		if pages++; page.Next == "" {
			return all, pages
		}
		next = "&cursor=" + page.Next
	}
}

func TestLists(t *testing.T) { synctest.Test(t, testLists) }

func testLists(t *testing.T) {
	sio := socketio.New(socketio.Config{Logger: slog.New(slog.DiscardHandler), MaxInboxEvents: 1})
	var ids []string
	for _, ns := range []*socketio.Namespace{sio.Of("/"), sio.Of("/b"), sio.Of("/a")} {
		ns.OnConnection(func(s *socketio.Socket) {
			ids = append(ids, ns.Name()+" "+s.ID())
			s.Join("lobby", fmt.Sprint("room ", len(ids)), "\xff,comma")
		})
	}
	unblock := make(chan struct{})
	sio.Handle("block", func(*socketio.Event) error {
		<-unblock
		return nil
	})
	h := observe.Handler(sio, observe.Config{})
	want(t, h, "/sockets", 200, `{"sockets":[]}`)
	want(t, h, "/rooms", 200, `{"rooms":[]}`)
	srv := rawclient.ServePipe(t, sio)
	t.Cleanup(func() { _ = sio.Shutdown(context.Background()) })
	conns := make([]*rawclient.Conn, 4)
	for i := range conns {
		conns[i] = srv.WebSocket()
		for _, ns := range []string{"/b", "/a", "/"}[i%3:] {
			conns[i].Join(ns, "")
			synctest.Wait()
		}
	}
	slices.Sort(ids)

	for _, limit := range []int{1, 2, 3, 1000} {
		all, pages := list(t, h, fmt.Sprint("/sockets?limit=", limit))
		var got []string
		for _, s := range all {
			got = append(got, s.Namespace+" "+s.ID)
		}
		if d := cmp.Diff(ids, got); d != "" || pages != (len(ids)+limit-1)/limit {
			t.Errorf("limit %d: %d pages, %s", limit, pages, d)
		}
		rooms, _ := list(t, h, fmt.Sprint("/rooms?limit=", limit))
		if n := len(rooms); n != len(ids)+2*3 {
			t.Errorf("limit %d: %d rooms: %v", limit, n, rooms)
		}
	}
	if all, _ := list(t, h, "/sockets?namespace=/a"); len(all) != 3 || all[2].Namespace != "/a" {
		t.Errorf("in /a: %+v", all)
	}
	rooms, _ := list(t, h, "/rooms?namespace=/a&limit=2")
	if lobby := (entry{Namespace: "/a", Room: "lobby", Sockets: 3}); !cmp.Equal(rooms[0], lobby) {
		t.Errorf("got %+v", rooms)
	}
	for i := range 150 {
		sio.Sockets()[0].Join(fmt.Sprintf("many %03d", i))
	}
	one, _ := list(t, h, "/sockets?namespace=/&limit=1")
	for _, s := range one {
		if s.ID == sio.Sockets()[0].ID() && (len(s.Rooms) != 100 || s.RoomCount != 154) {
			t.Errorf("got %d of %d rooms", len(s.Rooms), s.RoomCount)
		}
	}

	// Clients that read slowly, and one whose handlers are slow.
	want(t, h, "/slow", 200, `{"sockets":[]}`)
	sockets := sio.Sockets()
	for i, s := range sockets[:3] {
		for range 5 {
			if err := s.Emit("event", strings.Repeat("x", 1000*(i+1))); err != nil {
				t.Fatal(err)
			}
		}
	}
	conns[3].Send(`42["block"]`, `42["block"]`)
	synctest.Wait()
	slow, _ := list(t, h, "/slow?limit=9")
	if len(slow) < 4 || slow[0].ID != sockets[2].ID() || slow[0].QueueBytes < 10_000 || slow[0].QueuePackets < 4 ||
		slow[0].Transport != "websocket" || slow[0].Address == "" || slow[0].Paused {
		t.Errorf("got %+v", slow)
	}
	if last := slow[len(slow)-1]; !last.Paused || last.QueueBytes != 0 {
		t.Errorf("got %+v", slow)
	}
	if two, _ := list(t, h, "/slow?limit=2"); !cmp.Equal(two, slow[:2]) {
		t.Errorf("got %+v", two)
	}
	close(unblock)
}

func TestBadRequests(t *testing.T) {
	h := observe.Handler(socketio.New(socketio.Config{}), observe.Config{})
	for _, target := range []string{"/sockets", "/rooms", "/slow"} {
		for _, limit := range []string{"0", "-1", "1001", "many", "99999999999999999999"} {
			want(t, h, target+"?limit="+limit, 400, "it must be 1 to 1000")
		}
	}
	want(t, h, "/sockets?cursor=*", 400, "cursor is invalid")
	want(t, h, "/rooms?cursor=*", 400, "cursor is invalid")
	want(t, h, "/metrics", 404, "")
	want(t, h, "/debug/pprof/", 404, "")
	want(t, h, "/unknown", 404, "")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/sockets", nil))
	if w.Code != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d", w.Code)
	}
}

// What is given is mounted, and the index names it.
func TestMounted(t *testing.T) {
	say := func(what string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, what) })
	}
	h := observe.Handler(socketio.New(socketio.Config{}), observe.Config{Metrics: say("metrics"), Pprof: say("pprof")})
	want(t, h, "/metrics", 200, "metrics")
	want(t, h, "/debug/pprof/heap", 200, "pprof")
	want(t, h, "/", 200, "/metrics\n/debug/pprof/")
}
