package embedded

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/gosocketio/socketio/adapter/nats"
	"github.com/gosocketio/socketio/internal/brokers"
)

// Config configures a node. The zero value of a field is its default.
type Config struct {
	// URL says everything, see [ParseURL]. Other fields that are set take precedence over it.
	URL string
	// Listen is the address, host:port, at which the other nodes reach this one. Default ":4248", on all
	// interfaces.
	Listen string
	// Routes are the addresses, host:port, of other nodes. One that can be reached is enough; this
	// node's own may be among them.
	Routes []string
	// Name is the name of the cluster. Nodes of another one are refused. Default "socketio".
	Name string
	// Node is the name of this node, which no other one has. Default: host name and port.
	Node string
	// Token is the secret that all nodes share. Without it, and without TLS, whoever reaches Listen can
	// join.
	Token string
	// TLS, if set, encrypts the traffic between nodes. It needs Certificates, which nodes show each
	// other, and RootCAs and ClientCAs with the authority that has issued them.
	TLS *tls.Config
	// StoreDir is the folder for the state of JetStream. Default: socketio/nats-PORT in the user's cache
	// folder. It is logged at the start.
	StoreDir string
	// NATS has the fields of package nats that do not concern the connection: Prefix, SubscriptionMode,
	// RequestTimeout, MaxQueuedBytes, JetStream and its fields. With JetStream and two or more Routes
	// Replicas is 3 by default: a majority of three nodes keeps broadcasts and sessions.
	NATS nats.Config
}

// ParseURL returns the Config of a URL:
//
//	nats+embedded://:4248?routes=host1:4248,host2:4248
//	nats+embedded://token@:4248?routes=host1:4248&jetstream=true&store=/var/lib/chat
//	nats+embedded://10.0.0.1:4248?cert=node.pem&key=node.key&ca=ca.pem
//
// The host and port are Listen, the user is Token. The parameters are routes, name, node, store
// (StoreDir), jetstream, cert, key and ca (files for TLS), and those of nats.ParseURL but creds. Others
// are an error.
func ParseURL(s string) (Config, error) {
	c, err := parseURL(s)
	if err != nil {
		return Config{}, fmt.Errorf("nats: invalid URL: %w", err)
	}
	return c, nil
}

func parseURL(s string) (c Config, err error) {
	u, err := brokers.ParseURL(s, "nats+embedded")
	if err != nil {
		return c, err
	}
	_, both := u.User.Password()
	switch {
	case u.Scheme != "nats+embedded":
		return c, errors.New("it does not begin with nats+embedded://")
	case u.Path != "":
		return c, errors.New("it has a path, which means nothing; / in a token is written %2F")
	case both:
		return c, errors.New("it has a password, must be token@host:port")
	}
	c.Token, c.Listen = u.User.Username(), u.Hosts
	if _, _, err := net.SplitHostPort(u.Hosts); err != nil && u.Hosts != "" {
		c.Listen += ":" + defaultPort
	}
	var routes, cert, key, ca string
	jetStream := false
	err = brokers.Take(u.Query, map[string]any{
		"routes": &routes, "name": &c.Name, "node": &c.Node, "store": &c.StoreDir, "jetstream": &jetStream,
		"cert": &cert, "key": &key, "ca": &ca,
	})
	if err == nil && cert+key+ca != "" {
		c.TLS, err = readTLS(cert, key, ca)
	}
	if err != nil {
		return c, err
	}
	if routes != "" {
		c.Routes = strings.Split(routes, ",")
	}
	scheme := "nats"
	if jetStream {
		scheme = "nats+jetstream"
	}
	if u.Query.Has("creds") {
		return c, errors.New(`unknown parameter "creds"`)
	}
	c.NATS, err = nats.ParseURL(scheme + "://embedded?" + u.Query.Encode())
	if err != nil {
		return c, errors.New(strings.TrimPrefix(err.Error(), "nats: invalid URL: "))
	}
	c.NATS.Addrs = nil
	return c, nil
}

// readTLS reads the files of a node's certificate and of the authority of all nodes.
func readTLS(cert, key, ca string) (*tls.Config, error) {
	if cert == "" || key == "" || ca == "" {
		return nil, errors.New("TLS needs all of cert, key and ca")
	}
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		return nil, err
	}
	pem, err := os.ReadFile(ca) // #nosec G304 -- the operator names it
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s holds no certificate", ca)
	}
	return &tls.Config{
		MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}, RootCAs: pool, ClientCAs: pool,
	}, nil
}

const defaultPort = "4248"

// resolve returns c with what its URL says and with defaults, or an error that names a field.
func (c Config) resolve() (Config, error) {
	if c.URL != "" {
		u, err := ParseURL(c.URL)
		if err != nil {
			return c, err
		}
		brokers.Override(&u.NATS, c.NATS)
		c.URL, c.NATS = "", nats.Config{}
		brokers.Override(&u, c)
		c = u
	}
	c.Listen, c.Name = cmp.Or(c.Listen, ":"+defaultPort), cmp.Or(c.Name, "socketio")
	_, port, err := net.SplitHostPort(c.Listen)
	is := brokers.Check{Package: "nats", Config: c}
	if _, bad := strconv.ParseUint(port, 10, 16); err != nil || bad != nil {
		return c, is.Invalid("Listen", "host:port")
	}
	if err := is.Addrs("Routes", c.Routes); err != nil {
		return c, err
	}
	if strings.ContainsAny(c.Name+c.Node, " \t\n") {
		return c, errors.New("nats: Config.Name and Config.Node must not have spaces")
	}
	if c.TLS != nil && (len(c.TLS.Certificates) == 0 || c.TLS.ClientCAs == nil || c.TLS.RootCAs == nil) {
		return c, errors.New("nats: Config.TLS needs Certificates, RootCAs and ClientCAs")
	}
	if c.Node == "" {
		host, _ := os.Hostname()
		c.Node = cmp.Or(host, "node") + "-" + port
	}
	n := &c.NATS
	if n.URL != "" || n.Conn != nil || n.Addrs != nil || n.TLS != nil ||
		n.Username+n.Password+n.Token+n.Credentials != "" {
		return c, errors.New("nats: Config.NATS must not say how to connect")
	}
	if n.JetStream && n.Replicas == 0 && len(c.Routes) >= 2 {
		n.Replicas = 3
	}
	if n.JetStream && c.StoreDir == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			cache = os.TempDir()
		}
		c.StoreDir = filepath.Join(cache, "socketio", "nats-"+port)
	}
	n.Name = "embedded server " + c.Node
	_, err = nats.NewBroker(*n) // what else is wrong
	return c, err
}
