package main

import (
	"strings"

	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/adapter/redis"
)

// clusterError is why the server cannot be part of the cluster.
type clusterError struct{ err error }

func (e *clusterError) Error() string {
	return "-cluster: " + strings.TrimPrefix(e.err.Error(), "socketio: ")
}

func (e *clusterError) Unwrap() error { return e.err }

// adapter returns the adapter for the flag -cluster.
func (c *serve) adapter() adapter.Factory {
	join := redis.New(redis.Config{URL: c.Cluster})
	return func(h adapter.Host) (adapter.Adapter, error) {
		a, err := join(h)
		if err != nil {
			return nil, &clusterError{err}
		}
		return a, nil
	}
}
