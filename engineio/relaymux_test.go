package engineio_test

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gosocketio/socketio/engineio"
)

// openMux connects to a server as another one does that has a secret.
func openMux(t *testing.T, s *server, secret string, proof func(nonce string) []byte) (conn net.Conn, in *bufio.Reader, status int) {
	t.Helper()
	host := strings.TrimPrefix(strings.TrimSuffix(s.url, engineio.DefaultPath), "http://")
	conn, err := net.Dial("tcp", host)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	client := url.QueryEscape("192.0.2.1:5") + " %2F http"
	header := engineio.RelayStamp(secret, "GET", engineio.DefaultPath, host, client)
	fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: socketio-relay\r\n%s: %s\r\n\r\n",
		engineio.DefaultPath, host, relayHeader, header)
	in = bufio.NewReader(conn)
	res, err := http.ReadResponse(in, nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if proof != nil {
		_, _ = conn.Write(proof(res.Header.Get(relayHeader)))
	}
	return conn, in, res.StatusCode
}

// A connection that carries requests needs the secret, twice: a signature that was seen is not enough.
func TestRelayMuxNeedsTheSecret(t *testing.T) {
	var cluster addresses
	log := new(logLines)
	s := startNode(t, &cluster, "server", engineio.Config{Logger: slog.New(log)})
	if _, _, status := openMux(t, s, "0123456789abcdeF", nil); status != 403 {
		t.Errorf("another secret: %d", status)
	}
	seen := ""
	_, _, status := openMux(t, s, relaySecret, func(nonce string) []byte {
		seen = nonce
		return engineio.RelayProof(relaySecret, nonce)
	})
	if status != 101 || len(seen) < 20 {
		t.Fatalf("%d, nonce %q", status, seen)
	}
	_, in, _ := openMux(t, s, relaySecret, func(string) []byte { return engineio.RelayProof(relaySecret, seen) })
	if _, err := in.ReadByte(); err == nil {
		t.Error("an old proof was accepted")
	}
	if lines := log.refusals(); len(lines) != 2 {
		t.Errorf("the log: %v", lines)
	}
}

// muxFrame is a frame between servers.
func muxFrame(kind byte, id uint32, payload string) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(5+len(payload)))
	return append(binary.BigEndian.AppendUint32(append(b, kind), id), payload...)
}

// Frames that no server sends end the connection, and nothing else.
func TestRelayMuxBadFrames(t *testing.T) {
	var cluster addresses
	s := startNode(t, &cluster, "server", engineio.Config{})
	q := s.polling()
	request := func(uri string) []byte {
		r, err := http.NewRequest("POST", uri, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.RemoteAddr = "192.0.2.1:5"
		return engineio.RelayRequest(7, r, []byte("4x"))
	}
	good := request(engineio.DefaultPath + "?" + q)
	for name, sent := range map[string][]byte{
		"length below the head":  {0, 0, 0, 4, 5, 0, 0, 0, 0},
		"length above the limit": {0xff, 0xff, 0xff, 0xff, 1, 0, 0, 0, 0},
		"unknown":                muxFrame(99, 1, ""),
		"an answer":              muxFrame(6, 1, "\x02"),
		"no request":             muxFrame(1, 1, ""),
		"a huge text":            muxFrame(1, 1, "\xff\xff\xff\xff\x7fx"),
		"an endless number":      muxFrame(1, 1, strings.Repeat("\xff", 100)),
		"half a request":         muxFrame(1, 1, string(good[9:20])),
		"no method":              muxFrame(1, 1, "\x00\x01/\x00\x00\x00\x00\x00\x00"),
		"no URI":                 muxFrame(1, 1, "\x03GET\x00\x00\x00\x00\x00\x00\x00"),
		"a header of two lines":  muxFrame(1, 1, "\x03GET\x01/\x00\x00\x00\x00\x00\x01A\x03a\r\n\x00"),
		"no credit":              muxFrame(4, 1, ""),
		"much credit":            muxFrame(4, 1, "\xff\xff\xff\xff\xff\xff\xff\xff\x7f"),
	} {
		t.Run(name, func(t *testing.T) {
			conn, in, _ := openMux(t, s, relaySecret, func(nonce string) []byte { return engineio.RelayProof(relaySecret, nonce) })
			if _, err := conn.Write(sent); err != nil {
				t.Fatal(err)
			}
			if got, err := io.ReadAll(in); len(got) > 0 || err != nil && !strings.Contains(err.Error(), "reset") {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
	// What is for no request is ignored. A handshake is not relayed: its connection is cut.
	conn, in, _ := openMux(t, s, relaySecret, func(nonce string) []byte { return engineio.RelayProof(relaySecret, nonce) })
	for _, b := range [][]byte{muxFrame(2, 1, ""), muxFrame(3, 1, ""), muxFrame(4, 1, "\x01"), request(engineio.DefaultPath + "?EIO=4&transport=polling"), good} {
		if _, err := conn.Write(b); err != nil {
			t.Fatal(err)
		}
	}
	abort := make([]byte, 10)
	if _, err := io.ReadFull(in, abort); err != nil || !bytes.Equal(abort, muxFrame(6, 7, "\x04")) {
		t.Errorf("the handshake got %x, %v", abort, err)
	}
	if got := s.request("GET", q, ""); got.body != "4x" {
		t.Errorf("the session got %+v", got)
	}
	if n := s.engine.Sessions(); n != 1 {
		t.Errorf("%d sessions", n)
	}
}

// A client that does not read a large answer holds up nobody else, and gets all of it.
func TestRelaySlowClient(t *testing.T) {
	var cluster addresses
	owner := startNode(t, &cluster, "owner_", engineio.Config{})
	other := startNode(t, &cluster, "other_", engineio.Config{})
	slow, quick := owner.polling(), owner.polling()
	x := next(t, owner.sessions)
	const size = 6_000_000 // more than the buffers of both connections hold
	if err := x.Send(bytes.Repeat([]byte{'x'}, size), false); err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", strings.TrimPrefix(strings.TrimSuffix(other.url, engineio.DefaultPath), "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "GET %s?%s HTTP/1.1\r\nHost: x\r\n\r\n", engineio.DefaultPath, slow)
	in := bufio.NewReader(conn)
	if _, err := in.Peek(1); err != nil {
		t.Fatal(err)
	}
	for range 20 {
		other.request("POST", quick, "4hello")
		if got := other.request("GET", quick, ""); got.body != "4hello" {
			t.Fatalf("%+v", got)
		}
	}
	res, err := http.ReadResponse(in, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if got, err := io.ReadAll(res.Body); err != nil || len(got) != 1+size {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

// A panic in the middleware of the session's server cuts the client's connection, as without a relay.
func TestRelayPanic(t *testing.T) {
	var cluster addresses
	log := new(logLines)
	owner := startNode(t, &cluster, "owner_", engineio.Config{Logger: slog.New(log), Middleware: []middleware{func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == "POST" {
				panic("a test")
			}
			next.ServeHTTP(w, r)
		})
	}}})
	other := startNode(t, &cluster, "other_", engineio.Config{})
	q := owner.polling()
	r, err := http.NewRequestWithContext(t.Context(), "POST", other.url+"?"+q, strings.NewReader("4x"))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := other.do(r); err == nil {
		t.Errorf("%+v", got)
	}
	if text := fmt.Sprint(log.refusals()); !strings.Contains(text, "panic in a relayed request") {
		t.Errorf("the log: %s", text)
	}
	parked := other.poll(q)
	owner.parked(next(t, owner.sessions))
	_ = mustSession(t, owner, q[len(q)-20:]).Send([]byte("y"), false)
	if got := next(t, parked); got.body != "4y" {
		t.Errorf("the next request: %+v", got)
	}
}

// The end of a server ends the requests that were relayed to it, at once.
func TestRelayedToAServerThatEnds(t *testing.T) {
	var cluster addresses
	owner := startNode(t, &cluster, "owner_", engineio.Config{})
	other := startNode(t, &cluster, "other_", engineio.Config{})
	var parked []<-chan reply
	for range 5 {
		parked = append(parked, other.poll(owner.polling()))
		owner.parked(next(t, owner.sessions))
	}
	if err := owner.engine.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, c := range parked {
		if got := next(t, c); got.status != 200 || got.body != "1" {
			t.Errorf("%+v", got)
		}
	}
}

// A server that ends leaves the connection open for what the other one still sends: an error of that
// would cost it the answers that it has not read.
func TestRelayMuxEndsAfterItsPeer(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	peer, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer peer.Close()
	if err := peer.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	conn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	engineio.EndMux(conn)
	if ping, err := io.ReadAll(peer); err != nil || len(ping) != 9 {
		t.Errorf("read %q, %v; want one frame", ping, err)
	}
	for range 10 {
		if _, err := peer.Write([]byte("credit")); err != nil {
			t.Fatal(err)
		}
	}
}

// Requests of other servers never panic and take no memory beyond their frame.
func FuzzRelayRequest(f *testing.F) {
	r, err := http.NewRequest("POST", engineio.DefaultPath+"?EIO=4&transport=polling&sid=owner_00000000000000", nil)
	if err != nil {
		f.Fatal(err)
	}
	r.Header.Set("Origin", "https://page.example")
	f.Add(engineio.RelayRequest(1, r, []byte("4x"))[9:])
	f.Add([]byte{})
	f.Fuzz(func(_ *testing.T, payload []byte) { engineio.DecodeRelayRequest(payload) })
}

// A connection that ends because it is idle costs no session.
func TestRelayMuxIsMadeAgain(t *testing.T) {
	var cluster addresses
	owner := startNode(t, &cluster, "owner_", engineio.Config{})
	other := startNode(t, &cluster, "other_", engineio.Config{})
	q := owner.polling()
	for range 50 {
		if got := other.request("POST", q, "4x"); got.status != 200 {
			t.Fatalf("POST: %+v", got)
		}
		engineio.EndMuxes(other.engine)
		if got := other.request("GET", q, ""); got.status != 200 || got.body != "4x" {
			t.Fatalf("GET: %+v", got)
		}
	}
}

// An answer whose headers no frame holds cuts the client's connection, and the log says so.
func TestRelayLargeHeaders(t *testing.T) {
	var cluster addresses
	log := new(logLines)
	owner := startNode(t, &cluster, "owner_", engineio.Config{Logger: slog.New(log), Middleware: []middleware{func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == "POST" {
				w.Header().Set("X-Large", strings.Repeat("x", 100_000))
			}
			next.ServeHTTP(w, r)
		})
	}}})
	other := startNode(t, &cluster, "other_", engineio.Config{})
	q := owner.polling()
	r, err := http.NewRequestWithContext(t.Context(), "POST", other.url+"?"+q, strings.NewReader("4x"))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := other.do(r); err == nil {
		t.Errorf("%d", got.status)
	}
	if got := other.request("GET", q, ""); got.body != "4x" {
		t.Errorf("%+v", got)
	}
	eventually(t, "a line in the log", func() bool { return len(log.refusals()) > 0 })
	if text := fmt.Sprint(log.refusals()); !strings.Contains(text, "headers of a relayed answer") {
		t.Errorf("the log: %s", text)
	}
}

// A server that stops, and leaves its connections open, has no sessions any more.
func TestRelayToASilentServer(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	accepted := make(chan net.Conn, 1)
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		_, _ = http.ReadRequest(bufio.NewReader(conn))
		_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\n"+relayHeader+": nonce\r\n\r\n")
		accepted <- conn
	}()
	var cluster addresses
	cluster.Store("silent", l.Addr().String())
	s := startNode(t, &cluster, "server", engineio.Config{})
	engineio.SetRelayPing(s.engine, 20*time.Millisecond)
	if got := s.request("GET", "EIO=4&transport=polling&sid=silent00000000000000", ""); got.status != 400 || got.body != unknownBody {
		t.Errorf("%+v", got)
	}
	_ = next(t, accepted).Close()
}

// A connection between two servers that carries no requests is closed.
func TestRelayMuxIsClosedWhenIdle(t *testing.T) {
	var cluster addresses
	owner := startNode(t, &cluster, "owner_", engineio.Config{})
	other := startNode(t, &cluster, "other_", engineio.Config{})
	engineio.SetRelayPing(other.engine, 200*time.Millisecond) // a server that is silent for two of it is gone
	if got := other.request("POST", owner.polling(), "4x"); got.status != 200 {
		t.Errorf("%+v", got)
	}
	eventually(t, "the close of the connection", func() bool { return engineio.Muxes(other.engine) == 0 })
}

// Whatever the middleware of the session's server sets, and however long the URL of a client is, the
// requests of others go on: they are on the same connection.
func TestRelayOddRequestsSpareOthers(t *testing.T) {
	var cluster addresses
	log := new(logLines)
	owner := startNode(t, &cluster, "owner_", engineio.Config{
		MaxHeaderBytes: 512 << 10, Logger: slog.New(log),
		Middleware: []middleware{func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				switch r.Header.Get("X-Odd") {
				case "header":
					w.Header()["X-Odd"] = []string{"two\r\nlines\x00"}
					w.Header()["no token"] = []string{"x"}
					w.Header()[""] = []string{"x"}
				case "status":
					w.WriteHeader(1000)
				}
				next.ServeHTTP(w, r)
			})
		}},
	})
	other := startNode(t, &cluster, "other_", engineio.Config{MaxHeaderBytes: 512 << 10})
	q := owner.polling()
	parked := other.poll(q)
	x := next(t, owner.sessions)
	owner.parked(x)
	ask := func(path, odd string) (reply, error) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), "POST", other.url+path+"?"+owner.polling(), strings.NewReader("4x"))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-Odd", odd)
		return other.do(r)
	}
	if got, err := ask("", "header"); err != nil || got.status != 200 || got.header.Get("X-Odd") != "two  lines" {
		t.Errorf("headers: %+v, %v", got, err)
	}
	if got, err := ask("", "status"); err == nil {
		t.Errorf("a status that is none: %+v", got)
	}
	if got, err := ask(strings.Repeat("x", 200_000), ""); err != nil || got.status != 200 {
		t.Errorf("a long path: %+v, %v", got, err)
	}
	_ = x.Send([]byte("y"), false)
	if got := next(t, parked); got.body != "4y" {
		t.Errorf("the request of another client: %+v", got)
	}
}

// A client cannot open a connection for the requests of servers through one that relays.
func TestRelayMuxIsNotRelayed(t *testing.T) {
	var cluster addresses
	owner := startNode(t, &cluster, "owner_", engineio.Config{})
	other := startNode(t, &cluster, "other_", engineio.Config{})
	r, err := http.NewRequestWithContext(t.Context(), "GET", other.url+"?"+owner.polling(), nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Connection", "Upgrade")
	r.Header.Set("Upgrade", "socketio-relay")
	if got, err := other.do(r); err != nil || got.status != 400 || got.header.Get(relayHeader) != "" {
		t.Errorf("%+v, %v", got, err)
	}
}

// The end of a relayed WebSocket over TLS does not wait for a client that takes nothing: all others would.
func TestRelayedTLSEnds(t *testing.T) {
	h := httptest.NewTLSServer(nil)
	certificates := h.TLS.Certificates
	h.Close()
	synctest.Test(t, func(t *testing.T) {
		a, b := net.Pipe()
		defer b.Close()
		server := tls.Server(a, &tls.Config{Certificates: certificates})
		go func() {
			_ = tls.Client(b, &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12}).Handshake()
		}()
		if err := server.Handshake(); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		engineio.DropRelayed(server)
		if d := time.Since(began); d > 0 {
			t.Errorf("it took %v", d)
		}
	})
}
