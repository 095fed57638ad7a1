package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/adapter/nats"
	"github.com/gosocketio/socketio/adapter/nats/embedded"
	"github.com/gosocketio/socketio/adapter/postgres"
	"github.com/gosocketio/socketio/adapter/redis"
)

// clusterError is why the server cannot be part of the cluster.
type clusterError struct{ err error }

func (e *clusterError) Error() string {
	return "-cluster: " + strings.TrimPrefix(e.err.Error(), "socketio: ")
}

func (e *clusterError) Unwrap() error { return e.err }

// clusterAdapter returns the adapter that the scheme of a URL names.
func clusterAdapter(url string) (adapter.Factory, error) {
	var join adapter.Factory
	var err error
	scheme, _, found := strings.Cut(url, "://")
	base, _, _ := strings.Cut(scheme, "+")
	switch {
	case !found:
		err = errors.New("it is no URL, such as redis://host, nats://host or postgres://host/database")
	case base == "redis" || base == "rediss":
		_, err = redis.ParseURL(url)
		join = redis.New(redis.Config{URL: url})
	case base == "postgres" || base == "postgresql":
		_, err = postgres.ParseURL(url)
		join = postgres.New(postgres.Config{URL: url})
	case scheme == "nats+embedded":
		_, err = embedded.ParseURL(url)
		join = embedded.New(embedded.Config{URL: url})
	case base == "nats" || base == "tls":
		_, err = nats.ParseURL(url)
		join = nats.New(nats.Config{URL: url})
	default:
		err = fmt.Errorf("unknown scheme %q, it must be that of Redis, NATS or PostgreSQL", scheme)
	}
	if err != nil {
		return nil, &clusterError{err}
	}
	return func(h adapter.Host) (adapter.Adapter, error) {
		a, err := join(h)
		if err != nil {
			return nil, &clusterError{err}
		}
		return a, nil
	}, nil
}
