package socketio_test

import (
	"errors"
	"fmt"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/internal/rawclient"
)

// A client may send 3 events at once and 6 a minute. Beyond that its acknowledgements are errors.
func ExampleEventLimit() {
	io := socketio.New(socketio.Config{
		EventLimit: socketio.EventLimit{Rate: 6. / 60, Burst: 3},
		// All clients together, in one namespace and in each other one.
		NamespaceEventLimits: map[string]socketio.EventLimit{
			"/search": {Rate: 50, Answer: socketio.LimitDrop},
			"*":       {Rate: 1000, Answer: socketio.LimitError},
		},
	})
	io.Handle("hello", func(e *socketio.Event) error { return e.Ack("hi") })
	v := rawclient.Enter(io)
	defer v.Leave()
	for n := range 4 {
		v.Send(fmt.Sprintf(`42%d["hello"]`, n))
		v.Print(1)
	}
	fmt.Println(io.Stats().Namespaces["/"].LimitedByConnection)
	// Output:
	// 30["hi"]
	// 31["hi"]
	// 32["hi"]
	// 33[{"error":{"message":"rate limit exceeded"}}]
	// 1
}

// A client that sends too much has to go.
func ExampleLimitAnswer() {
	named := map[string]socketio.LimitAnswer{ // as in a file of your own
		"error": socketio.LimitError, "drop": socketio.LimitDrop, "disconnect": socketio.LimitDisconnect,
	}
	io := socketio.New(socketio.Config{
		EventLimit: socketio.EventLimit{Rate: 1. / 60, Answer: named["disconnect"]},
	})
	gone := make(chan bool, 1)
	io.OnDisconnect(func(s *socketio.Socket, _ socketio.Reason) {
		gone <- errors.Is(s.Err(), socketio.ErrRateLimit)
	})
	v := rawclient.Enter(io)
	defer v.Leave()
	v.Send(`42["hello"]`, `42["hello"]`)
	v.Print(2)
	fmt.Println(<-gone)
	// Output:
	// 1
	// the connection was closed
	// true
}

// A client may send 64 KB at once and 16 KB a second. One that sends faster is read from more slowly.
func ExampleByteLimit() {
	io := socketio.New(socketio.Config{ByteLimit: socketio.ByteLimit{Rate: 16 << 10, Burst: 64 << 10}})
	io.Handle("hello", func(e *socketio.Event) error { return e.Ack("hi") })
	fmt.Println(io.Stats().Connections.Throttled)
	// Output: 0
}
