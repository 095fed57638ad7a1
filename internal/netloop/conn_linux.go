package netloop

import (
	"errors"
	"io"
	"net"
	"os"
	"sync/atomic"
	"syscall"
)

// Conn is a connection that a [Loop] watches.
type Conn struct {
	loop    *Loop
	handler Handler
	fd      int32
	number  uint32 // under which the kernel reports it

	// use counts those who are within a system call on fd, and has the bits below.
	use atomic.Uint32

	// Loop.mu guards these.
	held   bool // by the loop
	away   bool // not to be read: it was not started yet, or its Data blocks. It is watched for nothing but room
	paused bool
	again  bool          // Data is to be called without bytes; only the loop and Data change it
	room   chan struct{} // a Write waits for room; closed when there is some, or the connection ends
}

// Bits of Conn.use.
const (
	ended   = 1 << 31 // the loop is done with it: the last one to leave closes the descriptor
	closing = 1 << 30 // Close was called, or the loop has removed it
	ending  = 1 << 29 // the loop calls End, so that Close has nothing to do
	users   = ending - 1
)

// isClosing tells whether Close was called.
func (c *Conn) isClosing() bool { return c.use.Load()&closing != 0 }

// Take moves a TCP or Unix connection from nc to the loop. nc is closed then and must not be used any more. When there is
// an error, nc is as it was. Nothing is read before [Conn.Start].
func (l *Loop) Take(nc net.Conn) (*Conn, error) {
	sc, ok := nc.(syscall.Conn)
	if !ok {
		return nil, errors.ErrUnsupported
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return nil, err
	}
	c := &Conn{loop: l, away: true}
	var number uintptr
	var errno syscall.Errno
	err = raw.Control(func(fd uintptr) {
		number, _, errno = syscall.RawSyscall(syscall.SYS_FCNTL, fd, syscall.F_DUPFD_CLOEXEC, 0)
	})
	switch {
	case err != nil:
		return nil, err
	case errno != 0:
		return nil, os.NewSyscallError("fcntl", errno)
	}
	c.fd = int32(number)
	if err := l.add(c); err != nil {
		_ = syscall.Close(int(number))
		return nil, err
	}
	_ = nc.Close() // only its own descriptor: the connection goes on with ours
	return c, nil
}

// Start begins to read. From here on h hears of everything that happens, [Handler.End] at last. When there is an error it
// hears of nothing, and the connection is closed.
func (c *Conn) Start(h Handler) error {
	c.loop.mu.Lock()
	err := net.ErrClosed
	if !c.isClosing() {
		if err = c.comeBack(); err == nil {
			c.handler = h
		}
	}
	c.loop.mu.Unlock()
	if err != nil {
		c.Close()
	}
	return err
}

// Close makes the connection end, soon and on the loop: the handler's End is called then. It does not wait for that.
func (c *Conn) Close() {
	c.loop.mu.Lock()
	first := c.use.Or(closing)&(closing|ending) == 0
	var err error
	if first && c.handler == nil { // it was not started
		c.handler = nobody{}
		err = c.comeBack()
	}
	c.loop.mu.Unlock()
	switch {
	case err != nil: // the loop hears nothing of it
		c.end(err)
	case first && c.enter():
		// Ends everybody's reading and writing, and the kernel reports that to the loop.
		_ = syscall.Shutdown(int(c.fd), syscall.SHUT_RDWR)
		c.leave()
	}
}

// nobody is the handler of a connection that was closed instead of started.
type nobody struct{}

func (nobody) Data([]byte) bool { return false }
func (nobody) End(error)        {}

// CloseWrite ends the outgoing half of the connection.
func (c *Conn) CloseWrite() {
	if c.enter() {
		_ = syscall.Shutdown(int(c.fd), syscall.SHUT_WR) // fails when the connection is over
		c.leave()
	}
}

// Pause stops reading, or lets it go on. What was read already may still be on its way to the handler.
func (c *Conn) Pause(pause bool) {
	c.loop.mu.Lock()
	defer c.loop.mu.Unlock()
	if c.paused != pause {
		c.paused = pause
		c.watch()
	}
}

// Again has Data called once more, without bytes and before any that arrive, as soon as reading is not paused. Only Data, and
// whoever has not called Start yet, may call it.
func (c *Conn) Again() {
	c.loop.mu.Lock()
	defer c.loop.mu.Unlock()
	c.again = true
	c.watch()
}

// isAgain tells whether Data is to be called now.
func (c *Conn) isAgain() bool {
	c.loop.mu.Lock()
	defer c.loop.mu.Unlock()
	is := !c.paused
	if is {
		c.again = false
		c.watch()
	}
	return is
}

// watch tells the kernel what the connection is watched for now. The caller holds the loop's lock.
func (c *Conn) watch() {
	if c.held && !c.away {
		_ = c.control(syscall.EPOLL_CTL_MOD) // cannot fail: it is watched
	}
}

// watchAway is watch for a connection that is away, with op saying how that changes. One that nobody waits for is not watched
// at all, because the kernel reports that a connection broke whether one asks for it or not.
func (c *Conn) watchAway(op int) {
	if c.held && c.away {
		_ = c.control(op) // cannot fail: the caller knows whether it is watched
	}
}

// comeBack lets a connection that is away be read. The caller holds the loop's lock.
func (c *Conn) comeBack() error {
	op := syscall.EPOLL_CTL_ADD
	if c.room != nil {
		op = syscall.EPOLL_CTL_MOD // it is watched for room
	}
	c.away = false
	err := c.control(op)
	c.away = err != nil
	return err
}

// control is epoll_ctl. The caller holds the loop's lock.
func (c *Conn) control(op int) error {
	if c.loop.file == nil {
		return net.ErrClosed
	}
	e := syscall.EpollEvent{Fd: int32(c.number)} // Fd is for whatever one wants to be told
	if !c.paused && !c.away {
		e.Events |= syscall.EPOLLIN
	}
	// That there is room is as good as anything to have the loop look at a connection that is to be called again.
	if c.room != nil || c.again && !c.paused && !c.away {
		e.Events |= syscall.EPOLLOUT
	}
	return os.NewSyscallError("epoll_ctl", syscall.EpollCtl(c.loop.epoll, op, int(c.fd), &e))
}

// react acts on what the kernel reported. It is the loop's, and returns false when its goroutine is not the loop any more.
func (c *Conn) react(events uint32, buf []byte) bool {
	const broken = syscall.EPOLLERR | syscall.EPOLLHUP // reported whether one asks for it or not
	if events&(syscall.EPOLLOUT|broken) != 0 && c.makeRoom() {
		return true // everything else waits until it is back
	}
	switch {
	case c.isClosing():
		c.end(net.ErrClosed)
		return true
	case c.again && c.isAgain():
		return c.deliver(nil)
	case events&(syscall.EPOLLIN|broken) == 0:
		return true
	case events&syscall.EPOLLIN == 0:
		// Nobody wants to read, but the kernel would report it for ever.
		c.end(c.fault())
		return true
	}
	n, err := retry(func() (int, error) { return syscall.Read(int(c.fd), buf) })
	switch {
	case n > 0:
		return c.deliver(buf[:n])
	case err == nil:
		c.end(io.EOF)
	case !errors.Is(err, syscall.EAGAIN):
		c.end(os.NewSyscallError("read", err))
	}
	return true
}

// deliver hands bytes to the handler.
func (c *Conn) deliver(b []byte) bool {
	l := c.loop
	l.steps.Add(1)
	l.at.Store(c)
	ok := c.handler.Data(b)
	if !l.at.CompareAndSwap(c, nil) {
		c.back(ok)
		return false
	}
	if !ok {
		c.end(net.ErrClosed)
	}
	return true
}

// fault returns what broke the connection.
func (c *Conn) fault() error {
	errno, err := syscall.GetsockoptInt(int(c.fd), syscall.SOL_SOCKET, syscall.SO_ERROR)
	if err != nil || errno == 0 {
		return io.EOF
	}
	return os.NewSyscallError("read", syscall.Errno(errno))
}

// end is the end of the connection. It is the loop's.
func (c *Conn) end(err error) {
	c.use.Or(ending)
	c.handler.End(err)
	c.loop.remove(c)
	c.makeRoom()
}

// release closes the descriptor as soon as nobody uses it.
func (c *Conn) release() {
	if c.use.Or(ended)&users == 0 {
		_ = syscall.Close(int(c.fd))
	}
}

// enter must return true before, and leave be called after, a system call on the descriptor that is not the loop's.
func (c *Conn) enter() bool {
	for {
		n := c.use.Load()
		if n&ended != 0 {
			return false
		}
		if c.use.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

func (c *Conn) leave() {
	if c.use.Add(^uint32(0))&(ended|users) == ended {
		_ = syscall.Close(int(c.fd))
	}
}

// TryWrite writes what the kernel takes at once, perhaps nothing.
func (c *Conn) TryWrite(b []byte) (int, error) {
	if c.isClosing() || !c.enter() {
		return 0, net.ErrClosed
	}
	n, err := retry(func() (int, error) { return syscall.Write(int(c.fd), b) })
	c.leave()
	if err != nil && !errors.Is(err, syscall.EAGAIN) {
		return 0, os.NewSyscallError("write", err)
	}
	return max(n, 0), nil
}

// Write writes everything, waiting for the peer to make room. The end of the connection ends it. One goroutine at a time may be
// within Write.
func (c *Conn) Write(b []byte) error {
	for {
		n, err := c.TryWrite(b)
		if err != nil {
			return err
		}
		if b = b[n:]; len(b) == 0 {
			return nil
		}
		room := make(chan struct{})
		c.loop.mu.Lock()
		if c.isClosing() {
			c.loop.mu.Unlock()
			return net.ErrClosed
		}
		c.room = room
		c.watch()
		c.watchAway(syscall.EPOLL_CTL_ADD)
		c.loop.mu.Unlock()
		<-room
	}
}

// makeRoom lets a Write that waits go on. It tells whether the connection is away.
func (c *Conn) makeRoom() (away bool) {
	c.loop.mu.Lock()
	defer c.loop.mu.Unlock()
	if c.room == nil {
		return c.away
	}
	close(c.room)
	c.room = nil
	if !c.isClosing() {
		c.watch()
	}
	c.watchAway(syscall.EPOLL_CTL_DEL)
	return c.away
}

// retry repeats a system call that a signal interrupted.
func retry(call func() (int, error)) (int, error) {
	for {
		n, err := call()
		if !errors.Is(err, syscall.EINTR) {
			return n, err
		}
	}
}
