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

// Supported reports whether this system has event loops.
const Supported = true

const (
	// readBytes is the size of a loop's buffer, and so the most that a handler gets at once.
	readBytes = 64 << 10
	// turnEvents is how many connections the kernel reports at a time.
	turnEvents = 256
)

// Loop watches connections. The zero value is ready to use.
type Loop struct {
	// Turn, if set, is called with true before the first Work of a turn, and with false after the last
	// one. When a Work has stalled, or the turn takes longer than a millisecond or two, it is called with
	// false on another goroutine, and with true again before the next Work. It must be set before Take.
	Turn func(begins bool)

	mu      sync.Mutex
	file    *os.File        // of the epoll descriptor; nil before the first connection and after Close
	raw     syscall.RawConn // of file
	epoll   int             // its number
	closed  bool
	running bool
	runs    sync.WaitGroup
	conns   []*Conn // by the number under which the kernel knows them; nil where there is none
	free    []uint32
	count   int

	turn   uint32      // number of the goroutine that is the loop; earlier ones only finish a call
	busy   bool        // the loop is awake, and relief runs
	relief *time.Timer // calls relieve
	seen   uint32      // steps at the last call of relieve
	work   []Work      // of this turn
	done   int         // how many of work have begun
	inTurn bool        // Turn was called with true

	steps atomic.Uint32 // counts the calls of Data and Work
	// at is the connection whose Data runs. relieve sets it to nil when it replaces the goroutine.
	at atomic.Pointer[Conn]

	// Only the loop's goroutine uses these.
	ask    func(fd uintptr) bool // poll as a function value, allocated once
	events [turnEvents]syscall.EpollEvent
	ready  [turnEvents]*Conn
	n      int // of events and ready
	buf    []byte
}

// openLocked makes the epoll descriptor and gives it to the runtime's poller. The caller must hold
// l.mu.
func (l *Loop) openLocked() error {
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
	_ = syscall.SetNonblock(fd, true) // tells os that the poller can wait for it
	file := os.NewFile(uintptr(fd), "epoll")
	raw, err := file.SyscallConn()
	if err != nil {
		_ = file.Close()
		return err
	}
	l.file, l.raw, l.epoll, l.ask = file, raw, fd, l.poll
	return nil
}

// add adds a parked connection, and starts the loop if it is the first.
func (l *Loop) add(c *Conn) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.openLocked(); err != nil {
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
	l.count++
	if !l.running {
		l.running = true
		l.runs.Add(1)
		go l.run(l.turn)
	}
	return nil
}

// remove releases a connection.
func (l *Loop) remove(c *Conn) {
	l.mu.Lock()
	c.use.Or(closing)
	// Closing the descriptor does not remove it from epoll while another one refers to the same
	// socket, as in a child process between fork and exec.
	_ = c.controlLocked(syscall.EPOLL_CTL_DEL) // fails when nothing is watched
	c.state = released
	l.conns[c.number] = nil
	l.free = append(l.free, c.number)
	l.count--
	l.mu.Unlock()
	c.release()
}

// run is the loop in goroutine number me. It returns when no connection is left, or when another
// goroutine has become the loop.
func (l *Loop) run(me uint32) {
	returned := false
	var c *Conn // whose Data may be running
	defer func() {
		if !returned { // a Data or Work called runtime.Goexit
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

// wait waits until connections are ready, and stores them in events and ready. It returns false if
// the loop must end.
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
	// This calls poll at once, and again whenever the runtime's poller reports the epoll
	// descriptor.
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
	l.startTimerLocked()
	return true
}

// poll asks the kernel which connections are ready. It returns false if none is.
func (l *Loop) poll(fd uintptr) bool {
	for {
		n, err := syscall.EpollWait(int(fd), l.events[:], 0)
		if !errors.Is(err, syscall.EINTR) {
			l.n = max(n, 0)
			return n > 0
		}
	}
}

// Close ends the loop and waits for its goroutine. Connections that have not ended before must be
// closed after it.
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
