package adapter_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/rooms"
)

type socket string

func (s socket) ID() string { return string(s) }

// recorder is a host that writes down what it is asked for.
type recorder struct {
	a       adapter.Adapter
	log     []string
	err     error
	answers func(to []adapter.Socket, answer func(adapter.Answer))
	hooks   []*rooms.Hooks

	mu      sync.Mutex
	reports []error
}

func (h *recorder) Recovery() time.Duration { return 0 }

func (h *recorder) Logger() *slog.Logger { return slog.New(slog.DiscardHandler) }

func (h *recorder) Report(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.reports = append(h.reports, err)
}

// reported returns what was reported so far.
func (h *recorder) reported() []error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.reports)
}

func (h *recorder) Name() string { return "/test" }

func (h *recorder) note(what string, to []adapter.Socket) {
	for _, s := range to {
		what += " " + s.ID()
	}
	h.log = append(h.log, what)
}

func (h *recorder) Deliver(p *adapter.Packet, o adapter.Options) error {
	h.note(fmt.Sprintf("deliver %s%v volatile=%v:", p.Event, p.Args, o.Flags.Volatile), h.a.Select(nil, o))
	return h.err
}

func (h *recorder) DeliverWithAck(to []adapter.Socket, p *adapter.Packet, _ adapter.Flags, count func(int), answer func(adapter.Answer)) (func(), error) {
	h.note("ask "+p.Event+":", to)
	count(len(to))
	h.answers(to, answer)
	return func() { h.log = append(h.log, "cancelled") }, h.err
}

func (h *recorder) Describe(adapter.Socket) (handshake, data json.RawMessage) { return nil, nil }

func (h *recorder) ServerSideEvent(adapter.ServerSideEvent) {}

func (h *recorder) RoomHooks() []*rooms.Hooks { return h.hooks }

func (h *recorder) Disconnect(to []adapter.Socket, close bool) {
	h.note(fmt.Sprintf("disconnect close=%v:", close), to)
}

// room makes an adapter with sockets a, b and c; a and b are in r, b and c in q.
func room(t *testing.T) (*recorder, adapter.Adapter) {
	t.Helper()
	h := &recorder{}
	a, err := adapter.Memory(h)
	if err != nil {
		t.Fatal(err)
	}
	h.a = a
	for _, id := range []string{"a", "b", "c"} {
		a.Add(socket(id))
	}
	a.Join("a", "r")
	a.Join("b", "r", "q")
	a.Join("c", "q")
	return h, a
}

func TestBroadcast(t *testing.T) {
	t.Attr("covers", "adapter/index/4")
	for _, c := range []struct {
		name string
		o    adapter.Options
		want string
	}{
		{"everybody", adapter.Options{}, "deliver e[1] volatile=false: a b c"},
		{"a room", adapter.Options{Rooms: []string{"r"}}, "deliver e[1] volatile=false: a b"},
		{"two rooms, each once", adapter.Options{Rooms: []string{"q", "r"}}, "deliver e[1] volatile=false: b c a"},
		{"an id", adapter.Options{Rooms: []string{"c"}}, "deliver e[1] volatile=false: c"},
		{"except an id", adapter.Options{Except: []string{"a"}}, "deliver e[1] volatile=false: b c"},
		{"except a room", adapter.Options{Except: []string{"q"}}, "deliver e[1] volatile=false: a"},
		{"except wins", adapter.Options{Rooms: []string{"r"}, Except: []string{"q"}}, "deliver e[1] volatile=false: a"},
		{"nobody", adapter.Options{Rooms: []string{"x"}}, "deliver e[1] volatile=false:"},
		{"flags", adapter.Options{Rooms: []string{"a"}, Flags: adapter.Flags{Volatile: true}}, "deliver e[1] volatile=true: a"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h, a := room(t)
			if err := a.Broadcast(&adapter.Packet{Event: "e", Args: []any{1}}, c.o); err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff([]string{c.want}, h.log); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestBroadcastReportsTheHostsError(t *testing.T) {
	h, a := room(t)
	h.err = errors.New("cannot encode")
	if err := a.Broadcast(&adapter.Packet{Event: "e"}, adapter.Options{}); !errors.Is(err, h.err) {
		t.Errorf("got %v", err)
	}
}

func TestBroadcastWithAck(t *testing.T) {
	h, a := room(t)
	h.answers = func(to []adapter.Socket, answer func(adapter.Answer)) {
		for _, s := range to {
			answer(adapter.Answer{SocketID: s.ID()})
		}
	}
	counted := -1
	var from []string
	cancel, err := a.BroadcastWithAck(&adapter.Packet{Event: "e"}, adapter.Options{Rooms: []string{"q"}},
		func(n int) { counted = n },
		func(a adapter.Answer) { from = append(from, a.SocketID) })
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if counted != 2 || !slices.Equal(from, []string{"b", "c"}) {
		t.Errorf("counted %d, answers from %q", counted, from)
	}
	if d := cmp.Diff([]string{"ask e: b c", "cancelled"}, h.log); d != "" {
		t.Error(d)
	}
}

func TestMembership(t *testing.T) {
	t.Attr("covers", "adapter/index/1 adapter/index/3")
	_, a := room(t)
	if !a.In("a", "r") || a.In("a", "q") || !a.In("a", "a") {
		t.Error("a is not where it should be")
	}
	a.Leave("b", "q")
	if got := a.Rooms("b"); !slices.Equal(got, []string{"b", "r"}) {
		t.Errorf("b is in %q", got)
	}
	if a.Rooms("no") != nil {
		t.Error("an unknown socket is in rooms")
	}
	if s, ok := a.Get("a"); !ok || s != socket("a") || a.Len() != 3 {
		t.Errorf("Get gave %v, Len %d", s, a.Len())
	}
	a.Remove("a")
	if _, ok := a.Get("a"); ok || a.Len() != 2 || a.In("a", "r") {
		t.Error("a is still there")
	}
}

func TestRoomCommands(t *testing.T) {
	h, a := room(t)
	err := errors.Join(
		a.AddSockets(adapter.Options{Rooms: []string{"r"}}, "x", "y"),
		a.DelSockets(adapter.Options{Except: []string{"a"}}, "q", "y"),
		a.DisconnectSockets(adapter.Options{Rooms: []string{"x"}}, true),
		a.ServerSideEmit(&adapter.Packet{Event: "e"}),
		a.Close(),
	)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string][]string{}
	for info, err := range a.FetchSockets(context.Background(), adapter.Options{}) {
		if err != nil {
			t.Fatal(err)
		}
		if info.Local != socket(info.ID) {
			t.Errorf("local socket is %v", info.Local)
		}
		slices.Sort(info.Rooms)
		got[info.ID] = info.Rooms
	}
	want := map[string][]string{"a": {"a", "r", "x", "y"}, "b": {"b", "r", "x"}, "c": {"c"}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"disconnect close=true: a b"}, h.log); d != "" {
		t.Error(d)
	}
	if n, err := a.ServerCount(context.Background()); n != 1 || err != nil {
		t.Errorf("%d servers, %v", n, err)
	}
}

func TestSelect(t *testing.T) {
	t.Attr("covers", "adapter/index/2 adapter/index/7 adapter/index/8")
	_, a := room(t)
	for _, c := range []struct {
		name string
		o    adapter.Options
		want []string
	}{
		{"all", adapter.Options{}, []string{"a", "b", "c"}},
		{"a room", adapter.Options{Rooms: []string{"r"}}, []string{"a", "b"}},
		{"an unknown room", adapter.Options{Rooms: []string{"no"}}, nil},
		{"a room but for the members of another", adapter.Options{Rooms: []string{"r"}, Except: []string{"q"}}, []string{"a"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var selected, fetched []string
			for _, s := range a.Select(nil, c.o) {
				selected = append(selected, s.ID())
			}
			for info, err := range a.FetchSockets(t.Context(), c.o) {
				if err != nil {
					t.Fatal(err)
				}
				fetched = append(fetched, info.ID)
			}
			slices.Sort(selected)
			slices.Sort(fetched)
			if d := cmp.Diff(c.want, selected); d != "" {
				t.Errorf("Select: %s", d)
			}
			if d := cmp.Diff(c.want, fetched); d != "" {
				t.Errorf("FetchSockets: %s", d)
			}
		})
	}
}

func TestFetchSocketsEnds(t *testing.T) {
	_, a := room(t)
	n := 0
	for _, err := range a.FetchSockets(context.Background(), adapter.Options{}) {
		if err != nil {
			t.Error(err)
		}
		n++
		break
	}
	if n != 1 {
		t.Errorf("%d turns after a break", n)
	}
	cause := errors.New("enough")
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(cause)
	for _, err := range a.FetchSockets(ctx, adapter.Options{}) {
		if !errors.Is(err, cause) {
			t.Errorf("got %v, want the context's cause", err)
		}
	}
}

// The host's hooks are told about rooms, also when they come after the adapter.
func TestMemoryRoomHooks(t *testing.T) {
	h, a := room(t)
	var log []string
	h.hooks = []*rooms.Hooks{{Join: func(room, id string) { log = append(log, id+" joins "+room) }}}
	a.Add(socket("d"))
	a.Join("d", "r")
	if d := cmp.Diff([]string{"d joins d", "d joins r"}, log); d != "" {
		t.Error(d)
	}
}

func TestMemoryRooms(t *testing.T) {
	_, a := room(t)
	all := a.AllRooms()
	slices.Sort(all)
	if d := cmp.Diff([]string{"a", "b", "c", "q", "r"}, all); d != "" {
		t.Error(d)
	}
	if r, own, none := a.RoomLen("r"), a.RoomLen("a"), a.RoomLen("x"); r != 2 || own != 1 || none != 0 {
		t.Errorf("%d, %d, %d members", r, own, none)
	}
}

// There is no other server to be asked.
func TestMemoryServerSide(t *testing.T) {
	_, a := room(t)
	if err := a.ServerSideEmit(&adapter.Packet{Event: "e"}); err != nil {
		t.Error(err)
	}
	servers := -1
	cancel, err := a.ServerSideEmitWithAck(&adapter.Packet{Event: "e"}, func(n int) { servers = n }, func(adapter.Answer) { t.Error("an answer") })
	if err != nil || servers != 0 {
		t.Errorf("%d servers, %v", servers, err)
	}
	cancel()
}

// A broadcast allocates nothing that grows with the number of sockets.
func TestBroadcastAllocations(t *testing.T) {
	h := &quiet{}
	a, err := adapter.Memory(h)
	if err != nil {
		t.Fatal(err)
	}
	h.a = a
	for i := range 1000 {
		a.Add(socket(fmt.Sprint("s", i)))
	}
	p := &adapter.Packet{Event: "e"}
	if n := testing.AllocsPerRun(100, func() { _ = a.Broadcast(p, adapter.Options{Except: []string{"s1"}}) }); n > 2 {
		t.Errorf("%v allocations", n)
	}
}

// quiet is a host that only finds out whom to deliver to.
type quiet struct {
	recorder
	list []adapter.Socket
}

func (h *quiet) Deliver(_ *adapter.Packet, o adapter.Options) error {
	h.list = h.a.Select(h.list[:0], o)
	return nil
}
