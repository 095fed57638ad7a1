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

	// use counts the goroutines within a system call on fd, and has the bits below.
	use atomic.Uint32

	// Loop.mu guards these.
	state  state
	kib    uint8         // ReadAtMost in KiB; only the loop and Data use it
	paused bool          // Pause(true): not read, whatever the state
	again  bool          // call Data without bytes; only the loop and Data change it
	room   chan struct{} // set while a Write waits for room; closed when there is room, or at the end
}

// state says what the loop does with a connection.
type state uint8

const (
	parked   state = iota // not started, or Data blocks: watched only for room to write
	watched               // read, unless paused
	released              // the loop has let go of it
)

// Bits of Conn.use.
const (
	ended   = 1 << 31 // the loop has released it: the last goroutine to leave closes the descriptor
	closing = 1 << 30 // Close was called, or the loop has removed it
	ending  = 1 << 29 // the loop calls End, so that Close has nothing to do
	users   = ending - 1
)

// isClosing reports whether Close was called.
func (c *Conn) isClosing() bool { return c.use.Load()&closing != 0 }

// Take moves a TCP or Unix connection from nc to the loop and closes nc. After an error nc is
// unchanged. Nothing is read before [Conn.Start].
func (l *Loop) Take(nc net.Conn) (*Conn, error) {
	sc, ok := nc.(syscall.Conn)
	if !ok {
		return nil, errors.ErrUnsupported
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return nil, err
	}
	c := &Conn{loop: l}
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

// Start begins to read and calls h from then on. After an error the connection is closed, and h is
// never called.
func (c *Conn) Start(h Handler) error {
	c.loop.mu.Lock()
	err := net.ErrClosed
	if !c.isClosing() {
		if err = c.watchLocked(); err == nil {
			c.handler = h
		}
	}
	c.loop.mu.Unlock()
	if err != nil {
		c.Close()
	}
	return err
}

// Close makes the loop end the connection, which calls the handler's End. It does not wait for
// that.
func (c *Conn) Close() {
	c.loop.mu.Lock()
	first := c.use.Or(closing)&(closing|ending) == 0
	var err error
	if first && c.handler == nil { // not started
		c.handler = noHandler{}
		err = c.watchLocked()
	}
	c.loop.mu.Unlock()
	switch {
	case err != nil: // the kernel does not watch it, so the loop cannot end it
		c.end(err)
	case first && c.enter():
		// Ends all reads and writes. The kernel reports that to the loop.
		_ = syscall.Shutdown(int(c.fd), syscall.SHUT_RDWR)
		c.leave()
	}
}

// noHandler is the handler of a connection that was closed before Start.
type noHandler struct{}

func (noHandler) Data([]byte) bool { return false }
func (noHandler) End(error)        {}

// CloseWrite ends the outgoing half of the connection.
func (c *Conn) CloseWrite() {
	if c.enter() {
		_ = syscall.Shutdown(int(c.fd), syscall.SHUT_WR) // fails if the connection has ended
		c.leave()
	}
}

// Pause stops reading, or resumes it. Bytes that were read before may still reach the handler.
func (c *Conn) Pause(pause bool) {
	c.loop.mu.Lock()
	defer c.loop.mu.Unlock()
	if c.paused != pause {
		c.paused = pause
		c.updateWatchedLocked()
	}
}

// ReadAtMost limits the bytes of one call of Data, to whole KiB of at most 64; 0 is no limit. It
// may be called before Start and by Data.
func (c *Conn) ReadAtMost(bytes int) { c.kib = uint8(bytes >> 10) }

// Again makes the loop call Data without bytes before it reads more, as soon as reading is not
// paused. Only Data may call it, or the goroutine that will call Start.
func (c *Conn) Again() {
	c.loop.mu.Lock()
	defer c.loop.mu.Unlock()
	c.again = true
	c.updateWatchedLocked()
}

// takeAgain reports whether to call Data without bytes now.
func (c *Conn) takeAgain() bool {
	c.loop.mu.Lock()
	defer c.loop.mu.Unlock()
	if c.paused {
		return false
	}
	c.again = false
	c.updateWatchedLocked()
	return true
}

// updateWatchedLocked is updateLocked for a change that does not matter while the connection is
// parked.
func (c *Conn) updateWatchedLocked() {
	if c.state == watched {
		c.updateLocked(0)
	}
}

// updateLocked updates what the kernel watches the connection for. parkedOp is the operation for a
// parked connection. If no Write waits for room, a parked connection is not watched at all, because
// the kernel always reports broken connections. The caller must hold the loop's lock.
func (c *Conn) updateLocked(parkedOp int) {
	switch c.state {
	case watched:
		_ = c.controlLocked(syscall.EPOLL_CTL_MOD) // cannot fail: the kernel has it
	case parked:
		_ = c.controlLocked(parkedOp) // cannot fail: the caller knows whether the kernel has it
	case released:
	}
}

// watchLocked makes the loop read a parked connection. The caller must hold the loop's lock.
func (c *Conn) watchLocked() error {
	op := syscall.EPOLL_CTL_ADD
	if c.room != nil {
		op = syscall.EPOLL_CTL_MOD // it is watched for room
	}
	c.state = watched
	err := c.controlLocked(op)
	if err != nil {
		c.state = parked
	}
	return err
}

// controlLocked is epoll_ctl. The caller must hold the loop's lock.
func (c *Conn) controlLocked(op int) error {
	if c.loop.file == nil {
		return net.ErrClosed
	}
	e := syscall.EpollEvent{Fd: int32(c.number)} // the kernel returns Fd as it is
	if !c.paused && c.state == watched {
		e.Events |= syscall.EPOLLIN
	}
	// There is mostly room to write. So asking for room makes the kernel report a connection whose
	// Data must be called again.
	if c.room != nil || c.again && !c.paused && c.state == watched {
		e.Events |= syscall.EPOLLOUT
	}
	return os.NewSyscallError("epoll_ctl", syscall.EpollCtl(c.loop.epoll, op, int(c.fd), &e))
}

// react handles what the kernel reported. Only the loop calls it. It returns false if another
// goroutine has become the loop.
func (c *Conn) react(events uint32, buf []byte) bool {
	const broken = syscall.EPOLLERR | syscall.EPOLLHUP // always reported
	if events&(syscall.EPOLLOUT|broken) != 0 && c.makeRoom() {
		return true // all else waits until Data has returned
	}
	switch {
	case c.isClosing():
		c.end(net.ErrClosed)
		return true
	case c.again && c.takeAgain():
		return c.deliver(nil)
	case events&(syscall.EPOLLIN|broken) == 0:
		return true
	case events&syscall.EPOLLIN == 0:
		// Reading is paused, but the kernel would report the error again and again.
		c.end(c.fault())
		return true
	}
	if c.kib > 0 {
		buf = buf[:int(c.kib)<<10]
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

// deliver passes bytes to the handler. It returns what react returns.
func (c *Conn) deliver(b []byte) bool {
	l := c.loop
	l.steps.Add(1)
	l.at.Store(c)
	ok := c.handler.Data(b)
	if !l.at.CompareAndSwap(c, nil) {
		c.unpark(ok)
		return false
	}
	if !ok {
		c.end(net.ErrClosed)
	}
	return true
}

// fault returns the error of a broken connection.
func (c *Conn) fault() error {
	errno, err := syscall.GetsockoptInt(int(c.fd), syscall.SOL_SOCKET, syscall.SO_ERROR)
	if err != nil || errno == 0 {
		return io.EOF
	}
	return os.NewSyscallError("read", syscall.Errno(errno))
}

// end ends the connection. Only the loop calls it.
func (c *Conn) end(err error) {
	c.use.Or(ending)
	c.handler.End(err)
	c.loop.remove(c)
	c.makeRoom()
}

// release closes the descriptor once no goroutine uses it.
func (c *Conn) release() {
	if c.use.Or(ended)&users == 0 {
		_ = syscall.Close(int(c.fd))
	}
}

// enter reserves the descriptor for a system call outside the loop; leave must follow. It returns
// false when it is closed.
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

// TryWrite writes what the kernel takes at once, which may be nothing.
func (c *Conn) TryWrite(b []byte) (int, error) {
	return c.try(func() (int, error) { return syscall.Write(int(c.fd), b) })
}

// TryWriteMore is TryWrite of bytes that others follow at once. The kernel may send them together.
func (c *Conn) TryWriteMore(b []byte) (int, error) {
	const flags = syscall.MSG_MORE | syscall.MSG_DONTWAIT
	return c.try(func() (int, error) { return syscall.SendmsgN(int(c.fd), b, nil, nil, flags) })
}

// try makes a system call that writes.
func (c *Conn) try(write func() (int, error)) (int, error) {
	if c.isClosing() || !c.enter() {
		return 0, net.ErrClosed
	}
	n, err := retry(write)
	c.leave()
	if err != nil && !errors.Is(err, syscall.EAGAIN) {
		return 0, os.NewSyscallError("write", err)
	}
	return max(n, 0), nil
}

// Write writes all of b and waits for room without a limit. It returns an error when the connection
// ends. Calls must not overlap.
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
		c.updateLocked(syscall.EPOLL_CTL_ADD)
		c.loop.mu.Unlock()
		<-room
	}
}

// makeRoom wakes a Write that waits for room. It reports whether the connection is parked.
func (c *Conn) makeRoom() bool {
	c.loop.mu.Lock()
	defer c.loop.mu.Unlock()
	if c.room != nil {
		close(c.room)
		c.room = nil
		if c.state == parked || !c.isClosing() {
			c.updateLocked(syscall.EPOLL_CTL_DEL)
		}
	}
	return c.state == parked
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
