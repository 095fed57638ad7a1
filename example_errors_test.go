package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/internal/rawclient"
)

// Why a client has gone: the reason has the official server's words, the cause tells more.
func ExampleDisconnectError() {
	explain := func(gone *socketio.DisconnectError) string {
		var broken *socketio.TransportError
		switch gone.Reason {
		case socketio.ReasonClientNamespaceDisconnect, socketio.ReasonTransportClose:
			return "the client left"
		case socketio.ReasonServerNamespaceDisconnect, socketio.ReasonServerShuttingDown:
			return "we ended it"
		case socketio.ReasonPingTimeout:
			return "the network is gone"
		case socketio.ReasonParseError,
			socketio.ReasonForcedClose,
			socketio.ReasonForcedServerClose,
			socketio.ReasonTransportError:
		}
		switch cause := gone.Cause; {
		case errors.Is(cause, socketio.ErrQueueFull), errors.Is(cause, socketio.ErrSlowPeer):
			return "the client reads too slowly"
		case errors.Is(cause, socketio.ErrPayloadTooLarge):
			return "the client sent too much: Config.MaxPayload"
		case errors.Is(cause, socketio.ErrRateLimit):
			return "the client sent too many events: Config.EventLimit"
		case errors.Is(cause, socketio.ErrConnectTimeout), errors.Is(cause, socketio.ErrAttachmentTimeout):
			return "the client did not go on"
		case errors.Is(cause, socketio.ErrHandlerStalled):
			return "a handler of ours does not end"
		case errors.Is(cause, socketio.ErrProtocol),
			errors.Is(cause, socketio.ErrParse),
			errors.Is(cause, socketio.ErrPacket):
			return "the client is no Socket.IO client, or is broken"
		case errors.Is(cause, socketio.ErrReplaced):
			return "the client is back on another connection"
		case errors.Is(cause, socketio.ErrServerClosed):
			return "Shutdown"
		case errors.As(cause, &broken):
			return "the connection broke"
		}
		return "we closed the connection"
	}

	io := socketio.New(socketio.Config{OnError: func(*socketio.Socket, error) {}})
	explained := make(chan string, 1)
	io.OnDisconnect(func(s *socketio.Socket, _ socketio.Reason) {
		if gone := (*socketio.DisconnectError)(nil); errors.As(s.Err(), &gone) {
			explained <- explain(gone)
		}
	})
	v := rawclient.Enter(io)
	defer v.Leave()
	v.Send(`42{"an":"object"}`)
	fmt.Println(<-explained)
	// Output: the client is no Socket.IO client, or is broken
}

// What Emit returns when the event is not on its way.
func ExampleServer_Emit_errors() {
	explain := func(err error) string {
		switch {
		case err == nil:
			return "queued"
		case errors.Is(err, socketio.ErrClosed):
			return "the client has gone"
		case errors.Is(err, socketio.ErrQueueFull):
			return "the client reads too slowly; its connection was closed"
		case errors.Is(err, socketio.ErrBroker):
			return "the sockets of this server have it, other servers do not"
		case errors.Is(err, socketio.ErrReservedEvent):
			return "the name belongs to the protocol"
		case errors.Is(err, socketio.ErrEncode):
			return "an argument cannot be encoded"
		}
		return err.Error()
	}
	io := socketio.New(socketio.Config{})
	v := rawclient.Enter(io)
	defer v.Leave()
	s := io.Sockets()[0]
	fmt.Println(explain(s.Emit("news", 1)))
	fmt.Println(explain(s.Emit("disconnect")))
	fmt.Println(explain(s.Emit("news", func() {})))
	s.Disconnect(false)
	fmt.Println(explain(s.Emit("news")))
	// Output:
	// queued
	// the name belongs to the protocol
	// an argument cannot be encoded
	// the client has gone
}

// What a program can do about errors of the broker that no call returned.
func ExampleBrokerInfo() {
	explain := func(info socketio.BrokerInfo) string {
		var gap *socketio.GapError
		switch {
		case errors.As(info.Err, &gap):
			return "clients in " + gap.Namespace + " may have missed something: tell them to load it again"
		case errors.Is(info.Err, socketio.ErrBrokerDown):
			return "the connection is lost"
		case errors.Is(info.Err, socketio.ErrBrokerStalled):
			return "the broker is too slow"
		case errors.Is(info.Err, socketio.ErrTooLarge):
			return "somebody sends too much at once"
		}
		return info.Err.Error()
	}
	hooks := socketio.Hooks{Broker: func(info socketio.BrokerInfo) { fmt.Println(explain(info)) }}
	hooks.Broker(socketio.BrokerInfo{Err: &socketio.GapError{Namespace: "/chat", Err: errors.New("subscribed again")}})
	hooks.Broker(socketio.BrokerInfo{Err: socketio.ErrBrokerDown})
	// Output:
	// clients in /chat may have missed something: tell them to load it again
	// the connection is lost
}

// What ends the wait for answers.
func ExampleMissingError() {
	explain := func(err error) string {
		var missing *socketio.MissingError
		var servers *socketio.MissingServersError
		switch {
		case errors.As(err, &missing) && errors.Is(err, socketio.ErrTimeout):
			return fmt.Sprint("time is up, missing: ", missing.Missing)
		case errors.As(err, &servers): // of FetchSockets
			return fmt.Sprint("servers that did not answer: ", servers.UIDs)
		case errors.Is(err, socketio.ErrServerGone):
			return "a server stopped, and its sockets with it"
		case errors.Is(err, socketio.ErrClosed):
			return "a client left"
		}
		return err.Error()
	}
	io := socketio.New(socketio.Config{})
	a, b := rawclient.Enter(io), rawclient.Enter(io)
	defer a.Leave()
	defer b.Leave()
	for reply, err := range io.Timeout(time.Millisecond).EmitWithAck(context.Background(), "vote") {
		if err != nil {
			fmt.Println(explain(err))
			continue
		}
		fmt.Println(reply.Args()...)
	}
	// Output: time is up, missing: 2
}

// OnError hears what went wrong where nobody waits for an error.
func ExampleHandlerError() {
	reported := make(chan string, 1)
	io := socketio.New(socketio.Config{OnError: func(_ *socketio.Socket, err error) {
		var handler *socketio.HandlerError
		var panicked *socketio.PanicError
		switch {
		case errors.As(err, &panicked):
			reported <- fmt.Sprint("panic: ", panicked.Value)
		case errors.As(err, &handler) && errors.Is(err, socketio.ErrArguments):
			reported <- "the client does not know the arguments of " + handler.Event
		case errors.Is(err, socketio.ErrServerSideFull):
			reported <- "other servers send more than is handled here"
		default:
			reported <- err.Error()
		}
	}})
	socketio.On(io, "age", func(*socketio.Event, int) error { return nil })
	socketio.On0(io, "answers twice", func(e *socketio.Event) error {
		return errors.Join(e.Ack(1), e.Ack(2)) // ErrAnswered
	})
	v := rawclient.Enter(io)
	defer v.Leave()
	v.Send(`42["age","old"]`)
	fmt.Println(<-reported)
	v.Send(`420["answers twice"]`)
	fmt.Println(<-reported)
	// Output:
	// the client does not know the arguments of age
	// socketio: handling "answers twice": event is acknowledged already
}

// The first answer counts.
func ExampleEvent_Ack_once() {
	io := socketio.New(socketio.Config{})
	io.Handle("question", func(e *socketio.Event) error {
		_ = e.Ack("yes")
		if err := e.Ack("no"); !errors.Is(err, socketio.ErrAnswered) {
			return err
		}
		return nil
	})
	rawclient.Visit(io, 1, `420["question"]`)
	// Output: 30["yes"]
}
