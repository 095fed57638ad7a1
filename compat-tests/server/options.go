package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/adapter/nats"
	"github.com/gosocketio/socketio/adapter/nats/embedded"
	"github.com/gosocketio/socketio/adapter/postgres"
	"github.com/gosocketio/socketio/adapter/redis"
	"github.com/gosocketio/socketio/engineio"
	"github.com/gosocketio/socketio/protocol/msgpack"
)

// options are what the command line says. Zero durations and sizes are the library's defaults, which are the official
// server's.
type options struct {
	addr           string
	path           string
	origins        string
	pingInterval   time.Duration
	pingTimeout    time.Duration
	connectTimeout time.Duration
	maxPayload     int
	byteLimit      int
	bodyTimeout    time.Duration
	cookie         bool
	eio3           bool
	parser         string
	deflate        bool
	webTransport   bool
	trust          string

	bus         string
	cluster     string
	relaySecret string
	admin       string
	adminHash   string

	recovery               bool
	recoveryDuration       time.Duration
	recoveryRunMiddlewares bool
}

// parseOptions reads the command line. When args ask for help it writes what there is to help, and the error is flag.ErrHelp.
func parseOptions(args []string, help io.Writer) (options, error) {
	var o options
	f := flag.NewFlagSet("server", flag.ContinueOnError)
	f.SetOutput(io.Discard) // an error is one line, which is main's to print
	f.StringVar(&o.addr, "addr", "127.0.0.1:0", "address to listen on; port 0 is a free one")
	f.StringVar(&o.path, "path", socketio.DefaultPath, "path of the Socket.IO server")
	f.StringVar(&o.origins, "cors", "", "origins that may connect, separated by commas; * for all")
	f.BoolVar(&o.cookie, "cookie", false, "send the session's id as a cookie")
	f.DurationVar(&o.pingInterval, "ping-interval", 0, "time from a pong to the next ping")
	f.DurationVar(&o.pingTimeout, "ping-timeout", 0, "time that a pong may take")
	f.DurationVar(&o.connectTimeout, "connect-timeout", 0, "time that a connection may take to join a namespace")
	f.IntVar(&o.maxPayload, "max-payload", 0, "bytes that one message of a client may have")
	f.IntVar(&o.byteLimit, "byte-limit", 0, "bytes a second that each connection is read at")
	f.DurationVar(&o.bodyTimeout, "body-timeout", 0, "time that the body of a POST may take to arrive")
	f.BoolVar(&o.eio3, "eio3", false, "serve clients of Engine.IO 3")
	f.StringVar(&o.parser, "parser", "", "form of packets on the wire: msgpack, or nothing for the default one")
	f.BoolVar(&o.deflate, "deflate", false, "compress the messages of WebSockets")
	f.BoolVar(&o.webTransport, "webtransport", false, "serve WebTransport on the UDP port of the same number")
	f.StringVar(&o.trust, "trust", "", "address of the proxy whose headers are trusted")
	f.StringVar(&o.bus, "bus", "", "address of the bus that joins this server to others")
	f.StringVar(&o.cluster, "cluster", "",
		"URL of the broker that joins this server to others, such as redis+streams://host:6379, nats://host:4222 or postgres://host/database")
	f.StringVar(&o.relaySecret, "relay-secret", "", "secret with which servers of a cluster answer for each other's clients, at -addr")
	f.StringVar(&o.admin, "admin", "", "mode of the admin UI, development or production; nothing for none")
	f.StringVar(&o.adminHash, "admin-password", "", "bcrypt hash of the password of the user admin, with -admin; nothing lets everybody in")
	f.BoolVar(&o.recovery, "recovery", false, "recover the state of connections that broke")
	f.DurationVar(&o.recoveryDuration, "recovery-duration", 0, "time that a client may be away, with -recovery")
	f.BoolVar(&o.recoveryRunMiddlewares, "recovery-run-middlewares", false, "run middlewares for recovered clients too, with -recovery")
	if err := f.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			f.SetOutput(help)
			f.PrintDefaults()
		}
		return options{}, err
	}
	switch {
	case f.NArg() > 0:
		return options{}, errors.New("unexpected argument " + f.Arg(0))
	case o.parser != "" && o.parser != "msgpack":
		return options{}, errors.New("-parser: there is msgpack and no " + o.parser)
	case o.trust != "":
		if _, err := netip.ParseAddr(o.trust); err != nil {
			return options{}, fmt.Errorf("-trust: %w", err)
		}
	}
	return o, nil
}

func (o options) cors() engineio.CORS {
	if o.origins == "" {
		return engineio.CORS{}
	}
	return engineio.CORS{Origins: strings.Split(o.origins, ",")}
}

func (o options) proxies() []netip.Prefix {
	if o.trust == "" {
		return nil
	}
	ip := netip.MustParseAddr(o.trust)
	return []netip.Prefix{netip.PrefixFrom(ip, ip.BitLen())}
}

func (o options) perMessageDeflate() *socketio.PerMessageDeflate {
	if !o.deflate {
		return nil
	}
	return &socketio.PerMessageDeflate{}
}

func (o options) sessionCookie() *http.Cookie {
	if !o.cookie {
		return nil
	}
	return engineio.DefaultCookie()
}

func (o options) socketio() socketio.Config {
	c := socketio.Config{
		Path:           o.path,
		PingInterval:   o.pingInterval,
		PingTimeout:    o.pingTimeout,
		ConnectTimeout: o.connectTimeout,
		MaxPayload:     o.maxPayload,
		ByteLimit:      socketio.ByteLimit{Rate: o.byteLimit},
		ReadTimeout:    o.bodyTimeout,
		AllowEIO3:      o.eio3,
		Cookie:         o.sessionCookie(),
		CORS:           o.cors(),
		TrustedProxies: o.proxies(),

		PerMessageDeflate: o.perMessageDeflate(),
	}
	if o.bus != "" {
		c.Adapter = busAdapter(o.bus)
	}
	if o.cluster != "" {
		c.Adapter = o.clusterAdapter()
	}
	if o.relaySecret != "" {
		c.Relay = &socketio.Relay{Address: o.addr, Secret: o.relaySecret}
	}
	if o.recovery {
		c.ConnectionStateRecovery = &socketio.ConnectionStateRecovery{
			MaxDisconnectionDuration: o.recoveryDuration,
			RunMiddlewares:           o.recoveryRunMiddlewares,
		}
	}
	if o.webTransport {
		c.Transports = []socketio.Transport{socketio.Polling, socketio.WebSocket, socketio.WebTransport}
	}
	if o.parser == "msgpack" {
		c.Parser = msgpack.Parser
	}
	return c
}

// onPostgres reports whether the cluster's URL is that of a PostgreSQL.
func (o options) onPostgres() bool { return strings.HasPrefix(o.cluster, "postgres") }

// onRedis reports whether the cluster's URL is that of a Redis.
func (o options) onRedis() bool { return strings.HasPrefix(o.cluster, "redis") }

// clusterAdapter returns the adapter that the scheme of the cluster's URL names.
func (o options) clusterAdapter() adapter.Factory {
	scheme, _, _ := strings.Cut(o.cluster, "://")
	switch base, _, _ := strings.Cut(scheme, "+"); {
	case o.onPostgres():
		return postgres.New(postgres.Config{URL: o.cluster})
	case scheme == "nats+embedded":
		return embedded.New(embedded.Config{URL: o.cluster})
	case base == "nats" || base == "tls":
		return nats.New(nats.Config{URL: o.cluster})
	}
	return redis.New(redis.Config{URL: o.cluster})
}
