package socketio_test

import (
	"fmt"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/internal/rawclient"
)

// Hooks feed what counts and measures: a Prometheus histogram, a trace, a log.
func ExampleHooks() {
	handled := make(chan string, 1)
	io := socketio.New(socketio.Config{Hooks: socketio.Hooks{
		Handle: func(i socketio.HandleInfo) {
			handled <- fmt.Sprintf("handled %s with %d handler, error: %v", i.Event.Name(), i.Handlers, i.Err)
		},
		Emit: func(i socketio.EmitInfo) {
			fmt.Println("sent", i.Event, "of", i.Bytes, "bytes to", i.Recipients)
		},
	}})
	io.Handle("hello", func(*socketio.Event) error { return io.Emit("hi", "everybody") })
	rawclient.Visit(io, 1, `42["hello"]`)
	fmt.Println(<-handled)
	// Unordered output:
	// sent hi of 22 bytes to 1
	// 2["hi","everybody"]
	// handled hello with 1 handler, error: <nil>
}
