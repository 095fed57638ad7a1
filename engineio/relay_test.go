package engineio_test

import (
	"bufio"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/gobwas/ws/wsutil"

	"github.com/gosocketio/socketio/engineio"
)

const (
	relaySecret = "0123456789abcdef"
	relayHeader = "Socketio-Relay"
)

// addresses are those of the servers of a cluster, by their tags.
type addresses struct{ sync.Map }

func (a *addresses) lookup(_ context.Context, tag string) string {
	address, _ := a.Load(tag)
	text, _ := address.(string)
	return text
}

// startNode starts a server that relays.
func startNode(t *testing.T, cluster *addresses, tag string, c engineio.Config) *server {
	t.Helper()
	return startNodeOn(t, cluster, tag, c, (*httptest.Server).Start)
}

func startNodeOn(t *testing.T, cluster *addresses, tag string, c engineio.Config, begin func(*httptest.Server)) *server {
	t.Helper()
	if c.Relay == nil {
		c.Relay = &engineio.Relay{}
	}
	c.Relay.Tag, c.Relay.Secret, c.Relay.Lookup = tag, relaySecret, cluster.lookup
	s := startOn(t, c, httptest.NewUnstartedServer, begin)
	cluster.Store(tag, strings.TrimPrefix(strings.TrimSuffix(s.url, engineio.DefaultPath), "http://"))
	return s
}

// A client's requests may go to any server of the cluster.
func TestRelayPolling(t *testing.T) {
	var cluster addresses
	owner := startNode(t, &cluster, "owner_", engineio.Config{})
	other := startNode(t, &cluster, "other_", engineio.Config{})
	q := owner.polling()
	_, id, _ := strings.Cut(q, "sid=")
	if len(id) != 20 || !strings.HasPrefix(id, "owner_") {
		t.Errorf("the session id is %q", id)
	}
	for _, text := range []string{"short", strings.Repeat("x", 500_000)} {
		parked := other.poll(q)
		owner.parked(next(t, owner.sessions))
		if got := other.request("POST", q, "4"+text); got.status != 200 || got.body != "ok" {
			t.Errorf("POST: %+v", got)
		}
		if got := next(t, parked); got.status != 200 || got.body != "4"+text {
			t.Errorf("GET: %d, %d bytes", got.status, len(got.body))
		}
		owner.sessions <- mustSession(t, owner, id)
	}
	if n := other.engine.Sessions(); n != 0 {
		t.Errorf("the other server has %d sessions", n)
	}
}

func mustSession(t *testing.T, s *server, id string) *engineio.Session {
	t.Helper()
	x, ok := s.engine.Session(id)
	if !ok {
		t.Fatalf("session %q is gone", id)
	}
	return x
}

// A body of unknown length is relayed too.
func TestRelayChunkedBody(t *testing.T) {
	var cluster addresses
	owner := startNode(t, &cluster, "owner_", engineio.Config{})
	other := startNode(t, &cluster, "other_", engineio.Config{})
	q := owner.polling()
	r, err := http.NewRequestWithContext(t.Context(), "POST", other.url+"?"+q, io.MultiReader(strings.NewReader("4hel"), strings.NewReader("lo")))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := other.do(r); err != nil || got.status != 200 {
		t.Fatalf("%+v, %v", got, err)
	}
	if got := other.request("GET", q, ""); got.body != "4hello" {
		t.Errorf("%+v", got)
	}
}

// The session's server sees the request as the client sent it, and the client its answer as it is.
func TestRelayHandsOn(t *testing.T) {
	var cluster addresses
	seen := make(chan *http.Request, 10)
	owner := startNode(t, &cluster, "owner_", engineio.Config{
		CORS: engineio.CORS{Origins: []string{"https://page.example"}, Credentials: true},
		Middleware: []func(http.Handler) http.Handler{func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				seen <- r
				w.Header().Set("X-Frame-Options", "DENY")
				next.ServeHTTP(w, r)
			})
		}},
	})
	other := startNodeOn(t, &cluster, "other_", engineio.Config{
		Middleware: []func(http.Handler) http.Handler{func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the middleware of the relaying server ran") })
		}},
	}, (*httptest.Server).StartTLS)
	q := owner.polling()
	next(t, seen)
	var local string
	r, err := http.NewRequestWithContext(t.Context(), "POST", other.url+"?"+q, strings.NewReader("4hello"))
	if err != nil {
		t.Fatal(err)
	}
	r.Host = "chat.example:8443"
	for k, v := range map[string]string{
		"Origin": "https://page.example", "X-Forwarded-For": "192.0.2.1", "X-Forwarded-Host": "a.example", "Cookie": "a=b",
		"Connection": "X-Forwarded-For", "X-Custom": "value",
	} {
		r.Header.Set(k, v)
	}
	transport := other.client.Transport.(*http.Transport).Clone()
	transport.DisableKeepAlives = true
	transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := new(net.Dialer).DialContext(ctx, network, address)
		if err == nil {
			local = c.LocalAddr().String()
		}
		return c, err
	}
	other.client = &http.Client{Transport: transport}
	got, err := other.do(r)
	if err != nil || got.status != 200 || got.body != "ok" {
		t.Fatalf("%+v, %v", got, err)
	}
	for k, want := range map[string]string{
		"Access-Control-Allow-Origin": "https://page.example", "Access-Control-Allow-Credentials": "true",
		"X-Frame-Options": "DENY", "Content-Type": "text/html",
	} {
		if v := got.header.Values(k); len(v) != 1 || v[0] != want {
			t.Errorf("%s is %q, want %q", k, v, want)
		}
	}
	in := next(t, seen)
	if in.RemoteAddr != local || in.Host != "chat.example:8443" || in.TLS == nil {
		t.Errorf("RemoteAddr %q, Host %q, TLS %v; the client is %s", in.RemoteAddr, in.Host, in.TLS != nil, local)
	}
	if at, _ := in.Context().Value(http.LocalAddrContextKey).(net.Addr); at == nil || !strings.HasSuffix(other.url, at.String()+engineio.DefaultPath) {
		t.Errorf("the local address is %v, want that of %s", at, other.url)
	}
	for k, want := range map[string]string{
		"X-Forwarded-For": "192.0.2.1", "X-Forwarded-Host": "a.example", "Cookie": "a=b", "X-Custom": "value", relayHeader: "",
	} {
		if v := in.Header.Get(k); v != want {
			t.Errorf("%s is %q, want %q", k, v, want)
		}
	}
}

// Rules for origins are those of the session's server.
func TestRelayForeignOrigin(t *testing.T) {
	var cluster addresses
	owner := startNode(t, &cluster, "owner_", engineio.Config{})
	other := startNode(t, &cluster, "other_", engineio.Config{CORS: engineio.CORS{Origins: []string{"*"}}})
	r, err := http.NewRequestWithContext(t.Context(), "GET", other.url+"?"+owner.polling(), nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Origin", "https://page.example")
	got, err := other.do(r)
	if err != nil || got.status != 403 || got.header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("%+v, %v", got, err)
	}
}

// A session upgrades to a WebSocket on another server.
func TestRelayUpgrade(t *testing.T) {
	var cluster addresses
	owner := startNode(t, &cluster, "owner_", engineio.Config{})
	other := startNode(t, &cluster, "other_", engineio.Config{})
	q := owner.polling()
	c := upgraded(t, other, owner, q)
	for _, text := range []string{"hello", strings.Repeat("x", 300_000)} {
		if err := wsutil.WriteClientText(c, []byte("4"+text)); err != nil {
			t.Fatal(err)
		}
		if got, _, err := c.read(); err != nil || got != "4"+text {
			t.Errorf("%d bytes, %v", len(got), err)
		}
	}
	_ = c.Close()
	if got := next(t, owner.closings); got.reason != engineio.ReasonTransportClose {
		t.Errorf("the session ended with %v, %v", got.reason, got.cause)
	}
}

// upgraded upgrades a session of owner over another server.
func upgraded(t *testing.T, via, owner *server, q string) *socket {
	t.Helper()
	c := via.dial(strings.Replace(q, "polling", "websocket", 1))
	for _, p := range []struct{ send, want string }{{"2probe", "3probe"}, {"5", ""}} {
		if err := wsutil.WriteClientText(c, []byte(p.send)); err != nil {
			t.Fatal(err)
		}
		if p.want == "" {
			continue
		}
		if got, _, err := c.read(); err != nil || got != p.want {
			t.Fatalf("%q, %v", got, err)
		}
	}
	x := mustSession(t, owner, q[strings.LastIndex(q, "=")+1:])
	eventually(t, "the upgrade", func() bool { return x.Transport() == engineio.WebSocket })
	return c
}

// The end of a session closes the relayed WebSocket of the client.
func TestRelayedWebSocketEnds(t *testing.T) {
	var cluster addresses
	owner := startNode(t, &cluster, "owner_", engineio.Config{})
	other := startNode(t, &cluster, "other_", engineio.Config{})
	c := upgraded(t, other, owner, owner.polling())
	x := next(t, owner.sessions)
	eventually(t, "the upgrade", func() bool { return x.Transport() == engineio.WebSocket })
	x.Close()
	if _, _, err := c.read(); err == nil {
		t.Error("the WebSocket is still there")
	}
}

// A second upgrade of a session is refused in the same way as without a relay.
func TestRelayRefusedUpgrade(t *testing.T) {
	var cluster addresses
	startNode(t, &cluster, "owner_", engineio.Config{})
	other := startNode(t, &cluster, "other_", engineio.Config{})
	if _, err := other.tryDial("EIO=4&transport=websocket&sid=owner_00000000000000"); err == nil || !strings.Contains(err.Error(), "400") {
		t.Errorf("got %v", err)
	}
}

// A client that breaks off its relayed GET ends its session.
func TestRelayCancel(t *testing.T) {
	var cluster addresses
	owner := startNode(t, &cluster, "owner_", engineio.Config{})
	other := startNode(t, &cluster, "other_", engineio.Config{})
	q := owner.polling()
	ctx, cancel := context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, "GET", other.url+"?"+q, nil)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		_, err := other.do(r)
		done <- err
	}()
	owner.parked(next(t, owner.sessions))
	cancel()
	if err := next(t, done); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if got := next(t, owner.closings); got.reason != engineio.ReasonTransportError {
		t.Errorf("%v, %v", got.reason, got.cause)
	}
}

const unknownBody = `{"code":1,"message":"Session ID unknown"}`

// Ids that name no server that is there are unknown at once.
func TestRelayUnknown(t *testing.T) {
	refusing, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = refusing.Close()
	var cluster addresses
	log := new(logLines)
	s := startNode(t, &cluster, "server", engineio.Config{Logger: slog.New(log)})
	startNode(t, &cluster, "other_", engineio.Config{})
	cluster.Store("gone__", refusing.Addr().String())
	cluster.Store("itself", cluster.lookup(t.Context(), "server"))
	for name, id := range map[string]string{
		"own tag":              "server00000000000000",
		"no server":            "nobody00000000000000",
		"a server that ended":  "gone__00000000000000",
		"no such session":      "other_00000000000000",
		"relayed to itself":    "itself00000000000000",
		"too short":            "other_0",
		"too long":             "other_000000000000000",
		"huge":                 strings.Repeat("other_", 1000),
		"characters":           "other_%0d%0a00000000",
		"characters of a path": "other_/../../00000000",
		"tag alone":            "other_",
	} {
		for _, method := range []string{"GET", "POST"} {
			got := s.request(method, "EIO=4&transport=polling&sid="+id, "")
			if got.status != 400 || got.body != unknownBody {
				t.Errorf("%s, %s: %+v", name, method, got)
			}
		}
	}
	if text := fmt.Sprint(log.refusals()); !strings.Contains(text, "other server does not answer") || !strings.Contains(text, refusing.Addr().String()) {
		t.Errorf("the log does not name the server: %s", text)
	}
}

// Without Config.Relay the header means nothing.
func TestRelayHeaderWithoutRelay(t *testing.T) {
	s := start(t, engineio.Config{})
	q := s.polling()
	if got := askWith(t, s, q, "x"); got.status != 200 {
		t.Errorf("%+v", got)
	}
}

func askWith(t *testing.T, s *server, q string, header ...string) reply {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), "POST", s.url+"?"+q, strings.NewReader("4x"))
	if err != nil {
		t.Fatal(err)
	}
	r.Header[relayHeader] = header
	got, err := s.do(r)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// signed is the header for a POST.
func signed(s *server, secret, uri, text string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	host := strings.TrimPrefix(strings.TrimSuffix(s.url, engineio.DefaultPath), "http://")
	fmt.Fprintf(mac, "socketio relay 1\nPOST\n%s\n%s\n%s\n", uri, host, text)
	return text + " " + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// A client cannot pretend to be a server of the cluster.
func TestRelayForged(t *testing.T) {
	var cluster addresses
	log := new(logLines)
	seen := make(chan string, 100)
	s := startNode(t, &cluster, "server", engineio.Config{
		Logger: slog.New(log),
		Middleware: []func(http.Handler) http.Handler{func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				seen <- r.RemoteAddr
				next.ServeHTTP(w, r)
			})
		}},
	})
	q := s.polling()
	<-seen
	uri := engineio.DefaultPath + "?" + q
	client := url.QueryEscape("192.0.2.1:5") + " " + url.QueryEscape("tcp/10.0.0.1:80") + " https"
	good := signed(s, relaySecret, uri, client)
	if got := askWith(t, s, q, good); got.status != 200 {
		t.Errorf("a valid header: %+v", got)
	}
	if address := next(t, seen); address != "192.0.2.1:5" {
		t.Errorf("the client's address is %q", address)
	}
	for name, header := range map[string][]string{
		"empty":           {""},
		"blanks":          {"   "},
		"no signature":    {client},
		"short signature": {client + " AAAA"},
		"no base64":       {client + " !!!!"},
		"another secret":  {signed(s, "0123456789abcdeF", uri, client)},
		"another URI":     {signed(s, relaySecret, uri+"&x", client)},
		"another client":  {strings.Replace(good, "192.0.2.1", "192.0.2.2", 1)},
		"two":             {good, good},
		"few fields":      {signed(s, relaySecret, uri, "a b")},
		"many fields":     {signed(s, relaySecret, uri, client+" more")},
		"long":            {strings.Repeat("x ", 5000)},
	} {
		got := askWith(t, s, q, header...)
		if got.status != 403 || !strings.Contains(got.body, `"code":4`) {
			t.Errorf("%s: %+v", name, got)
		}
	}
	if len(seen) > 0 {
		t.Error("a forged request was served")
	}
	if text := fmt.Sprint(log.refusals()); !strings.Contains(text, "relay signature") || strings.Contains(text, relaySecret) {
		t.Errorf("the log: %s", text)
	}
	if got := s.request("GET", q, ""); got.body != "4x" {
		t.Errorf("the session got %q", got.body)
	}
}

// script answers connections with a text and closes them.
func script(t *testing.T, answer string) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			if r, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
				_, _ = io.Copy(io.Discard, r.Body)
				_, _ = io.WriteString(c, answer)
			}
			_ = c.Close()
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		all.Wait()
	})
	return l.Addr().String()
}

// A server that breaks off before its answer has no session any more. One that breaks off within it
// breaks the client's connection.
func TestRelayBrokenAnswers(t *testing.T) {
	var cluster addresses
	s := startNode(t, &cluster, "server", engineio.Config{})
	for name, c := range map[string]struct{ answer, want string }{
		"nothing":       {"", unknownBody},
		"no HTTP":       {"hello\r\n\r\n", unknownBody},
		"half a head":   {"HTTP/1.1 200 OK\r\nContent-", unknownBody},
		"endless head":  {"HTTP/1.1 200 OK\r\n" + strings.Repeat("A: "+strings.Repeat("x", 1000)+"\r\n", 1100) + "\r\n", unknownBody},
		"only 100":      {strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", 100), unknownBody},
		"half a body":   {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n4he", ""},
		"half a chunk":  {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n4he", ""},
		"100, then 200": {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n4a", "4a"},
		"until the end": {"HTTP/1.1 200 OK\r\n\r\n4hello", "4hello"},
	} {
		t.Run(name, func(t *testing.T) {
			cluster.Store("script", script(t, c.answer))
			// A large body has a connection of its own.
			r, err := http.NewRequestWithContext(t.Context(), "POST", s.url+"?EIO=4&transport=polling&sid=script00000000000000",
				strings.NewReader(strings.Repeat("x", 100_000)))
			if err != nil {
				t.Fatal(err)
			}
			got, err := s.do(r)
			if (err != nil) != (c.want == "") || c.want != "" && got.body != c.want {
				t.Errorf("%+v, %v", got, err)
			}
		})
	}
}

// Shutdown ends relayed requests and WebSockets.
func TestRelayShutdown(t *testing.T) {
	var cluster addresses
	owner := startNode(t, &cluster, "owner_", engineio.Config{})
	other := startNode(t, &cluster, "other_", engineio.Config{})
	c := upgraded(t, other, owner, owner.polling())
	next(t, owner.sessions)
	parked := other.poll(owner.polling())
	owner.parked(next(t, owner.sessions))
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := other.engine.Shutdown(ctx); err != nil {
		t.Fatal(err)
	}
	if _, _, err := c.read(); err == nil {
		t.Error("the WebSocket is still there")
	}
	next(t, owner.closings)
	if got := next(t, parked); got.status != 200 || got.body != "6" {
		t.Errorf("the parked GET got %+v, want a noop", got)
	}
	if n := owner.engine.Sessions(); n != 1 {
		t.Errorf("%d sessions are left, want that on long-polling", n)
	}
	if got := other.request("GET", owner.polling(), ""); got.status != 503 {
		t.Errorf("%+v", got)
	}
}

// Drain moves the clients of relayed WebSockets too: they get what is queued, and a close.
func TestDrainRelayedWebSocket(t *testing.T) {
	var cluster addresses
	owner := startNode(t, &cluster, "owner_", engineio.Config{})
	other := startNode(t, &cluster, "other_", engineio.Config{})
	first := upgraded(t, other, owner, owner.polling())
	x := next(t, owner.sessions)
	_ = x.Send([]byte("queued"), false)
	if n := other.engine.Stats().Relayed; n != 1 {
		t.Errorf("%d relayed WebSockets", n)
	}
	done := other.drain()
	if got, _, err := first.read(); err != nil || got != "4queued" {
		t.Errorf("%q, %v", got, err)
	}
	q := owner.polling() // it begins to upgrade too late
	parked := owner.poll(q)
	owner.parked(next(t, owner.sessions))
	late := other.dial(strings.Replace(q, "polling", "websocket", 1))
	if got := next(t, parked); got.body != "1" {
		t.Errorf("%+v", got)
	}
	if _, _, err := first.read(); err == nil {
		t.Error("the WebSocket is still open")
	}
	_ = first.Close()
	_ = late.Close()
	for range 2 {
		if got := next(t, owner.closings); got.reason != engineio.ReasonForcedClose || !errors.Is(got.cause, engineio.ErrServerClosed) {
			t.Errorf("%v, %v", got.reason, got.cause)
		}
	}
	if err := next(t, done); err != nil {
		t.Error(err)
	}
	if owner.engine.Draining() {
		t.Error("the session's server drains")
	}
}

// MaxRequests bounds the requests that are relayed at a time.
func TestRelayMaxRequests(t *testing.T) {
	var cluster addresses
	log := new(logLines)
	owner := startNode(t, &cluster, "owner_", engineio.Config{})
	other := startNode(t, &cluster, "other_", engineio.Config{Relay: &engineio.Relay{MaxRequests: 1}, Logger: slog.New(log)})
	q := owner.polling()
	parked := other.poll(q)
	owner.parked(next(t, owner.sessions))
	if got := other.request("POST", q, "4x"); got.status != 503 {
		t.Errorf("%+v", got)
	}
	if text := fmt.Sprint(log.refusals()); !strings.Contains(text, "Config.Relay.MaxRequests") {
		t.Errorf("the log: %s", text)
	}
	if got := owner.request("POST", q, "4x"); got.status != 200 {
		t.Errorf("%+v", got)
	}
	next(t, parked)
}

func TestRelayConfig(t *testing.T) {
	ok := engineio.Relay{Tag: "abc-_1", Secret: relaySecret, Lookup: new(addresses).lookup}
	for want, change := range map[string]func(*engineio.Config){
		"": func(*engineio.Config) {},
		`engineio: invalid configuration: Relay.Tag is "abc", it must be 6 letters, digits, - or _`:                               func(c *engineio.Config) { c.Relay.Tag = "abc" },
		`engineio: invalid configuration: Relay.Tag is "abc de", it must be 6 letters, digits, - or _`:                            func(c *engineio.Config) { c.Relay.Tag = "abc de" },
		`engineio: invalid configuration: Relay.Secret has 5 bytes, it must have at least 16`:                                     func(c *engineio.Config) { c.Relay.Secret = "short" },
		`engineio: invalid configuration: Relay.Lookup is nil, it must be a function`:                                             func(c *engineio.Config) { c.Relay.Lookup = nil },
		`engineio: invalid configuration: Relay.MaxRequests is -1, it must be at least 1`:                                         func(c *engineio.Config) { c.Relay.MaxRequests = -1 },
		`engineio: invalid configuration: GenerateID cannot go with Relay, which makes the ids: they begin with the server's tag`: func(c *engineio.Config) { c.GenerateID = func(*http.Request) (string, error) { return "", nil } },
	} {
		relay := ok
		c := engineio.Config{Relay: &relay}
		change(&c)
		_, err := engineio.New(c)
		if got := fmt.Sprint(err); got != want && (want != "" || err != nil) {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}
