package client_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"time"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/cmd/socketio/api"
	"github.com/gosocketio/socketio/cmd/socketio/api/client"
)

const token = "0123456789abcdef" // openssl rand -hex 32

// start starts a server with its API, without clients.
func start() (url string, stop func()) {
	io := socketio.New(socketio.Config{})
	h, err := api.New(io, api.Config{Token: token, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		panic(err)
	}
	srv := httptest.NewServer(h)
	return srv.URL, func() {
		srv.Close()
		_ = io.Shutdown(context.Background())
	}
}

func ExampleClient_Emit() {
	url, stop := start() // such as http://127.0.0.1:3002
	defer stop()
	c := client.New(url, token)

	ctx := context.Background()
	fmt.Println(c.Emit(ctx, client.Target{}, "news", "to everybody", map[string]int{"n": 1}))
	fmt.Println(c.Emit(ctx, client.Target{Rooms: []string{"lobby"}, Volatile: true}, "picture", []byte{0, 1, 2}))

	err := c.Emit(ctx, client.Target{Namespace: "/nowhere"}, "news")
	if refused, ok := errors.AsType[*client.Error](err); ok {
		fmt.Println(refused.Status, refused.Name, refused.Field, refused.Value)
	}
	// Output:
	// <nil>
	// <nil>
	// 404 NotFound namespace /nowhere
}

func ExampleClient_EmitWithAck() {
	url, stop := start()
	defer stop()
	c := client.New(url, token)

	got, err := c.EmitWithAck(context.Background(), client.Target{Rooms: []string{"lobby"}}, time.Second, "question", 42)
	fmt.Println(err)
	for _, a := range got.Answers {
		fmt.Println(a.ID, a.Args)
	}
	fmt.Println(got.Missing, "have not answered", got.Errors)
	// Output:
	// <nil>
	// 0 have not answered []
}

func ExampleClient_Join() {
	url, stop := start()
	defer stop()
	c := client.New(url, token)

	// A socket is in the room named after its id.
	fmt.Println(c.Join(context.Background(), client.Target{Rooms: []string{"Dq3uDkl7ZtG2AAAB"}}, "lobby", "news"))
	// Output: <nil>
}

func ExampleClient_Leave() {
	url, stop := start()
	defer stop()
	c := client.New(url, token)

	fmt.Println(c.Leave(context.Background(), client.Target{All: true, Except: []string{"members"}}, "news"))
	// Output: <nil>
}

func ExampleClient_Disconnect() {
	url, stop := start()
	defer stop()
	c := client.New(url, token)

	fmt.Println(c.Disconnect(context.Background(), client.Target{Rooms: []string{"user:17"}}, true))
	fmt.Println(c.Disconnect(context.Background(), client.Target{}, true)) // not everybody by mistake
	// Output:
	// <nil>
	// client: 400 Invalid: missing field: rooms, allowed: an array of rooms, or all: true
}

func ExampleClient_Sockets() {
	url, stop := start()
	defer stop()
	c := client.New(url, token)

	list, err := c.Sockets(context.Background(), client.Target{Rooms: []string{"lobby"}}, 100)
	fmt.Println(err)
	for _, s := range list.Sockets {
		fmt.Println(s.ID, s.Rooms, string(s.Data))
	}
	fmt.Println(list.More, list.Missing)
	// Output:
	// <nil>
	// false 0
}
