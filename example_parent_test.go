package socketio_test

import (
	"encoding/json"
	"fmt"
	"regexp"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/internal/rawclient"
)

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
