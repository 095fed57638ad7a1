package nats

import "github.com/gosocketio/socketio/adapter"

// New returns the adapter of a cluster over NATS, for socketio.Config.Adapter of one server.
//
// Nothing happens before the server is made. An invalid Config and a NATS server that cannot be
// reached are errors of the function that it calls, and so of socketio.NewServer: one line, without a
// password. Later the connection is made again whenever it is lost.
func New(c Config) adapter.Factory {
	c, err := c.resolve()
	if err != nil {
		return func(adapter.Host) (adapter.Adapter, error) { return nil, err }
	}
	return adapter.NewNode(newBroker(c), adapter.ClusterConfig{RequestTimeout: c.RequestTimeout}).Adapter
}

// NewBroker returns the broker of New, for what wraps it, such as package embedded.
func NewBroker(c Config) (adapter.Broker, error) {
	c, err := c.resolve()
	if err != nil {
		return nil, err
	}
	return newBroker(c), nil
}

// newBroker returns the broker of a Config that has been resolved.
func newBroker(c Config) adapter.Broker {
	if c.JetStream {
		return newStream(c)
	}
	return newCore(c)
}
