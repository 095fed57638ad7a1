package engineio_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"github.com/gosocketio/socketio/engineio"
)

// clientCertificate makes a certificate for a client that an authority of its own has signed.
func clientCertificate(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	now := time.Now()
	template := func(name string, authority bool) *x509.Certificate {
		return &x509.Certificate{
			SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: name},
			NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour),
			IsCA: authority, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
			ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
		}
	}
	key := func() *ecdsa.PrivateKey {
		k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	authorityKey, clientKey := key(), key()
	authority, client := template("authority", true), template("client", false)
	signed := func(c *x509.Certificate, k *ecdsa.PrivateKey) []byte {
		der, err := x509.CreateCertificate(rand.Reader, c, authority, &k.PublicKey, authorityKey)
		if err != nil {
			t.Fatal(err)
		}
		return der
	}
	parsed, err := x509.ParseCertificate(signed(authority, authorityKey))
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(parsed)
	return tls.Certificate{Certificate: [][]byte{signed(client, clientKey)}, PrivateKey: clientKey}, pool
}

// Sessions over TLS whose clients have, need, or lack a certificate of their own; the application sees it in the request.
func TestClientCertificates(t *testing.T) {
	certificate, pool := clientCertificate(t)
	for _, c := range []struct {
		name, polling, websocket string
		auth                     tls.ClientAuthType
		with, ok                 bool
	}{
		{"required", "engine/server/messages/21", "engine/server/messages/23", tls.RequireAndVerifyClientCert, true, true},
		{"optional, and absent", "engine/server/messages/22", "", tls.VerifyClientCertIfGiven, false, true},
		{"required, and absent", "", "", tls.RequireAndVerifyClientCert, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Attr("covers", c.polling)
			t.Attr("covers", c.websocket)
			names := make(chan string, 10)
			config := engineio.Config{AllowRequest: func(r *http.Request) error {
				name := ""
				if len(r.TLS.PeerCertificates) > 0 {
					name = r.TLS.PeerCertificates[0].Subject.CommonName
				}
				names <- name
				return nil
			}}
			s := startOn(t, config, httptest.NewUnstartedServer, func(h *httptest.Server) {
				h.TLS = &tls.Config{ClientAuth: c.auth, ClientCAs: pool, MinVersion: tls.VersionTLS13}
				h.StartTLS()
			})
			client := s.client.Transport.(*http.Transport).TLSClientConfig
			want := ""
			if c.with {
				client.Certificates = []tls.Certificate{certificate}
				want = "client"
			}
			if !c.ok {
				if res, err := s.client.Get(s.url + "?" + handshake); err == nil {
					res.Body.Close()
					t.Error("the handshake was answered")
				}
				return
			}
			q := s.polling()
			s.request("POST", q, "4hi")
			if got := s.request("GET", q, ""); got.body != "4hi" {
				t.Errorf("GET: %+v", got)
			}
			d := ws.Dialer{TLSConfig: client.Clone()}
			d.TLSConfig.NextProtos = nil
			conn, br, _, err := d.Dial(t.Context(), strings.Replace(s.url, "https", "wss", 1)+"?"+direct)
			if err != nil {
				t.Fatal(err)
			}
			w := wrap(t, conn, br)
			w.open()
			w.send("4hi")
			w.want("4hi")
			_ = conn.Close()
			for range 2 {
				if got := next(t, names); got != want {
					t.Errorf("the client's name is %q", got)
				}
			}
		})
	}
}
