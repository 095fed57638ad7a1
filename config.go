package socketio

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
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
	defaultMaxAttachments      = 10
	// defaultMaxUntrustedPayload is that of engineio.Config for the engine of a [Server], in bytes: a CONNECT with what a client has
	// to show for itself.
	defaultMaxUntrustedPayload = 64 << 10
	defaultMaxNamespaces       = 1024
	defaultMaxInboxBytes       = 1 << 20
	defaultMaxInboxEvents      = 1024
)

// ErrConfig is wrapped by the error of [New]: a field of Config has a value that cannot work.
var ErrConfig = errors.New("socketio: invalid configuration")

// DefaultPath is where a server answers unless Config.Path says otherwise.
const DefaultPath = "/socket.io/"

// Config is what a [Server] is made with. The zero value has the official defaults and safe limits.
//
// A connection takes up to MaxBufferedBytes for what it was sent and has not read, and up to MaxInboxBytes plus one
// packet (MaxPayload, and as much for each of MaxAttachments) for what it sent and is not handled. Beyond the first
// it is closed, beyond the second it is not read from.
type Config struct {
	// Path is the prefix of the URL paths that the server answers. Default "/socket.io/".
	Path string
	// ClientFiles is the official JavaScript client, the npm package socket.io-client or its dist directory: its
	// bundles are served below Path (socket.io.js and so on), see package clientjs. Nil serves none.
	ClientFiles fs.FS
	// ClientVersion is the version of ClientFiles, needed where they have no package.json.
	ClientVersion string

	// ConnectTimeout is how long a connection may take to join its first namespace before it is closed. Default 45
	// s.
	ConnectTimeout time.Duration
	// PingInterval is the time between a pong and the next ping. Default 25 s.
	PingInterval time.Duration
	// PingTimeout is how long a pong may take. Default 20 s.
	PingTimeout time.Duration
	// UpgradeTimeout is how long an upgrade to WebSocket or WebTransport may take, and a WebTransport session until its first
	// packet has come. Default 10 s.
	UpgradeTimeout time.Duration
	// AckTimeout is how long an acknowledgement of a client is waited for where neither Timeout nor a deadline of
	// the context says otherwise. Default 30 s.
	AckTimeout time.Duration
	// AttachmentTimeout is how long each binary attachment that a client announced may take to arrive. Default 45
	// s.
	AttachmentTimeout time.Duration
	// HandlerStallTimeout is how long the server may keep a client waiting without any of its event handlers
	// ending: only while it does not read from the client because MaxInboxBytes or MaxInboxEvents is reached. Then
	// the connection ends with ErrHandlerStalled. Handlers that end, however slowly, never cost a client its
	// connection. Default 5 min.
	HandlerStallTimeout time.Duration
	// WriteTimeout is how long one flush to a client may take before its connection is closed. Default 20 s.
	WriteTimeout time.Duration
	// ReadTimeout is how long the body of a POST may take to arrive. Default 30 s.
	ReadTimeout time.Duration

	// MaxPayload limits, in bytes, one message of a client: the body of a POST, or a WebSocket message. Default
	// 1,000,000; at most 512 MiB.
	MaxPayload int
	// MaxUntrustedPayload is the same limit for a connection that has not joined a namespace yet, if that is less, and the limit of
	// a packet with all its attachments: a CONNECT with the auth data of the client needs no more. Default 65,536.
	MaxUntrustedPayload int
	// MaxHeaderBytes limits the URL and the headers of a request, in bytes; a longer one gets status 431.
	// A connection keeps those of its first request. Default 16 KiB, as in Node. What net/http reads before that is
	// limited by http.Server.MaxHeaderBytes.
	MaxHeaderBytes int
	// MaxAttachments limits the binary attachments of one packet of a client. Default 10.
	MaxAttachments int
	// MaxNamespaces limits the namespaces that one connection may be in; further ones refuse it. Default 1024.
	MaxNamespaces int
	// CleanupEmptyChildNamespaces forgets a namespace that was made for a client ([Server.OfRegexp], [Server.OfFunc]) when its
	// last socket has left or was refused.
	CleanupEmptyChildNamespaces bool
	// MaxBufferedBytes limits what waits to be sent to one client, in bytes; beyond it the connection is closed. An event
	// counts for at most a quarter of it, so that one of any size is accepted where little waits.
	// Default 8 MiB.
	MaxBufferedBytes int
	// MaxBufferedPackets is the same limit in messages. Default 65,536.
	MaxBufferedPackets int
	// MaxInboxBytes limits what waits for the handlers of one connection, in bytes; beyond it the connection is not
	// read from until half of it has been handled. An event counts its bytes and attachments, 256 bytes, and 8 for each argument
	// when there are more than three. One packet, as large as the engine takes, may come on top. While the client owes an
	// acknowledgement the limit is eight times that, for the answer may come behind many events. Default 1 MiB.
	MaxInboxBytes int
	// MaxInboxEvents is the same limit in events. There is none while the client owes an acknowledgement. Default 1024.
	MaxInboxEvents int

	// NoCompression keeps polling responses from being compressed. By default they are, with gzip or deflate, when the client
	// accepts that and there are CompressionThreshold bytes of them; Compress(false) exempts an event. WebSockets: see PerMessageDeflate.
	NoCompression bool
	// CompressionThreshold is the size in bytes from which a polling response is compressed. Default 1024.
	CompressionThreshold int
	// PerMessageDeflate, if set, compresses the messages of WebSockets whose clients offer that; Compress(false) exempts an
	// event. A broadcast is compressed once for all. Default nil.
	PerMessageDeflate *PerMessageDeflate
	// Transports are those that clients may use. Default polling and WebSocket. WebTransport here means that polling clients
	// are offered to upgrade to it; it needs package engineio/webtransport, which serves direct connections either way.
	Transports []Transport
	// NoUpgrades keeps connections on the transport they started with.
	NoUpgrades bool
	// ConnectionMode says how the server waits for the bytes of WebSockets: with event loops where that is possible (Linux, plain
	// TCP), which is the default, or with a goroutine for each. Stats tells which it is.
	ConnectionMode ConnectionMode
	// AllowEIO3 serves clients before Socket.IO 3.0 too. By default they are refused.
	AllowEIO3 bool
	// Cookie, if set, is sent with the response to a polling handshake, for load balancers. See
	// engineio.DefaultCookie.
	Cookie *http.Cookie
	// CORS says which web pages of other origins may connect. By default none may, on any transport.
	CORS CORS
	// AllowRequest, if set, is asked before a connection is accepted. Its error refuses it; the text is sent to the
	// client.
	AllowRequest func(*http.Request) error
	// GenerateID, if set, makes the ids of connections. They must be unique and must not be guessable.
	GenerateID func(*http.Request) (string, error)
	// Admission limits how fast clients may come and how many there may be: those beyond are answered with status 503, and try
	// again later. The zero value limits nothing.
	Admission Admission
	// TrustedProxies are the addresses of the reverse proxies whose headers are trusted: X-Forwarded-For
	// (see engineio.Handshake.ClientIP), X-Forwarded-Host (see CORS) and Forwarded. 127.0.0.1 includes
	// proxies that connect over a Unix socket. Default none.
	TrustedProxies []netip.Prefix
	// SessionContext, if set, makes the context from which the contexts of a connection's sockets are derived.
	// Default context.Background.
	SessionContext func(*http.Request) context.Context
	// Middleware wraps every request; the first one is the outermost.
	Middleware []func(http.Handler) http.Handler

	// ConnectionStateRecovery, if set, lets clients whose connection broke come back as the same socket, with the events that they
	// missed; &ConnectionStateRecovery{} is the official default. Nil, the default, makes them new sockets.
	ConnectionStateRecovery *ConnectionStateRecovery
	// Parser is the form of packets on the wire, which clients must use too: msgpack.Parser (package protocol/msgpack) or one of
	// your own. Default nil: the one that clients use unless they are told otherwise.
	Parser protocol.Parser
	// Adapter makes the adapter of each namespace. Default adapter.Memory.
	Adapter adapter.Factory
	// Logger receives what operators should know, contained panics among it. Default slog.Default.
	Logger *slog.Logger
	// OnError is told what went wrong on behalf of a client and was contained: a [*HandlerError], a [*PanicError],
	// a middleware that failed with any error but an [*Error], which is an answer to the client and not a fault
	// (Hooks.Refuse has both), a packet that could not be decoded (protocol.ParseError). The socket is nil when no
	// socket is concerned. It must not block. By default such errors are logged.
	OnError func(s *Socket, err error)
	// Hooks are told about what happens, for logs, metrics and traces: sockets that connect and disconnect, events received,
	// handled and sent, acknowledgements.
	Hooks Hooks
	// EngineEvents are told about the connections below the sockets as they come, change and go ("engine" of the official server).
	EngineEvents engineio.Events
}

// withDefaults returns c with its zero fields filled in, or an error that names the field that cannot work.
func (c Config) withDefaults() (Config, error) {
	if c.ClientVersion != "" && c.ClientFiles == nil {
		return c, fmt.Errorf("%w: ClientVersion is %q without ClientFiles", ErrConfig, c.ClientVersion)
	}
	c.Path = cmp.Or(c.Path, DefaultPath)
	c.MaxUntrustedPayload = cmp.Or(c.MaxUntrustedPayload, defaultMaxUntrustedPayload)
	for _, d := range []struct {
		name string
		v    *time.Duration
		def  time.Duration
	}{
		{"ConnectTimeout", &c.ConnectTimeout, defaultConnectTimeout},
		{"AckTimeout", &c.AckTimeout, defaultAckTimeout},
		{"AttachmentTimeout", &c.AttachmentTimeout, defaultAttachmentTimeout},
		{"HandlerStallTimeout", &c.HandlerStallTimeout, defaultHandlerStallTimeout},
	} {
		if *d.v < 0 {
			return c, fmt.Errorf("%w: %s is %v, it must not be negative", ErrConfig, d.name, *d.v)
		}
		if *d.v == 0 {
			*d.v = d.def
		}
	}
	for _, n := range []struct {
		name string
		v    *int
		def  int
	}{
		{"MaxAttachments", &c.MaxAttachments, defaultMaxAttachments},
		{"MaxNamespaces", &c.MaxNamespaces, defaultMaxNamespaces},
		{"MaxInboxBytes", &c.MaxInboxBytes, defaultMaxInboxBytes},
		{"MaxInboxEvents", &c.MaxInboxEvents, defaultMaxInboxEvents},
	} {
		if *n.v < 0 {
			return c, fmt.Errorf("%w: %s is %d, it must not be negative", ErrConfig, n.name, *n.v)
		}
		if *n.v == 0 {
			*n.v = n.def
		}
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

// engine returns the engine's part of c: every field that engineio.Config has too, under the same name.
func (c *Config) engine() engineio.Config {
	var e engineio.Config
	from, to := reflect.ValueOf(c).Elem(), reflect.ValueOf(&e).Elem()
	for i := range to.NumField() {
		if f := from.FieldByName(to.Type().Field(i).Name); f.IsValid() {
			to.Field(i).Set(f)
		}
	}
	e.Events = c.EngineEvents
	return e
}

// clientFiles returns the middleware that serves the client files, before the engine sees the request and behind
// the user's middleware, so that they get the same headers as everything else.
func (c *Config) clientFiles(path string) (func(http.Handler) http.Handler, error) {
	files, err := clientjs.New(c.ClientFiles, c.ClientVersion)
	if err != nil {
		return nil, fmt.Errorf("%w: ClientFiles: %w", ErrConfig, refusal.Inner(err))
	}
	return func(next http.Handler) http.Handler { return files.Handler(path, next) }, nil
}
