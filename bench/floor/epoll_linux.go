package main

import (
	"errors"
	"net"
	"syscall"
)

// serveEpoll serves all connections on one thread.
func serveEpoll(l net.Listener) error {
	file, err := l.(*net.TCPListener).File()
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }() // a file that nobody holds any more is closed by the collector
	_ = l.Close()                       // the file is another descriptor of the same socket
	listener := int(file.Fd())
	poll, err := syscall.EpollCreate1(0)
	if err == nil {
		err = syscall.SetNonblock(listener, true)
	}
	if err == nil {
		err = watch(poll, listener)
	}
	if err != nil {
		return err
	}
	go beat()
	clients := make(map[int32]*client)
	events := make([]syscall.EpollEvent, 256)
	buf := make([]byte, 64<<10)
	for {
		n, err := syscall.EpollWait(poll, events, -1)
		if err != nil && !errors.Is(err, syscall.EINTR) {
			return err
		}
		for _, e := range events[:max(n, 0)] {
			if int(e.Fd) == listener {
				accept(poll, listener, clients)
				continue
			}
			c := clients[e.Fd]
			n, err := syscall.Read(int(e.Fd), buf)
			if errors.Is(err, syscall.EAGAIN) {
				continue
			}
			going := err == nil && n > 0 && c.feed(buf[:n])
			if len(c.out) > 0 {
				writeAll(int(e.Fd), c.out)
				c.out = c.out[:0]
			}
			if !going {
				everyone.remove(c)
				delete(clients, e.Fd)
				_ = syscall.Close(int(e.Fd))
			} else if cap(c.out) > 0 && len(c.rest) == 0 {
				c.out = nil // an idle connection holds nothing
			}
		}
	}
}

func watch(poll, fd int) error {
	return syscall.EpollCtl(poll, syscall.EPOLL_CTL_ADD, fd, &syscall.EpollEvent{Events: syscall.EPOLLIN, Fd: int32(fd)})
}

func accept(poll, listener int, clients map[int32]*client) {
	for {
		fd, _, err := syscall.Accept4(listener, syscall.SOCK_NONBLOCK|syscall.SOCK_CLOEXEC)
		if err != nil {
			return
		}
		_ = syscall.SetsockoptInt(fd, syscall.IPPROTO_TCP, syscall.TCP_NODELAY, 1)
		if watch(poll, fd) != nil {
			_ = syscall.Close(fd)
			continue
		}
		clients[int32(fd)] = &client{send: func(frames []byte) { writeAll(fd, frames) }}
	}
}

// writeAll writes everything, asking again while the kernel has no room: a floor has no back-pressure.
func writeAll(fd int, b []byte) {
	for len(b) > 0 {
		n, err := syscall.Write(fd, b)
		if err != nil && !errors.Is(err, syscall.EAGAIN) && !errors.Is(err, syscall.EINTR) {
			return
		}
		b = b[max(n, 0):]
	}
}
