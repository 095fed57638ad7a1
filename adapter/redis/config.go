package redis

import (
	"cmp"
	"crypto/tls"
	"fmt"
	"strings"
	"time"

	"github.com/redis/rueidis"

	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/internal/brokers"
)

// Wire is the format in which servers exchange messages. All servers of a cluster use the same one.
type Wire uint8

// The wires. Each is that of an official adapter, whose servers can be in the same cluster.
const (
	// PubSub is the wire of createAdapter in @socket.io/redis-adapter, by far the most used one.
	PubSub Wire = iota
	// Sharded is the wire of createShardedAdapter in @socket.io/redis-adapter. It needs Redis 7.
	Sharded
	// Streams is the wire of @socket.io/redis-streams-adapter 0.3. It keeps broadcasts for a while.
	Streams
)

// String returns the name of the wire: pub/sub, sharded or streams.
func (w Wire) String() string {
	switch w {
	case PubSub:
		return "pub/sub"
	case Sharded:
		return "sharded"
	case Streams:
		return "streams"
	default:
		return fmt.Sprintf("Wire(%d)", uint8(w))
	}
}

// SubscriptionMode selects the channels that a server subscribes to.
type SubscriptionMode uint8

// The modes. With [Sharded] all servers of a cluster must use the same one; with [PubSub] a server
// chooses for itself.
const (
	// Dynamic subscribes to the rooms of this server, one channel each. With Sharded it leaves out
	// the rooms of single sockets, whose events go to all servers.
	//
	// The first socket of a room receives the events of other servers once Redis has confirmed the
	// subscription. Go servers allow for that: an event that one emits to a room right after
	// Namespace.SocketsJoin reaches the sockets that join here. An event of an official server right
	// after its socketsJoin could miss them. With PubSub, therefore, this server subscribes to all
	// rooms while there is an official server, which it notices within half a second. Events of an
	// official emitter, and of official servers with Sharded, may miss such sockets.
	Dynamic SubscriptionMode = iota
	// Static subscribes to all rooms from the start, also those without sockets here, so that no event
	// is missed. Official servers with PubSub do the same.
	Static
	// DynamicPrivate is Dynamic for the rooms of single sockets too. (Sharded)
	DynamicPrivate
)

// String returns the official name of the mode.
func (m SubscriptionMode) String() string {
	switch m {
	case Dynamic:
		return "dynamic"
	case Static:
		return "static"
	case DynamicPrivate:
		return "dynamic-private"
	default:
		return fmt.Sprintf("SubscriptionMode(%d)", uint8(m))
	}
}

// Config configures the connection of a process to Redis. The zero value of a field is its default.
type Config struct {
	// URL has the address of Redis and the wire, see [ParseURL]. Other fields that are set take
	// precedence.
	URL string
	// Client is a client to use. It is not closed. Addrs, Master, Username, Password, DB and TLS must
	// not be set then.
	Client rueidis.Client

	// Addrs are the addresses, host:port, of the server, of some nodes of a Redis Cluster, or of the
	// sentinels when Master is set. Default 127.0.0.1:6379.
	Addrs []string
	// Master is the name of the master that the sentinels at Addrs watch.
	Master string
	// Username and Password log in to Redis. Username is "default" when only Password is set.
	Username, Password string
	// SentinelUsername and SentinelPassword log in to the sentinels.
	SentinelUsername, SentinelPassword string
	// DB is the number of the database. Channels are the same in all databases, streams are not.
	DB int
	// TLS, if set, encrypts the connections.
	TLS *tls.Config

	// Wire is the format of the messages. Default PubSub.
	Wire Wire
	// Prefix begins the names of all channels: the option key or channelPrefix of the official
	// adapters. Default "socket.io".
	Prefix string
	// SubscriptionMode selects the channels to subscribe to. (PubSub, Sharded) Default Dynamic.
	SubscriptionMode SubscriptionMode
	// PrivateResponses sends answers only to the server that asked: the option
	// publishOnSpecificResponseChannel. (PubSub)
	PrivateResponses bool
	// RequestTimeout limits the wait for other servers. Default 5 s.
	RequestTimeout time.Duration
	// MaxQueuedBytes limits the messages that are queued for Redis. Default adapter.DefaultOutboxBytes, 64 MiB.
	MaxQueuedBytes int

	// StreamName is the name of the stream. (Streams) Default Prefix. That of official servers is
	// "socket.io", whatever their channelPrefix.
	StreamName string
	// StreamCount is the number of streams that share the namespaces: the option streamCount. (Streams)
	// Default 1.
	StreamCount int
	// MaxLen is the number of entries that a stream keeps at most, approximately. (Streams) Default
	// 100,000. Official servers in the same cluster keep 10,000 unless told otherwise.
	MaxLen int
	// Retention is the age up to which entries are kept, if there are not more than MaxLen. It should
	// be longer than clients may be away to be recovered. (Streams) Default 3 minutes.
	Retention time.Duration
	// ReadCount is the number of entries to read at a time. Up to ten times as many are read while they
	// are small, and fewer while they are large. (Streams) Default 100.
	ReadCount int
	// SessionPrefix begins the names of the keys that hold sessions. (Streams) Default "sio:session:",
	// which official servers have, or Prefix and ":session:" if Prefix is set.
	SessionPrefix string
	// OnlyPlaintext means that no message holds binary data: the option onlyPlaintext. (Streams)
	OnlyPlaintext bool
	// ShardedPubSub sends requests over sharded channels: the option useShardedPubSub. (Streams)
	ShardedPubSub bool
}

const defaultPrefix = "socket.io"

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
	if len(c.Addrs) == 0 && c.Client == nil {
		c.Addrs = []string{"127.0.0.1:6379"}
	}
	c.Prefix = cmp.Or(c.Prefix, defaultPrefix)
	c.RequestTimeout = cmp.Or(c.RequestTimeout, adapter.DefaultRequestTimeout)
	c.MaxQueuedBytes = cmp.Or(c.MaxQueuedBytes, adapter.DefaultOutboxBytes)
	return c, nil
}

// check reports a field that cannot work, or that would be ignored.
func (c *Config) check() error {
	is := brokers.Check{Package: "redis", Config: *c}
	switch {
	case c.Wire > Streams:
		return is.Invalid("Wire", "PubSub, Sharded or Streams")
	case c.SubscriptionMode > DynamicPrivate:
		return is.Invalid("SubscriptionMode", "Dynamic, Static or DynamicPrivate")
	case c.DB < 0:
		return is.Invalid("DB", "0 or more")
	}
	err := cmp.Or(
		is.Positive("RequestTimeout", "MaxQueuedBytes", "StreamCount", "MaxLen", "Retention", "ReadCount"),
		is.Addrs("Addrs", c.Addrs),
	)
	if err == nil && c.Client != nil {
		err = is.Unset("with Config.Client", "Addrs", "Master", "Username", "Password",
			"SentinelUsername", "SentinelPassword", "DB", "TLS")
	}
	if err == nil && c.Master == "" {
		err = is.Unset("without Config.Master", "SentinelUsername", "SentinelPassword")
	}
	if err != nil {
		return err
	}
	with := "with the wire " + c.Wire.String()
	if c.Wire != PubSub {
		if err := is.Unset(with, "PrivateResponses"); err != nil {
			return err
		}
	} else if c.SubscriptionMode == DynamicPrivate {
		return is.Invalid("SubscriptionMode", "Dynamic or Static "+with)
	}
	if c.Wire == Streams {
		return is.Unset(with, "SubscriptionMode")
	}
	return is.Unset(with, "StreamName", "StreamCount", "MaxLen", "Retention", "ReadCount", "SessionPrefix",
		"OnlyPlaintext", "ShardedPubSub")
}

// where names the servers, for logs and errors: never a password.
func (c *Config) where() string {
	switch {
	case c.Client != nil:
		return "the given client"
	case c.Master != "":
		return fmt.Sprintf("master %s of the sentinels %s", c.Master, strings.Join(c.Addrs, ","))
	default:
		return strings.Join(c.Addrs, ",")
	}
}

// topologyEvery is how often the client asks for the nodes of a cluster, or for the master. It does so
// too when it notices that something has changed, but an announcement may be missed.
const topologyEvery = 5 * time.Second

// options returns those of the client to connect with.
func (c *Config) options() rueidis.ClientOption {
	o := rueidis.ClientOption{
		InitAddress:       c.Addrs,
		Username:          c.Username,
		Password:          c.Password,
		SelectDB:          c.DB,
		TLSConfig:         c.TLS,
		DisableRetry:      true, // what may be sent again is decided here
		PipelineMultiplex: -1,   // one connection for commands, which keeps their order
		DisableCache:      true, // nothing is read twice, and Redis before 6 has no client-side caching
	}
	o.ClusterOption.ShardsRefreshInterval = topologyEvery
	if c.Master != "" {
		o.Sentinel = rueidis.SentinelOption{
			MasterSet: c.Master, Username: c.SentinelUsername, Password: c.SentinelPassword, TLSConfig: c.TLS,
			TopologyRefreshInterval: topologyEvery,
		}
	}
	return o
}
