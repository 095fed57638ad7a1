package socketio

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"net/http"
	"net/netip"
	"reflect"
	"time"

	"github.com/gosocketio/socketio/adapter"
	clientjs "github.com/gosocketio/socketio/client-js"
	"github.com/gosocketio/socketio/engineio"
	"github.com/gosocketio/socketio/internal/refusal"
	"github.com/gosocketio/socketio/protocol"
)

// Defaults of Config.
const (
	defaultConnectTimeout      = 45 * time.Second
	defaultAckTimeout          = 30 * time.Second
	defaultAttachmentTimeout   = 45 * time.Second
	defaultHandlerStallTimeout = 5 * time.Minute
	defaultMaxUntrustedPayload = 16 << 10 // a CONNECT with credentials
	defaultMaxAttachments      = 10
	defaultMaxNamespaces       = 1024
	defaultMaxInboxBytes       = 1 << 20
	defaultMaxInboxEvents      = 1024
)

// ErrConfig is wrapped by the errors of [NewServer]: a field of Config has an invalid value.
var ErrConfig = errors.New("socketio: invalid configuration")

// DefaultPath is the default of Config.Path.
const DefaultPath = "/socket.io/"

// Config configures a [Server]. The zero value has the official defaults and safe limits.
//
// A connection takes up to MaxBufferedBytes for what was sent to it and not read, and up to
// MaxInboxBytes plus one packet (MaxPayload, and as much for each of MaxAttachments) for what it
// sent and is not handled. Beyond the first it is closed; beyond the second it is not read from.
type Config struct {
	// Path is the prefix of the URL paths that the server answers. Default "/socket.io/".
	Path string
	// ClientFiles holds the official JavaScript client: bundle.FS() of package client-js/bundle, or an
	// npm package socket.io-client or its dist directory. Its bundles are served below Path
	// (socket.io.js and so on). Default nil: none.
	ClientFiles fs.FS
	// ClientVersion is the version of ClientFiles, needed when they have no package.json.
	ClientVersion string

	// ConnectTimeout limits the time until a connection joins its first namespace. Default 45 s.
	ConnectTimeout time.Duration
	// PingInterval is the time between a pong and the next ping. Default 25 s.
	PingInterval time.Duration
	// PingTimeout limits the wait for a pong. Default 20 s.
	PingTimeout time.Duration
	// UpgradeTimeout limits an upgrade to WebSocket or WebTransport, and the wait for the first
	// packet of a WebTransport session. Default 10 s.
	UpgradeTimeout time.Duration
	// AckTimeout limits the wait for an acknowledgement unless Timeout or the deadline of a context
	// does. Default 30 s.
	AckTimeout time.Duration
	// AttachmentTimeout limits the wait for each binary attachment of a packet. Default 45 s.
	AttachmentTimeout time.Duration
	// HandlerStallTimeout limits how long a client waits while none of its event handlers returns.
	// It counts only while the server does not read from the client, because MaxInboxBytes or
	// MaxInboxEvents is reached. Then the connection is closed with ErrHandlerStalled. Handlers that
	// return, however slowly, never cost a client its connection. Default 5 min.
	HandlerStallTimeout time.Duration
	// WriteTimeout limits one flush to a client; then its connection is closed. Default 20 s.
	WriteTimeout time.Duration
	// ReadTimeout limits the time in which the body of a POST arrives. Default 30 s.
	ReadTimeout time.Duration

	// MaxPayload limits one message of a client, in bytes: the body of a POST, or a WebSocket
	// message; and the names and auth of all its namespaces together. Default 1,000,000; at most 512 MiB.
	MaxPayload int
	// MaxUntrustedPayload limits a packet, in bytes, until the connection has joined a namespace. A
	// quarter of it may wait in middlewares before the server stops reading; half of it may wait in
	// the outbox, and one message for each 256 bytes. Attachments are refused. MaxPayload applies
	// too. Default 16 KiB.
	MaxUntrustedPayload int
	// MaxHeaderBytes limits the URL and the headers of a request, in bytes; a longer request gets
	// status 431. A connection keeps those of its first request. Default 16 KiB, as in Node.
	// http.Server.MaxHeaderBytes limits what net/http reads before that.
	MaxHeaderBytes int
	// MaxAttachments limits the binary attachments of one packet of a client. Default 10.
	MaxAttachments int
	// MaxNamespaces limits the namespaces that a connection may be in; it cannot join more.
	// Default 1024.
	MaxNamespaces int
	// CleanupEmptyChildNamespaces removes a namespace made for a client ([Server.OfRegexp],
	// [Server.OfFunc]) when its last socket has left or was refused.
	CleanupEmptyChildNamespaces bool
	// MaxBufferedBytes limits the outbox of one client, in bytes; beyond it the connection is closed.
	// An event counts for at most a quarter of it, so that an event of any size is accepted when the
	// outbox is nearly empty. Default 8 MiB.
	MaxBufferedBytes int
	// MaxBufferedPackets limits the outbox of one client in messages. Default 65,536.
	MaxBufferedPackets int
	// MaxInboxBytes limits the events of one connection that wait for handlers, in bytes; beyond it
	// the connection is not read from until half of them have been handled. An event counts its bytes
	// and attachments, 256 bytes, and 8 for each argument when there are more than three. One packet,
	// as large as the engine takes, may come on top. While the client owes an acknowledgement the
	// limit is eight times that, because the answer may be behind many events. Default 1 MiB.
	MaxInboxBytes int
	// MaxInboxEvents is the same limit in events. It does not apply while the client owes an
	// acknowledgement. Default 1024.
	MaxInboxEvents int

	// NoCompression turns off the compression of polling responses. By default a response of
	// CompressionThreshold bytes or more is compressed with gzip or deflate when the client accepts
	// it; Compress(false) exempts an event. For WebSockets see PerMessageDeflate.
	NoCompression bool
	// CompressionThreshold is the size from which a polling response is compressed, in bytes.
	// Default 1024.
	CompressionThreshold int
	// PerMessageDeflate, if set, compresses the messages of WebSockets whose clients offer it.
	// Compress(false) exempts an event. A broadcast is compressed once for all. Default nil.
	PerMessageDeflate *PerMessageDeflate
	// Transports are the transports that clients may use. Default polling and WebSocket.
	// WebTransport here offers polling clients an upgrade to it; it needs package
	// engineio/webtransport, which serves direct connections either way.
	Transports []Transport
	// NoUpgrades keeps connections on the transport they started with.
	NoUpgrades bool
	// ConnectionMode says how the server waits for the bytes of WebSockets. The default is event
	// loops where possible (Linux, plain TCP), otherwise a goroutine for each. Stats tells which.
	ConnectionMode ConnectionMode
	// AllowEIO3 accepts clients before Socket.IO 3.0 too. By default they are refused.
	AllowEIO3 bool
	// Cookie, if set, is sent with the response to a polling handshake, for load balancers.
	// See engineio.DefaultCookie.
	Cookie *http.Cookie
	// CORS says which web pages of other origins may connect. By default none may, on any transport.
	CORS CORS
	// AllowRequest, if set, is called before a connection is accepted. Its error refuses the
	// connection; the text is sent to the client.
	AllowRequest func(*http.Request) error
	// GenerateID, if set, makes the ids of connections. They must be unique and not guessable.
	GenerateID func(*http.Request) (string, error)
	// Relay, if set, lets the servers of a cluster answer for each other's clients, so that the load
	// balancer needs no sticky sessions. It makes the ids, so it cannot go with GenerateID. Default nil.
	Relay *Relay
	// Admission limits the rate of new clients and their number, also for each address. Those beyond get
	// status 503 or 429, and try again later. The zero value limits nothing.
	Admission Admission
	// ByteLimit limits how fast each connection is read from, in bytes per second. A client that sends
	// faster is slowed down, never disconnected. The zero value limits nothing.
	ByteLimit ByteLimit
	// EventLimit limits how many events each connection may send, in all of its namespaces together. The
	// zero value limits nothing.
	EventLimit EventLimit
	// NamespaceEventLimits limits how many events all clients together may send to a namespace, by its
	// name; by the text of its regular expression, or "OfFunc 1", for all children of a [Parent]
	// together. "*" is for each namespace that is not named. Default none.
	NamespaceEventLimits map[string]EventLimit
	// TrustedProxies are the addresses of the reverse proxies whose headers are trusted:
	// X-Forwarded-For (see engineio.Handshake.ClientIP), X-Forwarded-Host (see CORS) and Forwarded.
	// 127.0.0.1 includes proxies that connect over a Unix socket. Default none.
	TrustedProxies []netip.Prefix
	// SessionContext, if set, makes the parent of the contexts of a connection's sockets.
	// Default context.Background.
	SessionContext func(*http.Request) context.Context
	// Middleware wraps every request; the first one is the outermost.
	Middleware []func(http.Handler) http.Handler

	// ConnectionStateRecovery, if set, lets clients whose connection broke return as the same socket,
	// with the events that they missed: on this server, or on any with an adapter whose broker keeps a
	// log. &ConnectionStateRecovery{} is the official default.
	// Default nil: they become new sockets.
	ConnectionStateRecovery *ConnectionStateRecovery
	// Parser is the form of packets on the wire, which clients must use too: msgpack.Parser (package
	// protocol/msgpack) or one of your own. Default nil: the clients' default.
	Parser protocol.Parser
	// Adapter makes the adapter of each namespace. Default adapter.Memory.
	Adapter adapter.Factory
	// Logger receives what operators should know, contained panics included. Default slog.Default.
	Logger *slog.Logger
	// OnError is called with each error on behalf of a client that was contained: a [*HandlerError],
	// a [*PanicError], a protocol.ParseError, or the error of a middleware. An [*Error] of a
	// middleware is an answer to the client, not a fault: see Hooks.Refuse. The socket is nil when
	// none is concerned. OnError must not block. By default such errors are logged.
	OnError func(s *Socket, err error)
	// Hooks are called as things happen, for logs, metrics and traces.
	Hooks Hooks
	// EngineEvents are called as connections open, change and close ("engine" of the official
	// server).
	EngineEvents engineio.Events
}

// withDefaults returns c with its zero fields set, or an error that names the invalid field.
func (c Config) withDefaults() (Config, error) {
	if c.ClientVersion != "" && c.ClientFiles == nil {
		return c, fmt.Errorf("%w: ClientVersion is %q without ClientFiles", ErrConfig, c.ClientVersion)
	}
	c.Path = cmp.Or(c.Path, DefaultPath)
	c.MaxPayload = cmp.Or(c.MaxPayload, engineio.DefaultMaxPayload)
	c.MaxUntrustedPayload = cmp.Or(c.MaxUntrustedPayload, defaultMaxUntrustedPayload)
	err := cmp.Or(
		setDefault("ConnectTimeout", &c.ConnectTimeout, defaultConnectTimeout),
		setDefault("AckTimeout", &c.AckTimeout, defaultAckTimeout),
		setDefault("AttachmentTimeout", &c.AttachmentTimeout, defaultAttachmentTimeout),
		setDefault("HandlerStallTimeout", &c.HandlerStallTimeout, defaultHandlerStallTimeout),
		setDefault("MaxAttachments", &c.MaxAttachments, defaultMaxAttachments),
		setDefault("MaxNamespaces", &c.MaxNamespaces, defaultMaxNamespaces),
		setDefault("MaxInboxBytes", &c.MaxInboxBytes, defaultMaxInboxBytes),
		setDefault("MaxInboxEvents", &c.MaxInboxEvents, defaultMaxInboxEvents),
	)
	if err != nil {
		return c, err
	}
	if c.EventLimit, err = c.EventLimit.withDefaults("EventLimit"); err != nil {
		return c, err
	}
	c.NamespaceEventLimits = maps.Clone(c.NamespaceEventLimits)
	for name, l := range c.NamespaceEventLimits {
		l, err := l.withDefaults(fmt.Sprintf("NamespaceEventLimits[%q]", name))
		if err != nil {
			return c, err
		}
		c.NamespaceEventLimits[name] = l
	}
	if c.ConnectionStateRecovery != nil {
		recovery, err := c.ConnectionStateRecovery.withDefaults(c.Parser)
		if err != nil {
			return c, err
		}
		c.ConnectionStateRecovery = &recovery
	}
	if c.Adapter == nil {
		c.Adapter = adapter.Memory
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return c, nil
}

// setDefault sets a zero field to its default. A negative field is an error.
func setDefault[T int | time.Duration](name string, field *T, value T) error {
	if *field < 0 {
		return fmt.Errorf("%w: %s is %v, it must not be negative", ErrConfig, name, *field)
	}
	*field = cmp.Or(*field, value)
	return nil
}

// engine returns the engine's configuration: the fields of engineio.Config by their names in c.
func (c *Config) engine() engineio.Config {
	var e engineio.Config
	from, to := reflect.ValueOf(c).Elem(), reflect.ValueOf(&e).Elem()
	for i := range to.NumField() {
		if f := from.FieldByName(to.Type().Field(i).Name); f.IsValid() && f.Type() == to.Field(i).Type() {
			to.Field(i).Set(f)
		}
	}
	e.Events = c.EngineEvents
	return e
}

// clientFiles returns the middleware that serves the client files.
//
// It runs inside the application's middleware, so that the files get the same headers as the rest.
func (c *Config) clientFiles(path string) (func(http.Handler) http.Handler, error) {
	files, err := clientjs.New(c.ClientFiles, c.ClientVersion)
	if err != nil {
		return nil, fmt.Errorf("%w: ClientFiles: %w", ErrConfig, refusal.Inner(err))
	}
	return func(next http.Handler) http.Handler { return files.Handler(path, next) }, nil
}
