package embedded

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	natsgo "github.com/nats-io/nats.go"

	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/adapter/nats"
)

// New returns the adapter of a cluster over embedded NATS servers, for socketio.Config.Adapter of one
// server.
//
// Nothing happens before the server is made. An invalid Config and a port that is taken are errors of
// the function that it calls, and so of socketio.NewServer. Other nodes need not be there.
func New(c Config) adapter.Factory {
	c, err := c.resolve()
	if err != nil {
		return func(adapter.Host) (adapter.Adapter, error) { return nil, err }
	}
	b := &broker{cfg: c, secret: rand.Text()}
	config := adapter.ClusterConfig{RequestTimeout: c.NATS.RequestTimeout}
	if c.NATS.JetStream {
		config.StartTimeout = majorityTimeout
	}
	node := adapter.NewNode(b, config)
	return func(h adapter.Host) (adapter.Adapter, error) {
		b.logger.CompareAndSwap(nil, h.Logger())
		return node.Adapter(h)
	}
}

// broker is a broker of package nats with its own server.
type broker struct {
	cfg    Config
	logger atomic.Pointer[slog.Logger] // of the first namespace

	server *server.Server
	secret string // of clients of the server
	conn   *natsgo.Conn
	inner  atomic.Pointer[adapter.Broker] // nil before Start
}

// Start implements adapter.Broker.
func (b *broker) Start(ctx context.Context, uid string, report func(error)) (err error) {
	log := &logger{slog: b.logger.Load()}
	if err = b.startServer(ctx, log); err == nil {
		err = b.connect(uid)
	}
	if err != nil {
		b.stop()
		return fmt.Errorf("%w: nats: embedded server at %s: %s", adapter.ErrBroker, b.cfg.Listen,
			strings.TrimPrefix(err.Error(), "nats: "))
	}
	b.logStart(log.slog)
	n := b.cfg.NATS
	n.Conn = b.conn
	inner, err := nats.NewBroker(n)
	if err == nil {
		waiting := time.AfterFunc(silentFor, func() {
			log.slog.Info("socketio: waiting for other nodes: JetStream begins with the majority of its nodes",
				slog.String("node", b.cfg.Node), slog.Any("routes", b.cfg.Routes), slog.Int("replicas", n.Replicas))
		})
		err = inner.Start(ctx, uid, report)
		if waiting.Stop(); err == nil {
			b.inner.Store(&inner)
			return nil
		}
	}
	b.stop()
	return err
}

// How the nodes watch each other.
const (
	startTimeout = 10 * time.Second
	// majorityTimeout is how long a node with JetStream waits for the majority, at its start. The nodes elect
	// a leader within 4 to 9 seconds after they have found each other.
	majorityTimeout = time.Minute
	silentFor       = 2 * time.Second // then the log says for what a node waits
	routePings      = 3 * time.Second // two may be unanswered
	// routeWait is how long a node waits for the first other one, which may not be there yet.
	routeWait = 1500 * time.Millisecond
	// maxPayload limits a message between nodes.
	maxPayload = 8 << 20
)

// options returns those of the server.
func (b *broker) options() (*server.Options, error) {
	c := &b.cfg
	host, text, _ := net.SplitHostPort(c.Listen)
	port, err := strconv.Atoi(text)
	if err != nil {
		return nil, err
	}
	if port == 0 {
		port = server.RANDOM_PORT
	}
	o := &server.Options{
		// A server with routes must listen for clients: on the loopback interface, with a secret.
		ServerName: c.Node, Host: "127.0.0.1", Port: server.RANDOM_PORT, Authorization: b.secret,
		NoSigs: true, MaxPayload: maxPayload,
		JetStream: c.NATS.JetStream, StoreDir: c.StoreDir,
		Cluster: server.ClusterOpts{
			Name: c.Name, Host: cmp.Or(host, "0.0.0.0"), Port: port, PingInterval: routePings, MaxPingsOut: 2,
		},
	}
	user := (*url.Userinfo)(nil)
	if c.Token != "" {
		o.Cluster.Username, o.Cluster.Password = "node", c.Token
		user = url.UserPassword("node", c.Token)
	}
	if c.TLS != nil {
		o.Cluster.TLSConfig = c.TLS.Clone()
		o.Cluster.TLSConfig.ClientAuth = tls.RequireAndVerifyClientCert
		o.Cluster.TLSTimeout = 5
	}
	for _, route := range c.Routes {
		o.Routes = append(o.Routes, &url.URL{Scheme: "nats-route", User: user, Host: route})
	}
	return o, nil
}

// startServer starts the server and waits until it listens.
func (b *broker) startServer(ctx context.Context, log *logger) error {
	o, err := b.options()
	if err != nil {
		return err
	}
	if b.server, err = server.NewServer(o); err != nil {
		return err
	}
	b.server.SetLoggerV2(log, false, false, false)
	b.server.Start()
	wait := startTimeout
	if deadline, has := ctx.Deadline(); has {
		wait = min(wait, time.Until(deadline))
	}
	for deadline := time.Now().Add(wait); !b.server.ReadyForConnections(20 * time.Millisecond); {
		if fatal := log.fatal.Load(); fatal != nil {
			return errors.New(*fatal)
		}
		if time.Now().After(deadline) {
			return errors.New("it is not ready")
		}
	}
	if fatal := log.fatal.Load(); fatal != nil {
		return errors.New(*fatal)
	}
	if len(b.cfg.Routes) > 0 { // what is announced before there is a route is heard at the next heartbeat
		for deadline := time.Now().Add(routeWait); b.server.NumRoutes() == 0 && time.Now().Before(deadline); {
			time.Sleep(5 * time.Millisecond)
		}
	}
	return nil
}

// connect connects in memory.
func (b *broker) connect(uid string) (err error) {
	b.conn, err = natsgo.Connect("", natsgo.InProcessServer(b.server), natsgo.Token(b.secret),
		natsgo.Name("socketio "+uid), natsgo.NoEcho(),
		natsgo.MaxReconnects(-1), natsgo.ReconnectBufSize(-1), natsgo.ReconnectWait(50*time.Millisecond),
		natsgo.ErrorHandler(func(*natsgo.Conn, *natsgo.Subscription, error) {})) // the default one prints
	return err
}

func (b *broker) logStart(log *slog.Logger) {
	c := &b.cfg
	listen := b.server.ClusterAddr()
	attrs := []any{slog.String("node", c.Node), slog.String("listen", listen.String()), slog.Any("routes", c.Routes)}
	if c.NATS.JetStream {
		attrs = append(attrs, slog.String("state", c.StoreDir))
	}
	log.Info("socketio: embedded NATS server started", attrs...)
	if c.Token == "" && c.TLS == nil && !listen.IP.IsLoopback() {
		log.Warn("socketio: whoever reaches the embedded NATS server can join the cluster: set a token, or TLS",
			slog.String("listen", listen.String()))
	}
}

// Join implements adapter.Broker.
func (b *broker) Join(ctx context.Context, m adapter.Member) (adapter.Link, error) {
	return (*b.inner.Load()).Join(ctx, m)
}

// Stats implements adapter.Broker.
func (b *broker) Stats() adapter.BrokerStats {
	if inner := b.inner.Load(); inner != nil {
		return (*inner).Stats()
	}
	return adapter.BrokerStats{Broker: "nats at embedded server " + b.cfg.Node}
}

// Close implements adapter.Broker.
func (b *broker) Close(ctx context.Context) error {
	var err error
	if inner := b.inner.Load(); inner != nil {
		err = (*inner).Close(ctx)
	}
	b.stop()
	return err
}

// stop ends the connection and the server.
func (b *broker) stop() {
	if b.conn != nil {
		b.conn.Close()
	}
	if b.server != nil {
		b.server.Shutdown()
		b.server.WaitForShutdown()
	}
}
