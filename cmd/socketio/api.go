package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/cmd/socketio/api"
)

// backendAPI is the HTTP API for backends and its flags.
type backendAPI struct {
	APIAddr          string        `name:"api-addr" placeholder:"ADDR" help:"Address of the HTTP API with which a backend sends: /api/emit, /api/join, /api/leave, /api/disconnect, /api/sockets, /api/openapi.yaml. A port alone, such as 3002, is one of 127.0.0.1. Off by default; needs a token. It is plain HTTP: other machines should reach it over a private network only."`
	APIToken         string        `name:"api-token" placeholder:"TOKEN" help:"Token of the backend, at least 16 characters. Other users of the machine see flags: use the environment, or -api-token-file."`
	APITokenFile     string        `name:"api-token-file" placeholder:"FILE" help:"File with the token of the backend."`
	APIMaxBody       int64         `name:"api-max-body" default:"1000000" placeholder:"BYTES" help:"Limit for the body of a request (${default})."`
	APIMaxRequests   int           `name:"api-max-requests" default:"200" placeholder:"N" help:"Limit for requests at a time (${default}); half of them may wait for clients."`
	APIMaxAckTimeout time.Duration `name:"api-max-ack-timeout" default:"1m" placeholder:"DURATION" help:"Longest time for acknowledgements that a request may ask for (${default})."`
}

// checkAPI returns an error that names the flag whose value cannot work, and completes APIAddr and
// APIToken.
func (a *backendAPI) checkAPI() (err error) {
	switch {
	case a.APIAddr == "" && (a.APIToken != "" || a.APITokenFile != ""):
		return errors.New("-api-token and -api-token-file need -api-addr")
	case a.APIAddr == "":
		return nil
	case a.APIToken != "" && a.APITokenFile != "":
		return errors.New("-api-token and -api-token-file do not go together")
	case a.APITokenFile != "":
		data, err := os.ReadFile(a.APITokenFile)
		if err != nil {
			return fmt.Errorf("-api-token-file: %w", err)
		}
		a.APIToken = string(bytes.TrimSpace(data))
	case a.APIToken == "":
		return errors.New("-api-addr needs SOCKETIO_API_TOKEN or -api-token-file, such as from openssl rand -hex 32")
	}
	if a.APIMaxBody == 0 || a.APIMaxRequests == 0 || a.APIMaxAckTimeout == 0 { // which would be a default in api.Config
		return errors.New("-api-max-body, -api-max-requests and -api-max-ack-timeout must be positive")
	}
	if a.APIAddr, err = privateAddr("-api-addr", a.APIAddr); err != nil {
		return err
	}
	_, err = api.New(nil, a.config(nil))
	return namingFlags(err)
}

func (a *backendAPI) config(logger *slog.Logger) api.Config {
	return api.Config{
		Token: a.APIToken, MaxBody: a.APIMaxBody, MaxRequests: a.APIMaxRequests,
		MaxAckTimeout: a.APIMaxAckTimeout, Logger: logger,
	}
}

// startAPI serves the API until stop is called. Without an address it does nothing.
func (a *backendAPI) startAPI(
	ctx context.Context, sio *socketio.Server, logger *slog.Logger,
) (stop func() error, err error) {
	if a.APIAddr == "" {
		return func() error { return nil }, nil
	}
	handler, err := api.New(sio, a.config(logger))
	if err != nil {
		return nil, err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", a.APIAddr)
	if err != nil {
		return nil, fmt.Errorf("-api-addr: %w", err)
	}
	server := &http.Server{
		Handler: handler, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 16 << 10,
		// Of requests that the handler refuses; it has limits of its own for the others.
		ReadTimeout: 30 * time.Second, WriteTimeout: 30 * time.Second,
		ErrorLog: slog.NewLogLogger(logger.Handler(), slog.LevelDebug),
	}
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	logger.Info("API for backends", "url", "http://"+browsable(listener.Addr()))
	if tcp, ok := listener.Addr().(*net.TCPAddr); ok && !tcp.IP.IsLoopback() {
		logger.Warn("the API is plain HTTP: others who read the network see the token and the events", "field", "-api-addr")
	}
	return func() error {
		ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
		defer cancel()
		err := server.Shutdown(ending)
		if ended := <-done; !errors.Is(ended, http.ErrServerClosed) {
			err = errors.Join(err, fmt.Errorf("-api-addr: %w", ended))
		}
		return err
	}, nil
}
