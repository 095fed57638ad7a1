package socketio_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/adapter/adaptertest"
	"github.com/gosocketio/socketio/internal/rawclient"
)

// wanderer is a client that loses its connection and comes back, with the official client's idea of
// recovery.
type wanderer struct {
	t *testing.T
	f *fixture // where it connects next

	mu        sync.Mutex
	ticket    ticket
	conn      *rawclient.Conn
	connected bool
	stalled   bool
	dropped   bool     // by the server
	early     []string // events that came before the CONNECT
	got       []string // the first argument of each event
	lost      int      // times that it came back as somebody else
	recovered int      // times that it came back as itself
}

// connect opens a connection and starts reading it.
func (w *wanderer) connect() {
	c := w.f.WebSocket()
	w.mu.Lock()
	w.conn, w.connected, w.stalled, w.dropped, w.early = c, false, false, false, nil
	auth := ""
	if w.ticket.pid != "" {
		auth = w.ticket.auth()
	}
	w.mu.Unlock()
	c.Send("40" + auth)
	go func() {
		for {
			packet, _, err := c.Next()
			if err != nil {
				w.mu.Lock()
				w.dropped = w.dropped || w.conn == c
				w.mu.Unlock()
				return
			}
			if !w.packet(c, packet) {
				return
			}
		}
	}()
}

// packet takes a packet in, and returns false when nothing more is to be read.
func (w *wanderer) packet(c *rawclient.Conn, packet string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.conn != c || w.stalled {
		return false
	}
	switch {
	case strings.HasPrefix(packet, "40"):
		var reply struct{ Sid, Pid string }
		if json.Unmarshal([]byte(packet[2:]), &reply) != nil {
			w.t.Errorf("bad CONNECT %s", packet)
		}
		switch w.ticket.pid {
		case "": // the first time
		case reply.Pid:
			w.recovered++
		default:
			w.lost++
		}
		w.ticket.sid, w.ticket.pid, w.connected = reply.Sid, reply.Pid, true
		for _, event := range w.early {
			w.event(event)
		}
		w.early = nil
	case !strings.HasPrefix(packet, "42"):
	case w.connected:
		w.event(packet)
	default:
		w.early = append(w.early, packet)
	}
	return true
}

func (w *wanderer) event(packet string) {
	var args []any
	if json.Unmarshal([]byte(packet[2:]), &args) != nil || len(args) != 3 {
		w.t.Errorf("bad event %s", packet)
		return
	}
	w.got = append(w.got, fmt.Sprint(args[1]))
	w.ticket.offset = args[2].(string)
}

// stall stops reading: what is sent from now on is lost with the connection.
func (w *wanderer) stall() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stalled = true
}

func (w *wanderer) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.conn != nil {
		w.conn.Close()
		w.conn = nil
	}
}

// Whatever happens to connections, each client gets each event that was for it exactly once and in
// order: also when it changes rooms between events that it has not got yet.
func TestEverythingOnceAndInOrder(t *testing.T) {
	for seed := range uint64(30) {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := startPipe(t, recovering(socketio.ConnectionStateRecovery{}))
				wander(t, rand.New(rand.NewPCG(seed, 1)), []*fixture{f}, false, nil)
			})
		})
	}
}

// The same on three servers over a broker's log. Clients come back on any of them, and servers are
// killed and replaced.
func TestEverythingOnceAndInOrderOverLog(t *testing.T) {
	for seed := range uint64(30) {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newLogBroker()
				var connections []*logServer
				server := func() (*fixture, *logServer) {
					c := b.server()
					return startPipe(t, recovering(socketio.ConnectionStateRecovery{}), overLog(c)), c
				}
				var servers []*fixture
				for range 3 {
					f, c := server()
					servers, connections = append(servers, f), append(connections, c)
				}
				wander(t, rand.New(rand.NewPCG(seed, 1)), servers, false, func(i int) {
					time.Sleep(1100 * time.Millisecond) // what has changed is stored within a second
					synctest.Wait()
					connections[i].die()
					servers[i], connections[i] = server()
				})
			})
		})
	}
}

// The same over the bus, whose servers send in batches.
func TestEverythingOnceAndInOrderOverBus(t *testing.T) {
	for seed := range uint64(10) {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				bus := &adaptertest.Bus{Kept: true}
				var servers []*fixture
				var numbers []int
				number := 0
				server := func() *fixture {
					numbers = append(numbers, number)
					number++
					return startPipe(t, recovering(socketio.ConnectionStateRecovery{}), func(c *socketio.Config) {
						c.Adapter = bus.Adapter(adapter.ClusterConfig{})
					})
				}
				for range 3 {
					servers = append(servers, server())
				}
				wander(t, rand.New(rand.NewPCG(seed, 1)), servers, true, func(i int) {
					time.Sleep(1100 * time.Millisecond)
					synctest.Wait()
					bus.Kill(numbers[i])
					servers[i].killed = true
					servers[i] = server()
					numbers[i] = numbers[len(numbers)-1]
				})
			})
		})
	}
}

// wander has clients lose their connections and come back, on any of the servers. kill replaces a
// server.
//
// With batches what several servers send has no order unless there is time between.
func wander(t *testing.T, random *rand.Rand, servers []*fixture, batches bool, kill func(i int)) {
	any := func() *fixture { return servers[random.IntN(len(servers))] }
	find := func(sid string) (*socketio.Socket, bool) {
		for _, f := range servers {
			if s, ok := f.Of("/").Socket(sid); ok {
				return s, true
			}
		}
		return nil, false
	}
	const clients, rooms = 4, 3
	type model struct {
		*wanderer
		sid   string
		rooms map[string]bool
		want  []string
		away  bool // it does not read, or is not connected
	}
	var all []*model
	for range clients {
		w := &model{wanderer: &wanderer{t: t, f: any()}, rooms: map[string]bool{}}
		w.connect()
		synctest.Wait()
		w.sid = w.ticket.sid
		w.rooms[w.sid] = true
		all = append(all, w)
	}
	room := func() string { return "room" + strconv.Itoa(random.IntN(rooms)) }
	for n := range 400 {
		w := all[random.IntN(clients)]
		event := strconv.Itoa(n)
		send := func(to, except []string) {
			o := any().Of("/").Except(except...)
			if to != nil {
				o = o.To(to...)
			}
			emit(t, o.Emit("e", n))
			in := func(m *model) func(string) bool { return func(room string) bool { return m.rooms[room] } }
			for _, m := range all {
				if (to == nil || slices.ContainsFunc(to, in(m))) && !slices.ContainsFunc(except, in(m)) {
					m.want = append(m.want, event)
				}
			}
		}
		switch random.IntN(12) {
		case 0:
			send(nil, nil)
		case 1, 2:
			send([]string{room()}, nil)
		case 3:
			send([]string{room(), room()}, []string{room()})
		case 4:
			send([]string{w.sid}, nil)
		case 5:
			send(nil, []string{w.sid})
		case 6:
			if s, ok := find(w.sid); ok {
				if err := s.Emit("e", n); !errors.Is(err, socketio.ErrClosed) { // it may disconnect now
					emit(t, err)
					w.want = append(w.want, event)
				}
			}
		case 7: // rooms change also while the server does not know that the client is away
			synctest.Wait()
			if s, ok := find(w.sid); ok {
				r := room()
				if w.rooms[r] {
					s.Leave(r)
				} else {
					s.Join(r)
				}
				w.rooms[r] = !w.rooms[r]
			}
		case 8:
			w.stall()
			w.away = true
		case 9:
			w.stall()
			w.close()
			w.away = true
		case 10:
			if w.away {
				if kill != nil {
					time.Sleep(500 * time.Millisecond) // clients wait so long before they connect again
				}
				w.f = any()
				w.connect()
				w.away = false
			}
		case 11:
			if kill != nil && random.IntN(4) == 0 {
				i := random.IntN(len(servers))
				for _, m := range all {
					if m.f == servers[i] {
						m.stall()
						m.close()
						m.away = true
					}
				}
				kill(i)
			}
			time.Sleep(time.Duration(random.IntN(2000)) * time.Millisecond)
		}
		if random.IntN(3) > 0 || batches {
			synctest.Wait()
		}
	}
	for _, w := range all {
		if w.away {
			w.f = any()
			w.connect()
		}
	}
	time.Sleep(time.Second)
	synctest.Wait()
	for i, w := range all {
		if d := cmp.Diff(w.want, w.got); d != "" || w.lost > 0 {
			t.Errorf("client %d, in %v, came back as a stranger %d times; wanted (-) and got (+):\n%s",
				i, slices.Sorted(maps.Keys(w.rooms)), w.lost, d)
		}
		w.close()
	}
}

// The same with many senders at once, and connections that break at any byte: what one goroutine
// sends arrives in order, without a gap, and once.
func TestRecoveryUnderLoad(t *testing.T) {
	f := start(t, recovering(socketio.ConnectionStateRecovery{}))
	wanderUnderLoad(t, []*fixture{f}, func() {})
}

// The same over a broker's log. Clients wait a little before they connect to another server.
func TestRecoveryUnderLoadOverLog(t *testing.T) {
	b := newLogBroker()
	var servers []*fixture
	for range 3 {
		servers = append(servers, start(t, recovering(socketio.ConnectionStateRecovery{}), overLog(b.server())))
	}
	wanderUnderLoad(t, servers, func() { time.Sleep(300 * time.Millisecond) })
}

func wanderUnderLoad(t *testing.T, servers []*fixture, pause func()) {
	const clients, senders, each = 8, 4, 150
	var all []*wanderer
	for range clients {
		w := &wanderer{t: t, f: servers[0]}
		w.connect()
		all = append(all, w)
	}
	for _, w := range all {
		eventually(t, "a client connects", w.ready)
	}
	var sending, moving sync.WaitGroup
	done := make(chan struct{})
	for i := range senders {
		sending.Go(func() {
			main := servers[i%len(servers)].Of("/")
			for n := range each {
				var err error
				if n%2 == 0 {
					err = main.Emit("e", fmt.Sprintf("%d:%d", i, n))
				} else {
					for _, w := range all {
						w.mu.Lock()
						sid := w.ticket.sid
						w.mu.Unlock()
						err = main.To(sid).Emit("e", fmt.Sprintf("%d:%d", i, n))
					}
				}
				if err != nil {
					t.Error(err)
				}
				time.Sleep(100 * time.Microsecond)
			}
		})
	}
	for i, w := range all {
		moving.Go(func() {
			random := rand.New(rand.NewPCG(uint64(i), 2))
			for {
				select {
				case <-done:
					return
				case <-time.After(time.Duration(random.IntN(20_000)) * time.Microsecond):
					w.close()
					pause()
					w.f = servers[random.IntN(len(servers))]
					w.connect()
				}
			}
		})
	}
	sending.Wait()
	close(done)
	moving.Wait()
	for _, w := range all { // an attempt before may have been slower, and have taken the session
		w.close()
		pause()
		w.connect()
	}
	recovered := 0
	for i, w := range all {
		deadline := time.Now().Add(30 * time.Second)
		for w.count() < senders*each && !w.isNew() && time.Now().Before(deadline) {
			if w.wasDropped() { // an attempt before was slower still, and has taken the session
				w.close()
				pause()
				w.connect()
			}
			time.Sleep(time.Millisecond)
		}
		w.mu.Lock()
		next := make([]int, senders)
		for _, event := range w.got {
			var from, n int
			if _, err := fmt.Sscanf(event, "%d:%d", &from, &n); err != nil {
				t.Fatal(err)
			}
			if n < next[from] || n > next[from] && w.lost == 0 {
				t.Errorf("client %d: sender %d's event %d came instead of %d", i, from, n, next[from])
			}
			next[from] = n + 1
		}
		recovered += w.recovered
		if w.lost == 0 {
			if len(w.got) != senders*each {
				t.Errorf("client %d got %d events of %d", i, len(w.got), senders*each)
			}
		}
		w.mu.Unlock()
		w.close()
	}
	// A client that closes while a busy server still takes its session may be a new socket next. So
	// how often they are recovered depends on the machine.
	if recovered < clients {
		t.Errorf("%d clients were recovered %d times", clients, recovered)
	}
}

// isNew reports whether the client was not recovered once: it may have missed events.
func (w *wanderer) isNew() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.lost > 0
}

func (w *wanderer) wasDropped() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.dropped
}

func (w *wanderer) ready() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.connected
}

func (w *wanderer) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.got)
}
