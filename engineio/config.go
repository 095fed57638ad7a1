package engineio

import (
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

	"github.com/gosocketio/socketio/internal/httpfield"
)

// Transport is a way to carry packets.
type Transport uint8

// The transports, by the names that the protocol gives them.
const (
	// Polling is HTTP long-polling.
	Polling Transport = iota + 1
	// WebSocket is one WebSocket connection.
	WebSocket
	// WebTransport is one stream of a WebTransport session over HTTP/3. The package engineio/webtransport, a module of its
	// own, serves it.
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

// Protocol is the revision of the Engine.IO protocol that clients of today speak. Config.AllowEIO3 is about the one before.
const Protocol = 4

// Defaults of Config.
const (
	DefaultPath                 = "/engine.io/"
	DefaultPingInterval         = 25 * time.Second
	DefaultPingTimeout          = 20 * time.Second
	DefaultUpgradeTimeout       = 10 * time.Second
	DefaultMaxPayload           = 1_000_000
	DefaultCompressionThreshold = 1024
	DefaultMaxBufferedBytes     = 8 << 20
	DefaultMaxBufferedPackets   = 65_536
	DefaultWriteTimeout         = 20 * time.Second
	DefaultReadTimeout          = 30 * time.Second
)

// mostPayload is the highest MaxPayload: what a string of the usual JavaScript clients can hold, and few enough bytes to be
// reckoned with in 32 bits.
const mostPayload = 1 << 29

// Config is what a Server is made with. The zero value has the official defaults and safe limits.
type Config struct {
	// Path is the prefix of the URL paths that the server answers; requests elsewhere get 404. Default "/engine.io/".
	// Without a trailing slash it also matches "/engine.io" itself.
	Path string

	// PingInterval is the time between a pong and the next ping. Default 25 s.
	PingInterval time.Duration
	// PingTimeout is how long a pong may take, counted from when the ping was queued. Default 20 s.
	PingTimeout time.Duration
	// UpgradeTimeout is how long an upgrade may take once the second transport has connected, and a WebTransport session
	// until its first packet has come. Default 10 s.
	UpgradeTimeout time.Duration
	// MaxPayload limits, in bytes, the body of a POST and a WebSocket message. The client is told of it. Default 1,000,000;
	// at most 512 MiB.
	MaxPayload int
	// MaxUntrustedPayload is the same limit for a session until [Session.Trust] is called, if that is less: what a client of which
	// nothing is known can make the server hold. Default MaxPayload.
	MaxUntrustedPayload int
	// Transports are those that clients may use. Default polling and WebSocket. WebTransport here means that polling sessions
	// are offered to upgrade to it; it needs package engineio/webtransport, which serves direct sessions either way.
	Transports []Transport
	// AllowEIO3 serves clients of revision 3 of the protocol too, which is what Socket.IO clients before 3.0 speak.
	AllowEIO3 bool
	// NoUpgrades keeps sessions on the transport they started with: upgrades are neither offered nor accepted.
	NoUpgrades bool
	// Cookie, if set, is sent with the response to a polling handshake; its value becomes the session id.
	// See DefaultCookie. Its Unparsed attributes, such as "Priority=High", are sent too.
	Cookie *http.Cookie
	// CORS says which web pages of other origins may connect. By default none may, on any transport.
	CORS CORS
	// AllowRequest, if set, is asked before a session is created. Its error refuses the request; the text is sent to the
	// client. It is not asked for later requests of a session. Of a WebTransport session it sees the CONNECT request, to which
	// official clients give no query; refusing closes the session.
	AllowRequest func(*http.Request) error
	// GenerateID, if set, makes the session ids. They must be unique and must not be guessable.
	GenerateID func(*http.Request) (string, error)
	// InitialPacket, if not empty, is sent as a text message right behind the open packet.
	InitialPacket string
	// Middleware wraps every request, the upgrade to WebSocket included; the first one is the outermost. Headers it
	// sets are sent with the 101 response too, also those that it sets at the last moment, in a WriteHeader of its own.
	Middleware []func(http.Handler) http.Handler
	// NoCompression keeps the server from compressing the bodies of polling responses. By default it does, with gzip or
	// deflate, when the client accepts that, the body has CompressionThreshold bytes and a message in it may be compressed.
	NoCompression bool
	// CompressionThreshold is the size in bytes from which a polling response is compressed. Default 1024; 1 compresses all.
	CompressionThreshold int
	// Admission limits how fast clients may come and how many there may be. The zero value limits nothing.
	Admission Admission
	// PerMessageDeflate, if set, compresses the messages of WebSockets whose clients offer that. Default nil: it costs processor
	// time, so decide on purpose.
	PerMessageDeflate *PerMessageDeflate
	// TrustedProxies are the addresses of the reverse proxies whose headers are trusted: X-Forwarded-For
	// (see Handshake.ClientIP), X-Forwarded-Host (see CORS) and Forwarded. 127.0.0.1 includes proxies that
	// connect over a Unix socket. Default none.
	TrustedProxies []netip.Prefix
	// SessionContext, if set, makes the context that Session.Context returns. By default that is
	// context.Background: a request's own context would keep the request in memory.
	SessionContext func(*http.Request) context.Context

	// MaxBufferedBytes limits what waits in a session's outbox, in bytes. Default 8 MiB. A message counts for at most a
	// quarter of it, so that one of any size is accepted where little waits.
	MaxBufferedBytes int
	// MaxBufferedPackets limits what waits in a session's outbox, in messages. Default 65,536.
	MaxBufferedPackets int
	// WriteTimeout is how long one flush to a peer may take. Default 20 s.
	WriteTimeout time.Duration
	// ReadTimeout is how long the body of a POST may take to arrive. Default 30 s.
	ReadTimeout time.Duration

	// ConnectionMode says how the server waits for the bytes of WebSockets. Default AutoMode.
	ConnectionMode ConnectionMode

	// Logger receives what operators should know. Default slog.Default.
	Logger *slog.Logger
	// Events are called as things happen.
	Events Events
}

// DefaultCookie returns the cookie that the official server sends when its cookie option is just switched on:
// name io, path /, HttpOnly, SameSite=Lax.
func DefaultCookie() *http.Cookie {
	return &http.Cookie{Name: "io", Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode}
}

func orDefault[T comparable](v *T, d T) {
	var zero T
	if *v == zero {
		*v = d
	}
}

// withDefaults returns c with its zero fields filled in, or an error that names the field that cannot work.
func (c Config) withDefaults() (Config, error) {
	orDefault(&c.Path, DefaultPath)
	orDefault(&c.PingInterval, DefaultPingInterval)
	orDefault(&c.PingTimeout, DefaultPingTimeout)
	orDefault(&c.UpgradeTimeout, DefaultUpgradeTimeout)
	orDefault(&c.MaxPayload, DefaultMaxPayload)
	orDefault(&c.MaxUntrustedPayload, c.MaxPayload)
	orDefault(&c.MaxBufferedBytes, DefaultMaxBufferedBytes)
	orDefault(&c.MaxBufferedPackets, DefaultMaxBufferedPackets)
	orDefault(&c.CompressionThreshold, DefaultCompressionThreshold)
	orDefault(&c.WriteTimeout, DefaultWriteTimeout)
	orDefault(&c.ReadTimeout, DefaultReadTimeout)
	c.Admission.withDefaults()
	if c.PerMessageDeflate != nil {
		p := *c.PerMessageDeflate
		orDefault(&p.Threshold, DefaultCompressionThreshold)
		orDefault(&p.Level, flate.BestSpeed)
		c.PerMessageDeflate = &p
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if len(c.Transports) == 0 {
		c.Transports = []Transport{Polling, WebSocket}
	}
	return c, c.validate()
}

func (c *Config) validate() error {
	if !strings.HasPrefix(c.Path, "/") || strings.ContainsAny(c.Path, "?#") {
		return fmt.Errorf("%w: Path is %q, it must start with / and have neither ? nor #", ErrConfig, c.Path)
	}
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
		// The client is told the times in whole milliseconds.
		if d.v < time.Millisecond {
			return fmt.Errorf("%w: %s is %v, it must be at least 1ms", ErrConfig, d.name, d.v)
		}
	}
	// The timers of JavaScript clients end at once when they are set to more.
	if sum := c.PingInterval + c.PingTimeout; sum < 0 || sum.Milliseconds() > math.MaxInt32 {
		return fmt.Errorf("%w: PingInterval is %v and PingTimeout %v, together they must be less than 24 days, or clients disconnect at once",
			ErrConfig, c.PingInterval, c.PingTimeout)
	}
	if c.MaxPayload > mostPayload {
		return fmt.Errorf("%w: MaxPayload is %d, it must be at most %d", ErrConfig, c.MaxPayload, mostPayload)
	}
	for _, n := range []struct {
		name string
		v    int
	}{
		{"MaxPayload", c.MaxPayload},
		{"MaxUntrustedPayload", c.MaxUntrustedPayload},
		{"CompressionThreshold", c.CompressionThreshold},
		{"MaxBufferedBytes", c.MaxBufferedBytes},
		{"MaxBufferedPackets", c.MaxBufferedPackets},
	} {
		if n.v < 1 {
			return fmt.Errorf("%w: %s is %d, it must be at least 1", ErrConfig, n.name, n.v)
		}
	}
	for i, t := range c.Transports {
		if t < Polling || t > WebTransport {
			return fmt.Errorf("%w: Transports[%d] is %d, it must be Polling, WebSocket or WebTransport", ErrConfig, i, t)
		}
	}
	for i, p := range c.TrustedProxies {
		if !p.IsValid() {
			return fmt.Errorf("%w: TrustedProxies[%d] is no range of addresses, make it with netip.MustParsePrefix", ErrConfig, i)
		}
	}
	for i, m := range c.Middleware {
		if m == nil {
			return fmt.Errorf("%w: Middleware[%d] is nil, it must be a function", ErrConfig, i)
		}
	}
	if c.Cookie != nil {
		probe := *c.Cookie
		probe.Value = "x"
		if err := probe.Valid(); err != nil {
			return fmt.Errorf("%w: Cookie: %w", ErrConfig, err)
		}
		for _, a := range probe.Unparsed {
			if a == "" || !httpfield.IsValue(a) || strings.ContainsRune(a, ';') {
				return fmt.Errorf("%w: Cookie.Unparsed has %q, it must be one attribute", ErrConfig, a)
			}
		}
	}
	if err := c.Admission.validate(); err != nil {
		return err
	}
	if c.PerMessageDeflate != nil {
		if err := c.PerMessageDeflate.validate(); err != nil {
			return err
		}
	}
	return c.CORS.validate()
}

func (c *Config) enabled(t Transport) bool { return slices.Contains(c.Transports, t) }

// upgrades lists what a session on t may upgrade to, as the open packet names it.
func (c *Config) upgrades(t Transport) []Transport {
	if t != Polling || c.NoUpgrades {
		return nil
	}
	var to []Transport
	for _, u := range []Transport{WebSocket, WebTransport} {
		if c.enabled(u) {
			to = append(to, u)
		}
	}
	return to
}
