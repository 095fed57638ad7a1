package main

import "net"

// serveRaw serves each connection on a goroutine of its own.
func serveRaw(l net.Listener) error {
	go beat()
	for {
		conn, err := l.Accept()
		if err != nil {
			return err
		}
		go func() {
			defer conn.Close()
			c := &client{send: func(frames []byte) { _, _ = conn.Write(frames) }} // the reader sees that it is gone
			defer everyone.remove(c)
			buf := make([]byte, 4<<10)
			for {
				n, err := conn.Read(buf)
				if err != nil {
					return
				}
				going := c.feed(buf[:n])
				if len(c.out) > 0 {
					if _, err := conn.Write(c.out); err != nil {
						return
					}
				}
				if c.out = c.out[:0]; !going {
					return
				}
				if cap(c.out) > 64<<10 {
					c.out = nil
				}
			}
		}()
	}
}
