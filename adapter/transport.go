package adapter

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Transport carries messages between servers: it is what an adapter for a broker has to provide. What arrives it gives to
// [Cluster.Receive]. Both methods are called from many goroutines at once.
type Transport interface {
	// Publish sends a message to the adapters of the same namespace on all other servers. Messages that one goroutine publishes
	// one after the other must arrive in that order. Who broadcasts waits for it, so that it should queue and not wait for the
	// broker's answer. The sender may get its own messages back: they are ignored.
	Publish(m *Message) error
	// PublishResponse sends a message to one adapter. It may reach others as well: they ignore it.
	PublishResponse(uid string, m *Message) error
}

// ErrBroker is wrapped by the errors of an adapter whose transport failed: what was to be done on this server is done, the
// other servers have not heard of it.
var ErrBroker = errors.New("socketio: the other servers cannot be reached")

// ErrServerGone is the error of an answer that does not come because the server that owed it has gone.
var ErrServerGone = errors.New("socketio: a server has gone")

// MissingServersError ends a FetchSockets that not all servers have answered: what came before it is what there is.
type MissingServersError struct {
	// UIDs are those of the adapters that have not answered.
	UIDs []string
	// Err is why they are not waited for any longer.
	Err error
}

// Error implements error.
func (e *MissingServersError) Error() string {
	return fmt.Sprintf("socketio: %d servers have not answered (%s): %v", len(e.UIDs), strings.Join(e.UIDs, ", "), e.Err)
}

// Unwrap returns why they are not waited for any longer.
func (e *MissingServersError) Unwrap() error { return e.Err }

// Defaults of ClusterConfig, which are those of the official adapters.
const (
	DefaultHeartbeatInterval = 5 * time.Second
	DefaultHeartbeatTimeout  = 10 * time.Second
	DefaultRequestTimeout    = 5 * time.Second
	DefaultMaxResponses      = 65_536
)

// ClusterConfig is what a [Cluster] is made with. The zero value has the official defaults and safe limits.
type ClusterConfig struct {
	// HeartbeatInterval is how often a server that has nothing else to say says that it is there. Default 5 s.
	HeartbeatInterval time.Duration
	// HeartbeatTimeout is after how much silence a server counts as gone. Default 10 s.
	HeartbeatTimeout time.Duration
	// RequestTimeout is how long answers of servers are waited for where neither a context's deadline nor a timeout says
	// otherwise. Default 5 s.
	RequestTimeout time.Duration
	// MaxResponses limits the answers that wait for the transport, in number. Beyond it they are dropped, and the server that
	// asked waits in vain. Default 65,536.
	MaxResponses int
	// OnError is told what failed on behalf of other servers: answers and heartbeats that could not be published. It must not
	// block. Default: nobody is told.
	OnError func(error)
}

// withDefaults returns c with its zero fields filled in, or an error that names the field that cannot work.
func (c ClusterConfig) withDefaults() (ClusterConfig, error) {
	for _, d := range []struct {
		name string
		v    *time.Duration
		def  time.Duration
	}{
		{"HeartbeatInterval", &c.HeartbeatInterval, DefaultHeartbeatInterval},
		{"HeartbeatTimeout", &c.HeartbeatTimeout, DefaultHeartbeatTimeout},
		{"RequestTimeout", &c.RequestTimeout, DefaultRequestTimeout},
	} {
		if *d.v < 0 {
			return c, fmt.Errorf("adapter: ClusterConfig.%s is %v, it must not be negative", d.name, *d.v)
		}
		if *d.v == 0 {
			*d.v = d.def
		}
	}
	switch {
	case c.MaxResponses < 0:
		return c, fmt.Errorf("adapter: ClusterConfig.MaxResponses is %d, it must not be negative", c.MaxResponses)
	case c.MaxResponses == 0:
		c.MaxResponses = DefaultMaxResponses
	}
	if c.HeartbeatTimeout <= c.HeartbeatInterval {
		return c, fmt.Errorf("adapter: ClusterConfig.HeartbeatTimeout is %v, it must be more than HeartbeatInterval, %v", c.HeartbeatTimeout, c.HeartbeatInterval)
	}
	if c.OnError == nil {
		c.OnError = func(error) {}
	}
	return c, nil
}
