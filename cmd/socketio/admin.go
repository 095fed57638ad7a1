package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	_ "net/http/pprof" //nolint:gosec // http.DefaultServeMux serves -admin-addr alone
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/observe"
	sioprometheus "github.com/gosocketio/socketio/observe/prometheus"
)

// admin is the operators' port and its flags.
type admin struct {
	AdminAddr       string        `placeholder:"ADDR" help:"Address for operators: /healthz, /readyz, /metrics, /sockets, /rooms, /slow. A port alone, such as 9464, is one of 127.0.0.1. Off by default: it shows who is connected, and asks for no password."`
	AdminBrokerAway time.Duration `default:"30s" placeholder:"DURATION" help:"How long the broker may be away before /readyz says no (${default}); a negative duration means for ever."`
	AdminPprof      bool          `help:"Serve /debug/pprof/ on -admin-addr too."`
}

// checkAdmin returns an error that names the flag whose value cannot work, and completes AdminAddr.
func (a *admin) checkAdmin() error {
	if a.AdminAddr == "" {
		if a.AdminPprof {
			return errors.New("-admin-pprof needs -admin-addr")
		}
		return nil
	}
	var err error
	a.AdminAddr, err = privateAddr("-admin-addr", a.AdminAddr)
	return err
}

// privateAddr completes the address of a port that is not for clients: without a host it is one of
// 127.0.0.1. The error names the flag.
func privateAddr(flag, given string) (string, error) {
	addr := given
	if !strings.Contains(addr, ":") {
		addr = ":" + addr
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil || !isPort(port) {
		return "", fmt.Errorf("%s is %q, it must be a port or host:port, such as 9464 or 10.0.0.5:9464", flag, given)
	}
	if host == "" {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port), nil
}

// isPort tells whether port is a number that a TCP port may have, or the name of a service.
func isPort(port string) bool {
	_, err := new(net.Resolver).LookupPort(context.Background(), "tcp", port)
	return port != "" && err == nil
}

// startAdmin serves the operators' pages until stop is called. Without an address it does nothing.
func (a *admin) startAdmin(
	ctx context.Context, sio *socketio.Server, logger *slog.Logger, more prometheus.Collector,
) (stop func() error, err error) {
	if a.AdminAddr == "" {
		return func() error { return nil }, nil
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", a.AdminAddr)
	if err != nil {
		return nil, fmt.Errorf("-admin-addr: %w", err)
	}
	metrics := prometheus.NewRegistry()
	metrics.MustRegister(sioprometheus.NewCollector(sio), collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	if more != nil {
		metrics.MustRegister(more)
	}
	c := observe.Config{BrokerAway: a.AdminBrokerAway, Metrics: promhttp.HandlerFor(metrics, promhttp.HandlerOpts{})}
	if a.AdminPprof {
		c.Pprof = http.DefaultServeMux
	}
	server := &http.Server{
		Handler: observe.Handler(sio, c), ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute,
		ErrorLog: slog.NewLogLogger(logger.Handler(), slog.LevelDebug),
	}
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	logger.Info("operators' pages", "url", "http://"+browsable(listener.Addr()))
	return func() error {
		err := server.Close()
		if ended := <-done; !errors.Is(ended, http.ErrServerClosed) {
			err = errors.Join(err, fmt.Errorf("-admin-addr: %w", ended))
		}
		return err
	}, nil
}
