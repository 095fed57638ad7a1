package redis

import (
	"crypto/tls"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestParseURL(t *testing.T) {
	secure := &tls.Config{MinVersion: tls.VersionTLS12}
	for url, want := range map[string]Config{
		"redis://127.0.0.1:6379":             {Addrs: []string{"127.0.0.1:6379"}},
		"redis://host":                       {Addrs: []string{"host:6379"}},
		"redis://[::1]:7000/2":               {Addrs: []string{"[::1]:7000"}, DB: 2},
		"redis://[::1]":                      {Addrs: []string{"[::1]:6379"}},
		"redis://:pw@host/":                  {Addrs: []string{"host:6379"}, Password: "pw"},
		"redis://u%40:p%2Fw%2C@a:1,b:2?key=": {Addrs: []string{"a:1", "b:2"}, Username: "u@", Password: "p/w,"},
		"redis+sharded://host?key=chat&mode=dynamic-private&timeout=2s": {
			Wire: Sharded, Addrs: []string{"host:6379"}, Prefix: "chat", SubscriptionMode: DynamicPrivate,
			RequestTimeout: 2 * time.Second},
		"rediss://host?private=true&mode=static": {Addrs: []string{"host:6379"}, TLS: secure, PrivateResponses: true,
			SubscriptionMode: Static},
		"rediss+streams://h1,h2:7?stream=s&streams=3&maxlen=5&retention=1h&read=7&session=p:&plain=1&shardedpubsub=true": {
			Wire: Streams, Addrs: []string{"h1:6379", "h2:7"}, TLS: secure, StreamName: "s", StreamCount: 3, MaxLen: 5,
			Retention: time.Hour, ReadCount: 7, SessionPrefix: "p:", OnlyPlaintext: true, ShardedPubSub: true},
		"redis://a,b?master=main": {Addrs: []string{"a:26379", "b:26379"}, Master: "main"},
	} {
		got, err := ParseURL(url)
		if err != nil {
			t.Errorf("%s: %v", url, err)
		}
		if d := cmp.Diff(want, got, cmpopts.IgnoreUnexported(tls.Config{})); d != "" {
			t.Errorf("%s: %s", url, d)
		}
	}
}

func TestParseURLInvalid(t *testing.T) {
	const schemes = `, it must be redis, redis+sharded or redis+streams, or rediss for TLS`
	for url, want := range map[string]string{
		"host:6379":           "redis: invalid URL: it has no scheme, such as redis://",
		"http://host":         `redis: invalid URL: unknown scheme "http"` + schemes,
		"redis+x://host":      `redis: invalid URL: unknown scheme "redis+x"` + schemes,
		"redis://":            `redis: invalid URL: "" is not a host`,
		"redis://a,,b":        `redis: invalid URL: "" is not a host`,
		"redis://a:x":         `redis: invalid URL: "a:x" is not a host`,
		"redis://a/b":         `redis: invalid URL: the database "b" is not a number`,
		"redis://a?prefix=x":  `redis: invalid URL: unknown parameter "prefix", see ParseURL of adapter/redis`,
		"redis://a?timeout=x": `redis: invalid URL: parameter timeout=x: time: invalid duration "x"`,
		"redis://a?mode=x":    `redis: invalid URL: parameter mode=x: it must be dynamic, static or dynamic-private`,
		"redis://a?mode=dynamic-private": `redis: Config.SubscriptionMode is dynamic-private, ` +
			`must be Dynamic or Static with the wire pub/sub`,
		"redis://a?stream=x":            `redis: Config.StreamName has no effect with the wire pub/sub`,
		"redis+streams://a?mode=static": `redis: Config.SubscriptionMode has no effect with the wire streams`,
		"redis+sharded://a?private=1":   `redis: Config.PrivateResponses has no effect with the wire sharded`,
	} {
		if _, err := ParseURL(url); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", url, err, want)
		}
	}
	for _, url := range []string{
		"redis://u:se/cret@host", "redis://u:sec?ret@host", "redis://u:sec%ret@host", "redis://u:sec ret@host:x",
		"redis://u:sec#ret@host",
		"redis://u:sec@ret:x@host:y",
	} {
		if _, err := ParseURL(url); err == nil || strings.Contains(err.Error(), "ret") {
			t.Errorf("%s: %v", url, err)
		}
	}
}

func TestResolve(t *testing.T) {
	c, err := Config{URL: "redis+sharded://host?key=a&timeout=1s", Prefix: "b", MaxQueuedBytes: 7}.resolve()
	want := Config{
		Wire: Sharded, Addrs: []string{"host:6379"}, Prefix: "b", RequestTimeout: time.Second, MaxQueuedBytes: 7,
	}
	if d := cmp.Diff(want, c); d != "" || err != nil {
		t.Errorf("%v, %s", err, d)
	}
	c, err = Config{}.resolve()
	want = Config{
		Addrs: []string{"127.0.0.1:6379"}, Prefix: "socket.io", RequestTimeout: 5 * time.Second, MaxQueuedBytes: 64 << 20,
	}
	if d := cmp.Diff(want, c); d != "" || err != nil {
		t.Errorf("%v, %s", err, d)
	}
	for want, c := range map[string]Config{
		"redis: Config.RequestTimeout is -1s, must be positive":              {RequestTimeout: -time.Second},
		`redis: Config.Addrs is "host", must be host:port`:                   {Addrs: []string{"host"}},
		"redis: Config.SentinelUsername has no effect without Config.Master": {SentinelUsername: "a"},
		"redis: Config.Wire is Wire(9), must be PubSub, Sharded or Streams":  {Wire: 9},
	} {
		if _, err := c.resolve(); err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
