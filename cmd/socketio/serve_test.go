package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"io/fs"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gosocketio/socketio/client-js/bundle"
)

// fetch gets a URL over a connection of its own, of the protocol version that is returned last.
func fetch(t *testing.T, url string, header http.Header) (status int, body string, version int) {
	t.Helper()
	client := http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		ForceAttemptHTTP2: true,
		TLSClientConfig:   &tls.Config{InsecureSkipVerify: true},
	}}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for key, values := range header {
		r.Header[key] = values
	}
	res, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(data), res.ProtoMajor
}

func writeFile(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestWhatIsServed(t *testing.T) {
	client := t.TempDir()
	writeFile(t, filepath.Join(client, "package.json"), `{"version":"4.8.4"}`)
	writeFile(t, filepath.Join(client, "dist", "socket.io.js"), "// the client")
	p := start(t, "-demo", "-client", client)
	defer p.end(t)
	for _, c := range []struct {
		path   string
		status int
		has    string
	}{
		{"/", 200, `content="/socket.io/"`},
		{"/app.js", 200, "import"},
		{"/nope", 404, ""},
		{"/socket.io/socket.io.js", 200, "// the client"},
		{"/socket.io/?EIO=4&transport=polling", 200, `"upgrades":["websocket"]`},
		{"/socket.io/?EIO=4&transport=nope", 400, "Transport unknown"},
		{"/chat", 426, "WebSocket"},
	} {
		status, body, _ := fetch(t, p.url+c.path, nil)
		if status != c.status || !strings.Contains(body, c.has) {
			t.Errorf("%s: %d %.100s", c.path, status, body)
		}
	}
}

func TestAnotherPath(t *testing.T) {
	p := start(t, "-demo", "-path", "/{any}/thing")
	defer p.end(t)
	if _, body, _ := fetch(t, p.url, nil); !strings.Contains(body, `"/%7Bany%7D/thing/socket.io.js"`) {
		t.Errorf("the page does not know the path")
	}
	if status, body, _ := fetch(t, p.url+"/%7Bany%7D/thing/?EIO=4&transport=polling", nil); status != 200 {
		t.Errorf("status %d: %s", status, body)
	}
	if status, _, _ := fetch(t, p.url+"/socket.io/?EIO=4&transport=polling", nil); status != 404 {
		t.Errorf("the usual path: status %d", status)
	}
}

// Without -client it serves the files that it has, wherever it runs: tests run in a directory where there are none.
func TestItsOwnClientFiles(t *testing.T) {
	p := start(t)
	defer p.end(t)
	want, err := fs.ReadFile(bundle.FS(), "dist/socket.io.js")
	if err != nil {
		t.Fatal(err)
	}
	if status, body, _ := fetch(t, p.url+"/socket.io/socket.io.js", nil); status != 200 || body != string(want) {
		t.Errorf("status %d, %.200s", status, body)
	}
	if said := p.stderr.String(); strings.Contains(said, "WARN") {
		t.Errorf("it says %q", said)
	}
}

func TestOtherOrigins(t *testing.T) {
	p := start(t, "-cors", "https://a.example", "-cors", "https://*.b.example")
	defer p.end(t)
	for origin, allowed := range map[string]bool{
		"https://a.example": true, "https://x.b.example": true, "https://b.example": false, "http://a.example": false, p.url: true,
	} {
		status, _, _ := fetch(t, p.url+"/socket.io/?EIO=4&transport=polling", http.Header{"Origin": {origin}})
		if (status == 200) != allowed {
			t.Errorf("%s: status %d", origin, status)
		}
	}
}

func TestOldClients(t *testing.T) {
	for _, flags := range [][]string{nil, {"-eio3"}} {
		p := start(t, flags...)
		if status, body, _ := fetch(t, p.url+"/socket.io/?EIO=3&transport=polling", nil); (status == 200) != (flags != nil) {
			t.Errorf("%v: status %d, %s", flags, status, body)
		}
		p.end(t)
	}
}

func TestDeflate(t *testing.T) {
	for _, flags := range [][]string{nil, {"-deflate"}} {
		p := start(t, flags...)
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.url+"/socket.io/?EIO=4&transport=websocket", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header = http.Header{
			"Connection": {"Upgrade"}, "Upgrade": {"websocket"}, "Sec-Websocket-Version": {"13"}, "Sec-Websocket-Key": {"dGhlIHNhbXBsZSBub25jZQ=="},
			"Sec-Websocket-Extensions": {"permessage-deflate"},
		}
		res, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		offered := res.Header.Get("Sec-WebSocket-Extensions")
		if res.StatusCode != http.StatusSwitchingProtocols || strings.HasPrefix(offered, "permessage-deflate") != (flags != nil) {
			t.Errorf("%v: status %d, %q", flags, res.StatusCode, offered)
		}
		_ = res.Body.Close()
		p.end(t)
	}
}

func TestTLS(t *testing.T) {
	cert, key := certificate(t)
	p := start(t, "-tls-cert", cert, "-tls-key", key)
	defer p.end(t)
	if !strings.HasPrefix(p.url, "https://") {
		t.Fatalf("it is at %s", p.url)
	}
	status, body, version := fetch(t, p.url+"/socket.io/?EIO=4&transport=polling", nil)
	if status != 200 || version != 2 || !strings.HasPrefix(body, "0{") {
		t.Errorf("HTTP/%d, status %d, %s", version, status, body)
	}
}

// certificate writes a self-signed certificate for the loopback interface.
func certificate(t *testing.T) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	writeFile(t, cert, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	writeFile(t, key, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})))
	return cert, key
}
