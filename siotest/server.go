package siotest

import (
	"context"
	"net/http"
	"net/url"
	"testing"

	"github.com/gosocketio/socketio/engineio"
	"github.com/gosocketio/socketio/internal/rawclient"
)

// Server serves a handler in memory.
type Server struct {
	// URL is the base URL for HTTPClient, without a trailing slash.
	URL string
	// Path is the path of the Socket.IO server. Serve sets "/socket.io/".
	Path string

	t testing.TB
	e *rawclient.Endpoint
}

// Serve serves h, a *socketio.Server or the handler that it is mounted in, until the test ends.
//
// If h has a method Shutdown(context.Context) error, as *socketio.Server does, it is then called.
// The test fails if Shutdown returns an error.
func Serve(t testing.TB, h http.Handler) *Server {
	t.Helper()
	if s, ok := h.(interface{ Shutdown(context.Context) error }); ok {
		t.Cleanup(func() {
			if err := s.Shutdown(context.Background()); err != nil {
				t.Errorf("siotest: Shutdown returned an error: %v", err)
			}
		})
	}
	e := rawclient.ServePipe(t, h)
	return &Server{URL: e.URL, Path: e.Path, t: t, e: e}
}

// HTTPClient returns an HTTP client for URL.
func (s *Server) HTTPClient() *http.Client { return s.e.HTTPClient() }

// Options say how to connect. The zero value is a WebSocket.
type Options struct {
	// Transport is socketio.WebSocket or socketio.Polling. Default WebSocket.
	Transport engineio.Transport
	// Query is added to the URL.
	Query url.Values
	// Header is sent with the first request and, while polling, with all of them.
	Header http.Header
}

// Dial opens a connection, without joining a namespace. It is closed when the test ends.
//
// If the server refuses, the error has its answer. The context only limits Dial itself.
func (s *Server) Dial(ctx context.Context, o Options) (*Conn, error) {
	if ctx.Err() != nil { // a request in memory may succeed before net/http checks the context
		return nil, context.Cause(ctx)
	}
	query := url.Values{}
	for k, v := range o.Query {
		query[k] = v
	}
	if o.Transport == 0 {
		o.Transport = engineio.WebSocket
	}
	query.Set("EIO", "4")
	query.Set("transport", o.Transport.String())
	open := s.websocket
	if o.Transport == engineio.Polling {
		open = s.polling
	}
	c, err := open(ctx, query, o.Header)
	if err != nil {
		return nil, err
	}
	s.t.Cleanup(c.Close)
	return c, nil
}

// Connect opens a WebSocket and joins a namespace. auth is the client's "auth" option, or nil.
func (s *Server) Connect(ctx context.Context, namespace string, auth any) (*Client, error) {
	conn, err := s.Dial(ctx, Options{})
	if err != nil {
		return nil, err
	}
	return conn.Join(ctx, namespace, auth)
}
