package jwtauth

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/internal/refusal"
)

const (
	// Leeway is by how much the clocks of this server and of the issuer may differ.
	Leeway = 30 * time.Second
	// UserRoom and the subject of the token (sub) are the name of a room that the socket is in.
	UserRoom = "user:"
)

// What clients are told.
var (
	errMissing = &socketio.Error{Message: "token missing"}
	errExpired = &socketio.Error{Message: "token expired"}
	errInvalid = &socketio.Error{Message: "token invalid"}
)

// Config says which tokens are valid. Exactly one of Secret, Keys and JWKS must be set.
type Config struct {
	// Secret is what tokens are signed with (HS256...), at least 32 bytes.
	Secret string
	// Keys are the public keys, or certificates, that may have signed a token, as PEM.
	Keys []byte
	// JWKS is the URL of a JSON Web Key Set. It is read at the start, every 15 minutes, and at most
	// every 30 s when a token names a key that is not in it.
	JWKS string
	// Issuer and Audience must be the token's iss and among its aud. Default "": any.
	Issuer, Audience string
	// CloseExpired closes a connection when the token of one of its sockets expires, Leeway included. Official
	// clients connect again at once and need a new token, from a function as their option auth. Default: it goes on.
	CloseExpired bool
	// Logger gets the refusals. Default slog.Default.
	Logger *slog.Logger
}

// Checker checks the tokens of clients.
type Checker struct {
	parser *jwt.Parser
	closes bool
	keys   func(context.Context, *jwt.Token) ([]any, error)
	claims *socketio.Key[json.RawMessage]
	log    *refusal.Log
}

// New returns a Checker. It reads the key set, if there is one, and refreshes it until ctx ends. The
// error names the field of c whose value cannot work.
func New(ctx context.Context, c Config) (*Checker, error) {
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	keys, err := c.find(ctx)
	if err != nil {
		return nil, err
	}
	options := []jwt.ParserOption{jwt.WithExpirationRequired(), jwt.WithLeeway(Leeway), jwt.WithStrictDecoding()}
	if c.Issuer != "" {
		options = append(options, jwt.WithIssuer(c.Issuer))
	}
	if c.Audience != "" {
		options = append(options, jwt.WithAudience(c.Audience))
	}
	return &Checker{
		parser: jwt.NewParser(options...), closes: c.CloseExpired, keys: keys,
		claims: socketio.NewKey[json.RawMessage]("claims"), log: refusal.NewLog(c.Logger),
	}, nil
}

// Connect is a middleware: it refuses a socket without a valid token, and puts the others into the room
// of their user.
func (c *Checker) Connect(s *socketio.Socket) error {
	token := tokenOf(s.Handshake())
	if token == "" {
		return c.refuse(s, errMissing, nil, "send it as auth.token, or as Authorization: Bearer")
	}
	parsed, err := c.parser.Parse(token, func(t *jwt.Token) (any, error) {
		if _, critical := t.Header["crit"]; critical { // RFC 7515, 4.1.11: it names extensions, and we know none
			return nil, errors.New("its header has crit, and no extension is supported")
		}
		keys, err := c.keys(s.Context(), t)
		keys = slices.DeleteFunc(keys, func(key any) bool { return !slices.Contains(algorithms(key), t.Method.Alg()) })
		if err == nil && len(keys) == 0 {
			err = errors.New("no key is for the token's algorithm " + t.Method.Alg())
		}
		set := jwt.VerificationKeySet{}
		for _, key := range keys {
			set.Keys = append(set.Keys, key)
		}
		return set, err
	})
	switch {
	case errors.Is(err, jwt.ErrTokenExpired):
		return c.refuse(s, errExpired, err, "the client must get a new one before it connects")
	case err != nil:
		return c.refuse(s, errInvalid, err, "see the error; keys, issuer and audience are those of the flags -jwt-...")
	}
	user, err := parsed.Claims.GetSubject()
	if err != nil {
		return c.refuse(s, errInvalid, err, "sub must be a string")
	}
	if user != "" {
		s.Join(UserRoom + user)
	}
	if expires, err := parsed.Claims.GetExpirationTime(); c.closes && err == nil {
		timer := time.AfterFunc(time.Until(expires.Add(Leeway)), func() { c.closeExpired(s, expires.Time) })
		context.AfterFunc(s.Context(), func() { timer.Stop() })
	}
	_, payload, _ := strings.Cut(parsed.Raw, ".")
	payload, _, _ = strings.Cut(payload, ".")
	claims, err := base64.RawURLEncoding.DecodeString(payload) // it has been decoded before
	if err == nil {
		c.claims.Set(s, claims)
	}
	return err
}

// Claims returns the claims of a connected socket's token, a JSON object, or nil.
func (c *Checker) Claims(s *socketio.Socket) json.RawMessage {
	claims, _ := c.claims.Get(s)
	return claims
}

// closeExpired closes the connection of a socket whose token has expired. Its client sees "transport close", connects
// again, and gets "token expired" if it has no other token.
func (c *Checker) closeExpired(s *socketio.Socket, at time.Time) {
	c.log.Write(s.Context(), "jwt: connection closed", peerOf(s), &refusal.Refusal{
		Rule: errExpired.Message, Value: at.UTC().Format(time.RFC3339), Limit: Leeway, Field: "Config.CloseExpired",
	}, nil)
	s.Conn().Close()
}

func peerOf(s *socketio.Socket) refusal.Peer {
	return refusal.Peer{Addr: s.Conn().Handshake().RemoteAddr, ID: s.Conn().ID(), Namespace: s.Namespace().Name()}
}

func (c *Checker) refuse(s *socketio.Socket, told *socketio.Error, cause error, remedy string) error {
	why := &refusal.Refusal{Rule: told.Message, Remedy: remedy}
	c.log.Write(s.Context(), "jwt: connect refused", peerOf(s), why, cause)
	return told
}

// tokenOf returns the client's token, or "".
func tokenOf(h socketio.Handshake) string {
	var auth struct {
		Token string `json:"token"`
	}
	if h.DecodeAuth(&auth) == nil && auth.Token != "" {
		return auth.Token
	}
	const scheme = "bearer "
	header := h.Header().Get("Authorization")
	if len(header) > len(scheme) && strings.EqualFold(header[:len(scheme)], scheme) {
		return strings.TrimSpace(header[len(scheme):])
	}
	return ""
}

// maxKeySet limits a key set, in bytes.
const maxKeySet = 1 << 20

// limited is a transport whose answers have at most maxKeySet bytes.
type limited struct{ http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (l limited) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := l.RoundTripper.RoundTrip(r)
	if err == nil {
		response.Body = http.MaxBytesReader(nil, response.Body, maxKeySet)
	}
	return response, err
}
