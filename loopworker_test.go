package socketio_test

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/engineio"
)

// Handlers run where the bytes are read, where there is an event loop. What the portable mode
// promises holds there as well.

// A handler that blocks keeps nobody else waiting, on its event loop or any other.
func TestBlockingHandlersStallNobody(t *testing.T) {
	f := start(t)
	release := make(chan struct{})
	blocked := make(chan struct{}, 100)
	f.Of("/").Handle("block", func(*socketio.Event) error {
		blocked <- struct{}{}
		<-release
		return nil
	})
	f.Of("/").Handle("echo", func(e *socketio.Event) error { return e.Socket().Emit("echo", e.Args()...) })
	defer close(release)
	for range 2 * runtime.GOMAXPROCS(0) {
		conn := f.WebSocket()
		conn.Join("/", "")
		conn.Send(`42["block"]`)
		wait(t, blocked)
	}
	for i := range 2 * runtime.GOMAXPROCS(0) {
		conn := f.WebSocket()
		conn.Join("/", "")
		for j := range 10 {
			packet := fmt.Sprintf(`42["echo",%d,%d]`, i, j)
			conn.Send(packet)
			conn.Want(packet)
		}
	}
}

// The answer that a handler waits for comes behind other events, which wait for the handler.
func TestAckBehindEvents(t *testing.T) {
	f := start(t)
	answers := make(chan string, 1)
	f.Of("/").Handle("ask", func(e *socketio.Event) error {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		reply, err := e.Socket().EmitWithAck(ctx, "question")
		if err != nil {
			return err
		}
		var s string
		if err := reply.Decode(&s); err != nil {
			return err
		}
		answers <- s
		return nil
	})
	conn := f.WebSocket()
	conn.Join("/", "")
	conn.SendTogether(`42["ask"]`, `42["none"]`)
	conn.Want(`420["question"]`)
	conn.SendTogether(`42["none"]`, `430["yes"]`, `42["none"]`)
	if got := wait(t, answers); got != "yes" {
		t.Errorf("got %q", got)
	}
}

// What handlers send leaves before one of them blocks, and in order.
func TestNothingIsKeptBackBehindABlockingHandler(t *testing.T) {
	f := start(t)
	release := make(chan struct{})
	f.Of("/").Handle("echo", func(e *socketio.Event) error { return e.Socket().Emit("echo", e.Args()...) })
	f.Of("/").Handle("block", func(e *socketio.Event) error {
		<-release
		return e.Socket().Emit("unblocked")
	})
	conn := f.WebSocket()
	conn.Join("/", "")
	conn.SendTogether(`42["echo",1]`, `421["echo",2]`, `42["block"]`, `42["echo",3]`, `42["echo",4]`)
	conn.Want(`42["echo",1]`, `42["echo",2]`, `431[]`)
	close(release)
	conn.Want(`42["unblocked"]`, `42["echo",3]`, `42["echo",4]`)
}

// A handler that ends its goroutine costs its own event.
func TestGoexitOnTheEventLoop(t *testing.T) {
	f := start(t)
	f.Of("/").Handle("exit", func(*socketio.Event) error {
		runtime.Goexit()
		return nil
	})
	f.Of("/").Handle("echo", func(e *socketio.Event) error { return e.Socket().Emit("echo", e.Args()...) })
	conn := f.WebSocket()
	conn.Join("/", "")
	for range 3 {
		conn.SendTogether(`42["exit"]`, `42["echo",1]`)
		conn.Want(`42["echo",1]`)
	}
}

// Answers to events that came together leave together.
func TestAnswersLeaveTogether(t *testing.T) {
	t.Run("sockets are not recovered", func(t *testing.T) { answersLeaveTogether(t) })
	t.Run(
		"sockets are recovered",
		func(t *testing.T) { answersLeaveTogether(t, recovering(socketio.ConnectionStateRecovery{})) },
	)
}

func answersLeaveTogether(t *testing.T, options ...func(*socketio.Config)) {
	t.Helper()
	var writes int
	var mu sync.Mutex
	f := start(t, append(options, func(e *socketio.Config) {
		e.EngineEvents.Flush = func(*engineio.Session) {
			mu.Lock()
			writes++
			mu.Unlock()
		}
	})...)
	f.Of("/").Handle("echo", func(e *socketio.Event) error { return e.Socket().Emit("echo", e.Args()...) })
	f.Of("/").Handle("ack", func(e *socketio.Event) error { return e.Ack(e.Args()...) })
	conn := f.WebSocket()
	conn.Send("40")
	conn.Read()
	var packets, want []string
	for i := range 10 {
		packets = append(packets, fmt.Sprintf(`42["echo",%d]`, i), fmt.Sprintf(`42%d["ack",%d]`, i, i))
		want = append(want, fmt.Sprintf(`42["echo",%d]`, i), fmt.Sprintf(`43%d[%d]`, i, i))
	}
	mu.Lock()
	writes = 0
	mu.Unlock()
	conn.SendTogether(packets...)
	for _, w := range want {
		// Without the offset, if there is one.
		if got := conn.Read(); !strings.HasPrefix(got, strings.TrimSuffix(w, "]")) {
			t.Errorf("got %s, want %s", got, w)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	if writes > 10 {
		t.Errorf("%d writes for %d answers", writes, len(want))
	}
}

// Handlers of every kind of slowness, on few connections and many, lose nothing and keep each
// socket's order.
func TestOrderWithSlowAndQuickHandlers(t *testing.T) {
	f := start(t)
	reply := func(e *socketio.Event) error { return e.Socket().Emit("r", e.Args()...) }
	f.Of("/").Handle("quick", reply)
	f.Of("/").Handle("sleepy", func(e *socketio.Event) error {
		time.Sleep(300 * time.Microsecond) // longer than an event loop puts up with
		return reply(e)
	})
	f.Of("/").Handle("busy", func(e *socketio.Event) error {
		for end := time.Now().Add(150 * time.Microsecond); time.Now().Before(end); {
			runtime.Gosched()
		}
		return reply(e)
	})
	var wg sync.WaitGroup
	for c := range 8 {
		conn := f.WebSocket()
		conn.Join("/", "")
		wg.Go(func() {
			names := strings.Fields("quick quick sleepy quick busy quick")
			const rounds, each = 20, 10
			for r := range rounds {
				var packets, want []string
				for i := range each {
					packets = append(packets, fmt.Sprintf(`42["%s",%d]`, names[(c+r+i)%len(names)], r*each+i))
					want = append(want, fmt.Sprintf(`42["r",%d]`, r*each+i))
				}
				for _, p := range packets {
					if err := conn.TrySend(p); err != nil {
						t.Error(err)
						return
					}
				}
				for _, w := range want {
					text, _, err := conn.Next()
					if err != nil || text != w {
						t.Errorf("got %q, %v; want %q", text, err, w)
						return
					}
				}
			}
		})
	}
	wg.Wait()
}
