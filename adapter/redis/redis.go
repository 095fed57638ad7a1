package redis

import "github.com/gosocketio/socketio/adapter"

// New returns the adapter of a cluster over Redis, for socketio.Config.Adapter of one server.
//
// New does not connect: socketio.NewServer does. It returns an error for an invalid Config and for a
// Redis that cannot be reached: one line, without a password. A connection that is lost later is made
// again.
func New(c Config) adapter.Factory {
	c, err := c.resolve()
	if err != nil {
		return func(adapter.Host) (adapter.Adapter, error) { return nil, err }
	}
	return adapter.NewNode(newBroker(c), adapter.ClusterConfig{RequestTimeout: c.RequestTimeout}).Adapter
}

// newBroker returns the broker of a Config that has been resolved.
func newBroker(c Config) adapter.Broker {
	switch c.Wire {
	case Sharded:
		return newSharded(c)
	case Streams:
		return newStreams(c)
	default:
		return newClassic(c)
	}
}
