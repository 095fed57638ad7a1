package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path"
	"strings"
	"time"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/adapter"
	clientjs "github.com/gosocketio/socketio/client-js"
	"github.com/gosocketio/socketio/client-js/bundle"
)

const (
	// stopTimeout is how long connections may take to end when the server is stopped.
	stopTimeout = 10 * time.Second
	// drainRate limits how slowly connections are closed by -drain, in connections a second.
	drainRate = 100
	// drainWait is how long the last clients that are drained may take to read what is queued for them.
	drainWait = 2 * time.Second
)

// serve is the command "serve" and its flags.
type serve struct {
	Config      string `placeholder:"FILE" help:"YAML file with options, named as here without dashes: a line such as \"addr: 0.0.0.0:3001\". The command line and the environment come first."`
	ConfigCheck bool   `env:"-" help:"Check the options, say ok or what is wrong, and end: nothing is listened on or connected to."`

	Addr     string        `default:"127.0.0.1:3001" help:"Address to listen on."`
	TLSCert  string        `name:"tls-cert" placeholder:"FILE" help:"Certificate for HTTPS, with -tls-key."`
	TLSKey   string        `name:"tls-key" placeholder:"FILE" help:"Private key for HTTPS, with -tls-cert."`
	Path     string        `default:"/socket.io/" help:"Path of the Socket.IO server."`
	Cors     []string      `placeholder:"ORIGIN" help:"Other origin that may connect, such as https://example.com, or * for all. Repeatable."`
	EIO3     bool          `name:"eio3" help:"Serve clients before Socket.IO 3.0 too."`
	Deflate  bool          `help:"Compress the messages of WebSockets whose clients offer that (permessage-deflate)."`
	Cluster  string        `placeholder:"URL" help:"Broker that joins this server to others. Redis: redis://host:6379 as official servers with createAdapter use it, redis+sharded://host:6379 or redis+streams://host:6379; rediss for TLS; several hosts are separated by commas. NATS: nats://host:4222 or nats+jetstream://host:4222; tls for TLS. PostgreSQL: postgres://user:password@host:5432/database. No broker: nats+embedded://:4248?routes=host1:4248,host2:4248."`
	Recovery time.Duration `placeholder:"DURATION" help:"Connection state recovery: how long a client whose connection broke may be away and come back as the same socket, such as 2m; with redis+streams, nats+jetstream, nats+embedded with jetstream=true or postgres with recovery=true on any server of the cluster."`
	Drain    time.Duration `default:"5s" placeholder:"DURATION" help:"How long a server that is asked to end (SIGTERM) may take to close its connections one after another, so that its clients reconnect to other servers evenly (${default}). Few connections take less: at least 100 are closed in a second. A second signal ends the server at once."`
	Node     string        `placeholder:"NAME" help:"Name of this server in a cluster, shown on the chat page."`
	Client   string        `placeholder:"DIR" help:"Another version of the npm package socket.io-client to serve to browsers than the one that this program has."`
	demo
	logs
	relay
	admin
	adminUI
	backendAPI
	webhooks
	tokens
	limits

	join        adapter.Factory // of Cluster, set by check; nil without one
	unknownVars []string        // in the environment, set by BeforeResolve
}

// Help is what "socketio serve -h" says besides the flags.
func (c *serve) Help() string {
	return "WebTransport is not served: it needs HTTP/3, which is in a module of its own. The recipe examples/webtransport shows how."
}

// run serves until ctx ends.
func (c *serve) run(ctx context.Context, stdout, stderr io.Writer) (err error) {
	if err := c.check(); err != nil {
		return err
	}
	logger := c.logger(stderr)
	if len(c.unknownVars) > 0 {
		logger.Warn("no option has these environment variables", "names", c.unknownVars)
	}
	if c.ConfigCheck {
		logger = slog.New(slog.DiscardHandler)
	}
	sio, err := socketio.NewServer(c.config(logger))
	if failed, ok := errors.AsType[*clusterError](err); ok {
		return failed
	}
	if err != nil {
		return namingFlags(err)
	}
	if !c.ConfigCheck { // which reads no key set
		if err := c.startTokens(ctx, sio, logger); err != nil {
			return err
		}
	}
	c.startDemo(sio, c.Node)
	hookMetrics, stopHooks, err := c.startHooks(sio, &c.tokens, logger)
	if err != nil {
		return err
	}
	echo := newEcho(c.Cors) // only the demo sends requests there

	secure, err := c.certificate()
	if err != nil {
		return err
	}
	stopAdminUI, err := c.startAdminUI(sio, c.Node, logger)
	if err != nil {
		return err
	}
	defer stopAdminUI()
	if c.ConfigCheck {
		_, _ = fmt.Fprintln(stdout, "ok")
		stopHooks(ctx)
		return sio.Shutdown(ctx)
	}
	stopAdmin, err := c.startAdmin(ctx, sio, logger, hookMetrics)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stopAdmin()) }() // last: until then /readyz says why not
	stopAPI, err := c.startAPI(ctx, sio, logger)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stopAPI()) }() // when nothing waits for clients any more
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", c.Addr)
	if err != nil {
		return fmt.Errorf("-addr: %w", err)
	}
	server := &http.Server{
		Handler:   c.route(sio, echo),
		TLSConfig: secure,
		// No limit for a whole request: one that waits for a message may wait, and the engine limits the rest.
		ReadHeaderTimeout: 10 * time.Second,
		// Beyond it net/http refuses a request without a line in the log; up to it the server does.
		MaxHeaderBytes: 2 * c.MaxHeaderBytes,
		IdleTimeout:    2 * time.Minute,
		ErrorLog:       slog.NewLogLogger(logger.Handler(), slog.LevelDebug),
	}
	scheme, accept := "http", server.Serve
	if secure != nil {
		scheme, accept = "https", func(l net.Listener) error { return server.ServeTLS(l, "", "") }
	}
	failed := make(chan error, 1)
	go func() { failed <- accept(listener) }()
	_, _ = fmt.Fprintf(stdout, "listening on %s://%s\n", scheme, browsable(listener.Addr()))

	select {
	case err = <-failed:
	case <-ctx.Done():
		c.drain(context.WithoutCancel(ctx), sio, logger)
		// New connections are refused, so that a balancer tries another server. Those that have been accepted are
		// served: an http.Server that shuts down would drop them.
		_ = listener.Close()
		if err = <-failed; errors.Is(err, net.ErrClosed) {
			err = nil
		}
	}
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	stopAdminUI()
	err = errors.Join(err, sio.Shutdown(ending))
	stopHooks(ending) // after the last disconnect
	// The http.Server comes last: it does not know of connections that became WebSockets.
	return errors.Join(err, echo.Shutdown(ending), server.Shutdown(ending))
}

// drain moves the clients to other servers.
func (c *serve) drain(ctx context.Context, sio *socketio.Server, logger *slog.Logger) {
	connections := sio.Engine().Sessions() + sio.Engine().Stats().Relayed
	over := min(c.Drain, time.Duration(connections)*time.Second/drainRate)
	logger.Info("draining", "connections", connections, "over", over)
	ctx, cancel := context.WithTimeout(ctx, over+drainWait)
	defer cancel()
	if err := sio.Drain(ctx, socketio.DrainOptions{Over: over}); err != nil {
		logger.Info("clients did not go in time", "connections", sio.Engine().Sessions(), "limit", over+drainWait)
	}
}

func (c *serve) config(logger *slog.Logger) socketio.Config {
	cfg := socketio.Config{
		Path: c.Path, CORS: socketio.CORS{Origins: c.Cors}, AllowEIO3: c.EIO3, ClientFiles: bundle.FS(), Logger: logger,
	}
	if c.Deflate {
		cfg.PerMessageDeflate = &socketio.PerMessageDeflate{}
	}
	if c.Recovery > 0 {
		cfg.ConnectionStateRecovery = &socketio.ConnectionStateRecovery{
			MaxDisconnectionDuration: c.Recovery, RunMiddlewares: c.Hooks != "" || c.checksTokens(),
		}
	}
	if c.join != nil && !c.ConfigCheck {
		cfg.Adapter, cfg.Relay = c.join, c.relay.config()
	}
	if c.Client != "" {
		cfg.ClientFiles = os.DirFS(c.Client)
	}
	_ = c.applyLimits(&cfg) // check has called it
	return cfg
}

// check returns an error that names the first flag whose value cannot work, and completes Path.
func (c *serve) check() error {
	if host, port, err := net.SplitHostPort(c.Addr); err != nil || !isPort(port) {
		return fmt.Errorf("-addr is %q, it must be host:port, such as %s", c.Addr, net.JoinHostPort(cmp.Or(host, "127.0.0.1"), "3001"))
	}
	if c.Cluster != "" {
		join, err := clusterAdapter(c.Cluster)
		if err != nil {
			return err
		}
		c.join = join
	}
	if c.Recovery < 0 {
		return fmt.Errorf("-recovery is %v, it must be positive", c.Recovery)
	}
	if c.Drain < 0 {
		return fmt.Errorf("-drain is %v, it must be at least 0", c.Drain)
	}
	if err := c.checkAdmin(); err != nil {
		return err
	}
	if err := c.checkAdminUI(); err != nil {
		return err
	}
	if err := c.checkAPI(); err != nil {
		return err
	}
	if err := c.checkRelay(c); err != nil {
		return err
	}
	if err := c.checkHooks(c.Demo); err != nil {
		return err
	}
	if err := c.checkTokens(); err != nil {
		return err
	}
	if err := c.applyLimits(new(socketio.Config)); err != nil {
		return err
	}
	given := c.Path
	c.Path = "/" + strings.Trim(c.Path, "/") + "/"
	switch {
	case strings.ContainsAny(given, "?#%") || path.Clean(c.Path)+"/" != c.Path:
		return fmt.Errorf("-path is %q, it must be a plain path such as /socket.io/", given)
	case c.Path == "//" || c.Demo && c.Path == chatPath+"/" || c.Path == adminUIPath:
		return fmt.Errorf("-path is %q, where something else is served", given)
	}
	if c.Client != "" {
		if _, err := clientjs.New(os.DirFS(c.Client), ""); err != nil {
			return fmt.Errorf("-client is %q, it must be the npm package socket.io-client: %w", c.Client, err)
		}
	}
	return nil
}

// certificate returns what HTTPS needs, nil for HTTP.
func (c *serve) certificate() (*tls.Config, error) {
	if (c.TLSCert == "") != (c.TLSKey == "") {
		return nil, errors.New("-tls-cert and -tls-key go together")
	}
	if c.TLSCert == "" {
		return nil, nil
	}
	certificate, err := tls.LoadX509KeyPair(c.TLSCert, c.TLSKey)
	if err != nil {
		return nil, fmt.Errorf("-tls-cert and -tls-key: %w", err)
	}
	return &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}, nil
}

// route sends requests where they belong. It is no http.ServeMux, for which a path given by a flag might be a pattern.
func (c *serve) route(sio, echo http.Handler) http.Handler {
	pages, adminPage := statusPage(c.Path), c.adminPage()
	if c.Demo {
		pages = demoPages(c.Path, echo)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasPrefix(r.URL.Path+"/", c.Path):
			sio.ServeHTTP(w, r)
		case adminPage != nil && strings.HasPrefix(r.URL.Path, adminUIPath):
			adminPage.ServeHTTP(w, r)
		default:
			pages.ServeHTTP(w, r)
		}
	})
}

// browsable is the address as a browser on this machine can open it.
func browsable(a net.Addr) string {
	if tcp, ok := a.(*net.TCPAddr); ok && tcp.IP.IsUnspecified() {
		return fmt.Sprintf("localhost:%d", tcp.Port)
	}
	return a.String()
}
