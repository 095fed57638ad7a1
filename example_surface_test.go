package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"regexp"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/internal/rawclient"
)

func ExampleNewSharedKey() {
	// Declared once, with the same name in every program of the cluster.
	username := socketio.NewSharedKey[string]("username")

	io := socketio.New(socketio.Config{})
	io.Use(func(s *socketio.Socket) error {
		username.Set(s, s.Handshake().Query().Get("name"))
		return nil
	})
	v := rawclient.Enter(io) // connects with ?name=ann
	defer v.Leave()
	for s, err := range io.FetchSockets(context.Background()) { // of all servers
		name, ok := username.GetRemote(s)
		fmt.Println(name, ok, err, string(s.Data()))
	}
	// Output: ann true <nil> {"username":"ann"}
}

func ExampleRemoteSocket() {
	io := socketio.New(socketio.Config{})
	v := rawclient.Enter(io)
	defer v.Leave()
	for s, err := range io.FetchSockets(context.Background()) {
		if err != nil {
			fmt.Println("a server did not answer:", err)
			continue
		}
		_, here := s.Local()
		fmt.Println(here, s.Handshake().Query().Get("name"), s.Handshake().Header().Get("Upgrade"))
		_ = s.Join("tea")
		_ = s.Emit("welcome")
		_ = s.Disconnect(true)
	}
	v.Print(2)
	// Output:
	// true ann websocket
	// 2["welcome"]
	// 1
}

func ExampleSocket_Err() {
	io := socketio.New(socketio.Config{})
	ended := make(chan string, 1)
	io.Handle("work", func(e *socketio.Event) error {
		_ = e.Ack("begun")
		<-e.Context().Done() // the work is given up when the client goes
		gone := (*socketio.DisconnectError)(nil)
		if err := e.Socket().Err(); errors.As(err, &gone) {
			ended <- string(gone.Reason) + ", " + fmt.Sprint(errors.Is(context.Cause(e.Context()), gone))
		}
		return nil
	})
	v := rawclient.Enter(io)
	defer v.Leave()
	v.Send(`420["work"]`)
	v.Print(1)
	v.Send(`41`)
	fmt.Println(<-ended)
	// Output:
	// 30["begun"]
	// client namespace disconnect, true
}

func ExampleReply_SocketID() {
	io := socketio.New(socketio.Config{})
	v := rawclient.Enter(io)
	defer v.Leave()
	done := make(chan struct{})
	go func() {
		defer close(done)
		for reply, err := range io.EmitWithAck(context.Background(), "ready?") {
			_, connected := io.Socket(reply.SocketID())
			fmt.Println(reply.Args(), connected, err)
		}
	}()
	v.Print(1)
	v.Send(`430["yes"]`)
	<-done
	// Output:
	// 20["ready?"]
	// [yes] true <nil>
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

func ExampleServer_PrependAnyOutgoing() {
	io := socketio.New(socketio.Config{})
	io.OnAnyOutgoing(func(_ *socketio.Socket, event string, args []any) { fmt.Println("sent", event, args) })
	off := io.PrependAnyOutgoing(func(_ *socketio.Socket, event string, _ []any) { fmt.Println("before that,", event) })
	v := rawclient.Enter(io)
	defer v.Leave()
	_ = io.Emit("tick", 1)
	off()
	_ = io.Emit("tick", 2)
	// Output:
	// before that, tick
	// sent tick [1]
	// sent tick [2]
}

func ExampleServer_AllRooms() {
	io := socketio.New(socketio.Config{})
	io.OnConnection(func(s *socketio.Socket) { s.Join("tea") })
	v := rawclient.Enter(io)
	defer v.Leave()
	for _, room := range io.AllRooms() {
		if _, own := io.Socket(room); !own { // each socket is in a room of its own
			fmt.Println(io.RoomLen(room), "for", room)
		}
	}
	// Output: 1 for tea
}
