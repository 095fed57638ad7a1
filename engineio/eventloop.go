package engineio

import (
	"errors"
	"fmt"
	"net"
	"runtime"
	"sync/atomic"

	"github.com/gosocketio/socketio/internal/netloop"
)

// ConnectionMode says how a server waits for the bytes of its WebSockets.
type ConnectionMode uint8

// The connection modes.
const (
	// AutoMode, the default, leaves connections to event loops where that is possible and is
	// portable elsewhere.
	AutoMode ConnectionMode = iota
	// PortableMode has one goroutine for each WebSocket. It works on every system and with every
	// kind of connection.
	PortableMode
	// EventLoopMode has a few goroutines that wait for all WebSockets on plain TCP, so that an idle
	// one needs neither a goroutine nor a net.Conn. It needs Linux; elsewhere New fails.
	// Connections that cannot give up their descriptor, such as TLS, and those with compressed
	// messages are portable nevertheless.
	EventLoopMode
)

// defaultMode is what AutoMode means instead, for tests of the other mode:
// go test -ldflags "-X github.com/gosocketio/socketio/engineio.defaultMode=portable".
var defaultMode string

// maxLoops is how many event loops a server has at most. One decodes some hundred thousand messages
// in a second.
const maxLoops = 4

// loops are the event loops of a server, none in portable mode.
type loops struct {
	all  []netloop.Loop
	turn atomic.Uint32
}

func newLoops(m ConnectionMode, turn func(bool)) (*loops, error) {
	switch {
	case m > EventLoopMode:
		return nil, fmt.Errorf("%w: ConnectionMode is %d, it must be AutoMode, PortableMode or EventLoopMode",
			ErrConfig, m)
	case m == EventLoopMode && !netloop.Supported:
		return nil, fmt.Errorf("%w: ConnectionMode: %s has no event loops, it must be AutoMode or PortableMode",
			ErrConfig, runtime.GOOS)
	case m == PortableMode || !netloop.Supported || m == AutoMode && defaultMode == "portable":
		return &loops{}, nil
	}
	l := &loops{all: make([]netloop.Loop, min(runtime.GOMAXPROCS(0), maxLoops))}
	for i := range l.all {
		l.all[i].Turn = turn
	}
	return l, nil
}

// take moves a connection to an event loop. It returns nil, and conn is as it was, when that is not
// possible.
func (l *loops) take(conn net.Conn) stream {
	if len(l.all) == 0 {
		return nil
	}
	switch conn.(type) { // exactly these: a wrapper may do more than pass bytes on
	case *net.TCPConn, *net.UnixConn:
	default:
		return nil
	}
	c, err := l.next().Take(conn)
	if err != nil {
		return nil // too many open files, say: without another descriptor it goes on as it is
	}
	return loopStream{c}
}

// next returns the loop for the next connection. There must be one.
func (l *loops) next() *netloop.Loop { return &l.all[l.turn.Add(1)%uint32(len(l.all))] }

// close waits for the loops' goroutines to end, when all connections have.
func (l *loops) close() {
	for i := range l.all {
		l.all[i].Close()
	}
}

// loopStream is a connection that an event loop reads.
type loopStream struct{ conn *netloop.Conn }

func (s loopStream) read(bool, bool) ([]byte, error) { return nil, errors.ErrUnsupported }
func (s loopStream) release()                        {}
func (s loopStream) pause(p bool)                    { s.conn.Pause(p) }
func (s loopStream) canTry() bool                    { return true }
func (s loopStream) tryWrite(b []byte) (int, error)  { return s.conn.TryWrite(b) }
func (s loopStream) write(b []byte) error            { return s.conn.Write(b) }
func (s loopStream) closeWrite()                     { s.conn.CloseWrite() }
func (s loopStream) close()                          { s.conn.Close() }
