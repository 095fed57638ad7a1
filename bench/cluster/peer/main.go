// Command peer is a node of a cluster on another Go implementation, github.com/zishang520/socket.io
// v3, with its Redis adapter. It takes the commands that ../node.go describes, but for stats, fetch and
// ask. It is a module of its own, outside of the workspace: build it with GOWORK=off.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	rds "github.com/redis/go-redis/v9"
	"github.com/zishang520/socket.io/adapters/redis/v3"
	"github.com/zishang520/socket.io/adapters/redis/v3/adapter"
	"github.com/zishang520/socket.io/servers/socket/v3"
)

func main() {
	addr := flag.String("redis", "127.0.0.1:6379", "address of Redis")
	wire := flag.String("wire", "pubsub", "pubsub, sharded or streams")
	key := flag.String("key", "socket.io", "prefix of channels and streams")
	flag.Parse()
	client := redis.NewRedisClient(context.Background(), rds.NewClient(&rds.Options{Addr: *addr}))
	o := socket.DefaultServerOptions()
	o.SetServeClient(false)
	switch *wire {
	case "pubsub":
		c := adapter.DefaultRedisAdapterOptions()
		c.SetKey(*key)
		o.SetAdapter(&adapter.RedisAdapterBuilder{Redis: client, Opts: c})
	case "sharded":
		c := adapter.DefaultShardedRedisAdapterOptions()
		c.SetChannelPrefix(*key)
		o.SetAdapter(&adapter.ShardedRedisAdapterBuilder{Redis: client, Opts: c})
	case "streams":
		c := adapter.DefaultRedisStreamsAdapterOptions()
		c.SetStreamName(*key)
		c.SetChannelPrefix(*key)
		o.SetAdapter(&adapter.RedisStreamsAdapterBuilder{Redis: client, Opts: c})
	}
	io := socket.NewServer(nil, o)
	_ = io.On("connection", func(args ...any) { args[0].(*socket.Socket).Join("r") })
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/socket.io/", io.ServeHandler(o))
	go func() { log.Fatal(http.Serve(l, mux)) }() //nolint:gosec // loopback, for a moment
	fmt.Printf("{\"id\":0,\"address\":%q}\n", l.Addr())

	n := node{io: io, credit: make(chan int, 1024)}
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		var c command
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			log.Fatal(err)
		}
		switch {
		case c.Do == "credit":
			n.credit <- c.Count
		case c.Window > 0:
			go n.emitWithin(c)
		default:
			go n.emit(c)
		}
	}
}

type command struct {
	ID, EveryMs, Batch, Count, Size, Window, Mark int
	Do, Room                                      string
}

type node struct {
	io     *socket.Server
	sent   int      // emitting goroutine
	credit chan int // numbers of events that have arrived
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
		if err := n.io.To(socket.Room(room)).Emit("n", n.sent, pad); err != nil {
			log.Fatal(err)
		}
		n.sent++
	}
	fmt.Printf("{\"id\":%d,\"sent\":%d}\n", c.ID, n.sent)
}

func (n *node) emit(c command) {
	pad := strings.Repeat("x", c.Size)
	for due, left := time.Now(), c.Count; left > 0; due = due.Add(time.Duration(c.EveryMs) * time.Millisecond) {
		time.Sleep(time.Until(due))
		for range min(c.Batch, left) {
			if err := n.io.To(socket.Room(c.Room)).Emit("n", n.sent, pad); err != nil {
				log.Fatal(err)
			}
			n.sent++
			left--
		}
	}
	fmt.Printf("{\"id\":%d,\"sent\":%d}\n", c.ID, n.sent)
}
