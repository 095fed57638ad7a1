package socketio

import (
	"bytes"
	"fmt"
	"time"

	"github.com/gosocketio/socketio/protocol"
)

// Defaults of ConnectionStateRecovery.
const (
	DefaultMaxDisconnectionDuration = 2 * time.Minute
	DefaultMaxEventBytes            = 16 << 20
	DefaultMaxSessionBytes          = 32 << 20
)

// ConnectionStateRecovery lets clients whose connection broke come back as the same socket: with its id, its rooms, its values
// ([Socket.SetValue]) and the events that they missed, which reach them before they hear that they are connected. What that
// takes is kept in the memory of this process and is gone with it. The zero value has the official defaults and safe limits.
//
// A client that cannot be recovered - it was away for too long, too much was sent meanwhile, the server was started anew - is
// a new socket, as it would be without recovery. It can tell: its socket.recovered is false, and so is [Socket.Recovered].
// Nobody is recovered who left, or whom the server disconnected.
//
// Each event has one more argument then, which clients before Socket.IO 4.6 do not hide: a string, the offset.
type ConnectionStateRecovery struct {
	// MaxDisconnectionDuration is how long a client may be away. Default 2 min.
	MaxDisconnectionDuration time.Duration
	// RunMiddlewares runs the namespace's middlewares for recovered sockets too (skipMiddlewares: false of the official
	// server). By default they are skipped: they have let this client in before.
	RunMiddlewares bool
	// MaxEventBytes limits what each namespace keeps of the events that clients may have missed, in bytes as they are sent,
	// and some 200 for each. Beyond it the oldest are forgotten, and clients that missed these are not recovered. Default 16
	// MiB.
	MaxEventBytes int
	// MaxSessionBytes limits what each namespace keeps of clients that are away, in bytes: about 500 for each, and their
	// rooms; values that the application keeps with a socket are not counted. Beyond it those are forgotten that have been
	// away for the longest. Default 32 MiB.
	MaxSessionBytes int
}

// withDefaults returns c with its zero fields filled in, or an error that names the field that cannot work.
func (c ConnectionStateRecovery) withDefaults(p protocol.Parser) (ConnectionStateRecovery, error) {
	if c.MaxDisconnectionDuration < 0 {
		return c, fmt.Errorf("%w: ConnectionStateRecovery.MaxDisconnectionDuration is %v, it must not be negative", ErrConfig, c.MaxDisconnectionDuration)
	}
	if c.MaxDisconnectionDuration == 0 {
		c.MaxDisconnectionDuration = DefaultMaxDisconnectionDuration
	}
	for _, n := range []struct {
		name string
		v    *int
		def  int
	}{
		{"MaxEventBytes", &c.MaxEventBytes, DefaultMaxEventBytes},
		{"MaxSessionBytes", &c.MaxSessionBytes, DefaultMaxSessionBytes},
	} {
		if *n.v < 0 {
			return c, fmt.Errorf("%w: ConnectionStateRecovery.%s is %d, it must not be negative", ErrConfig, n.name, *n.v)
		}
		if *n.v == 0 {
			*n.v = n.def
		}
	}
	if p != nil {
		return c, checkParser(p)
	}
	return c, nil
}

// checkParser refuses a parser whose packets do not show the offset, which is written into packets that are encoded already.
func checkParser(p protocol.Parser) error {
	offset := "offset" + zeroDigits
	messages, err := p.Encode([]byte(`2["event",1,"`+offset+`"]`), nil)
	if err == nil && (len(messages) == 0 || bytes.Count(messages[0].Data, []byte(offset)) != 1) {
		err = fmt.Errorf("it must write strings of letters and digits as they are")
	}
	if err != nil {
		return fmt.Errorf("%w: Parser does not go with ConnectionStateRecovery: %w", ErrConfig, err)
	}
	return nil
}
