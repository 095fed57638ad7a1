// Command peer is the interop server of ../server on another Go implementation, github.com/zishang520/socket.io/v2, so that
// its answers can be compared. It is a module of its own, outside of the workspace: build it with GOWORK=off.
//
// It takes the flags of ../server and has its handlers, as far as that library has what they need.
package main

import (
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"regexp"
	"strings"
	"syscall"
	"time"

	"github.com/zishang520/engine.io/v2/config"
	"github.com/zishang520/engine.io/v2/engine"
	"github.com/zishang520/engine.io/v2/types"
	"github.com/zishang520/socket.io/v2/socket"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "peer:", err)
		os.Exit(2)
	}
}

func run(args []string) error {
	f := flag.NewFlagSet("peer", flag.ContinueOnError)
	f.SetOutput(discard{})
	addr := f.String("addr", "127.0.0.1:0", "address to listen on")
	path := f.String("path", "/socket.io/", "path of the Socket.IO server")
	origins := f.String("cors", "", "origins that may connect")
	pingInterval := f.Duration("ping-interval", 25*time.Second, "time from a pong to the next ping")
	pingTimeout := f.Duration("ping-timeout", 20*time.Second, "time that a pong may take")
	connectTimeout := f.Duration("connect-timeout", 45*time.Second, "time to join a namespace")
	maxPayload := f.Int64("max-payload", 1_000_000, "bytes of one message")
	f.Duration("body-timeout", 0, "time that the body of a POST may take to arrive: the peer has no such limit")
	eio3 := f.Bool("eio3", false, "serve clients of Engine.IO 3")
	deflate := f.Bool("deflate", false, "compress the messages of WebSockets")
	cookie := f.Bool("cookie", false, "send the session's id as a cookie")
	recovery := f.Bool("recovery", false, "recover the state of connections that broke")
	recoveryDuration := f.Duration("recovery-duration", 2*time.Minute, "time that a client may be away")
	recoveryRunMiddlewares := f.Bool("recovery-run-middlewares", false, "run middlewares for recovered clients too")
	if err := f.Parse(args); err != nil {
		return err
	}
	if f.NArg() > 0 {
		return errors.New("unexpected argument " + f.Arg(0))
	}

	o := socket.DefaultServerOptions()
	o.SetPath(strings.TrimSuffix(*path, "/"))
	o.SetServeClient(false)
	o.SetPingInterval(*pingInterval)
	o.SetPingTimeout(*pingTimeout)
	o.SetConnectTimeout(*connectTimeout)
	o.SetMaxHttpBufferSize(*maxPayload)
	o.SetAllowEIO3(*eio3)
	e := &config.ServerOptions{}
	e.SetPingInterval(*pingInterval)
	e.SetPingTimeout(*pingTimeout)
	e.SetMaxHttpBufferSize(*maxPayload)
	e.SetAllowEIO3(*eio3)
	if *deflate {
		o.SetPerMessageDeflate(&types.PerMessageDeflate{Threshold: 1024})
	}
	if *cookie {
		o.SetCookie(&http.Cookie{Name: "io", Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode})
		e.SetCookie(&http.Cookie{Name: "io", Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode})
	}
	if *origins != "" {
		cors := &types.Cors{Origin: *origins}
		if *origins != "*" {
			var list []any
			for _, origin := range strings.Split(*origins, ",") {
				list = append(list, origin)
			}
			cors.Origin = list
		}
		o.SetCors(cors)
		e.SetCors(cors)
	}
	if *recovery {
		r := &socket.ConnectionStateRecovery{}
		r.SetMaxDisconnectionDuration(recoveryDuration.Milliseconds())
		r.SetSkipMiddlewares(!*recoveryRunMiddlewares)
		o.SetConnectionStateRecovery(r)
	}

	io := socket.NewServer(nil, o)
	serveEverywhere(io.Of("/", nil))
	serveEverywhere(io.Of("/chat", nil))
	serveCustom(io.Of("/custom", nil))
	serveRefused(io.Of("/refused", nil))
	serveDynamic(io.Of(regexp.MustCompile(`^/dynamic-\d+$`), nil))
	echo := engine.NewServer(e)
	serveEcho(echo)

	mux := http.NewServeMux()
	mux.Handle(*path, io.ServeHandler(o))
	mux.Handle("/engine.io/", echo)
	listener, err := net.Listen("tcp", *addr)
	if err != nil {
		return err
	}
	fmt.Printf("listening on http://%s\n", listener.Addr())

	asked := make(chan os.Signal, 1)
	signal.Notify(asked, syscall.SIGTERM, os.Interrupt)
	failed := make(chan error, 1)
	go func() { failed <- (&http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}).Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-asked:
		io.Close(nil)
		echo.Close()
		return nil
	}
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }
