package nats

import (
	"crypto/tls"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
)

func TestParseURL(t *testing.T) {
	secure := &tls.Config{MinVersion: tls.VersionTLS12}
	for url, want := range map[string]Config{
		"nats://127.0.0.1:4000": {Addrs: []string{"127.0.0.1:4000"}},
		"nats://host":           {Addrs: []string{"host:4222"}},
		"nats://host/":          {Addrs: []string{"host:4222"}},
		"nats://[::1]:7000":     {Addrs: []string{"[::1]:7000"}},
		"nats://[::1]":          {Addrs: []string{"[::1]:4222"}},
		"nats://token%40@host":  {Addrs: []string{"host:4222"}, Token: "token@"},
		"nats://u%40:p%2Fw%2C@a:1,b?prefix=x.y&mode=static&timeout=2s": {Addrs: []string{"a:1", "b:4222"}, Username: "u@",
			Password: "p/w,", Prefix: "x.y", SubscriptionMode: Static, RequestTimeout: 2 * time.Second},
		"tls+jetstream://h1,h2:7?stream=s&maxlen=5&retention=1h&replicas=3&memory=true": {
			Addrs: []string{"h1:4222", "h2:7"}, TLS: secure, JetStream: true, Stream: "s", MaxLen: 5,
			Retention: time.Hour, Replicas: 3, Memory: true},
		"tls://host?creds=/etc/app.creds": {Addrs: []string{"host:4222"}, TLS: secure, Credentials: "/etc/app.creds"},
	} {
		got, err := ParseURL(url)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, %v", url, got, err)
		}
	}
}

func TestParseURLInvalid(t *testing.T) {
	const schemes = `, it must be nats, nats+jetstream, tls or tls+jetstream`
	for url, want := range map[string]string{
		"host:4222":                      "nats: invalid URL: it has no scheme, such as nats://",
		"http://host":                    `nats: invalid URL: unknown scheme "http"` + schemes,
		"nats+tea://host":                `nats: invalid URL: unknown scheme "nats+tea"` + schemes,
		"nats://":                        `nats: invalid URL: "" is not a host`,
		"nats://a,,b":                    `nats: invalid URL: "" is not a host`,
		"nats://a:x":                     `nats: invalid URL: "a:x" is not a host`,
		"nats://a/b":                     "nats: invalid URL: it has a path, which means nothing",
		"nats://a?key=x":                 `nats: invalid URL: unknown parameter "key", see ParseURL of adapter/nats`,
		"nats://a?timeout=x":             `nats: invalid URL: parameter timeout=x: time: invalid duration "x"`,
		"nats://a?mode=x":                "nats: invalid URL: parameter mode=x: it must be dynamic or static",
		"nats://a?prefix=a.*":            `nats: Config.Prefix is "a.*", must be tokens of letters, digits, - and _, separated by dots`,
		"nats://a?replicas=3":            "nats: Config.Replicas has no effect without JetStream",
		"nats+jetstream://a?mode=static": "nats: Config.SubscriptionMode has no effect with JetStream",
		"nats+jetstream://a?stream=a.b":  `nats: Config.Stream is "a.b", must be letters, digits, - and _`,
		"nats+jetstream://a?replicas=x":  `nats: invalid URL: parameter replicas=x: strconv.Atoi: parsing "x": invalid syntax`,
		"nats://:pw@a":                   "nats: Config.Password has no effect without Config.Username",
		"nats://t@a?creds=file":          "nats: only one of Config.Username, Config.Token and Config.Credentials can log in",
	} {
		if _, err := ParseURL(url); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", url, err, want)
		}
	}
	for _, url := range []string{
		"nats://u:se/cret@host", "nats://u:sec?ret@host", "nats://u:sec%ret@host", "nats://u:sec ret@host:x",
		"nats://u:sec#ret@host",
		"nats://u:sec@ret:x@host:y",
	} {
		if _, err := ParseURL(url); err == nil || strings.Contains(err.Error(), "ret") {
			t.Errorf("%s: %v", url, err)
		}
	}
}

func TestResolve(t *testing.T) {
	c, err := Config{URL: "nats://host?prefix=a&timeout=1s", Prefix: "b", MaxQueuedBytes: 7}.resolve()
	want := Config{Addrs: []string{"host:4222"}, Prefix: "b", RequestTimeout: time.Second, MaxQueuedBytes: 7}
	if err != nil || !reflect.DeepEqual(c, want) {
		t.Errorf("%+v, %v", c, err)
	}
	c, err = Config{}.resolve()
	want = Config{
		Addrs: []string{"127.0.0.1:4222"}, Prefix: "socketio", RequestTimeout: 5 * time.Second, MaxQueuedBytes: 64 << 20,
	}
	if err != nil || !reflect.DeepEqual(c, want) {
		t.Errorf("%+v, %v", c, err)
	}
	c, err = Config{JetStream: true, Prefix: "a.b"}.resolve()
	want = Config{
		Addrs: []string{"127.0.0.1:4222"}, Prefix: "a.b", RequestTimeout: 5 * time.Second, MaxQueuedBytes: 64 << 20,
		JetStream: true, Stream: "a_b", MaxLen: 100_000, Retention: 3 * time.Minute, Replicas: 1,
	}
	if err != nil || !reflect.DeepEqual(c, want) {
		t.Errorf("%+v, %v", c, err)
	}
	for want, c := range map[string]Config{
		"nats: Config.Replicas is 6, must be 1 to 5":                                      {Replicas: 6},
		"nats: Config.Retention is 1ms, must be 1 s or more":                              {Retention: time.Millisecond},
		"nats: Config.RequestTimeout is -1s, must be positive":                            {RequestTimeout: -time.Second},
		"nats: Config.MaxQueuedBytes is -1, must be positive":                             {MaxQueuedBytes: -1},
		`nats: Config.Addrs is "host", must be host:port`:                                 {Addrs: []string{"host"}},
		"nats: Config.SubscriptionMode is SubscriptionMode(9), must be Dynamic or Static": {SubscriptionMode: 9},
		"nats: Config.Token has no effect with Config.Conn":                               {Conn: new(nats.Conn), Token: "t"},
	} {
		if _, err := c.resolve(); err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
