// Command server is the server that the interop suites talk to, built on the library as any program would. What it
// answers is the contract of ../oracle as well: the same scenarios judge both.
//
// On / and /chat it emits "auth" with the handshake's auth on connection, and handles the events of [serveEverywhere].
// /custom only emits "auth"; /refused lets nobody in who does not ask nicely; /dynamic- and digits are made as clients name
// them. No other namespace exists. The bare
// engine is mounted at /engine.io/, where it sends every message back.
//
// Its first line on standard output is "listening on http://HOST:PORT".
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"regexp"
	"syscall"
	"time"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/adminui"
	"github.com/gosocketio/socketio/engineio"
)

// stopTimeout is how long connections may take to end when the process is asked to.
const stopTimeout = 5 * time.Second

func main() {
	o, err := parseOptions(os.Args[1:], os.Stdout)
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "server:", err)
		os.Exit(2)
	}
	if err := run(o); err != nil {
		fmt.Fprintln(os.Stderr, "server:", err)
		os.Exit(1)
	}
}

// run serves until SIGTERM or an interrupt, or until the listener fails.
func run(o options) error {
	io, err := socketio.NewServer(o.socketio())
	if err != nil {
		return err
	}
	serveEverywhere(io.Of("/"))
	serveEverywhere(io.Of("/chat"))
	end, err := serveCluster(io, o)
	if err != nil {
		return err
	}
	defer end()
	serveCustom(io.Of("/custom"))
	serveRefused(io.Of("/refused"))
	serveDynamic(io.OfRegexp(regexp.MustCompile(`^/dynamic-\d+$`)))

	stop, err := serveAdmin(io, o)
	if err != nil {
		return err
	}
	defer stop()
	engine, err := newEcho(o)
	if err != nil {
		return err
	}

	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) })
	mux.Handle(o.path, io)
	mux.Handle(engineio.DefaultPath, engine)
	// No read timeout: a request that waits for a message is nothing to hurry. The engine limits the bodies itself.
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}

	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	listener, err := net.Listen("tcp", o.addr)
	if err != nil {
		return err
	}
	if o.webTransport {
		endTransport, err := serveWebTransport(listener.Addr().String(), mux, io.Engine(), engine)
		if err != nil {
			return err
		}
		defer endTransport()
	}
	fmt.Printf("listening on http://%s\n", listener.Addr())

	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}

	ending, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	// The engines first: the http.Server does not know of connections that became WebSockets.
	return errors.Join(io.Drain(ending, socketio.DrainOptions{}), engine.Drain(ending, engineio.DrainOptions{}),
		io.Shutdown(ending), engine.Shutdown(ending), server.Shutdown(ending))
}

// serveAdmin adds the admin UI, if there is to be one.
func serveAdmin(io *socketio.Server, o options) (stop func(), err error) {
	if o.admin == "" {
		return func() {}, nil
	}
	options := adminui.Options{Mode: adminui.Mode(o.admin), NoAuth: o.adminHash == ""}
	if o.adminHash != "" {
		options.Auth = &adminui.Auth{Username: "admin", Password: o.adminHash}
	}
	return adminui.Instrument(io, options)
}

// newEcho returns a bare engine that sends every message back.
func newEcho(o options) (*engineio.Server, error) {
	return engineio.New(engineio.Config{
		PingInterval: o.pingInterval,
		PingTimeout:  o.pingTimeout,
		MaxPayload:   o.maxPayload,
		ReadTimeout:  o.bodyTimeout,
		AllowEIO3:    o.eio3,
		Cookie:       o.sessionCookie(),
		CORS:         o.cors(),

		PerMessageDeflate: o.perMessageDeflate(),

		Events: engineio.Events{
			Message: func(s *engineio.Session, data []byte, binary bool) {
				// A session that closed meanwhile has nobody left to answer to.
				_ = s.Send(data, binary)
			},
		},
	})
}
