package embedded

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/adapter/nats"

	"github.com/gosocketio/socketio/internal/brokertest"
)

func TestParseURL(t *testing.T) {
	for url, want := range map[string]Config{
		"nats+embedded://:4248?routes=host1:4248,host2:4248": {Listen: ":4248", Routes: []string{"host1:4248", "host2:4248"}},
		"nats+embedded://": {},
		"nats+embedded://to%2Fken@10.0.0.1?name=chat&node=a&store=/var/x&jetstream=1&replicas=3&prefix=p": {
			Listen: "10.0.0.1:4248", Token: "to/ken", Name: "chat", Node: "a", StoreDir: "/var/x",
			NATS: nats.Config{JetStream: true, Replicas: 3, Prefix: "p"}},
		"nats+embedded://:1?mode=static&timeout=1s": {Listen: ":1",
			NATS: nats.Config{SubscriptionMode: nats.Static, RequestTimeout: time.Second}},
	} {
		if got, err := ParseURL(url); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, %v", url, got, err)
		}
	}
	for url, want := range map[string]string{
		"nats://:4248":                      "nats: invalid URL: it does not begin with nats+embedded://",
		"nats+embedded://:4248/x":           "nats: invalid URL: it has a path, which means nothing; / in a token is written %2F",
		"nats+embedded://u:secret@:4248":    "nats: invalid URL: it has a password, must be token@host:port",
		"nats+embedded://:4248?spoon=1":     `nats: invalid URL: unknown parameter "spoon", see ParseURL of adapter/nats`,
		"nats+embedded://:4248?creds=x":     `nats: invalid URL: unknown parameter "creds"`,
		"nats+embedded://:4248?jetstream=x": "nats: invalid URL: parameter jetstream=x: it must be true or false",
		"nats+embedded://:4248?cert=x":      "nats: invalid URL: TLS needs all of cert, key and ca",
		"nats+embedded://:4248?replicas=3":  "nats: invalid URL: nats: Config.Replicas has no effect without JetStream",
	} {
		if _, err := ParseURL(url); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", url, err, want)
		}
	}
	if _, err := ParseURL("nats+embedded://sec ret@:4248"); err == nil || strings.Contains(err.Error(), "ret@") {
		t.Errorf("got %v", err)
	}
}

func TestResolve(t *testing.T) {
	for want, c := range map[string]Config{
		`nats: Config.Listen is "x", must be host:port`:              {Listen: "x"},
		`nats: Config.Routes is "x", must be host:port`:              {Routes: []string{"x"}},
		"nats: Config.TLS needs Certificates, RootCAs and ClientCAs": {TLS: &tls.Config{MinVersion: tls.VersionTLS12}},
		"nats: Config.NATS must not say how to connect":              {NATS: nats.Config{Token: "x"}},
		"nats: Config.Name and Config.Node must not have spaces":     {Node: "a b"},
		"nats: Config.Replicas is -1, must be 1 to 5":                {NATS: nats.Config{JetStream: true, Replicas: -1}},
	} {
		if _, err := c.resolve(); err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
	c, err := Config{URL: "nats+embedded://t@h?prefix=p&mode=static", Token: "u", NATS: nats.Config{Prefix: "q"}}.resolve()
	if err != nil || c.Listen != "h:4248" || c.Token != "u" || c.NATS.Prefix != "q" ||
		c.NATS.SubscriptionMode != nats.Static {
		t.Errorf("%+v, %v", c, err)
	}
	c, err = Config{NATS: nats.Config{JetStream: true}, Routes: []string{"a:1", "b:1"}}.resolve()
	folder := filepath.Join("socketio", "nats-4248")
	if err != nil || c.Listen != ":4248" || c.NATS.Replicas != 3 || !strings.HasSuffix(c.StoreDir, folder) {
		t.Errorf("%+v, %v", c, err)
	}
}

// serve starts a server of a node.
func serve(t *testing.T, c Config) (*socketio.Server, error) {
	s, err := socketio.NewServer(socketio.Config{Adapter: New(c), Logger: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err == nil {
		t.Cleanup(func() {
			ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
			defer cancel()
			if err := s.Shutdown(ctx); err != nil {
				t.Error(err)
			}
		})
	}
	return s, err
}

// address returns a free one.
func address(t *testing.T) string { return fmt.Sprintf("127.0.0.1:%d", brokertest.FreePorts(t, 1)[0]) }

// A port that is taken is one clear line.
func TestPortTaken(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	_, err = serve(t, Config{Listen: l.Addr().String(), Token: "secret"})
	text := fmt.Sprint(err)
	if !strings.Contains(text, "nats: embedded server at "+l.Addr().String()) ||
		!strings.Contains(text, "address already in use") ||
		strings.Contains(text, "\n") || strings.Contains(text, "secret") {
		t.Errorf("got %v", err)
	}
}

// counts waits until a server knows so many.
func counts(t *testing.T, s *socketio.Server, want int) {
	t.Helper()
	n := 0
	for deadline := time.Now().Add(20 * time.Second); n != want; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d servers, want %d", n, want)
		}
		n, _ = s.Of("/").ServerCount(t.Context())
	}
}

// Nodes with the right token and a certificate of the authority join, others do not.
func TestSecrets(t *testing.T) {
	dir := t.TempDir()
	good, bad := authority(t, filepath.Join(dir, "good")), authority(t, filepath.Join(dir, "bad"))
	first := address(t)
	a, err := serve(t, Config{Listen: first, Token: "secret", TLS: good})
	if err != nil {
		t.Fatal(err)
	}
	others := map[string]Config{
		"token":       {Token: "other", TLS: good},
		"no token":    {TLS: good},
		"certificate": {Token: "secret", TLS: bad},
		"no TLS":      {Token: "secret"},
	}
	var outside []*socketio.Server
	for name, c := range others {
		c.Listen, c.Routes, c.Node = address(t), []string{first}, strings.ReplaceAll(name, " ", "-")
		s, err := serve(t, c)
		if err != nil {
			t.Fatal(err)
		}
		outside = append(outside, s)
	}
	g := filepath.Join(dir, "good")
	b, err := serve(t, Config{URL: "nats+embedded://secret@" + address(t) + "?routes=" + first +
		"&cert=" + g + ".pem&key=" + g + ".key&ca=" + g + ".pem"})
	if err != nil {
		t.Fatal(err)
	}
	counts(t, a, 2)
	counts(t, b, 2)
	for _, s := range outside {
		counts(t, s, 1)
	}
}

// authority writes a certificate that has signed itself, and its key, and returns the TLS configuration.
func authority(t *testing.T, path string) *tls.Config {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "node"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{
		path + ".pem": {Type: "CERTIFICATE", Bytes: cert}, path + ".key": {Type: "EC PRIVATE KEY", Bytes: private},
	} {
		if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c, err := readTLS(path+".pem", path+".key", path+".pem")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

var _ adapter.Broker = (*broker)(nil)
