package postgres

import "github.com/gosocketio/socketio/adapter"

// New returns the adapter of a cluster over PostgreSQL, for socketio.Config.Adapter of one server.
//
// Nothing happens before the server is made. An invalid Config and a PostgreSQL that cannot be reached
// are errors of the function that it calls, and so of socketio.NewServer: one line, without a
// password. Later the connections are made again whenever they are lost.
func New(c Config) adapter.Factory {
	b, err := newBroker(c)
	if err != nil {
		return func(adapter.Host) (adapter.Adapter, error) { return nil, err }
	}
	return adapter.NewNode(b, adapter.ClusterConfig{RequestTimeout: b.cfg.RequestTimeout, Mixed: true}).Adapter
}
