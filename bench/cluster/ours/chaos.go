package main

import (
	"context"
	"log"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/adapter/nats"
	"github.com/gosocketio/socketio/adapter/nats/embedded"
	"github.com/gosocketio/socketio/adapter/postgres"
	"github.com/gosocketio/socketio/adapter/redis"
	"github.com/gosocketio/socketio/internal/leak"
)

// The namespaces of make chaos.
var namespaces = []string{"/", "/chat"}

// storm is the node's part in make chaos. Its lines have the ID -1:
//
//   - seq, target, at, error: the event "n" with the number seq was emitted at that time, in
//     nanoseconds, and what Emit returned. Lines have every number from 1 on.
//   - mark, failed: before that everything up to the number mark had been sent, but for the failed ones.
//   - gap: a GapError for that namespace. Clients get the event "gap" too, unless they recover.
type storm struct {
	*node
	recovery bool

	name    string // of this publisher
	random  *rand.Rand
	targets []string
	seq     int      // of the goroutine of publish, then of calm
	sockets sync.Map // connected ones, by id
	end     func()   // ends publish
	ending  chan struct{}
	ended   chan struct{}
}

// chaosConfig configures the server.
func (n *node) chaosConfig(url string, recovery bool, maxQueued int) socketio.Config {
	s := &storm{node: n, recovery: recovery, ending: make(chan struct{}), ended: make(chan struct{})}
	s.end = sync.OnceFunc(func() {
		close(s.ending)
		<-s.ended
	})
	n.storm = s
	config := socketio.Config{
		Adapter: clusterAdapter(url, maxQueued), Hooks: socketio.Hooks{Broker: n.broker},
		PingInterval: time.Second, PingTimeout: 1500 * time.Millisecond,
	}
	if recovery {
		config.ConnectionStateRecovery = &socketio.ConnectionStateRecovery{}
	}
	return config
}

// clusterAdapter is the adapter of a URL. A wrong one is an error when the server is made.
func clusterAdapter(url string, maxQueued int) adapter.Factory {
	scheme, _, _ := strings.Cut(url, "://")
	switch base, _, _ := strings.Cut(scheme, "+"); {
	case base == "redis":
		return redis.New(redis.Config{URL: url, MaxQueuedBytes: maxQueued})
	case base == "postgres":
		return postgres.New(postgres.Config{URL: url, MaxQueuedBytes: maxQueued})
	case scheme == "nats+embedded":
		return embedded.New(embedded.Config{URL: url, NATS: nats.Config{MaxQueuedBytes: maxQueued}})
	}
	return nats.New(nats.Config{URL: url, MaxQueuedBytes: maxQueued})
}

// serveChaos puts a client into the rooms that it asks for, once: a recovered one has them already.
// "ready" tells it that everything that is emitted from now on is for it.
func (n *node) serveChaos() {
	for _, name := range namespaces {
		n.io.Of(name).OnConnection(func(s *socketio.Socket) {
			var auth struct{ Rooms []string }
			if err := s.Handshake().DecodeAuth(&auth); err != nil {
				log.Fatal(err)
			}
			if !s.Recovered() {
				s.Join(auth.Rooms...)
			}
			n.storm.sockets.Store(s.ID(), s)
			s.OnDisconnect(func(s *socketio.Socket, _ socketio.Reason) { n.storm.sockets.CompareAndDelete(s.ID(), s) })
			_ = s.Emit("ready") // fails when the connection is gone again
		})
	}
}

// gap passes on that events may have been lost.
func (s *storm) gap(info socketio.BrokerInfo) {
	if !s.recovery {
		_ = info.Namespace.Local().Emit("gap") // to this server only, which needs no broker
	}
	s.say(answer{"id": -1, "gap": info.Namespace.Name(), "error": info.Err.Error()})
}

// publish emits events to targets at random until calm.
func (s *storm) publish(c command) {
	s.name, s.targets = c.Name, c.Targets
	s.random = rand.New(rand.NewPCG(c.Seed, 0)) //nolint:gosec // a run can be repeated
	defer close(s.ended)
	tick := time.NewTicker(time.Duration(c.EveryMs) * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-s.ending:
			return
		case <-tick.C:
			if s.random.IntN(8) > 0 {
				s.emit(s.targets[s.random.IntN(len(s.targets))])
				continue
			}
			for _, x := range s.sockets.Range { // to one of them, in no order
				socket := x.(*socketio.Socket)
				s.send(socket.Namespace().Name()+"|"+socket.ID(), socket.Emit)
				break
			}
		}
	}
}

// emit emits the next event to a target, namespace|room.
func (s *storm) emit(target string) {
	name, room, _ := strings.Cut(target, "|")
	emit := s.io.Of(name).Emit
	if room != "" {
		emit = s.io.Of(name).To(room).Emit
	}
	s.send(target, emit)
}

// send calls emit for the next event.
func (s *storm) send(target string, emit func(event string, args ...any) error) {
	stats := s.io.Stats().Broker
	line := answer{"id": -1, "failed": stats.Failed}
	if stats.QueuedBytes == 0 {
		line["mark"] = s.seq
	}
	s.seq++
	pad := ""
	if s.random.IntN(20) == 0 {
		pad = strings.Repeat("x", 10_000) // more than PostgreSQL takes at once
	}
	line["seq"], line["target"], line["at"] = s.seq, target, time.Now().UnixNano()
	if err := emit("n", pad, s.name, target, s.seq); err != nil {
		line["error"] = err.Error()
	}
	s.say(line)
}

// calm ends publish, emits one event to each target, and answers when all are sent.
func (s *storm) calm(c command) {
	s.end()
	for _, target := range s.targets {
		s.emit(target)
	}
	for s.io.Stats().Broker.QueuedBytes > 0 {
		time.Sleep(time.Millisecond)
	}
	s.say(answer{"id": c.ID, "sent": s.seq})
}

// close shuts the server down, within the time of the command. The answer's error is that of Shutdown,
// its errors are the goroutines that are left.
func (s *storm) close(c command) {
	s.end()
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(c.TimeoutMs)*time.Millisecond)
	defer cancel()
	text, left := "", []string{}
	if err := s.io.Shutdown(ctx); err != nil {
		text = err.Error()
	}
	mine := []string{ // these run to the end: so do connections without a request
		"net/http.(*Server).Serve(", "net/http.(*conn).readRequest(", "main.(*node).watch", "nats-server/v2/server/pse.",
	}
	for _, stack := range leak.Left(s.before, leak.Grace) {
		if !slices.ContainsFunc(mine, func(f string) bool { return strings.Contains(stack, f) }) {
			left = append(left, stack)
		}
	}
	s.say(answer{"id": c.ID, "error": text, "errors": left, "failed": s.io.Stats().Broker.Failed})
}
