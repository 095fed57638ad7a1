//go:build !linux

package netloop

import (
	"errors"
	"net"
)

// Supported reports whether this system has event loops.
const Supported = false

// Loop can take no connection on this system.
type Loop struct{ Turn func(begins bool) }

// Conn is a connection of a Loop. There is none on this system, so its methods are never called.
type Conn struct{}

// Take returns errors.ErrUnsupported.
func (l *Loop) Take(net.Conn) (*Conn, error) { return nil, errors.ErrUnsupported }

// Close does nothing.
func (l *Loop) Close() {}

func (c *Conn) Start(Handler) error              { return errors.ErrUnsupported }
func (c *Conn) Soon(Work)                        {}
func (c *Conn) Close()                           {}
func (c *Conn) CloseWrite()                      {}
func (c *Conn) ReadAtMost(int)                   {}
func (c *Conn) Pause(bool)                       {}
func (c *Conn) Again()                           {}
func (c *Conn) TryWrite([]byte) (int, error)     { return 0, errors.ErrUnsupported }
func (c *Conn) TryWriteMore([]byte) (int, error) { return 0, errors.ErrUnsupported }
func (c *Conn) Write([]byte) error               { return errors.ErrUnsupported }
