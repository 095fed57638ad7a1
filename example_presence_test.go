package socketio_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/adapter/adaptertest"
	"github.com/gosocketio/socketio/internal/rawclient"
)

// Two servers, one with a client; in production they are two processes, and the adapter goes over a
// broker.
func ExampleOperator_Count() {
	bus := adaptertest.NewBus()
	one := socketio.New(socketio.Config{Adapter: bus.Adapter(adapter.ClusterConfig{})})
	two := socketio.New(socketio.Config{Adapter: bus.Adapter(adapter.ClusterConfig{})})
	defer func() {
		_ = one.Shutdown(context.Background())
		_ = two.Shutdown(context.Background())
	}()
	two.OnConnection(func(s *socketio.Socket) {
		s.Join("room 7")
		_ = s.Emit("joined")
	})
	v := rawclient.Enter(two, "/")
	defer v.Leave()
	v.Print(1)

	var n socketio.Counted
	n, err := one.In("room 7").Count(context.Background())
	if missing := (*socketio.MissingServersError)(nil); errors.As(err, &missing) {
		fmt.Println("not counted:", missing.UIDs) // such as official servers
	}
	fmt.Println(n.Sockets, "on", n.Servers, "servers")

	_, err = one.In("room 7", "room 8").Count(context.Background())
	fmt.Println(errors.Is(err, socketio.ErrUncounted))
	// Output:
	// 2["joined"]
	// 1 on 2 servers
	// true
}

func ExampleServer_OnPresence() {
	io := socketio.New(socketio.Config{})
	told := make(chan string)
	off := io.OnPresence(socketio.PresenceHooks{
		FirstIn: func(room string) { told <- "somebody is in " + room },
		LastOut: func(room string) { told <- "nobody is in " + room },
	})
	defer off()
	io.OnConnection(func(s *socketio.Socket) { s.Join("room 7") })
	v := rawclient.Enter(io, "/")
	fmt.Println(<-told)
	v.Leave()
	fmt.Println(<-told)
	// Output:
	// somebody is in room 7
	// nobody is in room 7
}
