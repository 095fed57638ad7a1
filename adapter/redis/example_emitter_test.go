package redis_test

import (
	"context"
	"fmt"
	"log"
	"log/slog"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/adapter/redis"
	"github.com/gosocketio/socketio/adapter/redis/redistest"
	"github.com/gosocketio/socketio/internal/rawclient"
)

// example starts what an example needs, as far as it is not shown there: a Redis, a server with two
// clients, and an emitter.
type example struct {
	testing.TB // of no test; package redistest needs these methods
	cleanups   []func()
	io         *socketio.Server
	clients    []*rawclient.Visitor
	emitter    *redis.Emitter
}

func (e *example) Helper()                   {}
func (e *example) Cleanup(f func())          { e.cleanups = append(e.cleanups, f) }
func (e *example) Fatal(args ...any)         { log.Panic(args...) }
func (e *example) Fatalf(f string, a ...any) { log.Panicf(f, a...) }

func (e *example) TempDir() string {
	dir, err := os.MkdirTemp("", "redis")
	if err != nil {
		log.Panic(err)
	}
	e.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func (e *example) close() {
	for _, f := range slices.Backward(e.cleanups) {
		f()
	}
}

func startExample() *example {
	e := &example{}
	config := redis.Config{URL: "redis+streams://" + redistest.Start(e).Addr()}
	var err error
	quiet := slog.New(slog.DiscardHandler)
	if e.io, err = socketio.NewServer(socketio.Config{Adapter: redis.New(config), Logger: quiet}); err != nil {
		log.Panic(err)
	}
	e.Cleanup(func() { _ = e.io.Shutdown(context.Background()) })
	for range 2 {
		v := rawclient.Enter(e.io)
		e.Cleanup(v.Leave)
		e.clients = append(e.clients, v)
	}
	if e.emitter, err = redis.NewEmitter(context.Background(), config); err != nil {
		log.Panic(err)
	}
	e.Cleanup(func() { _ = e.emitter.Close() })
	return e
}

// until waits for a condition, for 10 s at most.
func until(ok func() bool) {
	for deadline := time.Now().Add(10 * time.Second); !ok() && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
	}
}

func ExampleNewEmitter() {
	// The servers have the same Config: redis.New(config) is their adapter.
	config := redis.Config{URL: "redis+streams://127.0.0.1:1"}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	emitter, err := redis.NewEmitter(ctx, config)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = emitter.Close() }()
	if err := emitter.To("room").Emit("news", 1); err != nil {
		log.Print(err)
	}
	// Output:
	// socketio: other servers cannot be reached: redis at 127.0.0.1:1: dial tcp 127.0.0.1:1: connect: connection refused
}

func ExampleEmitter_Emit() {
	e := startExample()
	defer e.close()
	if err := e.emitter.Emit("news", map[string]any{"n": 1, "data": []byte{7}}); err != nil {
		log.Print(err)
	}
	e.clients[0].Print(2)
	e.clients[1].Print(2)
	// Output:
	// 51-["news",{"data":{"_placeholder":true,"num":0},"n":1}]
	// binary: [7]
	// 51-["news",{"data":{"_placeholder":true,"num":0},"n":1}]
	// binary: [7]
}

func ExampleEmitter_To() {
	e := startExample()
	defer e.close()
	for i, s := range e.io.Sockets() {
		s.Join("all", fmt.Sprint("room", i))
	}
	_ = e.emitter.To("all").Except("room1").Emit("first", 1)
	_ = e.emitter.In("room0", "room1").Compress(false).Emit("second")
	_ = e.emitter.To("nobody").Emit("never")
	e.clients[0].Print(2)
	e.clients[1].Print(1)
	// Output:
	// 2["first",1]
	// 2["second"]
	// 2["second"]
}

func ExampleEmitter_Volatile() {
	e := startExample()
	defer e.close()
	// A client that cannot take it now does not get it later.
	err := e.emitter.Volatile().Emit("position", 1, 2)
	fmt.Println(err)
	// Output: <nil>
}

func ExampleEmitter_Of() {
	e := startExample()
	defer e.close()
	chat := e.emitter.Of("/chat")
	err := chat.To("room").Emit("hello") // to clients that are connected to the namespace /chat
	fmt.Println(err)
	// Output: <nil>
}

func ExampleEmitter_SocketsJoin() {
	e := startExample()
	defer e.close()
	s := e.io.Sockets()[0]
	if err := e.emitter.In(s.ID()).SocketsJoin("vip", "news"); err != nil {
		log.Print(err)
	}
	if err := e.emitter.In("vip").SocketsLeave("news"); err != nil {
		log.Print(err)
	}
	until(func() bool { return slices.Contains(s.Rooms(), "vip") && !slices.Contains(s.Rooms(), "news") })
	fmt.Println(slices.Contains(s.Rooms(), "vip"), slices.Contains(s.Rooms(), "news"))
	// Output: true false
}

func ExampleEmitter_DisconnectSockets() {
	e := startExample()
	defer e.close()
	e.io.Sockets()[0].Join("banned")
	if err := e.emitter.In("banned").DisconnectSockets(false); err != nil {
		log.Print(err)
	}
	until(func() bool { return len(e.io.Sockets()) == 1 })
	fmt.Println(len(e.io.Sockets()), "client stays")
	// Output: 1 client stays
}

func ExampleEmitter_ServerSideEmit() {
	e := startExample()
	defer e.close()
	done := make(chan bool)
	e.io.OnServerSideEmit("reload", func(x *socketio.ServerSideEvent) error {
		fmt.Println(x.Name(), x.Args())
		close(done)
		return nil
	})
	if err := e.emitter.ServerSideEmit("reload", "prices"); err != nil {
		log.Print(err)
	}
	<-done
	// Output: reload [prices]
}
