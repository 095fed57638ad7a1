package namespace

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/protocol"
)

// Defaults of Config.
const (
	DefaultConnectTimeout    = 45 * time.Second
	DefaultAckTimeout        = 30 * time.Second
	DefaultAttachmentTimeout = 45 * time.Second
	DefaultMaxAttachments    = 10
	// DefaultMaxUntrustedPayload is that of engineio.Config for the engine of a [Hub], in bytes: a CONNECT with what a client has
	// to show for itself.
	DefaultMaxUntrustedPayload = 64 << 10
	DefaultMaxNamespaces       = 1024
	DefaultMaxInboxBytes       = 1 << 20
	DefaultMaxInboxEvents      = 1024
)

// ErrConfig is wrapped by the error of [New]: a field of Config has a value that cannot work.
var ErrConfig = errors.New("socketio: invalid configuration")

// Config is what a [Hub] is made with. The zero value has the official defaults and safe limits.
type Config struct {
	// ConnectTimeout is how long a connection may take to join its first namespace before it is closed. Default 45
	// s.
	ConnectTimeout time.Duration
	// AckTimeout is how long an acknowledgement of a client is waited for where neither Timeout nor a deadline of
	// the context says otherwise. Default 30 s.
	AckTimeout time.Duration
	// AttachmentTimeout is how long each binary attachment that a client announced may take to arrive before the
	// connection is closed. Default 45 s.
	AttachmentTimeout time.Duration
	// MaxAttachments limits the binary attachments of one packet of a client. Default 10.
	MaxAttachments int
	// MaxNamespaces limits the namespaces that one connection may be in; further ones refuse it. Default 1024.
	MaxNamespaces int
	// CleanupEmptyChildNamespaces forgets a namespace that a [Parent] made for a client, and closes its adapter, when
	// its last socket has left or was refused. It is made anew when a client asks for it.
	CleanupEmptyChildNamespaces bool
	// MaxInboxBytes limits what waits for the handlers of one connection, in bytes. A connection over it is not
	// read from until half of it has been handled. One packet, as large as the engine takes, may come on top.
	// Default 1 MiB. What other servers sent to a namespace and is not handled has the same limits.
	MaxInboxBytes int
	// MaxInboxEvents is the same limit in events. Default 1024.
	MaxInboxEvents int
	// ConnectionStateRecovery, if set, lets clients whose connection broke come back as the same socket. Default nil: they are new
	// sockets.
	ConnectionStateRecovery *ConnectionStateRecovery
	// Parser is the form of packets on the wire, which clients must use too, see package protocol/msgpack. Default nil:
	// the one that clients use unless they are told otherwise.
	Parser protocol.Parser
	// Adapter makes the adapter of each namespace. Default adapter.Memory.
	Adapter adapter.Factory
	// Logger receives contained panics and, when OnError is nil, the errors it would be given: an [*Error], or
	// ErrClosed of a socket that is gone, at debug level, others as warnings. Default slog.Default.
	Logger *slog.Logger
	// OnError is told what went wrong on behalf of a client and was contained: a [*HandlerError], a [*PanicError],
	// a middleware that failed with any error but an [*Error], which is an answer to the client and not a fault
	// (Hooks.Refuse has both), a packet that could not be decoded (protocol.ParseError). The socket is nil when no
	// socket is concerned. It must not block.
	OnError func(s *Socket, err error)
	// Hooks are told about what happens, for logs, metrics and traces.
	Hooks Hooks
}

// withDefaults returns c with its zero fields filled in, or an error that names the field that cannot work.
func (c Config) withDefaults() (Config, error) {
	for _, d := range []struct {
		name string
		v    *time.Duration
		def  time.Duration
	}{
		{"ConnectTimeout", &c.ConnectTimeout, DefaultConnectTimeout},
		{"AckTimeout", &c.AckTimeout, DefaultAckTimeout},
		{"AttachmentTimeout", &c.AttachmentTimeout, DefaultAttachmentTimeout},
	} {
		if *d.v < 0 {
			return c, fmt.Errorf("%w: %s is %v, it must not be negative", ErrConfig, d.name, *d.v)
		}
		if *d.v == 0 {
			*d.v = d.def
		}
	}
	for _, n := range []struct {
		name string
		v    *int
		def  int
	}{
		{"MaxAttachments", &c.MaxAttachments, DefaultMaxAttachments},
		{"MaxNamespaces", &c.MaxNamespaces, DefaultMaxNamespaces},
		{"MaxInboxBytes", &c.MaxInboxBytes, DefaultMaxInboxBytes},
		{"MaxInboxEvents", &c.MaxInboxEvents, DefaultMaxInboxEvents},
	} {
		if *n.v < 0 {
			return c, fmt.Errorf("%w: %s is %d, it must not be negative", ErrConfig, n.name, *n.v)
		}
		if *n.v == 0 {
			*n.v = n.def
		}
	}
	if c.ConnectionStateRecovery != nil {
		recovery, err := c.ConnectionStateRecovery.withDefaults(c.Parser)
		if err != nil {
			return c, err
		}
		c.ConnectionStateRecovery = &recovery
	}
	if c.Adapter == nil {
		c.Adapter = adapter.Memory
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return c, nil
}
