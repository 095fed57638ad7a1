package redis

import (
	"crypto/tls"
	"fmt"
	"strconv"
	"strings"

	"github.com/gosocketio/socketio/internal/brokers"
)

// ParseURL returns the Config of a URL:
//
//	redis://user:password@host:6379/0?key=prefix   pub/sub
//	redis+sharded://host:6379                      sharded
//	redis+streams://host1:6379,host2:6379          streams, two nodes of a Redis Cluster
//	rediss://host:6379                             with TLS; also rediss+sharded and rediss+streams
//	redis://host1:26379,host2:26379?master=name    the master that these sentinels know
//
// The port is 6379 by default, 26379 for sentinels. The path is the number of a database. The
// parameters are key (Config.Prefix), master, timeout (RequestTimeout), mode (SubscriptionMode:
// dynamic, static or dynamic-private), private (PrivateResponses), and for streams stream
// (StreamName), streams (StreamCount), maxlen (MaxLen), retention, read (ReadCount), session
// (SessionPrefix), plain (OnlyPlaintext) and shardedpubsub (ShardedPubSub). Others are an error.
func ParseURL(s string) (Config, error) {
	c, err := parseURL(s)
	if err != nil {
		return Config{}, fmt.Errorf("redis: invalid URL: %w", err)
	}
	return c, c.check()
}

func parseURL(s string) (c Config, err error) {
	u, err := brokers.ParseURL(s, "redis")
	if err != nil {
		return c, err
	}
	base, wire, _ := strings.Cut(u.Scheme, "+")
	c.Wire = map[string]Wire{"sharded": Sharded, "streams": Streams}[wire]
	switch {
	case base != "redis" && base != "rediss", c.Wire == PubSub && wire != "":
		return c, fmt.Errorf("unknown scheme %q, it must be redis, redis+sharded or redis+streams, or rediss for TLS",
			u.Scheme)
	case base == "rediss":
		c.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	c.Username = u.User.Username()
	c.Password, _ = u.User.Password()
	if u.Path != "" {
		if c.DB, err = strconv.Atoi(u.Path); err != nil || c.DB < 0 {
			return c, fmt.Errorf("the database %q is not a number", u.Path)
		}
	}
	err = u.Parameters("adapter/redis", map[string]any{
		"key":           &c.Prefix,
		"master":        &c.Master,
		"timeout":       &c.RequestTimeout,
		"mode":          brokers.OneOf(&c.SubscriptionMode, Dynamic, Static, DynamicPrivate),
		"private":       &c.PrivateResponses,
		"stream":        &c.StreamName,
		"streams":       &c.StreamCount,
		"maxlen":        &c.MaxLen,
		"retention":     &c.Retention,
		"read":          &c.ReadCount,
		"session":       &c.SessionPrefix,
		"plain":         &c.OnlyPlaintext,
		"shardedpubsub": &c.ShardedPubSub,
	})
	if err != nil {
		return c, err
	}
	port := "6379"
	if c.Master != "" {
		port = "26379"
	}
	c.Addrs, err = u.Addrs(port)
	return c, err
}
