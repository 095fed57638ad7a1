package socketio_test

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"runtime"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/adapter/adaptertest"
	"github.com/gosocketio/socketio/internal/rawclient"
)

func ExampleServer_Of() {
	io := socketio.New(socketio.Config{})
	io.Of("/chat").OnConnection(func(s *socketio.Socket) { _ = s.Emit("welcome") })
	v := rawclient.Enter(io, "/", "/chat")
	defer v.Leave()
	v.Print(1)
	for _, ns := range io.Namespaces() {
		fmt.Println(ns.Name(), len(ns.Sockets()))
	}
	// Output:
	// 2/chat,["welcome"]
	// / 1
	// /chat 1
}

func ExampleServer_OfRegexp() {
	io := socketio.New(socketio.Config{CleanupEmptyChildNamespaces: true})
	workspaces := io.OfRegexp(regexp.MustCompile(`^/workspace-\d+$`))
	workspaces.OnConnection(func(s *socketio.Socket) {
		_ = s.Emit("welcome", s.Namespace().Name())
	})
	v := rawclient.Enter(io, "/workspace-7")
	defer v.Leave()
	v.Print(1)
	// Output: 2/workspace-7,["welcome","/workspace-7"]
}

func ExampleServer_OfFunc() {
	io := socketio.New(socketio.Config{})
	known := map[string]bool{"/berlin": true, "/paris": true}
	cities := io.OfFunc(func(name string, _ json.RawMessage) bool { return known[name] })
	cities.OnConnection(func(s *socketio.Socket) { _ = s.Emit("welcome") })
	v := rawclient.Enter(io, "/paris")
	defer v.Leave()
	v.Print(1)
	// Output: 2/paris,["welcome"]
}

func ExampleServer_OnNewNamespace() {
	io := socketio.New(socketio.Config{})
	io.OnNewNamespace(func(n *socketio.Namespace) { fmt.Println(n.Name()) })
	io.Of("/chat")
	// Output: /chat
}

func ExampleParent_Emit() {
	io := socketio.New(socketio.Config{})
	games := io.OfRegexp(regexp.MustCompile(`^/game-`))
	games.OnConnection(func(*socketio.Socket) { _ = games.Emit("someone came") })
	v := rawclient.Enter(io, "/game-1")
	defer v.Leave()
	v.Print(1)
	// Output: 2/game-1,["someone came"]
}

func ExampleParent_Children() {
	io := socketio.New(socketio.Config{})
	games := io.OfRegexp(regexp.MustCompile(`^/game-\d+$`))
	v := rawclient.Enter(io, "/game-1", "/game-2")
	defer v.Leave()
	for _, game := range games.Children() {
		fmt.Println(game.Name(), game.Len())
	}
	// Output:
	// /game-1 1
	// /game-2 1
}

func ExampleServer_ServerSideEmit() {
	io := socketio.New(socketio.Config{})
	// There is no other server: nobody hears it.
	fmt.Println(io.ServerSideEmit("reload", "config"))
	// Output: <nil>
}

func ExampleServer_ServerSideEmitWithAck() {
	io := socketio.New(socketio.Config{})
	// What another server does when it is asked: it answers.
	io.OnServerSideEmit("load", func(e *socketio.ServerSideEvent) error { return e.Ack(len(io.Sockets())) })

	all, _ := io.ServerCount(context.Background())
	servers := 1 // this one
	for reply, err := range io.ServerSideEmitWithAck(context.Background(), "load") {
		if err != nil {
			fmt.Println("some did not answer:", err)
			break
		}
		fmt.Println("another server has", reply.Args(), "sockets")
		servers++
	}
	fmt.Println(servers, "of", all, "server")
	// Output: 1 of 1 server
}

// Two servers; in production they are two processes, and the adapter goes over a broker.
func ExampleServer_OnServerSideEmit() {
	bus := adaptertest.NewBus()
	one := socketio.New(socketio.Config{Adapter: bus.Adapter(adapter.ClusterConfig{})})
	two := socketio.New(socketio.Config{Adapter: bus.Adapter(adapter.ClusterConfig{})})
	defer func() {
		_ = one.Shutdown(context.Background())
		_ = two.Shutdown(context.Background())
	}()
	two.OnServerSideEmit("reload", func(e *socketio.ServerSideEvent) error {
		var what string
		if err := e.Decode(&what); err != nil {
			return err
		}
		fmt.Println("the other server says: reload", what)
		return e.Ack("done")
	})
	for n := 0; n < 2; n, _ = one.ServerCount(context.Background()) { // until they know each other
		runtime.Gosched()
	}
	for reply, err := range one.ServerSideEmitWithAck(context.Background(), "reload", "prices") {
		fmt.Println(reply.Args(), err)
	}
	// Output:
	// the other server says: reload prices
	// [done] <nil>
}

func ExampleParent() {
	io := socketio.New(socketio.Config{})
	var games *socketio.Parent = io.OfRegexp(regexp.MustCompile(`^/game-`))
	games.OnAny(func(e *socketio.Event) { fmt.Println(e.Socket().Namespace().Name(), "hears", e.Name()) })
	socketio.On0(games, "move", func(*socketio.Event) error {
		var here socketio.ParentOperator = games.Local()
		return here.Emit("moved")
	})
	v := rawclient.Enter(io, "/game-1")
	defer v.Leave()
	v.Send(`42/game-1,["move"]`)
	v.Print(1)
	// Output:
	// /game-1 hears move
	// 2/game-1,["moved"]
}
