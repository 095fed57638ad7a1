package brokertest

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/internal/rawclient"
)

// Sizes of RecoverUnderLoad.
const (
	loadClients = 6
	loadRounds  = 8
	loadPause   = 2 * time.Millisecond   // between two events of a server
	loadAway    = 300 * time.Millisecond // official clients wait longer before they connect again
	// loadFault is the time between two faults. A broker that starts a process for each connection must
	// leave time to the tests that run beside.
	loadFault = 300 * time.Millisecond
)

// RecoverUnderLoad tests that clients whose connections break at any time, and that come back on any of
// these servers, get each event once and in the order of its server. It returns how many came back as
// new sockets: their events start afresh. Fault is called again and again meanwhile, nil for none.
func RecoverUnderLoad(t *testing.T, factories []adapter.Factory, fault func()) (refused int64) {
	t.Helper()
	x := &load{t: t, stop: make(chan struct{})}
	for _, factory := range factories {
		io, err := socketio.NewServer(socketio.Config{
			Adapter: factory, ConnectionStateRecovery: &socketio.ConnectionStateRecovery{},
		})
		if err != nil {
			t.Fatal(err)
		}
		io.OnConnection(func(s *socketio.Socket) {
			if !s.Recovered() {
				s.Join("room")
			}
		})
		t.Cleanup(func() {
			ctx, cancel := context.WithTimeout(context.Background(), Patience)
			defer cancel()
			if err := io.Shutdown(ctx); err != nil {
				t.Errorf("shutdown: %v", err)
			}
		})
		x.servers, x.endpoints = append(x.servers, io), append(x.endpoints, rawclient.Serve(t, io))
	}
	x.sent = make([]int, len(factories))
	var senders, rounds, clients sync.WaitGroup
	for s := range x.servers {
		senders.Go(func() { x.send(s) })
	}
	rounds.Add(loadClients)
	for range loadClients {
		clients.Go(func() { x.client(&rounds) })
	}
	done := make(chan struct{})
	go func() {
		rounds.Wait()
		close(done)
	}()
	for over := false; !over; {
		pause := time.NewTimer(loadFault)
		select {
		case <-done:
			over = true
		case <-pause.C:
			if fault != nil {
				fault()
			}
		}
		pause.Stop()
	}
	close(x.stop)
	senders.Wait()
	x.over.Store(true)
	for s := range x.servers { // the last ones show that all others have come
		x.emit(s, x.sent[s])
	}
	clients.Wait()
	return x.refused.Load()
}

// load is the state of RecoverUnderLoad.
type load struct {
	t         *testing.T
	servers   []*socketio.Server
	endpoints []*rawclient.Endpoint
	sent      []int // by server; fixed once over is set
	stop      chan struct{}
	over      atomic.Bool
	refused   atomic.Int64
}

func (x *load) emit(server, n int) {
	if err := x.servers[server].To("room").Emit("e", server, n); err != nil {
		x.t.Error(err)
	}
}

func (x *load) send(server int) {
	tick := time.NewTicker(loadPause)
	defer tick.Stop()
	for {
		x.emit(server, x.sent[server])
		x.sent[server]++
		select {
		case <-tick.C:
		case <-x.stop:
			return
		}
	}
}

// client connects, reads some events and breaks the connection, again and again.
func (x *load) client(rounds *sync.WaitGroup) {
	c := &loadClient{load: x, next: make(map[int]int)}
	for range loadRounds {
		c.round(rand.IntN(60))
		time.Sleep(loadAway + rand.N(loadAway))
	}
	c.round(-1)
	rounds.Done()
	for !c.ended() && !x.t.Failed() {
		c.read()
	}
	c.conn.Close()
}

// loadClient is a client with the official client's idea of recovery.
type loadClient struct {
	*load
	conn      *rawclient.Conn
	connected bool
	early     []string // events before the CONNECT
	pid       string
	offset    string
	next      map[int]int // by server, the number that comes next
}

// round connects, and breaks the connection after some packets; a negative number leaves it open once it is
// connected.
func (c *loadClient) round(packets int) {
	c.conn = c.endpoints[rand.IntN(len(c.endpoints))].WebSocket()
	c.connected, c.early = false, nil
	auth := ""
	if c.pid != "" {
		data, _ := json.Marshal(map[string]string{"pid": c.pid, "offset": c.offset})
		auth = string(data)
	}
	c.conn.Send("40" + auth)
	for n := 0; (packets < 0 || c.pid == "") && !c.connected || n < packets; n++ {
		if !c.read() {
			return
		}
	}
	if packets >= 0 {
		c.conn.Close()
	}
}

// read reads a packet.
func (c *loadClient) read() bool {
	packet, _, err := c.conn.Next()
	switch {
	case err != nil:
		c.t.Errorf("a connection breaks: %v", err)
		return false
	case strings.HasPrefix(packet, "40"):
		var me struct{ Pid string }
		if err := json.Unmarshal([]byte(packet[2:]), &me); err != nil || me.Pid == "" {
			c.t.Errorf("got %s", packet)
		}
		if c.pid != "" && c.pid != me.Pid {
			c.refused.Add(1)
			clear(c.next)
		}
		c.pid, c.connected = me.Pid, true
		for _, packet := range c.early {
			c.event(packet)
		}
	case strings.HasPrefix(packet, "42") && c.connected:
		c.event(packet)
	case strings.HasPrefix(packet, "42"):
		c.early = append(c.early, packet)
	}
	return true
}

func (c *loadClient) event(packet string) {
	var name string
	var server, n int
	if err := json.Unmarshal([]byte(packet[2:]), &[]any{&name, &server, &n, &c.offset}); err != nil {
		c.t.Errorf("got %s: %v", packet, err)
		return
	}
	if want, known := c.next[server]; known && n != want {
		c.t.Errorf("event %d of server %d came, want %d", n, server, want)
	}
	c.next[server] = n + 1
}

// ended reports whether the last event of each server has come.
func (c *loadClient) ended() bool {
	if !c.over.Load() {
		return false
	}
	for server, sent := range c.sent {
		if c.next[server] != sent+1 {
			return false
		}
	}
	return true
}
