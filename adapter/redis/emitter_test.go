package redis_test

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/adapter/redis"
	"github.com/gosocketio/socketio/adapter/redis/redistest"
	"github.com/gosocketio/socketio/internal/brokertest"
	"github.com/gosocketio/socketio/siotest"
)

// emitted is two servers with a client each, and an emitter.
type emitted struct {
	*testing.T
	servers []*socketio.Server
	clients []*siotest.Client
	sockets []*socketio.Socket
	emitter *redis.Emitter
	events  chan string // of OnServerSideEmit
}

func startEmitter(t *testing.T, c redis.Config) *emitted {
	e := &emitted{T: t, events: make(chan string, 10)}
	for range 2 {
		server, err := socketio.NewServer(socketio.Config{
			Logger: slog.New(slog.NewTextHandler(io.Discard, nil)), Adapter: redis.New(c),
		})
		if err != nil {
			t.Fatal(err)
		}
		server.Of("/chat")
		server.OnServerSideEmit("sse", func(x *socketio.ServerSideEvent) error {
			e.events <- fmt.Sprint(x.Args()...)
			return nil
		})
		serving := siotest.Serve(t, server)
		client := e.connect(serving, "/")
		socket, ok := server.Socket(client.ID())
		if !ok {
			t.Fatal("there is no socket")
		}
		e.servers, e.clients, e.sockets = append(e.servers, server), append(e.clients, client), append(e.sockets, socket)
		e.clients = append(e.clients, e.connect(serving, "/chat"))
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	var err error
	if e.emitter, err = redis.NewEmitter(ctx, c); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.emitter.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

func (e *emitted) connect(s *siotest.Server, namespace string) *siotest.Client {
	e.Helper()
	ctx, cancel := context.WithTimeout(e.Context(), 10*time.Second)
	defer cancel()
	client, err := s.Connect(ctx, namespace, nil)
	if err != nil {
		e.Fatal(err)
	}
	return client
}

// next returns the name of the next event of a client.
func (e *emitted) next(client int) string {
	e.Helper()
	ctx, cancel := context.WithTimeout(e.Context(), 10*time.Second)
	defer cancel()
	m, err := e.clients[client].Next(ctx)
	if err != nil {
		e.Fatal(err)
	}
	return m.Event()
}

// want fails unless the next event of a client is this one.
func (e *emitted) want(client int, event string, args ...any) {
	e.Helper()
	ctx, cancel := context.WithTimeout(e.Context(), 10*time.Second)
	defer cancel()
	m, err := e.clients[client].Next(ctx)
	if err != nil {
		e.Fatalf("client %d: %v, want %s", client, err, event)
	}
	if got, want := fmt.Sprint(m.Event(), m.Args()), fmt.Sprint(event, args); got != want {
		e.Fatalf("client %d got %s, want %s", client, got, want)
	}
}

func (e *emitted) do(err error) {
	e.Helper()
	if err != nil {
		e.Fatal(err)
	}
}

func (e *emitted) await(what string, ok func() bool) {
	e.Helper()
	for deadline := time.Now().Add(10 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			e.Fatalf("this did not happen: %s", what)
		}
	}
}

var emitterWires = map[string]redis.Config{
	"pub/sub":         {},
	"pub/sub, static": {SubscriptionMode: redis.Static},
	"sharded":         {Wire: redis.Sharded},
	"sharded, static": {Wire: redis.Sharded, SubscriptionMode: redis.Static},
	"sharded, private": {
		Wire: redis.Sharded, SubscriptionMode: redis.DynamicPrivate,
	},
	"streams":   {Wire: redis.Streams},
	"3 streams": {Wire: redis.Streams, StreamCount: 3, Prefix: "p", StreamName: "s"},
}

func TestEmitter(t *testing.T) {
	for name, c := range emitterWires {
		t.Run(name, func(t *testing.T) {
			s := redistest.Start(t)
			c.Addrs = []string{s.Addr()}
			e := startEmitter(t, c)
			subscribed := func(room string) {
				t.Helper()
				if c.Wire == redis.PubSub && c.SubscriptionMode == redis.Dynamic {
					e.await("the room has a channel", func() bool { return s.Do("PUBSUB", "CHANNELS", "*#"+room+"#") != "" })
				} else if c.Wire == redis.Sharded && (c.SubscriptionMode == redis.DynamicPrivate ||
					c.SubscriptionMode == redis.Dynamic && len(room) != 20) {
					e.await("the room has a channel", func() bool { return s.Do("PUBSUB", "SHARDCHANNELS", "*#"+room+"#") != "" })
				}
			}
			subscribed(e.sockets[1].ID())
			e.do(e.emitter.Emit("all", 1, []byte{2}, map[string]any{"é": nil}))
			e.want(0, "all", 1, []byte{2}, map[string]any{"é": nil})
			e.want(2, "all", 1, []byte{2}, map[string]any{"é": nil})
			for _, o := range []redis.EmitterOperator{
				e.emitter.To(e.sockets[1].ID()),
				e.emitter.In(e.sockets[1].ID()),
				e.emitter.Except(e.sockets[0].ID()).Compress(false),
				e.emitter.To(e.sockets[1].ID(), e.sockets[0].ID()).Except(e.sockets[0].ID()),
			} {
				e.do(o.Emit("one"))
				e.want(2, "one")
			}
			volatile := 0
			for range 100 { // one may be dropped
				e.do(e.emitter.To(e.sockets[1].ID()).Volatile().Emit("volatile"))
				e.do(e.emitter.To(e.sockets[1].ID()).Emit("end"))
				if e.next(2) == "volatile" {
					volatile++
					e.want(2, "end")
					break
				}
			}
			if volatile == 0 {
				t.Error("no volatile event has come")
			}
			e.do(e.emitter.Of("chat").Emit("elsewhere", "x"))
			e.want(1, "elsewhere", "x")
			e.want(3, "elsewhere", "x")

			e.do(e.emitter.To().Emit("nobody"))
			e.do(e.emitter.To().DisconnectSockets(true))
			for _, name := range []string{"connect", "disconnect", "newListener"} {
				if err := e.emitter.Emit(name); !errors.Is(err, redis.ErrReservedEvent) {
					t.Errorf("%s: %v", name, err)
				}
			}
			if err := e.emitter.ServerSideEmit("connection"); !errors.Is(err, redis.ErrReservedEvent) {
				t.Error(err)
			}
			if err := e.emitter.Emit("x", func() {}); err == nil {
				t.Error("a function is sent")
			}

			e.do(e.emitter.ServerSideEmit("sse", 1, "a"))
			for range e.servers {
				select {
				case got := <-e.events:
					if got != "1a" && got != "1 a" {
						t.Errorf("got %s", got)
					}
				case <-time.After(10 * time.Second):
					t.Fatal("a server has not got the event")
				}
			}

			e.do(e.emitter.In(e.sockets[1].ID()).SocketsJoin("a", "b"))
			e.await("the socket has joined", func() bool { return slices.Contains(e.sockets[1].Rooms(), "b") })
			e.do(e.emitter.In("a").SocketsLeave("b"))
			e.await("the socket has left", func() bool { return !slices.Contains(e.sockets[1].Rooms(), "b") })
			subscribed("a")
			e.do(e.emitter.To("a").Emit("room"))
			e.want(2, "room")
			e.do(e.emitter.In("a").DisconnectSockets(false))
			e.await("the socket is disconnected", func() bool { return !e.sockets[1].Connected() })
			if slices.Contains(e.sockets[0].Rooms(), "a") || !e.sockets[0].Connected() {
				t.Error("the other socket is concerned")
			}
			if n, err := e.servers[0].ServerCount(t.Context()); n != 2 || err != nil {
				t.Errorf("%d servers are counted, %v", n, err)
			}
		})
	}
}

// What the official emitters send is obeyed.
func TestOfficialEmitters(t *testing.T) {
	s := redistest.Start(t)
	pubsub := startEmitter(t, redis.Config{Addrs: []string{s.Addr()}})
	streams := startEmitter(t, redis.Config{
		Addrs: []string{s.Addr()}, Wire: redis.Streams, Prefix: "other", StreamName: "socket.io",
	})
	client, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{s.Addr()}, DisableCache: true})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	publish := func(channel, text string) {
		raw, err := hex.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		command := client.B().Publish().Channel(channel).Message(string(raw)).Build()
		if err := client.Do(t.Context(), command).Error(); err != nil {
			t.Fatal(err)
		}
	}
	xadd := func(kind, data string) {
		s.Do("XADD", "socket.io", "MAXLEN", "~", "10000", "*", "uid", "emitter", "nsp", "/", "type", kind, "data", data)
	}
	// @socket.io/redis-emitter 5.1.0
	publish("socket.io#/#", "93a7656d697474657283a47479706502a46461746193a568656c6c6fa5776f726c64d7ff1d5353006553f1"+
		"00a36e7370a12f83a5726f6f6d7390a5666c61677380a665786365707490")
	// @socket.io/redis-streams-emitter 0.1.1
	xadd("3", `{"packet":{"type":2,"data":["hello","world","2023-11-14T22:13:20.123Z"],"nsp":"/"},`+
		`"opts":{"rooms":[],"flags":{},"except":[]}}`)
	for _, e := range []*emitted{pubsub, streams} {
		e.want(0, "hello", "world", "2023-11-14T22:13:20.123Z")
		e.want(2, "hello", "world", "2023-11-14T22:13:20.123Z")
	}
	s.Do("PUBLISH", "socket.io-request#/#",
		`{"type":2,"opts":{"rooms":["`+pubsub.sockets[0].ID()+`"],"except":["zz"]},"rooms":["j2","j3"]}`)
	xadd("4", `{"opts":{"rooms":["`+streams.sockets[0].ID()+`"],"flags":{},"except":["zz"]},"rooms":["j2","j3"]}`)
	for _, e := range []*emitted{pubsub, streams} {
		e.await("the socket joins", func() bool { return slices.Contains(e.sockets[0].Rooms(), "j3") })
	}
	s.Do("PUBLISH", "socket.io-request#/#", `{"type":3,"opts":{"rooms":["j2"],"except":[]},"rooms":["j3"]}`)
	xadd("5", `{"opts":{"rooms":["j2"],"flags":{},"except":[]},"rooms":["j3"]}`)
	for _, e := range []*emitted{pubsub, streams} {
		e.await("the socket leaves", func() bool { return !slices.Contains(e.sockets[0].Rooms(), "j3") })
	}
	s.Do("PUBLISH", "socket.io-request#/#", `{"uid":"emitter","type":6,"data":["sse","x",1]}`)
	xadd("9", `{"packet":["sse","x",1]}`)
	for _, e := range []*emitted{pubsub, streams} {
		for range e.servers {
			select {
			case got := <-e.events:
				if got != "x1" && got != "x 1" {
					t.Errorf("got %s", got)
				}
			case <-time.After(10 * time.Second):
				t.Fatal("a server has not got the event")
			}
		}
	}
	s.Do("PUBLISH", "socket.io-request#/#", `{"type":4,"opts":{"rooms":["j2"],"except":[]},"close":true}`)
	xadd("6", `{"opts":{"rooms":["j2"],"flags":{},"except":[]},"close":true}`)
	for _, e := range []*emitted{pubsub, streams} {
		e.await("the socket is disconnected", func() bool { return !e.sockets[0].Connected() })
	}
}

// While Redis is away a call waits, and with Streams it succeeds once when Redis is back in time.
func TestEmitterAway(t *testing.T) {
	s := redistest.Start(t, "--appendonly", "yes", "--appendfsync", "always")
	e := startEmitter(t, redis.Config{Addrs: []string{s.Addr()}, Wire: redis.Streams})
	done := make(chan error)
	s.Stop()
	for n := range 20 {
		go func() { done <- e.emitter.Emit("e", n) }()
	}
	s.Kill()
	restarted := make(chan struct{})
	time.AfterFunc(100*time.Millisecond, func() {
		defer close(restarted)
		s.Restart()
	})
	defer func() { <-restarted }() // it may fail, and the test has not ended then
	for range 20 {
		e.do(brokertest.Get(t, "answer of Emit", done))
	}
	e.do(e.emitter.Emit("end"))
	got := map[any]bool{}
	for {
		m, err := e.clients[2].Next(brokertest.Limit(t))
		e.do(err)
		if m.Event() == "end" {
			break
		}
		if n := m.Args()[0]; got[n] {
			t.Errorf("%v came twice", n)
		} else {
			got[n] = true
		}
	}
	if len(got) != 20 {
		t.Errorf("%d events came", len(got))
	}
}

// An emitter that cannot reach Redis says so.
func TestEmitterDown(t *testing.T) {
	if _, err := redis.NewEmitter(t.Context(), redis.Config{DB: -1}); err == nil {
		t.Error("an invalid Config is taken")
	}
	s := redistest.Start(t)
	for _, wire := range []redis.Wire{redis.PubSub, redis.Sharded, redis.Streams} {
		e, err := redis.NewEmitter(t.Context(), redis.Config{
			Addrs: []string{s.Addr()}, Wire: wire, RequestTimeout: 100 * time.Millisecond,
		})
		if err != nil {
			t.Fatal(err)
		}
		s.Stop()
		if err := e.Emit("x"); !errors.Is(err, adapter.ErrBroker) {
			t.Errorf("%s: %v", wire, err)
		}
		s.Continue()
		e2 := e.Of("x")
		if err := e.Close(); err != nil {
			t.Error(err)
		}
		if err := e2.Emit("x"); !errors.Is(err, adapter.ErrBroker) {
			t.Errorf("%s, closed: %v", wire, err)
		}
	}
	s.Kill()
	_, err := redis.NewEmitter(t.Context(), redis.Config{Addrs: []string{s.Addr()}})
	if !errors.Is(err, adapter.ErrBroker) {
		t.Errorf("got %v", err)
	}
}
