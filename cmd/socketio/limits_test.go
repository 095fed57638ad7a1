package main

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/internal/lockedbuffer"
	"github.com/gosocketio/socketio/internal/rawclient"
)

// The flags of limits set the fields of the configuration, and a value that cannot work is named.
func TestLimitFlags(t *testing.T) {
	c, err := parse(t, "-max-payload", "9", "-max-untrusted-payload", "8", "-max-header-bytes", "7", "-ping-interval", "6s",
		"-ping-timeout", "5s", "-limit-connections", "5", "-limit-bytes", "1000/5000", "-limit-events", "0.5/3/disconnect",
		"-limit-namespace-events", "/chat=10", "-limit-namespace-events", "*=1000/2000/drop",
		"-trusted-proxy", "127.0.0.1,10.0.0.0/8", "-trusted-proxy", "::1")
	if err != nil {
		t.Fatal(err)
	}
	var got socketio.Config
	if err := c.applyLimits(&got); err != nil {
		t.Fatal(err)
	}
	if got.MaxPayload != 9 || got.MaxUntrustedPayload != 8 || got.MaxHeaderBytes != 7 || got.PingInterval != 6*time.Second ||
		got.PingTimeout != 5*time.Second {
		t.Errorf("got %+v", got)
	}
	if got.Admission.MaxPerAddress != 5 || got.ByteLimit != (socketio.ByteLimit{Rate: 1000, Burst: 5000}) ||
		got.EventLimit != (socketio.EventLimit{Rate: 0.5, Burst: 3, Answer: socketio.LimitDisconnect}) ||
		got.NamespaceEventLimits["/chat"] != (socketio.EventLimit{Rate: 10}) ||
		got.NamespaceEventLimits["*"] != (socketio.EventLimit{Rate: 1000, Burst: 2000, Answer: socketio.LimitDrop}) ||
		len(got.NamespaceEventLimits) != 2 || len(got.TrustedProxies) != 3 {
		t.Errorf("got %+v", got)
	}
	for _, flag := range []string{
		"-max-payload=0", "-max-payload=536870913", "-max-untrusted-payload=-1", "-max-header-bytes=0", "-ping-interval=-1s",
		"-limit-connections=-1", "-limit-bytes=x", "-limit-bytes=1/", "-limit-bytes=/1", "-limit-bytes=1/0", "-limit-bytes=1/2/3",
		"-limit-bytes=-1", "-limit-events=0", "-limit-events=NaN", "-limit-events=-1", "-limit-events=1/x", "-limit-events=1/1/no",
		"-limit-events=1/1/drop/1", "-limit-events=1e300", "-limit-namespace-events=5", "-limit-namespace-events=chat=5",
		"-limit-namespace-events=/chat", "-limit-namespace-events=/a=1,/a=2", "-trusted-proxy=proxy.test", "-trusted-proxy=10.0.0.0/99",
	} {
		var stdout, stderr lockedbuffer.Buffer
		code := run(t.Context(), []string{"serve", "-config-check", flag}, &stdout, &stderr)
		name, _, _ := strings.Cut(flag, "=")
		if said := stderr.String(); code != 1 || !strings.HasPrefix(said, "socketio: "+name+" ") || strings.Count(said, "\n") != 1 {
			t.Errorf("%s: exit code %d, %q", flag, code, said)
		}
	}
}

// A process with limits refuses an address with too many connections, also behind a proxy that it trusts.
func TestServeLimits(t *testing.T) {
	p := start(t, "-limit-connections", "1", "-trusted-proxy", "127.0.0.1")
	defer p.end(t)
	ask := func(from string) (status int, sid string) {
		status, body, _ := fetch(t, p.url+"/socket.io/?EIO=4&transport=polling", http.Header{"X-Forwarded-For": {from}})
		if status == http.StatusTooManyRequests && body != "too many sessions of this address, the limit is 1" {
			t.Errorf("the client reads %q", body)
		}
		var open struct{ Sid string }
		_ = json.Unmarshal([]byte(strings.TrimPrefix(body, "0")), &open) // a refusal has none
		return status, open.Sid
	}
	for _, c := range []struct {
		from string
		want int
	}{{"192.0.2.1", 200}, {"192.0.2.1", 429}, {"192.0.2.2", 200}} {
		if status, sid := ask(c.from); status != c.want || (sid != "") != (status == 200) {
			t.Errorf("%s: %d %q, want %d", c.from, status, sid, c.want)
		}
	}
	direct := start(t, "-limit-connections", "1") // which trusts no proxy
	defer direct.end(t)
	if status, _, _ := fetch(t, direct.url+"/socket.io/?EIO=4&transport=polling", http.Header{"X-Forwarded-For": {"192.0.2.1"}}); status != 200 ||
		!strings.Contains(direct.stderr.String(), "if 127.0.0.1 is a proxy, add it to -trusted-proxy: until then -limit-connections does not limit") {
		t.Errorf("%d: %s", status, direct.stderr)
	}
	log := p.stderr.String()
	if !strings.Contains(log, "field=-limit-connections") || !strings.Contains(log, "raise -limit-connections if") ||
		!strings.Contains(log, "to -trusted-proxy") || strings.Contains(log, "Config.") {
		t.Errorf("the log does not name flags: %s", log)
	}
}

// Requests and tokens that are too large are answered and logged, with the flag to raise.
func TestServeSizes(t *testing.T) {
	p := start(t, "-log-level", "debug", "-max-untrusted-payload", "100", "-max-header-bytes", "4000")
	defer p.end(t)
	w := rawclient.At(t, strings.TrimPrefix(p.url, "http://")).WebSocket()
	w.Send(`40{"token":"` + strings.Repeat("x", 100) + `"}`)
	w.Want(`44{"message":"too much auth data: 114 bytes, the limit is 100"}`)
	for _, size := range []int{5000, 7000} { // net/http adds 4096 to its own limit
		header := http.Header{"Authorization": {"Bearer " + strings.Repeat("x", size)}}
		if status, _, _ := fetch(t, p.url+"/socket.io/?EIO=4&transport=polling", header); status != http.StatusRequestHeaderFieldsTooLarge {
			t.Errorf("status %d", status)
		}
	}
	log := p.stderr.String()
	if !strings.Contains(log, "or raise -max-untrusted-payload") || !strings.Contains(log, "field=-max-untrusted-payload") ||
		!strings.Contains(log, "field=-max-header-bytes") || !strings.Contains(log, "level=WARN msg=\"engineio: request refused: size") ||
		strings.Contains(log, "Config.") {
		t.Errorf("the log does not name flags: %s", log)
	}
}
