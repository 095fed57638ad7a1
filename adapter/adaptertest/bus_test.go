package adaptertest_test

import (
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"testing"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/adapter/adaptertest"
	"github.com/gosocketio/socketio/siotest"
)

// Two servers on a bus; then the bus fails, and what is for sockets here still reaches them.
func TestBusFails(t *testing.T) {
	bus := adaptertest.NewBus()
	a := socketio.New(socketio.Config{Adapter: bus.Adapter(adapter.ClusterConfig{})})
	client, err := siotest.Serve(t, a).Connect(t.Context(), "/", nil)
	if err != nil {
		t.Fatal(err)
	}
	down := errors.New("down")
	bus.Fail(down)
	if err := a.Emit("e"); !errors.Is(err, down) || !errors.Is(err, adapter.ErrBroker) {
		t.Errorf("got %v", err)
	}
	bus.Fail(nil)
	if m, err := client.Receive(t.Context(), "e"); err != nil || m.Len() != 0 {
		t.Errorf("got %v, %v", m, err)
	}
}

func ExampleBus() {
	bus := adaptertest.NewBus()
	a := socketio.New(socketio.Config{Adapter: bus.Adapter(adapter.ClusterConfig{})})
	b := socketio.New(socketio.Config{Adapter: bus.Adapter(adapter.ClusterConfig{})})
	heard := make(chan bool)
	b.OnServerSideEmit("hello", func(e *socketio.ServerSideEvent) error {
		fmt.Println("b hears", e.Name(), e.Args())
		close(heard)
		return nil
	})
	if err := a.ServerSideEmit("hello", "from a"); err != nil {
		fmt.Println(err)
	}
	<-heard
	// Output: b hears hello [from a]
}

// What a program does when the broker fails can be tested with a bus that does.
func ExampleBus_Cut() {
	bus := adaptertest.NewBus()
	srv := socketio.New(socketio.Config{
		Adapter: bus.Adapter(adapter.ClusterConfig{}),
		Logger:  slog.New(slog.DiscardHandler),
		Hooks:   socketio.Hooks{Broker: func(i socketio.BrokerInfo) { fmt.Println(i.Err) }},
	})
	for sent := 0; sent == 0; sent, _ = bus.Messages() { // until it has announced itself
		runtime.Gosched()
	}
	bus.Cut()
	if err := srv.Emit("news"); errors.Is(err, socketio.ErrBroker) {
		fmt.Println("only clients here have it")
	}
	bus.Restore()
	// Output:
	// socketio: other servers cannot be reached: the connection to the broker is lost: it was cut
	// only clients here have it
	// socketio: messages of other servers for namespace / may have been lost: the connection to the broker is lost
}

// An adapter of one's own runs the suite like this.
func ExampleSuite() {
	test := func(t *testing.T) {
		adaptertest.Suite{Adapters: func(_ *testing.T, n int) (all []adapter.Factory) {
			bus := adaptertest.NewBus() // or a topic of a broker that is used for nothing else
			for range n {
				all = append(all, bus.Adapter(adapter.ClusterConfig{}))
			}
			return all
		}}.Run(t)
	}
	fmt.Printf("%T\n", test)
	// Output: func(*testing.T)
}
