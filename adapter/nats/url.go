package nats

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
//	nats://user:password@host:4222?prefix=chat   one server
//	nats://token@host1,host2:4223                two servers of a NATS cluster
//	tls://host?creds=/etc/nats/app.creds         with TLS, and a file of credentials
//	nats+jetstream://host?replicas=3             with JetStream; also tls+jetstream
//
// The port is 4222 by default. The parameters are prefix (Config.Prefix), creds (Credentials), mode
// (SubscriptionMode: dynamic or static), timeout (RequestTimeout), and for JetStream stream (Stream),
// maxlen (MaxLen), retention, replicas and memory. Others are an error.
func ParseURL(s string) (Config, error) {
	c, err := parseURL(s)
	if err != nil {
		return Config{}, fmt.Errorf("nats: invalid URL: %w", err)
	}
	return c, c.check()
}

func parseURL(s string) (c Config, err error) {
	scheme, rest, ok := strings.Cut(s, "://")
	if !ok {
		return c, errors.New("it has no scheme, such as nats://")
	}
	base, with, _ := strings.Cut(scheme, "+")
	switch with {
	case "":
	case "jetstream":
		c.JetStream = true
	default:
		return c, fmt.Errorf("unknown scheme %q, it must be nats, nats+jetstream, tls or tls+jetstream", scheme)
	}
	switch base {
	case "nats":
	case "tls":
		c.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	default:
		return c, fmt.Errorf("unknown scheme %q, it must be nats, nats+jetstream, tls or tls+jetstream", scheme)
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
	u, err := url.Parse("nats://" + rest[:at] + "host" + rest[end:])
	switch {
	case err != nil: // its text would hold the password
		return c, errors.New("user, password, path or parameters cannot be read")
	case strings.Trim(u.Path, "/") != "" || u.Fragment != "":
		return c, errors.New("it has a path, which means nothing")
	}
	if password, both := u.User.Password(); both {
		c.Username, c.Password = u.User.Username(), password
	} else {
		c.Token = u.User.Username()
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
		addr, ok := address(host)
		switch {
		case ok:
		case at > 0: // host may be a part of the password
			return c, errors.New("a host cannot be read")
		default:
			return c, fmt.Errorf("%q is not a host", host)
		}
		c.Addrs = append(c.Addrs, addr)
	}
	return c, nil
}

// address returns host:port of a host with or without a port.
func address(host string) (addr string, ok bool) {
	u, err := url.Parse("nats://" + host)
	switch {
	case err != nil || u.Hostname() == "" || u.Host != host:
		return "", false
	case u.Port() != "":
		return host, true
	default:
		return strings.TrimSuffix(host, ":") + ":4222", true
	}
}

// parameter sets what a parameter of a URL says.
func (c *Config) parameter(name, value string) (err error) {
	switch name {
	case "prefix":
		c.Prefix = value
	case "creds":
		c.Credentials = value
	case "timeout":
		c.RequestTimeout, err = time.ParseDuration(value)
	case "mode":
		for _, mode := range []SubscriptionMode{Dynamic, Static} {
			if value == mode.String() {
				c.SubscriptionMode = mode
				return nil
			}
		}
		err = errors.New("it must be dynamic or static")
	case "stream":
		c.Stream = value
	case "maxlen":
		c.MaxLen, err = strconv.Atoi(value)
	case "retention":
		c.Retention, err = time.ParseDuration(value)
	case "replicas":
		c.Replicas, err = strconv.Atoi(value)
	case "memory":
		c.Memory, err = strconv.ParseBool(value)
	default:
		return fmt.Errorf("unknown parameter %q", name)
	}
	if err != nil {
		return fmt.Errorf("parameter %s=%s: %w", name, value, err)
	}
	return nil
}
