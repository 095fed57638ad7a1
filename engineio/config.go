package engineio

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/klauspost/compress/flate"
)

// Transport names what carries the packets of a session.
type Transport uint8

// The transports.
const (
	// Polling is HTTP long-polling.
	Polling Transport = iota + 1
	// WebSocket is one WebSocket connection.
	WebSocket
	// WebTransport is one stream of a WebTransport session over HTTP/3. Package engineio/webtransport,
	// a module of its own, serves it.
	WebTransport
)

// String returns the transport's name on the wire.
func (t Transport) String() string {
	switch t {
	case Polling:
		return "polling"
	case WebSocket:
		return "websocket"
	case WebTransport:
		return "webtransport"
	}
	return "unknown"
}

// Protocol is the current revision of the Engine.IO protocol. See Config.AllowEIO3 for revision 3.
const Protocol = 4

// Defaults of Config.
const (
	DefaultPath                 = "/engine.io/"
	DefaultPingInterval         = 25 * time.Second
	DefaultPingTimeout          = 20 * time.Second
	DefaultUpgradeTimeout       = 10 * time.Second
	DefaultMaxPayload           = 1_000_000
	DefaultMaxHeaderBytes       = 16 << 10
	DefaultCompressionThreshold = 1024
	DefaultMaxBufferedBytes     = 8 << 20
	DefaultMaxBufferedPackets   = 65_536
	DefaultWriteTimeout         = 20 * time.Second
	DefaultReadTimeout          = 30 * time.Second
)

// maxMaxPayload is the highest MaxPayload.
//
// Strings of the usual JavaScript clients can hold as much, and sums of sizes fit into 32 bits.
const maxMaxPayload = 1 << 29

// Config configures a Server. The zero value has the official defaults and safe limits.
type Config struct {
	// Path is the prefix of the URL paths that the server answers; other requests get 404.
	// Default "/engine.io/". Without a trailing slash it also matches "/engine.io" itself.
	Path string

	// PingInterval is the time between a pong and the next ping. Default 25 s.
	PingInterval time.Duration
	// PingTimeout is how long a pong may take, counted from when the ping was queued. Default 20 s.
	PingTimeout time.Duration
	// UpgradeTimeout limits the time from the connection of the second transport to the end of the
	// upgrade, and that of a WebTransport session until its first packet. Default 10 s.
	UpgradeTimeout time.Duration
	// MaxPayload limits, in bytes, the body of a POST and a WebSocket message. The open packet tells
	// the client. Default 1,000,000; at most 512 MiB.
	MaxPayload int
	// MaxUntrustedPayload limits what an unknown client can make the server hold. Until
	// [Link.Trust] is called, it replaces MaxPayload, if it is less; a POST may have several
	// packets of that size.
	// The outbox then takes half as many bytes, and one message for each 256 of them. Default 0:
	// clients are trusted from the start.
	MaxUntrustedPayload int
	// MaxHeaderBytes limits the URL and the headers of a request, in bytes; a longer one gets status
	// 431. A session keeps those of its first request. Default 16 KiB, as in Node.
	// http.Server.MaxHeaderBytes limits what net/http reads before that.
	MaxHeaderBytes int
	// Transports are those that clients may use. Default Polling and WebSocket. With WebTransport,
	// polling sessions are offered the upgrade to it; package engineio/webtransport has to serve it,
	// and serves direct WebTransport sessions in any case.
	Transports []Transport
	// AllowEIO3 serves clients of protocol revision 3 too: Socket.IO clients before 3.0.
	AllowEIO3 bool
	// NoUpgrades keeps sessions on their first transport: upgrades are neither offered nor accepted.
	NoUpgrades bool
	// Cookie, if set, is sent with the response to a polling handshake; its value becomes the
	// session id. See DefaultCookie. Its Unparsed attributes, such as "Priority=High", are sent too.
	Cookie *http.Cookie
	// CORS lists the web pages of other origins that may connect. Default none, on any transport.
	CORS CORS
	// AllowRequest, if set, is called before a session is created, but not for its later requests.
	// Its error refuses the request; the client receives the text. For a WebTransport session it gets
	// the CONNECT request, in which official clients send no query; an error closes the session.
	AllowRequest func(*http.Request) error
	// GenerateID, if set, returns the session ids. They must be unique and must not be guessable.
	GenerateID func(*http.Request) (string, error)
	// Relay, if set, lets the servers of a cluster answer for each other's sessions. It makes the ids,
	// so it cannot go with GenerateID. Default nil.
	Relay *Relay
	// InitialPacket, if not empty, is sent as a text message right behind the open packet.
	InitialPacket string
	// Middleware wraps every request, the upgrade to WebSocket included; the first is the outermost.
	// The 101 response carries the headers that it sets, also in a WriteHeader of its own.
	Middleware []func(http.Handler) http.Handler
	// NoCompression sends the bodies of polling responses uncompressed. By default they are compressed
	// with gzip or deflate if the client accepts that, they have CompressionThreshold bytes, and
	// a message in them may be compressed.
	NoCompression bool
	// CompressionThreshold is the size in bytes from which a polling response is compressed.
	// Default 1024; 1 compresses all.
	CompressionThreshold int
	// Admission limits the rate and the number of sessions. The zero value limits nothing.
	Admission Admission
	// ByteLimit limits how fast a session is read from. The zero value limits nothing.
	ByteLimit ByteLimit
	// PerMessageDeflate, if set, compresses the messages of WebSockets whose clients offer that.
	// Default nil, because it costs processor time.
	PerMessageDeflate *PerMessageDeflate
	// TrustedProxies are the addresses of the reverse proxies whose headers are trusted:
	// X-Forwarded-For (see Handshake.ClientIP), X-Forwarded-Host (see CORS) and Forwarded.
	// 127.0.0.1 includes proxies that connect over a Unix socket. Default none.
	TrustedProxies []netip.Prefix
	// SessionContext, if set, returns the context of a session. Default context.Background, because
	// the request's own context would keep the request in memory.
	SessionContext func(*http.Request) context.Context

	// MaxBufferedBytes limits a session's outbox, in bytes. Default 8 MiB. A message counts for at
	// most a quarter of it, so that a message of any size fits an outbox that is nearly empty.
	MaxBufferedBytes int
	// MaxBufferedPackets limits a session's outbox, in messages. Default 65,536.
	MaxBufferedPackets int
	// WriteTimeout is how long one flush to a peer may take. Default 20 s.
	WriteTimeout time.Duration
	// ReadTimeout is how long the body of a POST may take to arrive. Default 30 s.
	ReadTimeout time.Duration

	// ConnectionMode chooses what waits for the bytes of WebSockets. Default AutoMode.
	ConnectionMode ConnectionMode

	// Logger receives what operators should know. Default slog.Default.
	Logger *slog.Logger
	// NewHandler, if set, returns the handler of each session: the protocol above the engine. It is
	// called before the session can be found. Events are called after the handler.
	NewHandler func(Link) Handler
	// Turn, if set, is called with true before an event loop runs the Work that messages have caused
	// ([Link.Soon]), and with false at the end, but after a millisecond or two if it takes longer: then
	// another pair of calls follows. What was written OnFlush in between, to any session, can be flushed
	// then.
	Turn func(begins bool)
	// Events are the functions to call as things happen.
	Events Events
}

// DefaultCookie returns the cookie that the official server sends with its option cookie: true.
//
// It has the name io, path /, HttpOnly and SameSite=Lax.
func DefaultCookie() *http.Cookie {
	return &http.Cookie{Name: "io", Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode}
}

// withDefaults returns c with its zero fields filled in, or an error that names an invalid field.
func (c Config) withDefaults() (Config, error) {
	c.Path = cmp.Or(c.Path, DefaultPath)
	c.PingInterval = cmp.Or(c.PingInterval, DefaultPingInterval)
	c.PingTimeout = cmp.Or(c.PingTimeout, DefaultPingTimeout)
	c.UpgradeTimeout = cmp.Or(c.UpgradeTimeout, DefaultUpgradeTimeout)
	c.MaxPayload = cmp.Or(c.MaxPayload, DefaultMaxPayload)
	c.MaxHeaderBytes = cmp.Or(c.MaxHeaderBytes, DefaultMaxHeaderBytes)
	c.MaxBufferedBytes = cmp.Or(c.MaxBufferedBytes, DefaultMaxBufferedBytes)
	c.MaxBufferedPackets = cmp.Or(c.MaxBufferedPackets, DefaultMaxBufferedPackets)
	c.CompressionThreshold = cmp.Or(c.CompressionThreshold, DefaultCompressionThreshold)
	c.WriteTimeout = cmp.Or(c.WriteTimeout, DefaultWriteTimeout)
	c.ReadTimeout = cmp.Or(c.ReadTimeout, DefaultReadTimeout)
	c.Admission.withDefaults()
	c.ByteLimit.withDefaults()
	if p := c.PerMessageDeflate; p != nil {
		c.PerMessageDeflate = &PerMessageDeflate{
			Threshold: cmp.Or(p.Threshold, DefaultCompressionThreshold),
			Level:     cmp.Or(p.Level, flate.BestSpeed),
		}
	}
	if c.Relay != nil {
		relay := *c.Relay
		relay.MaxRequests = cmp.Or(relay.MaxRequests, DefaultMaxRelayed)
		c.Relay = &relay
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if len(c.Transports) == 0 {
		c.Transports = []Transport{Polling, WebSocket}
	}
	return c, c.validate()
}

// badConfig returns an error that wraps ErrConfig.
func badConfig(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrConfig}, args...)...)
}

func (c *Config) validate() error {
	if !strings.HasPrefix(c.Path, "/") || strings.ContainsAny(c.Path, "?#") {
		return badConfig("Path is %q, it must start with / and have neither ? nor #", c.Path)
	}
	if err := c.validateNumbers(); err != nil {
		return err
	}
	for i, t := range c.Transports {
		if t < Polling || t > WebTransport {
			return badConfig("Transports[%d] is %d, it must be Polling, WebSocket or WebTransport", i, t)
		}
	}
	for i, p := range c.TrustedProxies {
		if !p.IsValid() {
			return badConfig("TrustedProxies[%d] is no range of addresses, make it with netip.MustParsePrefix", i)
		}
		if p.Addr().Is4In6() { // clients never have such an address
			return badConfig("TrustedProxies[%d] is %v, it must be of IPv4, as netip.MustParsePrefix(\"10.0.0.0/8\")", i, p)
		}
	}
	for i, m := range c.Middleware {
		if m == nil {
			return badConfig("Middleware[%d] is nil, it must be a function", i)
		}
	}
	if c.Cookie != nil {
		probe := *c.Cookie
		probe.Value = "x"
		if err := probe.Valid(); err != nil {
			return badConfig("Cookie: %w", err)
		}
		for _, a := range probe.Unparsed {
			if a == "" || !isFieldValue(a) || strings.ContainsRune(a, ';') {
				return badConfig("Cookie.Unparsed has %q, it must be one attribute", a)
			}
		}
	}
	if err := c.Admission.validate(); err != nil {
		return err
	}
	if err := c.ByteLimit.validate(); err != nil {
		return err
	}
	if err := c.PerMessageDeflate.validate(); err != nil {
		return err
	}
	if err := c.validateRelay(); err != nil {
		return err
	}
	return c.CORS.validate()
}

func (c *Config) validateNumbers() error {
	for _, d := range []struct {
		name string
		v    time.Duration
	}{
		{"PingInterval", c.PingInterval},
		{"PingTimeout", c.PingTimeout},
		{"UpgradeTimeout", c.UpgradeTimeout},
		{"WriteTimeout", c.WriteTimeout},
		{"ReadTimeout", c.ReadTimeout},
	} {
		// The open packet gives the times in whole milliseconds.
		if d.v < time.Millisecond {
			return badConfig("%s is %v, it must be at least 1ms", d.name, d.v)
		}
	}
	// JavaScript timers that are set to more fire at once.
	if sum := c.PingInterval + c.PingTimeout; sum < 0 || sum.Milliseconds() > math.MaxInt32 {
		return badConfig("PingInterval is %v and PingTimeout %v, together they must be less than 24 days, "+
			"or clients disconnect at once", c.PingInterval, c.PingTimeout)
	}
	if c.MaxPayload > maxMaxPayload {
		return badConfig("MaxPayload is %d, it must be at most %d", c.MaxPayload, maxMaxPayload)
	}
	for _, n := range []struct {
		name string
		v    int
	}{
		{"MaxPayload", c.MaxPayload},
		{"MaxUntrustedPayload", cmp.Or(c.MaxUntrustedPayload, c.MaxPayload)},
		{"MaxHeaderBytes", c.MaxHeaderBytes},
		{"CompressionThreshold", c.CompressionThreshold},
		{"MaxBufferedBytes", c.MaxBufferedBytes},
		{"MaxBufferedPackets", c.MaxBufferedPackets},
	} {
		if n.v < 1 {
			return badConfig("%s is %d, it must be at least 1", n.name, n.v)
		}
	}
	return nil
}

func (c *Config) enabled(t Transport) bool { return slices.Contains(c.Transports, t) }

// upgrades returns the transports that a session on t may upgrade to.
func (c *Config) upgrades(t Transport) (to []Transport) {
	if t != Polling || c.NoUpgrades {
		return nil
	}
	for _, u := range []Transport{WebSocket, WebTransport} {
		if c.enabled(u) {
			to = append(to, u)
		}
	}
	return to
}
