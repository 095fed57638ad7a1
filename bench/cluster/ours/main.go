// Command ours is a node of a cluster on this repository's server. It takes the commands that
// ../node.go describes.
package main

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/rueidis"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/adapter/nats"
	"github.com/gosocketio/socketio/adapter/nats/embedded"
	"github.com/gosocketio/socketio/adapter/redis"
	"github.com/gosocketio/socketio/internal/leak"
)

func main() {
	addrs := flag.String("redis", "127.0.0.1:6379", "addresses of Redis, or of the sentinels")
	master := flag.String("sentinel", "", "name of the master that the sentinels know")
	wire := flag.String("wire", "pubsub", "pubsub, sharded or streams; nats or jetstream at the address of -redis; embedded, which "+
		"listens at the first address and finds the others")
	key := flag.String("key", "socket.io", "prefix of channels and streams")
	cluster := flag.String("cluster", "", "URL of any broker, instead of the flags above, and the clients of make chaos")
	recovery := flag.Bool("recovery", false, "with connection state recovery")
	maxQueued := flag.Int("queue", 0, "MaxQueuedBytes of the adapter for -cluster")
	flag.Parse()
	before := leak.IDs()
	c := redis.Config{Addrs: strings.Split(*addrs, ","), Master: *master, Prefix: *key}
	switch *wire {
	case "sharded":
		c.Wire = redis.Sharded
	case "streams":
		c.Wire, c.StreamName = redis.Streams, *key
	}
	n := &node{redis: c.Addrs, credit: make(chan int, 1024), before: before}
	join := redis.New(c)
	switch *wire {
	case "nats", "jetstream":
		join = nats.New(nats.Config{Addrs: c.Addrs, Prefix: *key, JetStream: *wire == "jetstream"})
	case "embedded":
		join = embedded.New(embedded.Config{Listen: c.Addrs[0], Routes: c.Addrs[1:], NATS: nats.Config{Prefix: *key}})
	}
	config := socketio.Config{Adapter: join, Hooks: socketio.Hooks{Broker: n.broker}}
	if *cluster != "" {
		config = n.chaosConfig(*cluster, *recovery, *maxQueued)
	}
	var err error
	if n.io, err = socketio.NewServer(config); err != nil {
		log.Fatal(err)
	}
	if *cluster != "" {
		n.serveChaos()
	} else {
		n.io.OnConnection(func(s *socketio.Socket) { s.Join("r") })
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/socket.io/", n.io)
	go func() { log.Fatal(http.Serve(l, mux)) }() //nolint:gosec // the engine has the timeouts
	go n.watch()
	n.say(answer{"id": 0, "address": l.Addr().String()})
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		var c command
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			log.Fatal(err)
		}
		n.handle(c)
	}
}

type command struct {
	ID, EveryMs, Batch, Count, Size, Window, Mark, TimeoutMs int
	Do, Room, Namespace, Name                                string
	Targets                                                  []string
	Seed                                                     uint64
	Line                                                     [][]byte
}

type answer map[string]any

// node is the server and what its commands have in common.
type node struct {
	io    *socketio.Server
	redis []string

	sent    int      // emitting goroutine
	credit  chan int // numbers of events that have arrived
	stop    chan struct{}
	stopped chan struct{}
	before  map[string]bool // goroutines at the start
	storm   *storm          // nil but for make chaos

	longest, stall, refused, queued, gaps, failed atomic.Int64

	mu     sync.Mutex
	errors []string // first of each kind
}

func (n *node) say(a answer) {
	line, err := json.Marshal(a)
	if err != nil {
		log.Fatal(err)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	fmt.Printf("%s\n", line)
}

// broker notes what the server reports.
func (n *node) broker(info socketio.BrokerInfo) {
	if _, gap := errors.AsType[*socketio.GapError](info.Err); gap {
		n.gaps.Add(1)
		if n.storm != nil {
			n.storm.gap(info)
		}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.errors) < 20 {
		n.errors = append(n.errors, info.Err.Error())
	}
}

// watch notes the longest queue, and how long the machine keeps the process waiting.
func (n *node) watch() {
	const every = 10 * time.Millisecond
	for last := time.Now(); ; last = time.Now() {
		time.Sleep(every)
		n.stall.Store(max(n.stall.Load(), int64(time.Since(last)-every)))
		if s := n.io.Stats().Broker; s != nil {
			n.queued.Store(max(n.queued.Load(), int64(s.QueuedBytes)))
			n.failed.Store(int64(s.Failed))
		}
	}
}

func (n *node) handle(c command) {
	switch c.Do {
	case "credit":
		n.credit <- c.Count
	case "emit":
		if c.Window > 0 {
			go n.emitWithin(c)
			break
		}
		n.stop, n.stopped = make(chan struct{}), make(chan struct{})
		go n.emit(c, n.stop, n.stopped)
	case "stop":
		close(n.stop)
		<-n.stopped
		n.say(answer{"id": c.ID, "sent": n.sent})
	case "stats":
		n.mu.Lock()
		errs := n.errors
		n.mu.Unlock()
		n.say(answer{
			"id": c.ID, "longestUs": float64(n.longest.Load()) / 1e3, "stallUs": float64(n.stall.Load()) / 1e3,
			"queued": n.queued.Load(),
			"gaps":   n.gaps.Load(), "failed": n.failed.Load(), "refused": n.refused.Load(), "errors": errs,
		})
	case "fetch":
		go n.fetch(c)
	case "ask":
		go n.ask(c)
	case "bare":
		go n.bare(c)
	case "storm":
		go n.storm.publish(c)
	case "calm":
		go n.storm.calm(c)
	case "close":
		n.storm.close(c)
	default:
		log.Fatalf("unknown command %q", c.Do)
	}
}

// emit emits at a pace, or without one as fast as the broker takes it.
func (n *node) emit(c command, stop, stopped chan struct{}) {
	defer close(stopped)
	pad := strings.Repeat("x", c.Size)
	begin := time.Now()
	every := time.Duration(c.EveryMs) * time.Millisecond
	to := n.io.To(c.Room)
	for due, left := begin, c.Count; ; due = due.Add(every) {
		time.Sleep(time.Until(due))
		select {
		case <-stop:
			return
		default:
		}
		for range max(c.Batch, 1) {
			start := time.Now()
			err := to.Emit("n", n.sent, pad)
			for every == 0 && errors.Is(err, socketio.ErrBrokerStalled) { // the queue is full
				time.Sleep(time.Millisecond)
				err = to.Emit("n", n.sent, pad)
			}
			if took := int64(time.Since(start)); took > n.longest.Load() {
				n.longest.Store(took)
			}
			if err != nil {
				n.refused.Add(1)
			}
			n.sent++
			if left--; left == 0 {
				n.drain(every)
				n.say(answer{"id": c.ID, "sent": n.sent, "tookMs": ms(begin)})
				return
			}
		}
	}
}

// emitWithin emits with at most c.Window events on their way.
func (n *node) emitWithin(c command) {
	pad := strings.Repeat("x", c.Size)
	arrived := n.sent - 1
	for range c.Count {
		for n.sent-arrived >= c.Window {
			arrived = max(arrived, <-n.credit)
		}
		room := c.Room
		if n.sent%c.Mark == 0 {
			room = "r"
		}
		if err := n.io.To(room).Emit("n", n.sent, pad); err != nil {
			log.Fatal(err)
		}
		n.sent++
	}
	n.say(answer{"id": c.ID, "sent": n.sent})
}

// drain waits until the broker has everything, when that is what is measured.
func (n *node) drain(every time.Duration) {
	for every == 0 && n.io.Stats().Broker.QueuedBytes > 0 {
		time.Sleep(100 * time.Microsecond)
	}
}

func ms(since time.Time) float64 { return float64(time.Since(since)) / float64(time.Millisecond) }

// of is the namespace that a command names.
func (n *node) of(c command) *socketio.Namespace { return n.io.Of(cmp.Or(c.Namespace, "/")) }

func (n *node) fetch(c command) {
	begin, found, text := time.Now(), 0, ""
	for _, err := range n.of(c).FetchSockets(context.Background()) {
		if err != nil {
			text = err.Error()
		} else {
			found++
		}
	}
	n.say(answer{"id": c.ID, "result": found, "error": text, "tookMs": ms(begin)})
}

func (n *node) ask(c command) {
	begin, got, text := time.Now(), 0, ""
	ctx, stop := context.WithTimeout(context.Background(), time.Duration(c.TimeoutMs)*time.Millisecond)
	defer stop()
	for _, err := range n.of(c).EmitWithAck(ctx, "q") {
		if err != nil {
			text = err.Error()
		} else {
			got++
		}
	}
	n.say(answer{"id": c.ID, "result": got, "error": text, "tookMs": ms(begin)})
}

// bare sends the same command to Redis again and again, 32 at a time, with a client of its own.
func (n *node) bare(c command) {
	client, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: n.redis, DisableCache: true})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	line := make([]string, len(c.Line))
	for i, part := range c.Line {
		line[i] = string(part)
	}
	batch := make([]rueidis.Completed, 32)
	begin := time.Now()
	for left := c.Count; left > 0; left -= len(batch) {
		for i := range batch {
			batch[i] = client.B().Arbitrary(line...).Build()
		}
		for _, r := range client.DoMulti(context.Background(), batch...) {
			if err := r.Error(); err != nil {
				log.Fatal(err)
			}
		}
	}
	n.say(answer{"id": c.ID, "sent": c.Count, "tookMs": ms(begin)})
}
