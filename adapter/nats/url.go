package nats

import (
	"crypto/tls"
	"errors"
	"fmt"
	"strings"

	"github.com/gosocketio/socketio/internal/brokers"
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
	u, err := brokers.ParseURL(s, "nats")
	if err != nil {
		return c, err
	}
	base, with, _ := strings.Cut(u.Scheme, "+")
	c.JetStream = with == "jetstream"
	switch {
	case base != "nats" && base != "tls", with != "" && !c.JetStream:
		return c, fmt.Errorf("unknown scheme %q, it must be nats, nats+jetstream, tls or tls+jetstream", u.Scheme)
	case base == "tls":
		c.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	if u.Path != "" {
		return c, errors.New("it has a path, which means nothing")
	}
	if password, both := u.User.Password(); both {
		c.Username, c.Password = u.User.Username(), password
	} else {
		c.Token = u.User.Username()
	}
	err = u.Parameters("adapter/nats", map[string]any{
		"prefix":    &c.Prefix,
		"creds":     &c.Credentials,
		"timeout":   &c.RequestTimeout,
		"mode":      brokers.OneOf(&c.SubscriptionMode, Dynamic, Static),
		"stream":    &c.Stream,
		"maxlen":    &c.MaxLen,
		"retention": &c.Retention,
		"replicas":  &c.Replicas,
		"memory":    &c.Memory,
	})
	if err != nil {
		return c, err
	}
	c.Addrs, err = u.Addrs("4222")
	return c, err
}
