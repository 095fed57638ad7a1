package main

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/gosocketio/socketio"
)

// limits are the flags that limit what clients may do.
type limits struct {
	MaxPayload           int           `default:"1000000" placeholder:"BYTES" help:"Limit for one message of a client, in bytes (${default})."`
	MaxUntrustedPayload  int           `default:"16384" placeholder:"BYTES" help:"Limit for a message before the client has joined a namespace, such as CONNECT with a token in auth, in bytes (${default})."`
	MaxHeaderBytes       int           `default:"16384" placeholder:"BYTES" help:"Limit for the URL and the headers of a request, in bytes (${default})."`
	PingInterval         time.Duration `default:"25s" placeholder:"DURATION" help:"Time between a pong and the next ping (${default})."`
	PingTimeout          time.Duration `default:"20s" placeholder:"DURATION" help:"How long a client may take to answer a ping (${default})."`
	LimitConnections     int           `placeholder:"N" help:"Connections that one client address may have, or one /64 of IPv6. Those beyond get status 429 and try again later. Behind a proxy it needs -trusted-proxy. Off by default."`
	LimitBytes           string        `placeholder:"RATE[/BURST]" help:"Bytes a second that each connection is read at, and how many may come at once, such as 16000/64000. A client that sends faster is slowed down, not disconnected. Off by default."`
	LimitEvents          string        `placeholder:"RATE[/BURST[/ANSWER]]" help:"Events a second that each connection may send, how many may come at once, and what those beyond get: error (an acknowledgement with an error), drop or disconnect; such as 20/40/error. Off by default."`
	LimitNamespaceEvents []string      `placeholder:"NAME=RATE[/BURST[/ANSWER]]" help:"The same for what all clients together may send to a namespace, such as /chat=1000; the name * is for each other namespace. Repeatable. Off by default."`
	TrustedProxy         []string      `placeholder:"ADDRESS" help:"Reverse proxy, as address or range such as 10.0.0.0/8, whose X-Forwarded-For and X-Forwarded-Host are believed. 127.0.0.1 includes proxies on a Unix socket. Repeatable."`
}

// maxBytes limits sizes in bytes.
const maxBytes = 512 << 20

// limitAnswers are the answers by their names.
var limitAnswers = map[string]socketio.LimitAnswer{
	"error": socketio.LimitError, "drop": socketio.LimitDrop, "disconnect": socketio.LimitDisconnect,
}

// applyLimits sets what the flags say in cfg, or returns an error that names the flag whose value cannot work.
func (l *limits) applyLimits(cfg *socketio.Config) error {
	for _, size := range []struct {
		flag  string
		value int
	}{
		{"max-payload", l.MaxPayload},
		{"max-untrusted-payload", l.MaxUntrustedPayload},
		{"max-header-bytes", l.MaxHeaderBytes},
	} {
		if size.value <= 0 || size.value > maxBytes {
			return fmt.Errorf("-%s is %d, it must be 1 to %d", size.flag, size.value, maxBytes)
		}
	}
	if l.PingInterval <= 0 || l.PingTimeout <= 0 {
		return fmt.Errorf("-ping-interval is %v and -ping-timeout is %v, they must be positive",
			l.PingInterval, l.PingTimeout)
	}
	cfg.MaxPayload, cfg.MaxUntrustedPayload, cfg.MaxHeaderBytes = l.MaxPayload, l.MaxUntrustedPayload, l.MaxHeaderBytes
	cfg.PingInterval, cfg.PingTimeout = l.PingInterval, l.PingTimeout
	if l.LimitConnections < 0 {
		return fmt.Errorf("-limit-connections is %d, it must be at least 0 (no limit)", l.LimitConnections)
	}
	cfg.Admission.MaxPerAddress = l.LimitConnections
	rate, burst, hasBurst := strings.Cut(l.LimitBytes, "/")
	var validRate, validBurst bool
	cfg.ByteLimit.Rate, validRate = whole(rate, l.LimitBytes != "")
	cfg.ByteLimit.Burst, validBurst = whole(burst, hasBurst)
	if !validRate || !validBurst {
		return fmt.Errorf("-limit-bytes is %q, it must be RATE or RATE/BURST, such as 16000/64000", l.LimitBytes)
	}
	if l.LimitEvents != "" {
		var valid bool
		if cfg.EventLimit, valid = parseEventLimit(l.LimitEvents); !valid {
			return fmt.Errorf("-limit-events is %q, it must be RATE, RATE/BURST or RATE/BURST/ANSWER, "+
				"such as 20/40/error", l.LimitEvents)
		}
	}
	cfg.NamespaceEventLimits = make(map[string]socketio.EventLimit)
	for _, text := range l.LimitNamespaceEvents {
		name, value, _ := strings.Cut(text, "=")
		limit, valid := parseEventLimit(value)
		_, twice := cfg.NamespaceEventLimits[name]
		if !valid || twice || name != "*" && !strings.HasPrefix(name, "/") {
			return fmt.Errorf("-limit-namespace-events has %q, it must be NAME=RATE, NAME=RATE/BURST or "+
				"NAME=RATE/BURST/ANSWER, once for each namespace, such as /chat=1000/2000/drop", text)
		}
		cfg.NamespaceEventLimits[name] = limit
	}
	for _, text := range l.TrustedProxy {
		prefix, err := netip.ParsePrefix(text)
		if one, not := netip.ParseAddr(text); not == nil {
			prefix, err = one.Prefix(one.BitLen())
		}
		if err != nil {
			return fmt.Errorf("-trusted-proxy has %q, it must be an address or a range, such as 127.0.0.1 or 10.0.0.0/8", text)
		}
		cfg.TrustedProxies = append(cfg.TrustedProxies, prefix)
	}
	return nil
}

// whole parses a number above 0 if it is there.
func whole(text string, there bool) (n int, ok bool) {
	if !there {
		return 0, true
	}
	n, err := strconv.Atoi(text)
	return n, err == nil && n > 0
}

// parseEventLimit parses RATE[/BURST[/ANSWER]].
func parseEventLimit(text string) (l socketio.EventLimit, ok bool) {
	parts := strings.Split(text, "/")
	rate, err := strconv.ParseFloat(parts[0], 64)
	if err != nil || !(rate > 0 && rate <= 1e9) || len(parts) > 3 {
		return l, false
	}
	l.Rate, ok = rate, true
	if len(parts) > 1 {
		l.Burst, ok = whole(parts[1], true)
	}
	if len(parts) > 2 && ok {
		l.Answer, ok = limitAnswers[parts[2]]
	}
	return l, ok
}
