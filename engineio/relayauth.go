package engineio

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"maps"
	"net"
	"net/http"
	"net/url"
	"strings"
)

// relayHeader is what a server adds to a request that it relays: the client's connection, and a
// signature of that and of the request.
//
// There is no time in it, so that the clocks of servers may differ. An attacker who has seen a
// request knows the session's id too, and gains nothing by sending it again.
const relayHeader = "Socketio-Relay"

// relayClient is the connection of a client to the server that relays its request.
type relayClient struct {
	remote string // http.Request.RemoteAddr
	local  relayAddr
	secure bool
}

// relayAddr is a local address.
type relayAddr struct{ network, text string }

func (a relayAddr) Network() string { return a.network }
func (a relayAddr) String() string  { return a.text }

// clientOf returns the connection of a request's client.
func clientOf(r *http.Request) relayClient {
	c := relayClient{remote: r.RemoteAddr, secure: r.TLS != nil}
	if a, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok {
		c.local = relayAddr{a.Network(), a.String()}
	}
	return c
}

// String returns the form of relayHeader: three escaped fields.
func (c relayClient) String() string {
	return url.QueryEscape(c.remote) + " " + url.QueryEscape(c.local.network+"/"+c.local.text) + " " + c.scheme()
}

func (c relayClient) scheme() string {
	if c.secure {
		return "https"
	}
	return "http"
}

// parseClient parses what String returned.
func parseClient(s string) (c relayClient, err error) {
	f := strings.Split(s, " ")
	if len(f) != 3 {
		return c, errStampForm
	}
	network, local, _ := strings.Cut(unescape(f[1]), "/")
	return relayClient{unescape(f[0]), relayAddr{network, local}, f[2] == "https"}, nil
}

// set returns a copy of a request with the connection of its client and another context.
func (c relayClient) set(r *http.Request, ctx context.Context) *http.Request { //nolint:revive // as WithContext
	r = r.WithContext(context.WithValue(ctx, http.LocalAddrContextKey, c.local))
	r.RemoteAddr, r.TLS = c.remote, nil
	if c.secure {
		r.TLS = &tls.ConnectionState{HandshakeComplete: true}
	}
	return r
}

// sign returns the signature of some texts.
func (e *Server) sign(texts ...string) []byte {
	mac := hmac.New(sha256.New, []byte(e.cfg.Relay.Secret))
	for _, t := range texts {
		_, _ = mac.Write([]byte(t)) // never fails
		_, _ = mac.Write([]byte{'\n'})
	}
	return mac.Sum(nil)
}

// signRequest returns the signature of a request and of its client.
func (e *Server) signRequest(method, uri, host, client string) []byte {
	return e.sign("socketio relay 1", method, uri, host, client)
}

// stamp returns the value of relayHeader for a request.
func (e *Server) stamp(method, uri, host, client string) string {
	return client + " " + base64.RawURLEncoding.EncodeToString(e.signRequest(method, uri, host, client))
}

// Reasons to refuse a relayHeader.
var (
	errStampForm = errors.New("it is malformed")
	errStampSign = errors.New("its signature is wrong")
)

// unstamp verifies the relayHeader of a request and returns the request as the client sent it.
func (e *Server) unstamp(r *http.Request, stamps []string) (*http.Request, error) {
	if len(stamps) != 1 {
		return nil, errStampForm
	}
	end := strings.LastIndexByte(stamps[0], ' ')
	if end < 0 {
		return nil, errStampForm
	}
	client := stamps[0][:end]
	sum, err := base64.RawURLEncoding.DecodeString(stamps[0][end+1:])
	if err != nil {
		return nil, errStampForm
	}
	if !hmac.Equal(sum, e.signRequest(r.Method, sentURI(r), r.Host, client)) {
		return nil, errStampSign
	}
	c, err := parseClient(client)
	if err != nil {
		return nil, err
	}
	original := c.set(r, r.Context())
	original.Header = maps.Clone(r.Header)
	delete(original.Header, relayHeader)
	return original, nil
}
