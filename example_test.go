package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"os"
	"time"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/internal/rawclient"
)

// In the examples, package rawclient stands for a client: packets are shown as they go over the wire, where 2 is an event,
// 3 an acknowledgement and 1 a disconnect.

func ExampleNew() {
	io := socketio.New(socketio.Config{
		CORS: socketio.CORS{Origins: []string{"https://app.example.com"}},
	})
	io.OnConnection(func(s *socketio.Socket) { s.Join("lobby") })
	socketio.On(io, "message", func(_ *socketio.Event, text string) error {
		return io.To("lobby").Emit("message", text)
	})
	http.Handle("/socket.io/", io)
	// log.Fatal(http.ListenAndServe("127.0.0.1:3000", nil))
	rawclient.Visit(io, 1, `42["message","hi"]`)
	// Output: 2["message","hi"]
}

func ExampleNewServer() {
	_, err := socketio.NewServer(socketio.Config{MaxPayload: -1}) // from a flag, say
	fmt.Println(errors.Is(err, socketio.ErrConfig))
	// Output: true
}

func ExampleConfig_clientFiles() {
	// npm install socket.io-client; then a page loads <script src="/socket.io/socket.io.js"></script>.
	io, err := socketio.NewServer(socketio.Config{ClientFiles: os.DirFS("node_modules/socket.io-client")})
	if err != nil {
		fmt.Println("run npm install first")
		return
	}
	http.Handle("/files/", io)
	// Output: run npm install first
}

func ExampleServer_Shutdown() {
	io := socketio.New(socketio.Config{})
	server := &http.Server{Handler: io, ReadHeaderTimeout: 10 * time.Second}
	v := rawclient.Enter(server.Handler)
	defer v.Leave()

	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := io.Shutdown(ctx); err != nil { // first: the http.Server does not see WebSocket connections
		log.Print(err)
	}
	if err := server.Shutdown(ctx); err != nil {
		log.Print(err)
	}
	v.Print(1)
	// Output: the connection was closed
}

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

func ExampleServer_Use() {
	io := socketio.New(socketio.Config{})
	user := socketio.NewKey[string]("user")
	io.Use(func(s *socketio.Socket) error {
		var auth struct{ Token string }
		if err := s.Handshake().DecodeAuth(&auth); err != nil || auth.Token != "secret" {
			return &socketio.Error{Message: "unauthorized", Data: map[string]int{"code": 401}}
		}
		user.Set(s, "ann")
		return nil
	})
	io.Of("/open")
	v := rawclient.Enter(io, "/open")
	defer v.Leave()
	v.Send(`40{"token":"wrong"}`)
	v.Print(1)
	id := v.Join("/", `{"token":"secret"}`)
	s, _ := io.Socket(id)
	fmt.Println(user.Get(s))
	// Output:
	// 4{"message":"unauthorized","data":{"code":401}}
	// ann true
}

func ExampleServer_OnConnection() {
	io := socketio.New(socketio.Config{})
	io.OnConnection(func(s *socketio.Socket) {
		_ = s.Emit("welcome", s.Handshake().Query().Get("name"))
	})
	rawclient.Visit(io, 1)
	// Output: 2["welcome","ann"]
}

func ExampleServer_OnDisconnect() {
	io := socketio.New(socketio.Config{})
	done := make(chan struct{})
	joined := make(chan struct{})
	io.OnConnection(func(s *socketio.Socket) {
		s.Join("lobby")
		close(joined)
	})
	io.OnDisconnecting(func(s *socketio.Socket, _ socketio.Reason) { fmt.Println("leaves", len(s.Rooms()), "rooms") })
	io.OnDisconnect(func(s *socketio.Socket, reason socketio.Reason) {
		fmt.Println("left:", reason)
		close(done)
	})
	v := rawclient.Enter(io)
	defer v.Leave()
	<-joined
	v.Send(`41`)
	<-done
	// Output:
	// leaves 2 rooms
	// left: client namespace disconnect
}

func ExampleServer_Handle() {
	io := socketio.New(socketio.Config{})
	io.Handle("raw", func(e *socketio.Event) error {
		var name string
		var data []byte
		if err := e.Decode(&name, &data); err != nil {
			return err
		}
		return e.Ack(name, len(data))
	})
	v := rawclient.Enter(io)
	defer v.Leave()
	v.Send(`451-1["raw","picture",{"_placeholder":true,"num":0}]`)
	v.SendBinary([]byte{1, 2, 3})
	v.Print(1)
	io.Off("raw")
	// Output: 31["picture",3]
}

func ExampleServer_OnAny() {
	io := socketio.New(socketio.Config{})
	io.OnAny(func(e *socketio.Event) { fmt.Println("in:", e.Name(), e.Args()) })
	io.OnAnyOutgoing(func(_ *socketio.Socket, event string, args []any) { fmt.Println("out:", event, args) })
	io.Handle("ping", func(e *socketio.Event) error { return e.Socket().Emit("pong", 1) })
	rawclient.Visit(io, 1, `42["ping","x"]`)
	// Output:
	// in: ping [x]
	// out: pong [1]
	// 2["pong",1]
}

func ExampleServer_Emit() {
	io := socketio.New(socketio.Config{})
	a, b := rawclient.Enter(io), rawclient.Enter(io)
	defer a.Leave()
	defer b.Leave()
	if err := io.Emit("news", map[string]any{"n": 1, "data": []byte{7}}); err != nil {
		log.Print(err)
	}
	a.Print(2)
	b.Print(2)
	// Output:
	// 51-["news",{"data":{"_placeholder":true,"num":0},"n":1}]
	// binary: [7]
	// 51-["news",{"data":{"_placeholder":true,"num":0},"n":1}]
	// binary: [7]
}

func ExampleServer_To() {
	io := socketio.New(socketio.Config{})
	a, b := rawclient.Enter(io), rawclient.Enter(io)
	defer a.Leave()
	defer b.Leave()
	for i, s := range io.Sockets() {
		s.Join("all", fmt.Sprint("room", i))
	}
	_ = io.To("all").Except("room1").Emit("first", 1)
	_ = io.In("room0", "room1").Local().Compress(false).Send("second")
	_ = io.To("nobody").Emit("never")
	a.Print(2)
	b.Print(1)
	// Output:
	// 2["first",1]
	// 2["message","second"]
	// 2["message","second"]
}

func ExampleServer_Volatile() {
	io := socketio.New(socketio.Config{})
	// A client that cannot take it now does not get it later.
	err := io.Volatile().Emit("position", 1, 2)
	fmt.Println(err)
	// Output: <nil>
}

func ExampleServer_EmitWithAck() {
	io := socketio.New(socketio.Config{})
	v := rawclient.Enter(io)
	defer v.Leave()
	done := make(chan struct{})
	go func() {
		defer close(done)
		for reply, err := range io.Timeout(5*time.Second).EmitWithAck(context.Background(), "vote", "lunch?") {
			if err != nil {
				fmt.Println(err) // somebody disconnected, or time is up
				continue
			}
			fmt.Println(reply.Args()...)
		}
	}()
	v.Print(1)
	v.Send(`430["yes"]`) // the answer to the event with id 0
	<-done
	// Output:
	// 20["vote","lunch?"]
	// yes
}

func ExampleServer_FetchSockets() {
	io := socketio.New(socketio.Config{})
	v := rawclient.Enter(io)
	defer v.Leave()
	_ = io.SocketsJoin("lobby", "hall")
	_ = io.In("lobby").SocketsLeave("hall")
	for s, err := range io.In("lobby").FetchSockets(context.Background()) {
		if err != nil {
			log.Print(err)
			continue
		}
		fmt.Println(len(s.Rooms()), "rooms")
	}
	_ = io.In("lobby").DisconnectSockets(true)
	v.Print(2)
	// Output:
	// 2 rooms
	// 1
	// the connection was closed
}

func ExampleOn() {
	type Message struct{ Room, Text string }
	io := socketio.New(socketio.Config{})
	io.OnConnection(func(s *socketio.Socket) { s.Join("tea") })
	socketio.On(io, "message", func(_ *socketio.Event, m Message) error {
		return io.To(m.Room).Emit("message", m)
	})
	rawclient.Visit(io, 1, `42["message",{"room":"tea","text":"hi"}]`)
	// Output: 2["message",{"Room":"tea","Text":"hi"}]
}

func ExampleOn2() {
	io := socketio.New(socketio.Config{})
	socketio.On2(io, "move", func(e *socketio.Event, x, y int) error { return e.Socket().Emit("at", x, y) })
	rawclient.Visit(io, 1, `42["move",3,4]`)
	// Output: 2["at",3,4]
}

func ExampleOn3() {
	io := socketio.New(socketio.Config{})
	socketio.On3(io, "file", func(e *socketio.Event, name string, size int, tags []string) error {
		return e.Ack(fmt.Sprint(name, " ", size, " ", tags))
	})
	rawclient.Visit(io, 1, `421["file","a.txt",10,["x"]]`)
	// Output: 31["a.txt 10 [x]"]
}

func ExampleOnCall() {
	io := socketio.New(socketio.Config{})
	socketio.OnCall(io, "divide", func(_ *socketio.Event, n [2]int) (int, error) {
		if n[1] == 0 {
			return 0, &socketio.Error{Message: "division by zero"}
		}
		return n[0] / n[1], nil
	})
	rawclient.Visit(io, 3, `421["divide",[6,2]]`, `422["divide",[6,0]]`, `423["divide","six"]`)
	// Output:
	// 31[3]
	// 32[{"error":{"message":"division by zero"}}]
	// 33[{"error":{"message":"invalid arguments"}}]
}

func ExampleOnCall0() {
	io := socketio.New(socketio.Config{})
	socketio.OnCall0(io, "rooms", func(e *socketio.Event) (int, error) { return len(e.Socket().Rooms()), nil })
	rawclient.Visit(io, 1, `421["rooms"]`)
	// Output: 31[1]
}

func ExampleCall() {
	io := socketio.New(socketio.Config{})
	socketio.On(io, "start", func(e *socketio.Event, fruit string) error {
		n, err := socketio.Call[int](e.Context(), e.Socket(), "how many", fruit) // waits for the client
		if err != nil {
			return err
		}
		return e.Socket().Emit("thanks", n)
	})
	v := rawclient.Enter(io)
	defer v.Leave()
	v.Send(`42["start","apples"]`)
	v.Print(1)
	v.Send(`430[5]`)
	v.Print(1)
	// Output:
	// 20["how many","apples"]
	// 2["thanks",5]
}

func ExampleNewKey() {
	visits := socketio.NewKey[int]("visits")
	io := socketio.New(socketio.Config{})
	io.Handle("visit", func(e *socketio.Event) error {
		n, _ := visits.Get(e.Socket())
		visits.Set(e.Socket(), n+1)
		return e.Ack(n + 1)
	})
	rawclient.Visit(io, 2, `420["visit"]`, `421["visit"]`)
	// Output:
	// 30[1]
	// 31[2]
}

func ExampleEventOf() {
	type Message struct{ Text string }
	const Said = socketio.EventOf[Message]("said")

	io := socketio.New(socketio.Config{})
	Said.On(io, func(e *socketio.Event, m Message) error { return Said.Emit(io, m) })
	rawclient.Visit(io, 1, `42["said",{"Text":"hi"}]`)
	// Output: 2["said",{"Text":"hi"}]
}
