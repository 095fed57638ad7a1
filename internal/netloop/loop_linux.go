package netloop

import (
	"errors"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Supported tells whether this system has event loops.
const Supported = true

const (
	// readBytes is the size of a loop's buffer, and so the most that a handler gets at once.
	readBytes = 64 << 10
	// turnEvents is how many connections the kernel reports at a time.
	turnEvents = 256
)

// Loop watches connections. The zero value is ready to use.
type Loop struct {
	mu      sync.Mutex
	file    *os.File        // of the epoll descriptor; nil before the first connection and once closed
	raw     syscall.RawConn // of file
	epoll   int             // its number
	closed  bool
	running bool
	runs    sync.WaitGroup
	conns   []*Conn // by the number under which the kernel knows them; nil where there is none
	free    []uint32
	count   int

	turn   uint32      // counts the goroutines that have been the loop: the last one is
	busy   bool        // it is not asleep, and relief is set
	relief *time.Timer // calls relieve
	seen   uint32      // steps, when relieve looked last
	work   []Work      // what handlers asked for, to be done when all bytes of a turn have been handled
	done   int         // how much of it has begun

	steps atomic.Uint32        // counts what may block and has begun
	at    atomic.Pointer[Conn] // whose Data is running; relieve takes it away from a goroutine that it relieves

	// The loop's own.
	ask    func(fd uintptr) bool // poll, made once: it would be garbage per turn
	events [turnEvents]syscall.EpollEvent
	ready  [turnEvents]*Conn
	n      int // of events and ready
	buf    []byte
}

// open makes the epoll descriptor and gives it to the runtime's poller. The caller holds the lock.
func (l *Loop) open() error {
	if l.closed {
		return net.ErrClosed
	}
	if l.file != nil {
		return nil
	}
	fd, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return os.NewSyscallError("epoll_create1", err)
	}
	_ = syscall.SetNonblock(fd, true) // tells os that it can be waited for
	file := os.NewFile(uintptr(fd), "epoll")
	raw, err := file.SyscallConn()
	if err != nil {
		_ = file.Close()
		return err
	}
	l.file, l.raw, l.epoll, l.ask = file, raw, fd, l.poll
	return nil
}

// add takes a connection in, for which nothing is watched yet.
func (l *Loop) add(c *Conn) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.open(); err != nil {
		return err
	}
	if n := len(l.free); n > 0 {
		c.number = l.free[n-1]
		l.free = l.free[:n-1]
	} else {
		c.number = uint32(len(l.conns))
		l.conns = append(l.conns, nil)
	}
	l.conns[c.number] = c
	c.held = true
	l.count++
	if !l.running {
		l.running = true
		l.runs.Add(1)
		go l.run(l.turn)
	}
	return nil
}

// remove ends a connection and the watching of it.
func (l *Loop) remove(c *Conn) {
	l.mu.Lock()
	c.use.Or(closing)
	// Closing the descriptor would not end the watching while there is another one of the same socket, as there is in a child
	// process that has not become another program yet.
	_ = c.control(syscall.EPOLL_CTL_DEL) // fails when nothing is watched
	c.held = false
	l.conns[c.number] = nil
	l.free = append(l.free, c.number)
	l.count--
	l.mu.Unlock()
	c.release()
}

// run is the loop's goroutine, number me. It ends when there is no connection left, or when another one is the loop.
func (l *Loop) run(me uint32) {
	returned := false
	var c *Conn // which is being handled
	defer func() {
		if !returned { // a handler or work ended the goroutine (runtime.Goexit)
			l.exited(me, c)
		}
	}()
	if l.buf == nil {
		l.buf = make([]byte, readBytes)
	}
	for l.doWork(me) {
		if !l.wait() {
			l.runs.Done()
			break
		}
		for i := range l.n {
			c = l.ready[i]
			l.ready[i] = nil
			if !c.react(l.events[i].Events, l.buf) {
				returned = true
				return
			}
		}
		c = nil
	}
	returned = true
}

// wait fills events and ready with what is ready, sleeping if nothing is. It returns false when the loop is to end.
func (l *Loop) wait() bool {
	l.mu.Lock()
	if l.count == 0 || l.file == nil {
		l.running = false
		l.buf = nil
		l.mu.Unlock()
		return false
	}
	raw := l.raw
	l.mu.Unlock()
	// poll is called when this begins, and when the runtime's poller says that there may be something.
	err := raw.Read(l.ask)
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil { // closed
		l.running = false
		return false
	}
	for i := range l.n {
		l.ready[i] = l.conns[l.events[i].Fd]
	}
	l.watchOver()
	return true
}

// poll asks the kernel what is ready; false is "wait and ask again".
func (l *Loop) poll(fd uintptr) bool {
	for {
		n, err := syscall.EpollWait(int(fd), l.events[:], 0)
		if !errors.Is(err, syscall.EINTR) {
			l.n = max(n, 0)
			return n > 0
		}
	}
}

// Close ends the loop and waits for its goroutine; connections are not watched any more and must have ended before, or
// must be closed after.
func (l *Loop) Close() {
	l.mu.Lock()
	l.closed = true
	file := l.file
	l.file = nil
	l.mu.Unlock()
	if file != nil {
		_ = file.Close()
	}
	l.runs.Wait()
}
