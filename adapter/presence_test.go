package adapter_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/adapter/adaptertest"
	"github.com/gosocketio/socketio/adapter/clusterwire"
)

// in selects a room.
func in(rooms ...string) adapter.Options { return adapter.Options{Rooms: rooms} }

// presenceLog keeps what hooks were told, and which rooms have sockets by that.
type presenceLog struct {
	t     *testing.T
	mu    sync.Mutex
	told  []string
	rooms map[string]bool
	off   func()
}

func logPresence(t *testing.T, p adapter.Presence) *presenceLog {
	l := &presenceLog{t: t, rooms: make(map[string]bool)}
	tell := func(what string, is bool) func(string) {
		return func(room string) {
			l.mu.Lock()
			defer l.mu.Unlock()
			if l.rooms[room] == is {
				t.Errorf("%s of %s was told twice", what, room)
			}
			if l.rooms[room] = is; !is {
				delete(l.rooms, room)
			}
			l.told = append(l.told, what+" "+room)
		}
	}
	l.off = p.OnPresence(adapter.PresenceHooks{FirstIn: tell("in", true), LastOut: tell("out", false)})
	t.Cleanup(l.off)
	return l
}

// read returns what was told since the last call, sorted.
func (l *presenceLog) read() (told []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	told, l.told = l.told, nil
	slices.Sort(told)
	return told
}

func buses() map[string]func() *adaptertest.Bus {
	return map[string]func() *adaptertest.Bus{
		"heard":   func() *adaptertest.Bus { return &adaptertest.Bus{} },
		"counted": func() *adaptertest.Bus { return &adaptertest.Bus{Counted: true} },
		"kept":    func() *adaptertest.Bus { return &adaptertest.Bus{Kept: true} },
	}
}

// Rooms are counted on all servers, with numbers that are two heartbeats old at most.
func TestPresence(t *testing.T) {
	for name, make := range buses() {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				bus := make()
				a, b, c := join(t, bus, "a"), join(t, bus, "b"), join(t, bus, "c")
				b.Join("b", "r", "q")
				c.Join("c", "r")
				c.Join("c", "b") // another one's own room
				count := func(s *server, o adapter.Options, sockets, servers int) {
					t.Helper()
					got, err := s.Count(t.Context(), o)
					if got.Sockets != sockets || got.Servers != servers || err != nil {
						t.Errorf("%+v, %v; want %d sockets on %d servers", got, err, sockets, servers)
					}
					if got.Age > 2*adapter.DefaultHeartbeatInterval {
						t.Errorf("the numbers are %v old", got.Age)
					}
				}
				time.Sleep(time.Minute)
				began := time.Now()
				count(a, in("r"), 2, 3) // the first one waits
				if took := time.Since(began); took > time.Second {
					t.Errorf("it took %v", took)
				}
				began = time.Now()
				count(a, in("q"), 1, 3)
				count(a, in("b"), 1, 3)
				count(a, in(), 3, 3)
				count(a, in("nobody's"), 0, 3)
				a.Join("a", "r")
				count(a, in("r"), 3, 3)
				a.Leave("a", "r")
				count(a, in("r"), 2, 3)
				count(a, adapter.Options{Flags: adapter.Flags{Local: true}, Rooms: []string{"a", "r"}, Except: []string{"q"}}, 1, 1)
				if !time.Now().Equal(began) {
					t.Error("it waits")
				}
				c.Leave("c", "r")
				c.Add(socket("d"))
				time.Sleep(6 * time.Second)
				count(a, in("r"), 1, 3)
				count(a, in(), 4, 3)
				count(c, in("q"), 1, 3) // it has not asked before
				for _, o := range []adapter.Options{in("a", "b"), {Except: []string{"a"}}, in(strings.Repeat("x", 257))} {
					if got, err := a.Count(t.Context(), o); !errors.Is(err, adapter.ErrUncounted) {
						t.Errorf("%+v: %+v, %v", o, got, err)
					}
				}
				// A server dies, its numbers go.
				bus.Kill(1)
				time.Sleep(12 * time.Second)
				count(a, in("q"), 0, 2)
				count(a, in(), 3, 2)
				if err := c.Close(); err != nil {
					t.Error(err)
				}
				synctest.Wait()
				count(a, in(), 1, 1)
				if errs := a.reported(); len(errs) > 0 {
					t.Errorf("reported %v", errs)
				}
			})
		})
	}
}

// Hooks are told when a room gets its first socket in the cluster, and when it has lost its last one.
func TestPresenceHooks(t *testing.T) {
	for name, make := range buses() {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				bus := make()
				a, b := join(t, bus, "a"), join(t, bus, "b")
				a.Join("a", "early")
				b.Join("b", "r", "q")
				log := logPresence(t, a)
				want := func(d time.Duration, told ...string) {
					t.Helper()
					time.Sleep(d)
					synctest.Wait()
					if d := cmp.Diff(told, log.read()); d != "" {
						t.Error(d)
					}
				}
				want(time.Second, "in early", "in q", "in r")
				a.Join("a", "r", "here")
				want(0, "in here")
				b.Leave("b", "r")
				b.Leave("b", "q")
				a.Leave("a", "here")
				want(0, "out here")
				want(6*time.Second, "out q")
				c := join(t, bus, "c")
				c.Join("c", "r", "new")
				want(6*time.Second, "in new")
				a.Leave("a", "r")
				want(6 * time.Second)
				bus.Kill(2)
				want(12*time.Second, "out new", "out r")
				a.Remove("a")
				want(0, "out early")
			})
		})
	}
}

// Whatever sockets and servers do and the broker loses, two heartbeats later every server has the numbers
// of the truth, and its hooks were told the same.
func TestPresenceProperty(t *testing.T) {
	for name, make := range buses() {
		for _, seed := range []uint64{1, 2, 3, 4, 5} {
			t.Run(fmt.Sprint(name, " ", seed), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { presenceProperty(t, make(), rand.New(rand.NewPCG(seed, 0))) })
			})
		}
	}
	t.Run("doubled", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			presenceProperty(t, &adaptertest.Bus{Doubles: true}, rand.New(rand.NewPCG(6, 0)))
		})
	})
}

func presenceProperty(t *testing.T, bus *adaptertest.Bus, r *rand.Rand) {
	type member struct {
		*server
		log    *presenceLog
		number int
		rooms  map[string]map[string]bool // by socket
	}
	var all []*member
	started := 0
	start := func() {
		m := &member{server: join(t, bus, fmt.Sprint("s", started)), number: started, rooms: map[string]map[string]bool{}}
		m.rooms[fmt.Sprint("s", started)] = map[string]bool{}
		m.log = logPresence(t, m)
		started++
		all = append(all, m)
	}
	for range 3 {
		start()
	}
	for range 12 {
		for range r.IntN(60) {
			m := all[r.IntN(len(all))]
			id := fmt.Sprint("s", m.number)
			if r.IntN(3) > 0 {
				id = fmt.Sprint("x", m.number, "-", r.IntN(4))
			}
			room := fmt.Sprint("room ", r.IntN(12))
			switch op := r.IntN(10); {
			case m.rooms[id] == nil:
				m.Add(socket(id))
				m.rooms[id] = map[string]bool{}
			case op < 5:
				m.Join(id, room)
				m.rooms[id][room] = true
			case op < 8:
				m.Leave(id, room)
				delete(m.rooms[id], room)
			case op < 9:
				m.Remove(id)
				delete(m.rooms, id)
			default:
				time.Sleep(time.Duration(r.IntN(3000)) * time.Millisecond)
			}
		}
		switch r.IntN(4) {
		case 0:
			start()
		case 1:
			if len(all) > 2 {
				i := r.IntN(len(all))
				bus.Kill(all[i].number)
				all = slices.Delete(all, i, i+1)
			}
		case 2:
			i := all[r.IntN(len(all))].number
			bus.Cut(i)
			time.Sleep(time.Duration(r.IntN(15)) * time.Second)
			bus.Restore(i)
		}
		time.Sleep(12 * time.Second) // for the deaths, and for what was lost
		synctest.Wait()
		truth, sockets := map[string]int{}, 0
		for _, m := range all {
			sockets += len(m.rooms)
			for _, rooms := range m.rooms {
				for room := range rooms {
					truth[room]++
				}
			}
		}
		for _, m := range all {
			for i := range 12 {
				room := fmt.Sprint("room ", i)
				if got, err := m.Count(t.Context(), in(room)); got.Sockets != truth[room] || got.Servers != len(all) || err != nil {
					t.Errorf("server %d counts %+v in %s, %v; there are %d on %d", m.number, got, room, err, truth[room], len(all))
				}
				m.log.mu.Lock()
				if m.log.rooms[room] != (truth[room] > 0) {
					t.Errorf("server %d was told that %s has sockets: %v; there are %d", m.number, room, m.log.rooms[room], truth[room])
				}
				m.log.mu.Unlock()
			}
			if got, err := m.Count(t.Context(), in()); got.Sockets != sockets || err != nil {
				t.Errorf("server %d counts %+v, %v; there are %d", m.number, got, err, sockets)
			}
		}
		if t.Failed() {
			return
		}
	}
}

// Rooms that come and go while a hook blocks take no memory.
func TestPresenceHookBlocks(t *testing.T) {
	h := &recorder{}
	a, err := adapter.Memory(h)
	if err != nil {
		t.Fatal(err)
	}
	h.a = a
	proceed := make(chan struct{})
	told := make(chan string, 10)
	defer a.(adapter.Presence).OnPresence(adapter.PresenceHooks{FirstIn: func(room string) {
		told <- room
		<-proceed
	}})()
	a.Add(socket("a"))
	a.Join("a", "first")
	for range 10 {
		for n := range 1000 {
			a.Join("a", fmt.Sprint(n))
			a.Leave("a", fmt.Sprint(n))
		}
	}
	if n := adapter.Untold(a); n > 100 {
		t.Errorf("%d rooms wait", n)
	}
	a.Join("a", "last")
	close(proceed)
	for _, want := range []string{"first", "last"} {
		if got := <-told; got != want {
			t.Errorf("told %s, want %s", got, want)
		}
	}
}

// Without a cluster the numbers are exact.
func TestPresenceAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &recorder{}
		a, err := adapter.Memory(h)
		if err != nil {
			t.Fatal(err)
		}
		h.a = a
		p := a.(adapter.Presence)
		log := logPresence(t, p)
		off := p.OnPresence(adapter.PresenceHooks{})
		off()
		a.Add(socket("a"))
		a.Add(socket("b"))
		a.Join("a", "r", "q")
		a.Join("b", "r")
		for room, want := range map[string]int{"r": 2, "q": 1, "a": 1, "x": 0} {
			if got, err := p.Count(t.Context(), in(room)); got != (adapter.Counted{Sockets: want, Servers: 1}) || err != nil {
				t.Errorf("%s: %+v, %v", room, got, err)
			}
		}
		if got, err := p.Count(t.Context(), in()); got != (adapter.Counted{Sockets: 2, Servers: 1}) || err != nil {
			t.Errorf("%+v, %v", got, err)
		}
		synctest.Wait()
		a.Leave("a", "r")
		a.Remove("b")
		synctest.Wait()
		if d := cmp.Diff([]string{"in q", "in r", "out r"}, log.read()); d != "" {
			t.Error(d)
		}
		log.off()
		a.Leave("a", "q")
		a.Join("a", "p")
		log = logPresence(t, p)
		synctest.Wait()
		if d := cmp.Diff([]string{"in p"}, log.read()); d != "" {
			t.Error(d)
		}
	})
}

// Official servers tell no numbers: a count says so, by name where they are known by one.
func TestPresenceMixed(t *testing.T) {
	for name, bus := range map[string]*adaptertest.Bus{"heard": {}, "counted": {Counted: true}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := joinAs(t, bus, "a", adapter.ClusterConfig{Mixed: true})
				b := joinAs(t, bus, "b", adapter.ClusterConfig{Mixed: true})
				b.Join("b", "r")
				node := &official{stranger: subscribe(t, bus, "node"), uid: "node"}
				if err := node.send(adapter.MessageHeartbeat); err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
				got, err := a.Count(t.Context(), in("r"))
				var missing *adapter.MissingServersError
				if got.Sockets != 1 || got.Servers != 2 || !errors.As(err, &missing) || missing.Missing != 1 ||
					!bus.Counted && !slices.Equal(missing.UIDs, []string{"node"}) || !errors.Is(err, adapter.ErrUncounted) {
					t.Errorf("%+v, %v", got, err)
				}
				began := time.Now()
				if got, err := a.Count(t.Context(), in("r")); got.Sockets != 1 || err == nil || !time.Now().Equal(began) {
					t.Errorf("%+v, %v after %v", got, err, time.Since(began))
				}
			})
		})
	}
}

// A server with too many rooms is named, until it has fewer. One with many is counted.
func TestPresenceOfManyRooms(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const limit = 1 << 16
		bus := &adaptertest.Bus{}
		a, b := join(t, bus, "a"), join(t, bus, "b")
		room := func(i int) string { return fmt.Sprintf("a room with the \"number\" %d, \xff: \x00", i) }
		for i := range limit {
			b.Join("b", room(i))
		}
		long := strings.Repeat("x", 257)
		count := func(want int) (missing *adapter.MissingServersError) {
			t.Helper()
			got, err := a.Count(t.Context(), in(strings.ToValidUTF8(room(limit/2), "\uFFFD")))
			if got.Sockets != want || err != nil && !errors.As(err, &missing) {
				t.Errorf("%+v, %v", got, err)
			}
			return missing
		}
		if missing := count(1); missing != nil {
			t.Error(missing)
		}
		b.Join("b", long)
		time.Sleep(6 * time.Second)
		if missing := count(0); missing == nil || !slices.Equal(missing.UIDs, []string{b.UID()}) ||
			!strings.Contains(missing.Error(), "more than 65536 rooms") {
			t.Errorf("too many: %v", missing)
		}
		if bytes, rooms := a.Told(); bytes != 0 || rooms != 0 {
			t.Errorf("%d bytes, %d rooms", bytes, rooms)
		}
		b.Leave("b", long)
		time.Sleep(7 * time.Second)
		if missing := count(1); missing != nil {
			t.Error(missing)
		}
		bytes, rooms := a.Told()
		if t.Logf("%d rooms: %d bytes", rooms, bytes); rooms != limit {
			t.Errorf("%d rooms", rooms)
		}
		if errs := b.reported(); len(errs) > 0 {
			t.Errorf("reported %v", errs)
		}
	})
}

// What all servers have told is limited in bytes, and the servers that are left out are named.
func TestPresenceIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x, say := captivePresence(t)
		defer func() { _ = x.Close() }()
		name := strings.Repeat("n", 250_000)
		for i := range 300 {
			say(fmt.Sprint("s", i), fmt.Sprintf("w1 N5:/test 7 R%d:%s%03d 3", len(name)+3, name, i))
		}
		bytes, rooms := x.Told()
		got, err := x.Count(t.Context(), in())
		var missing *adapter.MissingServersError
		if !errors.As(err, &missing) || missing.Missing != 300-rooms || got.Sockets != 7*rooms || bytes > 64<<20 || rooms < 200 {
			t.Errorf("%d bytes, %d rooms, %+v, %v", bytes, rooms, got, err)
		}
		time.Sleep(time.Minute)
		if bytes, rooms := x.Told(); bytes != 0 || rooms != 0 {
			t.Errorf("servers have gone: %d bytes, %d rooms", bytes, rooms)
		}
		many := strings.Builder{} // of one server
		many.WriteString("w1 N5:/test 7")
		for i := range 1 << 17 {
			fmt.Fprintf(&many, " R6:%06d 1", i)
		}
		say("s", many.String())
		if got, err := x.Count(t.Context(), in()); !errors.As(err, &missing) || missing.UIDs[0] != "s" {
			t.Errorf("%+v, %v", got, err)
		}
	})
}

// peerOf is a server that tells what a test says, in the namespace "".
type peerOf struct {
	stranger
	t   *testing.T
	uid string
}

func (*peerOf) Namespace() string { return "" }

func peerOn(t *testing.T, bus *adaptertest.Bus, uid string) *peerOf {
	t.Helper()
	p := &peerOf{stranger: stranger{got: make(chan *adapter.Message, 1000)}, t: t, uid: uid}
	b := bus.Broker()
	if err := b.Start(t.Context(), uid, func(error) {}); err != nil {
		t.Fatal(err)
	}
	var err error
	if p.link, err = b.Join(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	return p
}

// say sends a heartbeat with a digest. It reports whether the server asks for all numbers then.
func (p *peerOf) say(digest string) (asked bool) {
	p.t.Helper()
	for len(p.got) > 0 {
		<-p.got
	}
	if err := p.link.Publish(&adapter.Message{
		UID: p.uid, Type: adapter.MessageHeartbeat, Rooms: []string{"/test"}, Count: 1,
		Hello: &adapter.Hello{Protocol: 1, Oldest: 1, Digest: digest},
	}); err != nil {
		p.t.Fatal(err)
	}
	time.Sleep(400 * time.Millisecond)
	for len(p.got) > 0 {
		asked = slices.Contains((<-p.got).Hello.Resync, p.uid) || asked
	}
	return asked
}

// A digest that was lost is noticed with the next one, and all numbers are asked for. Until they come the
// old ones count, for two heartbeats.
func TestDigestIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bus := &adaptertest.Bus{}
		a, b := join(t, bus, "a"), peerOn(t, bus, "b")
		if got, err := a.Count(t.Context(), in("r")); got.Servers != 1 || err != nil {
			t.Errorf("%+v, %v", got, err)
		}
		for _, x := range []struct {
			digest string
			asks   bool
			want   int
		}{
			{"s7", true, -1}, // nothing came before it
			{"w8 N5:/test 1 R1:r 4", false, 4},
			{"s8", false, 4},
			{"d9 N5:/test 1 R1:r 5", false, 5},
			{"d9 N5:/test 1 R1:r 6", false, 5},
			{"d8 N5:/test 1 R1:r 6", false, 5},
			{"d11 N5:/test 1 R1:r 7", true, 5},
			{"f12 N5:/test 1 R1:r 1", false, 5},
			{"l14 N5:/test 1 R1:r 2", true, 5}, // a part is missing
			{"f15 N5:/test 1 R1:q 1", false, 5},
			{"n16 N5:/test 1 R1:p 2", false, 5},
			{"n16 N5:/test 1 R1:p 2", false, 5},
			{"l17 N5:/test 1 R1:r 2", false, 2},
			{"l17 N5:/test 1 R1:r 3", false, 2},
			{"f18 N5:/test 1 R1:r 3", false, 2}, // while others ask
			{"l19 N5:/test 1", false, 3},
			{"w20 N5:/test 1 R1:r x", true, 3},
			{"l21 N5:/test 1 R1:r 9", true, 3},
			{"w21 N5:/test 1 R1:r 1", false, 1},
			{"x22", true, -1},
			{"", false, -1},
			{"w23 N5:/test 1 R1:r 1", false, 1},
		} {
			asks := b.say(x.digest)
			got, err := a.Count(t.Context(), in("r"))
			if asks != x.asks || x.want < 0 && err == nil || x.want >= 0 && (got.Sockets != x.want || err != nil) {
				t.Errorf("after %q: asks for all: %v, %+v, %v", x.digest, asks, got, err)
			}
		}
		for range 2 {
			time.Sleep(4 * time.Second)
			b.say("") // it is alive
		}
		if got, err := a.Count(t.Context(), in("r")); got.Sockets != 1 || err != nil || got.Age < 8*time.Second {
			t.Errorf("%+v, %v", got, err)
		}
		time.Sleep(4 * time.Second)
		b.say("")
		if got, err := a.Count(t.Context(), in("r")); got.Sockets != 0 || err == nil {
			t.Errorf("what is too old: %+v, %v", got, err)
		}
	})
}

// Servers that want the numbers one shortly after the other do not wait for a heartbeat.
func TestNumbersAreWantedOften(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bus := &adaptertest.Bus{}
		all := []*server{join(t, bus, "a"), join(t, bus, "b"), join(t, bus, "c"), join(t, bus, "d")}
		time.Sleep(time.Minute)
		for i, s := range all {
			began := time.Now()
			if got, err := s.Count(t.Context(), in()); got.Sockets != 4 || err != nil || time.Since(began) > time.Second {
				t.Errorf("%+v, %v after %v", got, err, time.Since(began))
			}
			for _, s := range all { // an occasion for a heartbeat
				if err := s.Announce(fmt.Sprint("http://", i)); err != nil {
					t.Error(err)
				}
			}
		}
	})
}

// A heartbeat with a digest fits into a notification of PostgreSQL, whatever the rooms are called.
func TestDigestsFit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bus := &adaptertest.Bus{}
		a, b := join(t, bus, "a"), peerOn(t, bus, "b")
		if err := a.Announce(strings.Repeat("/", adapter.MaxAddress)); err != nil {
			t.Fatal(err)
		}
		for i := range 3000 {
			a.Join("a", fmt.Sprint(strings.Repeat([]string{"x", "\x01", "\"", "\xff", "é", "\u2028", "<"}[i%7], i%125), i))
		}
		time.Sleep(time.Second)
		err := b.link.Publish(&adapter.Message{
			UID: b.uid, Type: adapter.MessageHeartbeat, Count: 1, Hello: &adapter.Hello{Protocol: 1, Oldest: 1, Counts: true},
		})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		parts, longest := 0, 0
		for len(b.got) > 0 {
			data, _, err := clusterwire.Encode(<-b.got)
			if err != nil {
				t.Fatal(err)
			}
			parts++
			longest = max(longest, len(data))
		}
		if t.Logf("%d heartbeats, %d bytes the longest", parts, longest); longest > 7_999 || parts < 40 {
			t.Errorf("%d heartbeats, %d bytes", parts, longest)
		}
	})
}

// Rooms that come and go between two heartbeats, however many, do not hide those that stay. The rooms of a
// namespace that is closed are gone.
func TestPresenceOfManyChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bus := &adaptertest.Bus{}
		a, b := join(t, bus, "a"), join(t, bus, "b")
		log := logPresence(t, a)
		if got, err := a.Count(t.Context(), in("r")); got.Servers != 2 || err != nil {
			t.Errorf("%+v, %v", got, err)
		}
		b.Join("b", "r")
		for i := range 70_000 {
			room := fmt.Sprint(i)
			b.Join("b", room)
			b.Leave("b", room)
		}
		time.Sleep(6 * time.Second)
		if got, err := a.Count(t.Context(), in("r")); got.Sockets != 1 || err != nil {
			t.Errorf("%+v, %v", got, err)
		}
		log.read()

		factory := bus.Adapter(adapter.ClusterConfig{})
		open := func(name string) adapter.Adapter {
			h := &named{name: name}
			x, err := factory(h)
			if err != nil {
				t.Fatal(err)
			}
			h.a = x
			return x
		}
		other, closed := open("/other"), open("/test")
		closed.Add(socket("x"))
		closed.Join("x", "q")
		time.Sleep(6 * time.Second)
		if err := closed.Close(); err != nil {
			t.Error(err)
		}
		time.Sleep(6 * time.Second)
		if d := cmp.Diff([]string{"in q", "out q"}, log.read()); d != "" {
			t.Error(d)
		}
		if err := other.Close(); err != nil {
			t.Error(err)
		}
	})
}

// captivePresence returns a server that counts, and what makes others tell it a digest.
func captivePresence(t *testing.T) (x *adapter.Cluster, say func(uid, digest string)) {
	members := make(captive)
	made, err := adapter.NewNode(members, adapter.ClusterConfig{}).Adapter(&server{})
	if err != nil {
		t.Fatal(err)
	}
	x = made.(*adapter.Cluster)
	if got, err := x.Count(t.Context(), in()); got.Servers != 1 || err != nil {
		t.Fatalf("%+v, %v", got, err)
	}
	return x, func(uid, digest string) {
		members[""].Receive(&adapter.Message{
			UID: uid, Type: adapter.MessageHeartbeat, Rooms: []string{"/test"}, Count: 1,
			Hello: &adapter.Hello{Protocol: 1, Oldest: 1, Counts: true, Digest: digest},
		})
	}
}

// FuzzDigests gives a server whatever digests a broker may carry. Who told them is forgotten, with
// everything.
func FuzzDigests(f *testing.F) {
	f.Add("w1 N5:/test 7 R1:r 3", "d2 N5:/test 8 R1:r 0 R1:q 1", "s2")
	f.Add("f1 N5:/test 7 R1:r 3", "n2 R1:r 3", "l3 N5:/test 0 R1:r 1 R1:r 2")
	f.Add("o1", "d2 N1:/ 1", "w3 N4294967296:x 1")
	f.Add("w1 N0: 7 R0: 3", "w1", "d2 R1:r 1")
	f.Fuzz(func(t *testing.T, one, two, three string) {
		synctest.Test(t, func(t *testing.T) {
			x, say := captivePresence(t)
			defer func() { _ = x.Close() }()
			log := logPresence(t, x)
			for _, digest := range []string{one, two, three, two, one} {
				say("b", digest)
				say("c", digest)
				if got, err := x.Count(t.Context(), in("r")); got.Sockets < 0 || got.Servers == 3 && err != nil {
					t.Errorf("%+v, %v", got, err)
				}
			}
			time.Sleep(time.Minute)
			synctest.Wait()
			if bytes, rooms := x.Told(); bytes != 0 || rooms != 0 || len(log.rooms) > 0 {
				t.Errorf("%d bytes, %d rooms, %v", bytes, rooms, log.rooms)
			}
		})
	})
}

// BenchmarkPresence measures a join and a leave: of a socket, without presence and while other servers want
// the numbers and hooks are called. Then a Count, and the memory of a room of another server.
func BenchmarkPresence(b *testing.B) {
	for _, c := range []struct {
		name          string
		wanted, hooks bool
	}{{"off", false, false}, {"wanted", true, false}, {"wanted with hooks", true, true}} {
		b.Run(c.name, func(b *testing.B) {
			members := make(captive)
			made, err := adapter.NewNode(members, adapter.ClusterConfig{}).Adapter(&server{})
			if err != nil {
				b.Fatal(err)
			}
			defer func() { _ = made.Close() }()
			x := made.(*adapter.Cluster)
			if c.wanted {
				members[""].Receive(&adapter.Message{
					UID: "b", Type: adapter.MessageInitialHeartbeat, Count: 1,
					Hello: &adapter.Hello{Protocol: 1, Oldest: 1, Counts: true},
				})
				time.Sleep(time.Second) // until it has been told
			}
			if c.hooks {
				defer x.OnPresence(adapter.PresenceHooks{FirstIn: func(string) {}})()
			}
			x.Add(socket("a"))
			x.Add(socket("b"))
			names := make([]string, 1000)
			for i := range names {
				names[i] = fmt.Sprint("room ", i)
				x.Join("b", names[i])
			}
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				room := names[i%len(names)]
				x.Join("a", room)
				x.Leave("a", room)
				i++
			}
		})
	}
	b.Run("memory of a room", func(b *testing.B) {
		const rooms = 50_000
		members := make(captive)
		made, err := adapter.NewNode(members, adapter.ClusterConfig{}).Adapter(&server{})
		if err != nil {
			b.Fatal(err)
		}
		defer func() { _ = made.Close() }()
		x := made.(*adapter.Cluster)
		if _, err := x.Count(b.Context(), in()); err != nil {
			b.Fatal(err)
		}
		heap := func() uint64 {
			var m runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&m)
			return m.HeapAlloc
		}
		before := heap()
		var text strings.Builder
		text.WriteString("w1 N5:/test 7")
		for i := range rooms {
			fmt.Fprintf(&text, " R16:room %011d 1", i)
		}
		members[""].Receive(&adapter.Message{
			UID: "b", Type: adapter.MessageHeartbeat, Count: 1, Rooms: []string{"/test"},
			Hello: &adapter.Hello{Protocol: 1, Oldest: 1, Digest: text.String()},
		})
		text.Reset()
		room := float64(heap()-before) / rooms
		for b.Loop() {
			_, _ = x.Count(b.Context(), in("room 00000000007"))
		}
		b.ReportMetric(room, "B/room")
	})
}
