package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/cmd/socketio/jwtauth"
)

// adminNamespace is the admin UI's, which has passwords of its own.
const adminNamespace = "/admin"

// tokens are the JSON Web Tokens of clients, and their flags.
type tokens struct {
	JWTSecret   string `name:"jwt-secret" placeholder:"SECRET" help:"Only clients with a JSON Web Token (auth.token) signed with this secret may connect (HS256, HS384, HS512). At least 32 bytes. Better set in the environment, where other users do not see it."`
	JWTKeys     string `name:"jwt-keys" placeholder:"FILE" help:"The same, signed with the private key of one of these public keys or certificates (PEM; RSA, ECDSA or Ed25519)."`
	JWTJWKS     string `name:"jwt-jwks" placeholder:"URL" help:"The same, with the public keys of a JSON Web Key Set."`
	JWTIssuer   string `name:"jwt-issuer" placeholder:"ISS" help:"Issuer that tokens must have (iss)."`
	JWTAudience string `name:"jwt-audience" placeholder:"AUD" help:"Audience that tokens must have (aud)."`
	JWTClose    bool   `name:"jwt-close-expired" help:"Close a connection when its token expires. Clients connect again at once and need a new token: give them a function as auth. By default a connection outlives its token."`

	checker *jwtauth.Checker // nil: tokens are not checked
}

// checksTokens tells whether tokens are checked.
func (t *tokens) checksTokens() bool { return t.JWTSecret != "" || t.JWTKeys != "" || t.JWTJWKS != "" }

// checkTokens returns an error that names the flag whose value cannot work. It reads no key set.
func (t *tokens) checkTokens() error {
	switch {
	case !t.checksTokens() && (t.JWTIssuer != "" || t.JWTAudience != "" || t.JWTClose):
		return errors.New("-jwt-issuer, -jwt-audience and -jwt-close-expired need -jwt-secret, -jwt-keys or -jwt-jwks")
	case !t.checksTokens():
		return nil
	case t.JWTJWKS != "" && t.JWTSecret == "" && t.JWTKeys == "":
		_, err := jwtauth.ParseJWKS(t.JWTJWKS)
		return namingFlags(err)
	}
	_, err := t.make(context.Background(), nil)
	return err
}

func (t *tokens) make(ctx context.Context, logger *slog.Logger) (*jwtauth.Checker, error) {
	c := jwtauth.Config{
		Secret: t.JWTSecret, JWKS: t.JWTJWKS, Issuer: t.JWTIssuer, Audience: t.JWTAudience, CloseExpired: t.JWTClose,
		Logger: logger,
	}
	if t.JWTKeys != "" {
		var err error
		if c.Keys, err = os.ReadFile(t.JWTKeys); err != nil {
			return nil, fmt.Errorf("-jwt-keys: %w", err)
		}
	}
	checker, err := jwtauth.New(ctx, c)
	return checker, namingFlags(err)
}

// startTokens checks the tokens of all clients but admins. A key set is refreshed until ctx ends. It
// must be called before namespaces besides "/" are made.
func (t *tokens) startTokens(ctx context.Context, sio *socketio.Server, logger *slog.Logger) (err error) {
	if !t.checksTokens() {
		return nil
	}
	if t.checker, err = t.make(ctx, logger); err != nil {
		return err
	}
	sio.Use(t.checker.Connect)
	sio.OnNewNamespace(func(n *socketio.Namespace) {
		if n.Name() != adminNamespace {
			n.Use(t.checker.Connect)
		}
	})
	logger.Info("clients need a JSON Web Token")
	return nil
}

// claims returns the function that returns the claims of a socket, nil when tokens are not checked.
func (t *tokens) claims() func(*socketio.Socket) json.RawMessage {
	if t.checker == nil {
		return nil
	}
	return t.checker.Claims
}
