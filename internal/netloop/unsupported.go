//go:build !linux

package netloop

import (
	"errors"
	"net"
)

// Supported reports whether this system has event loops.
const Supported = false

// Loop can take no connection on this system.
type Loop struct{}

// Conn is a connection of a Loop, of which there is none on this system.
type Conn struct{}

// Take returns errors.ErrUnsupported.
func (l *Loop) Take(net.Conn) (*Conn, error) { return nil, errors.ErrUnsupported }

// Close does nothing.
func (l *Loop) Close() {}

// Start is never called.
func (c *Conn) Start(Handler) error { return errors.ErrUnsupported }

// Soon is never called.
func (c *Conn) Soon(Work) {}

// Close is never called.
func (c *Conn) Close() {}

// CloseWrite is never called.
func (c *Conn) CloseWrite() {}

// ReadAtMost is never called.
func (c *Conn) ReadAtMost(int) {}

// Pause is never called.
func (c *Conn) Pause(bool) {}

// Again is never called.
func (c *Conn) Again() {}

// TryWrite is never called.
func (c *Conn) TryWrite([]byte) (int, error) { return 0, errors.ErrUnsupported }

// Write is never called.
func (c *Conn) Write([]byte) error { return errors.ErrUnsupported }
