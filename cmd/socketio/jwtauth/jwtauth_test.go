package jwtauth

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/MicahParks/jwkset"
	"github.com/golang-jwt/jwt/v5"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/internal/lockedbuffer"
	"github.com/gosocketio/socketio/siotest"
)

// issuer has a key of each kind.
type issuer struct {
	t    *testing.T
	keys map[string]crypto.Signer
}

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	i := &issuer{t, map[string]crypto.Signer{"rsa": rsaKey}}
	for name, curve := range map[string]elliptic.Curve{"p256": elliptic.P256(), "p384": elliptic.P384(), "p521": elliptic.P521()} {
		if i.keys[name], err = ecdsa.GenerateKey(curve, rand.Reader); err != nil {
			t.Fatal(err)
		}
	}
	if _, i.keys["ed25519"], err = ed25519.GenerateKey(rand.Reader); err != nil {
		t.Fatal(err)
	}
	return i
}

// pem returns public keys as PEM.
func (i *issuer) pem(names ...string) []byte {
	i.t.Helper()
	var out []byte
	for _, name := range names {
		der, err := x509.MarshalPKIXPublicKey(i.keys[name].Public())
		if err != nil {
			i.t.Fatal(err)
		}
		out = append(out, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})...)
	}
	return out
}

// set returns a key set with the public keys, and with secrets.
func (i *issuer) set(names ...string) []byte {
	i.t.Helper()
	set := jwkset.NewMemoryStorage()
	for _, name := range names {
		var key any = []byte(name) // a secret
		if k, ok := i.keys[name]; ok {
			key = k.Public()
		}
		options := jwkset.JWKOptions{Metadata: jwkset.JWKMetadataOptions{KID: name}}
		if _, ok := key.([]byte); ok {
			options.Marshal.Private = true
		}
		jwk, err := jwkset.NewJWKFromKey(key, options)
		if err == nil {
			err = set.KeyWrite(i.t.Context(), jwk)
		}
		if err != nil {
			i.t.Fatal(err)
		}
	}
	all, err := set.JSONPrivate(i.t.Context())
	if err != nil {
		i.t.Fatal(err)
	}
	return all
}

// claims are valid ones, with changes.
func claims(change jwt.MapClaims) jwt.MapClaims {
	c := jwt.MapClaims{"sub": "ann", "exp": time.Now().Add(time.Hour).Unix(), "iss": "us", "aud": []string{"chat", "mail"}}
	for k, v := range change {
		if c[k] = v; v == nil {
			delete(c, k)
		}
	}
	return c
}

func sign(t *testing.T, algorithm string, kid string, key any, c jwt.MapClaims) string {
	t.Helper()
	token := jwt.NewWithClaims(jwt.GetSigningMethod(algorithm), c)
	if kid != "" {
		token.Header["kid"] = kid
	}
	text, err := token.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// server serves a server in memory that checks tokens.
type server struct {
	*siotest.Server
	t       *testing.T
	io      *socketio.Server
	checker *Checker
	log     *lockedbuffer.Buffer
}

func serve(t *testing.T, c Config) *server {
	t.Helper()
	s := &server{t: t, log: new(lockedbuffer.Buffer)}
	c.Logger = slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	var err error
	if s.checker, err = New(ctx, c); err != nil {
		t.Fatal(err)
	}
	s.io = socketio.New(socketio.Config{Logger: slog.New(slog.DiscardHandler)})
	s.io.Use(s.checker.Connect)
	s.Server = siotest.Serve(t, s.io)
	return s
}

// says connects with a token and returns what the server refused it with, "" if it did not.
func (s *server) says(token string) string {
	s.t.Helper()
	c, err := s.Connect(s.t.Context(), "/", map[string]any{"token": token})
	if err == nil {
		s.t.Cleanup(c.Conn().Close)
		return ""
	}
	refused, ok := errors.AsType[*siotest.ConnectError](err)
	if !ok {
		s.t.Fatal(err)
	}
	return refused.Message
}

var secret = strings.Repeat("s", 64)

// Each kind of key verifies the tokens of its own algorithms.
func TestAlgorithms(t *testing.T) {
	i := newIssuer(t)
	all := []string{"rsa", "p256", "p384", "p521", "ed25519"}
	keySet := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write(i.set(append(all, secret)...))
	}))
	defer keySet.Close()
	files, web := serve(t, Config{Keys: i.pem(all...)}), serve(t, Config{JWKS: keySet.URL})
	for algorithm, name := range map[string]string{
		"RS256": "rsa", "RS384": "rsa", "RS512": "rsa", "PS256": "rsa", "PS512": "rsa",
		"ES256": "p256", "ES384": "p384", "ES512": "p521", "EdDSA": "ed25519",
	} {
		if says := files.says(sign(t, algorithm, "", i.keys[name], claims(nil))); says != "" {
			t.Errorf("%s, keys: %s %s", algorithm, says, files.log)
		}
		for _, kid := range []string{"", name} {
			if says := web.says(sign(t, algorithm, kid, i.keys[name], claims(nil))); says != "" {
				t.Errorf("%s, key set, kid %q: %s %s", algorithm, kid, says, web.log)
			}
		}
		if says := web.says(sign(t, algorithm, map[string]string{"rsa": "p256"}[name], i.keys[name], claims(nil))); name == "rsa" && says != "token invalid" {
			t.Errorf("%s with another key's kid: %q", algorithm, says)
		}
	}
	secrets := serve(t, Config{Secret: secret})
	for _, algorithm := range []string{"HS256", "HS384", "HS512"} {
		if says := secrets.says(sign(t, algorithm, "", []byte(secret), claims(nil))); says != "" {
			t.Errorf("%s: %s %s", algorithm, says, secrets.log)
		}
		if says := web.says(sign(t, algorithm, secret, []byte(secret), claims(nil))); says != "token invalid" {
			t.Errorf("%s, with a secret of a public key set: %q", algorithm, says)
		}
	}
}

// No token chooses how it is checked.
func TestForgedAlgorithms(t *testing.T) {
	i := newIssuer(t)
	public := i.pem("rsa", "p256")
	s := serve(t, Config{Keys: public})
	weak := serve(t, Config{Secret: strings.Repeat("s", 32)})
	other := newIssuer(t)
	for name, token := range map[string]string{
		"public key as secret": sign(t, "HS256", "", public, claims(nil)),
		"one of them":          sign(t, "HS256", "", i.pem("rsa"), claims(nil)),
		"no signature":         sign(t, "none", "", jwt.UnsafeAllowNoneSignatureType, claims(nil)),
		"another issuer":       sign(t, "RS256", "", other.keys["rsa"], claims(nil)),
		"a key it has not":     sign(t, "EdDSA", "", i.keys["ed25519"], claims(nil)),
		"another curve":        sign(t, "ES384", "", i.keys["p384"], claims(nil)),
	} {
		if says := s.says(token); says != "token invalid" {
			t.Errorf("%s: %q", name, says)
		}
	}
	if says := weak.says(sign(t, "HS512", "", []byte(strings.Repeat("s", 32)), claims(nil))); says != "token invalid" {
		t.Errorf("HS512 with 32 bytes: %q", says)
	}
	signed := sign(t, "RS256", "", i.keys["rsa"], claims(nil))
	extended := jwt.NewWithClaims(jwt.SigningMethodRS256, claims(nil))
	extended.Header["crit"], extended.Header["b64"] = []string{"b64"}, true
	if text, err := extended.SignedString(i.keys["rsa"]); err != nil || s.says(text) != "token invalid" {
		t.Errorf("a token with an extension that must be understood was accepted (%v)", err)
	}
	parts := strings.Split(signed, ".")
	parts[1] = strings.Split(sign(t, "RS256", "", other.keys["rsa"], claims(jwt.MapClaims{"sub": "bob"})), ".")[1]
	if says := s.says(strings.Join(parts, ".")); says != "token invalid" {
		t.Errorf("claims of another token: %q", says)
	}
}

func TestClaims(t *testing.T) {
	s := serve(t, Config{Secret: secret, Issuer: "us", Audience: "chat"})
	now := time.Now()
	for _, c := range []struct {
		change jwt.MapClaims
		says   string
	}{
		{nil, ""},
		{jwt.MapClaims{"exp": now.Add(-Leeway / 2).Unix(), "nbf": now.Add(Leeway / 2).Unix()}, ""},
		{jwt.MapClaims{"aud": "chat"}, ""},
		{jwt.MapClaims{"sub": nil}, ""},
		{jwt.MapClaims{"exp": now.Add(-2 * Leeway).Unix()}, "token expired"},
		{jwt.MapClaims{"exp": nil}, "token invalid"},
		{jwt.MapClaims{"nbf": now.Add(2 * Leeway).Unix()}, "token invalid"},
		{jwt.MapClaims{"iss": "them"}, "token invalid"},
		{jwt.MapClaims{"iss": nil}, "token invalid"},
		{jwt.MapClaims{"aud": "mail"}, "token invalid"},
		{jwt.MapClaims{"aud": nil}, "token invalid"},
		{jwt.MapClaims{"sub": 7}, "token invalid"},
	} {
		if says := s.says(sign(t, "HS256", "", []byte(secret), claims(c.change))); says != c.says {
			t.Errorf("%v: %q, want %q: %s", c.change, says, c.says, s.log)
		}
	}
	for token, want := range map[string]string{"": "token missing", "x": "token invalid", "a.b.c": "token invalid", strings.Repeat(".", 9000): "token invalid"} {
		if says := s.says(token); says != want {
			t.Errorf("%.10q: %q, want %q", token, says, want)
		}
	}
	log := s.log.String()
	for _, line := range []string{"jwt: connect refused: token missing", "jwt: connect refused: token expired", "jwt: connect refused: token invalid"} {
		if strings.Count(log, line) != 1 { // at most one a minute
			t.Errorf("%q in %s", line, log)
		}
	}
	// The header, the room of the user, and the claims as they were sent.
	token := sign(t, "HS256", "", []byte(secret), claims(jwt.MapClaims{"role": "<admin>", "n": json.Number("12345678901234567890")}))
	conn, err := s.Dial(t.Context(), siotest.Options{Header: http.Header{"Authorization": {"bearer " + token}}})
	if err != nil {
		t.Fatal(err)
	}
	c, err := conn.Join(t.Context(), "/", nil)
	if err != nil {
		t.Fatal(err)
	}
	socket, _ := s.io.Of("/").Socket(c.ID())
	got := s.checker.Claims(socket)
	if rooms := strings.Join(socket.Rooms(), " "); !strings.Contains(rooms, "user:ann") || !strings.Contains(string(got), `"n":12345678901234567890`) || !json.Valid(got) {
		t.Errorf("rooms %s, claims %s", rooms, got)
	}
}

// With CloseExpired a connection ends when its token has expired, leeway included, so that its client connects again
// and must have a new one. Without it goes on.
func TestCloseExpired(t *testing.T) {
	for _, closes := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			s := serve(t, Config{Secret: secret, CloseExpired: closes})
			token := sign(t, "HS256", "", []byte(secret), claims(jwt.MapClaims{"exp": time.Now().Add(time.Minute).Unix()}))
			c, err := s.Connect(t.Context(), "/", map[string]any{"token": token})
			if err != nil {
				t.Fatal(err)
			}
			gone, err := s.Connect(t.Context(), "/", map[string]any{"token": token})
			if err != nil {
				t.Fatal(err)
			}
			gone.Conn().Close()
			const year9999 int64 = 253402300799
			eternal := s.says(sign(t, "HS256", "", []byte(secret), claims(jwt.MapClaims{"exp": year9999})))
			time.Sleep(time.Minute + Leeway - time.Second)
			synctest.Wait()
			if n := s.io.Engine().Sessions(); n != 2 || eternal != "" {
				t.Fatalf("%d connections before the token expired", n)
			}
			time.Sleep(2 * time.Second)
			synctest.Wait()
			n, logged := s.io.Engine().Sessions(), strings.Count(s.log.String(), "jwt: connection closed")
			if closes && (n != 1 || logged != 1) || !closes && (n != 2 || logged != 0) {
				t.Errorf("%t: %d connections, log %s", closes, n, s.log)
			}
			if closes && s.says(token) != "token expired" {
				t.Errorf("the token is valid: %s", s.log)
			}
			c.Conn().Close()
		})
	}
}

// A key set is read again when a token names an unknown key. While it cannot be read, the keys so far
// are used.
func TestKeySetChanges(t *testing.T) {
	i := newIssuer(t)
	var mu sync.Mutex
	body := i.set("rsa")
	reads := 0
	keySet := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		reads++
		_, _ = w.Write(body)
	}))
	defer keySet.Close()
	s := serve(t, Config{JWKS: keySet.URL})
	mu.Lock()
	body = i.set("rsa", "p256")
	mu.Unlock()
	if says := s.says(sign(t, "ES256", "p256", i.keys["p256"], claims(nil))); says != "" {
		t.Errorf("a new key: %s %s", says, s.log)
	}
	keySet.Close()
	for range 3 { // at once: the set is not read for each
		if says := s.says(sign(t, "ES256", "unknown", i.keys["p256"], claims(nil))); says != "token invalid" {
			t.Errorf("an unknown key: %q", says)
		}
	}
	if says := s.says(sign(t, "RS256", "rsa", i.keys["rsa"], claims(nil))); says != "" {
		t.Errorf("an old key: %s %s", says, s.log)
	}
	if reads != 2 {
		t.Errorf("the set was read %d times", reads)
	}
}

func TestConfig(t *testing.T) {
	i := newIssuer(t)
	large := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(strings.Repeat(" ", maxKeySet) + "{}"))
	}))
	defer large.Close()
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(i.keys["rsa"])
	if err != nil {
		t.Fatal(err)
	}
	for says, c := range map[string]Config{
		"exactly one":            {},
		"exactly one ":           {Secret: secret, Keys: i.pem("rsa")},
		"at least 32":            {Secret: "short"},
		"no key in PEM":          {Keys: []byte("hello")},
		"neither a public key":   {Keys: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})},
		"2048 bits":              {Keys: pem.EncodeToMemory(&pem.Block{Type: "RSA PUBLIC KEY", Bytes: x509.MarshalPKCS1PublicKey(&small.PublicKey)})},
		"must be a URL":          {JWKS: "issuer"},
		"connection refused":     {JWKS: "http://127.0.0.1:1/jwks.json"},
		"request body too large": {JWKS: large.URL},
	} {
		c.Logger = slog.New(slog.DiscardHandler)
		if _, err := New(t.Context(), c); err == nil || !strings.Contains(err.Error(), strings.TrimSpace(says)) {
			t.Errorf("%s: %v", says, err)
		}
	}
}
