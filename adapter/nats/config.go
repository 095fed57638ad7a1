package nats

import (
	"cmp"
	"crypto/tls"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/internal/brokers"
)

// SubscriptionMode says which subjects a server subscribes to. Servers of one cluster may differ.
type SubscriptionMode uint8

// The modes.
const (
	// Dynamic subscribes to the rooms of this server, one subject each.
	Dynamic SubscriptionMode = iota
	// Static receives the broadcasts to all rooms, also to those that this server does not have. No
	// broadcast is missed between the join of a room's first socket and the subscription.
	Static
)

// String returns the name of the mode: dynamic or static.
func (m SubscriptionMode) String() string {
	switch m {
	case Dynamic:
		return "dynamic"
	case Static:
		return "static"
	default:
		return fmt.Sprintf("SubscriptionMode(%d)", uint8(m))
	}
}

// Config configures the connection of a process to NATS. The zero value of a field is its default.
type Config struct {
	// URL is where NATS is, see [ParseURL]. Other fields that are set take precedence over it.
	URL string
	// Conn is a connection to use. It is not closed. Its handlers of errors, disconnects and reconnects
	// are called after ours, and are the only ones again when the server is closed. Addrs, Username,
	// Password, Token, Credentials and TLS must not be set then.
	Conn *nats.Conn

	// Name is what logs and errors call the NATS server. Default: Addrs, or "the given connection".
	Name string

	// Addrs are the addresses, host:port, of some servers of a NATS cluster: one is chosen, and another
	// one when the connection is lost. Default 127.0.0.1:4222.
	Addrs []string
	// Username and Password log in, or Token does, or the file Credentials (.creds) with a JWT and a key.
	Username, Password, Token, Credentials string
	// TLS, if set, encrypts the connection.
	TLS *tls.Config

	// Prefix begins all subjects: one or more tokens. Default "socketio".
	Prefix string
	// SubscriptionMode says which subjects to subscribe to. Default Dynamic.
	SubscriptionMode SubscriptionMode
	// RequestTimeout limits the wait for other servers. Default 5 s.
	RequestTimeout time.Duration
	// MaxQueuedBytes limits what waits to be sent. Default adapter.DefaultOutboxBytes, 64 MiB.
	MaxQueuedBytes int

	// JetStream keeps broadcasts and commands to sockets in a stream for a while: none is lost while
	// NATS is away, and clients can be recovered on any server. Every server receives all of them;
	// SubscriptionMode must not be set. All servers of a cluster must agree on it.
	JetStream bool
	// Stream is the name of the stream. That of the bucket with sessions ends in -sessions. Both are made
	// if they are not there, and changed to what the last server that started says. (JetStream) Default:
	// Prefix, with _ for dots.
	Stream string
	// MaxLen is the number of messages that the stream keeps at most. (JetStream) Default 100,000.
	MaxLen int
	// Retention is the age up to which messages and sessions are kept. It must be longer than clients
	// may be away to be recovered. (JetStream) Default 3 minutes.
	Retention time.Duration
	// Replicas is the number of NATS servers that keep the stream, 1 to 5. (JetStream) Default 1.
	Replicas int
	// Memory keeps the stream in the memory of the NATS servers, and not in files. (JetStream)
	Memory bool
}

// resolve returns c with what its URL says and with defaults, or an error that names a field.
func (c Config) resolve() (Config, error) {
	if c.URL != "" {
		u, err := ParseURL(c.URL)
		if err != nil {
			return c, err
		}
		c.URL = ""
		brokers.Override(&u, c)
		c = u
	}
	if err := c.check(); err != nil {
		return c, err
	}
	if len(c.Addrs) == 0 && c.Conn == nil {
		c.Addrs = []string{"127.0.0.1:4222"}
	}
	c.Prefix = cmp.Or(c.Prefix, "socketio")
	c.RequestTimeout = cmp.Or(c.RequestTimeout, adapter.DefaultRequestTimeout)
	c.MaxQueuedBytes = cmp.Or(c.MaxQueuedBytes, adapter.DefaultOutboxBytes)
	if c.JetStream {
		c.Stream = cmp.Or(c.Stream, strings.ReplaceAll(c.Prefix, ".", "_"))
		c.MaxLen = cmp.Or(c.MaxLen, 100_000)
		c.Retention = cmp.Or(c.Retention, 3*time.Minute)
		c.Replicas = cmp.Or(c.Replicas, 1)
	}
	return c, nil
}

// check reports a field that cannot work, or that would be ignored.
func (c *Config) check() error {
	is := brokers.Check{Package: "nats", Config: *c}
	switch {
	case c.SubscriptionMode > Static:
		return is.Invalid("SubscriptionMode", "Dynamic or Static")
	case c.Prefix != "" && !isPrefix(c.Prefix):
		return is.Invalid("Prefix", "tokens of letters, digits, - and _, separated by dots")
	case c.Stream != "" && token(c.Stream) != c.Stream, strings.ContainsAny(c.Stream, "/:@#"):
		return is.Invalid("Stream", "letters, digits, - and _")
	case c.Retention < 0 || c.Retention > 0 && c.Retention < time.Second:
		return is.Invalid("Retention", "1 s or more")
	case c.Replicas < 0 || c.Replicas > 5:
		return is.Invalid("Replicas", "1 to 5")
	case c.Password != "" && c.Username == "":
		return fmt.Errorf("nats: Config.Password has no effect without Config.Username")
	}
	err := cmp.Or(is.Positive("RequestTimeout", "MaxQueuedBytes", "MaxLen"), is.Addrs("Addrs", c.Addrs))
	if err == nil && c.Conn != nil {
		err = is.Unset("with Config.Conn", "Addrs", "Username", "Password", "Token", "Credentials", "TLS")
	}
	switch {
	case err != nil:
	case c.JetStream:
		err = is.Unset("with JetStream", "SubscriptionMode")
	default:
		err = is.Unset("without JetStream", "Stream", "MaxLen", "Retention", "Replicas", "Memory")
	}
	if err != nil {
		return err
	}
	ways := 0
	for _, way := range []string{c.Username, c.Token, c.Credentials} {
		if way != "" {
			ways++
		}
	}
	if ways > 1 {
		return fmt.Errorf("nats: only one of Config.Username, Config.Token and Config.Credentials can log in")
	}
	return nil
}

// where names the servers, for logs and errors: never a password.
func (c *Config) where() string {
	switch {
	case c.Name != "":
		return c.Name
	case c.Conn != nil:
		return "the given connection"
	}
	return strings.Join(c.Addrs, ",")
}

// How the connection is watched and made again.
const (
	dialTimeout = 3 * time.Second // for each server
	// pingInterval finds a server that does not answer: two pings may be unanswered.
	pingInterval  = 5 * time.Second
	writeTimeout  = 10 * time.Second
	reconnectWait = 50 * time.Millisecond // after all servers have been tried, and as much at random
)

// options returns those of the connection.
func (c *Config) options(uid string) []nats.Option {
	o := []nats.Option{
		nats.Name("socketio " + uid),
		nats.NoEcho(),
		nats.Timeout(dialTimeout),
		nats.MaxReconnects(-1),
		nats.ReconnectWait(reconnectWait),
		nats.ReconnectJitter(reconnectWait, reconnectWait),
		nats.ReconnectBufSize(-1), // the outbox is the only queue
		nats.IgnoreAuthErrorAbort(),
		nats.PingInterval(pingInterval),
		nats.MaxPingsOutstanding(2),
		nats.FlusherTimeout(writeTimeout),
		nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}), // the default one prints
	}
	switch {
	case c.Username != "":
		o = append(o, nats.UserInfo(c.Username, c.Password))
	case c.Token != "":
		o = append(o, nats.Token(c.Token))
	case c.Credentials != "":
		o = append(o, nats.UserCredentials(c.Credentials))
	}
	if c.TLS != nil {
		o = append(o, nats.Secure(c.TLS))
	}
	return o
}
