package redis

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"
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

func errScheme(scheme string) error {
	return fmt.Errorf("unknown scheme %q, it must be redis, redis+sharded or redis+streams, or rediss for TLS", scheme)
}

func parseURL(s string) (c Config, err error) {
	scheme, rest, ok := strings.Cut(s, "://")
	if !ok {
		return c, errors.New("it has no scheme, such as redis://")
	}
	base, wire, _ := strings.Cut(scheme, "+")
	switch wire {
	case "":
	case "sharded":
		c.Wire = Sharded
	case "streams":
		c.Wire = Streams
	default:
		return c, errScheme(scheme)
	}
	switch base {
	case "redis":
	case "rediss":
		c.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	default:
		return c, errScheme(scheme)
	}

	// Package url does not accept a list of hosts: it gets one, and the list is read here.
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	if strings.Contains(rest[end:], "@") { // the rest of a password
		return c, errors.New("/, ?, # and @ in a password are written %2F, %3F, %23 and %40")
	}
	at := strings.LastIndexByte(rest[:end], '@') + 1
	hosts := rest[at:end]
	u, err := url.Parse("redis://" + rest[:at] + "host" + rest[end:])
	if err != nil {
		var e *url.Error
		if errors.As(err, &e) { // the error's text would hold the password
			err = e.Err
		}
		if at > 0 {
			return c, errors.New("user, password, path or parameters cannot be read")
		}
		return c, err
	}
	c.Username = u.User.Username()
	c.Password, _ = u.User.Password()
	if db := strings.Trim(u.Path, "/"); db != "" {
		if c.DB, err = strconv.Atoi(db); err != nil || c.DB < 0 {
			return c, fmt.Errorf("the database %q is not a number", db)
		}
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return c, err
	}
	for name, values := range query {
		if err := c.parameter(name, values[len(values)-1]); err != nil {
			return c, err
		}
	}
	for host := range strings.SplitSeq(hosts, ",") {
		addr, ok := address(host, c.Master != "")
		switch {
		case ok:
		case strings.Contains(s, "@"): // host may be a part of the password
			return c, errors.New("a host cannot be read")
		default:
			return c, fmt.Errorf("%q is not a host", host)
		}
		c.Addrs = append(c.Addrs, addr)
	}
	return c, nil
}

// address returns host:port of a host with or without a port.
func address(host string, sentinel bool) (addr string, ok bool) {
	port := ":6379"
	if sentinel {
		port = ":26379"
	}
	u, err := url.Parse("redis://" + host)
	switch {
	case err != nil || u.Hostname() == "" || u.Host != host:
		return "", false
	case u.Port() != "":
		return host, true
	default:
		return strings.TrimSuffix(host, ":") + port, true
	}
}

// parameter sets what a parameter of a URL says.
func (c *Config) parameter(name, value string) (err error) {
	switch name {
	case "key":
		c.Prefix = value
	case "master":
		c.Master = value
	case "timeout":
		c.RequestTimeout, err = time.ParseDuration(value)
	case "mode":
		for _, mode := range []SubscriptionMode{Dynamic, Static, DynamicPrivate} {
			if value == mode.String() {
				c.SubscriptionMode = mode
				return nil
			}
		}
		err = errors.New("it must be dynamic, static or dynamic-private")
	case "private":
		c.PrivateResponses, err = strconv.ParseBool(value)
	case "stream":
		c.StreamName = value
	case "streams":
		c.StreamCount, err = strconv.Atoi(value)
	case "maxlen":
		c.MaxLen, err = strconv.Atoi(value)
	case "retention":
		c.Retention, err = time.ParseDuration(value)
	case "read":
		c.ReadCount, err = strconv.Atoi(value)
	case "session":
		c.SessionPrefix = value
	case "plain":
		c.OnlyPlaintext, err = strconv.ParseBool(value)
	case "shardedpubsub":
		c.ShardedPubSub, err = strconv.ParseBool(value)
	default:
		return fmt.Errorf("unknown parameter %q, see ParseURL of adapter/redis", name)
	}
	if err != nil {
		return fmt.Errorf("parameter %s=%s: %w", name, value, err)
	}
	return nil
}
