package engineio_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"github.com/gosocketio/socketio/engineio"
	"github.com/gosocketio/socketio/internal/lockedbuffer"
)

// handshake asks for a polling session with the headers in "Key: value" form, and returns the answer.
func (s *server) handshake(headers ...string) reply {
	s.Helper()
	return s.page(handshake, "", headers...)
}

// perAddress is a server with a limit of two sessions for each address, behind a trusted proxy here or not.
func perAddress(t *testing.T, trusted bool) (*server, *lockedbuffer.Buffer) {
	t.Helper()
	log := new(lockedbuffer.Buffer)
	c := engineio.Config{
		Admission: engineio.Admission{MaxPerAddress: 2}, Logger: slog.New(slog.NewTextHandler(log, nil)),
	}
	if trusted {
		c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}
	}
	return start(t, c), log
}

const from = "X-Forwarded-For: "

// An address may have so many sessions, over whatever transport, and a new one as soon as one has ended.
func TestMaxPerAddress(t *testing.T) {
	s, log := perAddress(t, true)
	first := s.handshake(from + "198.51.100.7")
	q := "EIO=4&transport=polling&sid=" + sid(t, first.body[1:])
	if got := s.handshake(from + "198.51.100.7"); got.status != http.StatusOK {
		t.Fatalf("the second session: %+v", got)
	}
	for range 3 { // what is refused does not count
		got := s.handshake(from + "192.0.2.66, 198.51.100.7") // the client invented the first one
		if got.status != http.StatusTooManyRequests || got.header.Get("Retry-After") != "1" ||
			got.body != "too many sessions of this address, the limit is 2" {
			t.Fatalf("the third session: %+v", got)
		}
	}
	if got := s.handshake(from + "198.51.100.8"); got.status != http.StatusOK {
		t.Errorf("another address: %+v", got)
	}
	w := s.dial(strings.Replace(q, "polling", "websocket", 1)) // an upgrade is no further session
	w.send("2probe")
	w.want("3probe")
	w.send("5")
	w.send("4still here")
	w.want("4still here")
	if got := s.handshake(from + "198.51.100.7"); got.status != http.StatusTooManyRequests {
		t.Errorf("after the upgrade: %+v", got)
	}
	_ = w.Close()
	next(t, s.closings)
	if got := s.handshake(from + "198.51.100.7"); got.status != http.StatusOK {
		t.Errorf("with room again: %+v", got)
	}
	if got := s.engine.Stats(); got.Refused["sessions of an address"] != 4 || got.Rejected != 4 {
		t.Errorf("counted %+v", got)
	}
	for _, part := range []string{"level=WARN", "value=198.51.100.7/32", "limit=2", "field=Config.Admission.MaxPerAddress"} {
		if !strings.Contains(log.String(), part) {
			t.Errorf("no %s in %s", part, log)
		}
	}
	if n := strings.Count(log.String(), "\n"); n != 1 {
		t.Errorf("%d lines:\n%s", n, log)
	}
	if n := engineio.Addresses(s.engine); n != 2 {
		t.Errorf("there are %d addresses, want 2", n)
	}
	if err := s.engine.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	if n := engineio.Addresses(s.engine); n != 0 {
		t.Errorf("%d addresses are left", n)
	}
}

// A /64 of IPv6 is one address; IPv4 within IPv6 is IPv4.
func TestMaxPerAddressOfIPv6(t *testing.T) {
	s, _ := perAddress(t, true)
	for _, c := range []struct {
		address string
		want    int
	}{
		{"2001:db8:0:1::1", 200},
		{"2001:db8:0:1:ffff:ffff:ffff:ffff", 200},
		{"2001:db8:0:1::2", 429},
		{"2001:db8:0:2::1", 200},
		{"::ffff:198.51.100.7", 200},
		{"198.51.100.7", 200},
		{"::ffff:c633:6407", 429},
		{"198.51.100.8", 200},
	} {
		if got := s.handshake(from + c.address); got.status != c.want {
			t.Errorf("%s: %d, want %d", c.address, got.status, c.want)
		}
	}
}

// A proxy on this machine that is not trusted is never taken for one client, and the log says what to set.
func TestMaxPerAddressBehindLocalProxy(t *testing.T) {
	s, log := perAddress(t, false)
	for _, header := range []string{from + "198.51.100.7", "Forwarded: for=198.51.100.7"} {
		for range 3 {
			if got := s.handshake(header); got.status != http.StatusOK {
				t.Errorf("%+v", got)
			}
		}
	}
	for _, part := range []string{
		"level=WARN", `rule="proxy that is not trusted"`, "value=127.0.0.1 ", "field=Config.TrustedProxies", "limit=2",
		"if 127.0.0.1 is a proxy, add it to Config.TrustedProxies: until then Admission.MaxPerAddress does not limit its clients",
	} {
		if !strings.Contains(log.String(), part) {
			t.Errorf("no %s in %s", part, log)
		}
	}
	if n := strings.Count(log.String(), "\n"); n != 1 {
		t.Errorf("%d lines:\n%s", n, log)
	}
	for _, want := range []int{200, 200, 429} { // clients of this machine itself
		if got := s.handshake(); got.status != want {
			t.Errorf("%+v, want %d", got, want)
		}
	}
	if n := engineio.Addresses(s.engine); n != 1 {
		t.Errorf("%d addresses are counted, want that of this machine", n)
	}
}

// An address that has all it may uses up nothing of what the others share.
func TestMaxPerAddressComesFirst(t *testing.T) {
	asked := 0
	s := start(t, engineio.Config{
		Admission:      engineio.Admission{MaxPerAddress: 1, Rate: 1e-6, Burst: 2},
		AllowRequest:   func(*http.Request) error { asked++; return nil },
		TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")},
	})
	for _, c := range []struct {
		address string
		want    int
	}{{"192.0.2.1", 200}, {"192.0.2.1", 429}, {"192.0.2.1", 429}, {"192.0.2.2", 200}, {"192.0.2.3", 503}} {
		if got := s.handshake(from + c.address); got.status != c.want {
			t.Errorf("%s: %+v, want %d", c.address, got, c.want)
		}
	}
	if asked != 2 {
		t.Errorf("AllowRequest was called %d times", asked)
	}
}

// Handshakes at the same time do not exceed the limit, and leave nothing behind.
func TestMaxPerAddressAtOnce(t *testing.T) {
	s, _ := perAddress(t, true)
	var all sync.WaitGroup
	var mu sync.Mutex
	count := make(map[int]int)
	for range 20 {
		all.Go(func() {
			got := s.handshake(from + "198.51.100.7")
			mu.Lock()
			defer mu.Unlock()
			count[got.status]++
		})
	}
	all.Wait()
	if count[http.StatusOK] != 2 || count[http.StatusTooManyRequests] != 18 {
		t.Errorf("answers: %v", count)
	}
	if err := s.engine.Shutdown(context.Background()); err != nil {
		t.Error(err)
	}
	if n := engineio.Addresses(s.engine); n != 0 {
		t.Errorf("%d addresses are left", n)
	}
}
