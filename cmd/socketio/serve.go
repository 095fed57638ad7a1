package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/gosocketio/socketio"
)

// stopTimeout is how long connections may take to end when the server is stopped.
const stopTimeout = 10 * time.Second

// serve is the command "serve" and its flags.
type serve struct {
	Addr     string   `default:"127.0.0.1:3001" help:"Address to listen on."`
	TLSCert  string   `name:"tls-cert" placeholder:"FILE" help:"Certificate for HTTPS, with -tls-key."`
	TLSKey   string   `name:"tls-key" placeholder:"FILE" help:"Private key for HTTPS, with -tls-cert."`
	Path     string   `default:"/socket.io/" help:"Path of the Socket.IO server."`
	Cors     []string `placeholder:"ORIGIN" help:"Other origin that may connect, such as https://example.com, or * for all. Repeatable."`
	LogLevel string   `default:"info" enum:"debug,info,warn,error" help:"debug, info, warn or error."`
	Client   string   `default:"client-js/node_modules/socket.io-client" placeholder:"DIR" help:"The npm package socket.io-client, served to browsers."`
}

// run serves until ctx ends.
func (c *serve) run(ctx context.Context, stdout, stderr io.Writer) error {
	if (c.TLSCert == "") != (c.TLSKey == "") {
		return errors.New("-tls-cert and -tls-key go together")
	}
	c.Path = "/" + strings.Trim(c.Path, "/") + "/"
	if c.Path == "//" || c.Path == chatPath+"/" {
		return fmt.Errorf("-path %s is where something else is served", c.Path)
	}
	logger := slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: c.level()}))
	sio, err := socketio.NewServer(c.config(logger))
	if err != nil {
		return err
	}
	tutorials(sio)
	chat(sio.Of("/demo"))

	echo := newEcho(logger)
	mux := http.NewServeMux()
	mux.Handle(c.Path, sio)
	mux.Handle(chatPath, echo)
	mux.Handle("/", page(c.Path))
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second, ErrorLog: slog.NewLogLogger(logger.Handler(), slog.LevelDebug)}

	listener, err := net.Listen("tcp", c.Addr)
	if err != nil {
		return err
	}
	failed := make(chan error, 1)
	scheme := "http"
	if c.TLSCert != "" {
		scheme = "https"
	}
	go func() {
		if scheme == "https" {
			failed <- server.ServeTLS(listener, c.TLSCert, c.TLSKey)
			return
		}
		failed <- server.Serve(listener)
	}()
	fmt.Fprintf(stdout, "listening on %s://%s\n", scheme, listener.Addr())
	select {
	case err = <-failed:
	case <-ctx.Done():
		logger.Info("stopping")
	}
	ending, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	// Socket.IO first: the http.Server does not know of connections that became WebSockets.
	return errors.Join(err, sio.Shutdown(ending), echo.Shutdown(ending), server.Shutdown(ending))
}

func (c *serve) level() slog.Level {
	var l slog.Level
	_ = l.UnmarshalText([]byte(c.LogLevel)) // one of four, kong has checked
	return l
}

func (c *serve) config(logger *slog.Logger) socketio.Config {
	cfg := socketio.Config{Path: c.Path, CORS: socketio.CORS{Origins: c.Cors}, Logger: logger}
	if _, err := os.Stat(c.Client); err == nil {
		cfg.ClientFiles = os.DirFS(c.Client)
	} else {
		logger.Warn("no client files, the page will not work: run `make run`, or `npm ci` in client-js", "looked in", c.Client)
	}
	return cfg
}
