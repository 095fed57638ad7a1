package load

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Target is the server under load.
type Target struct {
	// URL is where its Socket.IO server answers, such as http://127.0.0.1:3000/socket.io/.
	URL string
	// Insecure takes any certificate of an https URL.
	Insecure bool
	// EIO is the revision of the Engine.IO protocol to speak: 4 (the default) or 3.
	EIO int
	// Deflate compresses the messages over WebSocket (permessage-deflate). A server that declines it fails the run.
	Deflate bool
	// Namespace is the one to join, by default "/".
	Namespace string
	// Timeout is how long making a connection, or joining a room, may take. Default 30 s.
	Timeout time.Duration
	// Answer is how long the server may take to answer the first event of a kind, before the run fails because it has no
	// handler for it. Default 5 s.
	Answer time.Duration

	host    string // with port
	path    string
	tls     *tls.Config // nil for http
	sources int         // loopback addresses that connections come from
	next    atomic.Uint32
	beats   atomic.Int64 // heartbeats of all connections

	pinging sync.Mutex
	pinged  map[*Conn]struct{} // of protocol 3, whose client pings
}

// portsPerSource is how many connections are made from one address: fewer than there are ports.
const portsPerSource = 20_000

// Check fills in the defaults and returns an error that says what is wrong with the target.
func (t *Target) Check() error {
	u, err := url.Parse(t.URL)
	switch {
	case err != nil:
		return fmt.Errorf("load: %w", err)
	case u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return fmt.Errorf("load: %q is not a URL such as http://127.0.0.1:3000/socket.io/", t.URL)
	}
	if t.EIO == 0 {
		t.EIO = 4
	}
	if t.EIO != 3 && t.EIO != 4 {
		return fmt.Errorf("load: there is no Engine.IO protocol %d to speak, only 3 and 4", t.EIO)
	}
	if t.Timeout == 0 {
		t.Timeout = 30 * time.Second
	}
	if t.Answer == 0 {
		t.Answer = 5 * time.Second
	}
	if t.Namespace == "" {
		t.Namespace = "/"
	}
	if t.Namespace[0] != '/' {
		return fmt.Errorf("load: the namespace %q does not begin with a slash", t.Namespace)
	}
	t.host, t.path = u.Host, u.Path
	port := ":80"
	if u.Scheme == "https" {
		port = ":443"
		t.tls = &tls.Config{ServerName: u.Hostname(), InsecureSkipVerify: t.Insecure} //nolint:gosec // if asked for
	}
	if u.Port() == "" {
		t.host += port
	}
	if t.path == "" || t.path == "/" {
		t.path = "/socket.io/"
	}
	if !strings.HasSuffix(t.path, "/") {
		t.path += "/"
	}
	if ip, err := netip.ParseAddr(u.Hostname()); err == nil && ip.Is4() && ip.IsLoopback() {
		t.sources = 200
		t.next.Store(uint32(os.Getpid()%t.sources) * portsPerSource) // another one than the process beside, or before
	}
	t.pinged = make(map[*Conn]struct{})
	return nil
}

// dial opens a connection. On loopback they come from many addresses, for one has only so many ports.
func (t *Target) dial(ctx context.Context) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, t.Timeout)
	defer cancel()
	var d net.Dialer
	if t.sources > 0 {
		n := t.next.Add(1) / portsPerSource % uint32(t.sources)
		d.Control = latePort
		d.LocalAddr = &net.TCPAddr{IP: net.IPv4(127, 0, 1, byte(n+1))}
	}
	c, err := d.DialContext(ctx, "tcp", t.host)
	if errors.Is(err, syscall.EMFILE) {
		err = fmt.Errorf("%w: raise the limit of open files (ulimit -n) or use fewer connections", err)
	}
	if err != nil || t.tls == nil {
		return c, err
	}
	secure := tls.Client(c, t.tls)
	if err := secure.HandshakeContext(ctx); err != nil {
		_ = c.Close()
		return nil, fmt.Errorf("load: %w", err)
	}
	return secure, nil
}

// namespace returns the namespace as packets name it.
func (t *Target) namespace() string {
	if t.Namespace == "/" || t.Namespace == "" {
		return ""
	}
	return t.Namespace + ","
}

// event makes the frame of an event packet: its type (with attachments or the like), the namespace, and the JSON with the id
// before it.
func (t *Target) event(kind, rest string) []byte {
	return t.frame(opText, []byte("4"+kind+t.namespace()+rest))
}

// binary makes the frame of an attachment.
func (t *Target) binary(data []byte) []byte {
	if t.EIO == 3 {
		return t.frame(opBinary, []byte{4}, data)
	}
	return t.frame(opBinary, data)
}

// frame makes a frame of a message.
func (t *Target) frame(op byte, payload ...[]byte) []byte {
	if t.Deflate {
		return newFrame(op|compressed, deflate(payload...))
	}
	return newFrame(op, payload...)
}
