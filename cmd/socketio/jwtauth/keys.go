package jwtauth

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/MicahParks/jwkset"
	"github.com/MicahParks/keyfunc/v3"
	"github.com/golang-jwt/jwt/v5"
	"golang.org/x/time/rate"
)

const (
	minSecret  = 32   // bytes, for HS256
	minRSABits = 2048 // RFC 7518, 3.3

	// refreshEvery is how often a key set is read, refreshUnknown how often at most for unknown keys, and
	// refreshTimeout how long that may take.
	refreshEvery, refreshUnknown, refreshTimeout = 15 * time.Minute, 30 * time.Second, 5 * time.Second
)

// algorithms returns the algorithms of tokens that a key may have signed.
func algorithms(key any) []string {
	switch key := key.(type) {
	case []byte:
		return []string{"HS256", "HS384", "HS512"}[:max(min(len(key)/16-1, 3), 0)]
	case *rsa.PublicKey:
		if key.Size()*8 >= minRSABits {
			return []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}
		}
	case *ecdsa.PublicKey:
		return map[int][]string{256: {"ES256"}, 384: {"ES384"}, 521: {"ES512"}}[key.Params().BitSize]
	case ed25519.PublicKey:
		return []string{"EdDSA"}
	}
	return nil
}

// find returns the function that finds the keys of a token.
func (c *Config) find(ctx context.Context) (func(context.Context, *jwt.Token) ([]any, error), error) {
	given := 0
	for _, is := range []bool{c.Secret != "", c.Keys != nil, c.JWKS != ""} {
		if is {
			given++
		}
	}
	fixed := func(keys []any) func(context.Context, *jwt.Token) ([]any, error) {
		return func(context.Context, *jwt.Token) ([]any, error) { return slices.Clone(keys), nil }
	}
	switch {
	case given != 1:
		return nil, errors.New("jwtauth: exactly one of Config.Secret, Keys and JWKS must be set")
	case c.JWKS != "":
		return c.findInSet(ctx)
	case c.Secret != "":
		if len(c.Secret) < minSecret {
			return nil, fmt.Errorf("jwtauth: Config.Secret has %d bytes, it must have at least %d", len(c.Secret), minSecret)
		}
		return fixed([]any{[]byte(c.Secret)}), nil
	}
	keys, err := parseKeys(c.Keys)
	if err != nil {
		return nil, fmt.Errorf("jwtauth: Config.Keys: %w", err)
	}
	return fixed(keys), nil
}

// parseKeys returns the public keys in PEM.
func parseKeys(data []byte) (keys []any, err error) {
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		var key any
		switch block.Type {
		case "PUBLIC KEY":
			key, err = x509.ParsePKIXPublicKey(block.Bytes)
		case "RSA PUBLIC KEY":
			key, err = x509.ParsePKCS1PublicKey(block.Bytes)
		case "CERTIFICATE":
			var certificate *x509.Certificate
			if certificate, err = x509.ParseCertificate(block.Bytes); err == nil {
				key = certificate.PublicKey
			}
		default:
			err = fmt.Errorf("%s is neither a public key nor a certificate", block.Type)
		}
		switch {
		case err != nil:
			return nil, err
		case algorithms(key) == nil:
			return nil, errors.New("a key must be RSA of 2048 bits or more, ECDSA on P-256, P-384 or P-521, or Ed25519")
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		return nil, errors.New("there is no key in PEM")
	}
	return keys, nil
}

// ParseJWKS returns the URL of a key set, as in [Config.JWKS]. It does not read the key set.
func ParseJWKS(jwks string) (*url.URL, error) {
	u, err := url.Parse(jwks)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, errors.New("jwtauth: Config.JWKS must be a URL, such as https://issuer.example/.well-known/jwks.json")
	}
	return u, nil
}

// findInSet is find for keys in a key set.
func (c *Config) findInSet(ctx context.Context) (func(context.Context, *jwt.Token) ([]any, error), error) {
	u, err := ParseJWKS(c.JWKS)
	if err != nil {
		return nil, err
	}
	storage, err := jwkset.NewStorageFromHTTP(c.JWKS, jwkset.HTTPClientStorageOptions{
		Client: &http.Client{Transport: limited{http.DefaultTransport}, Timeout: refreshTimeout}, Ctx: ctx,
		HTTPTimeout: refreshTimeout, RefreshInterval: refreshEvery,
		RefreshErrorHandler: func(_ context.Context, err error) {
			c.Logger.Warn("jwt: the key set was not refreshed, the keys so far are used", "url", u.Redacted(), "error", err)
		},
	})
	if err != nil {
		return nil, fmt.Errorf("jwtauth: Config.JWKS: %w", err)
	}
	client, err := jwkset.NewHTTPClient(jwkset.HTTPClientOptions{
		HTTPURLs:         map[string]jwkset.Storage{c.JWKS: storage},
		RateLimitWaitMax: refreshTimeout, RefreshUnknownKID: rate.NewLimiter(rate.Every(refreshUnknown), 1),
	})
	if err != nil {
		return nil, fmt.Errorf("jwtauth: Config.JWKS: %w", err)
	}
	set, err := keyfunc.New(keyfunc.Options{
		Ctx: ctx, Storage: client, UseWhitelist: []jwkset.USE{jwkset.UseSig, ""},
	})
	if err != nil {
		return nil, fmt.Errorf("jwtauth: Config.JWKS: %w", err)
	}
	return func(ctx context.Context, t *jwt.Token) ([]any, error) {
		found, err := set.KeyfuncCtx(ctx)(t)
		if err != nil {
			return nil, err
		}
		keys := []any{found}
		if all, ok := found.(jwt.VerificationKeySet); ok {
			keys = keys[:0]
			for _, key := range all.Keys {
				keys = append(keys, key)
			}
		}
		return slices.DeleteFunc(keys, func(key any) bool { _, secret := key.([]byte); return secret }), nil
	}, nil
}
