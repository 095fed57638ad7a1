//go:build linux

package netloop_test

import (
	"fmt"
	"net"

	"github.com/gosocketio/socketio/internal/netloop"
)

type echo struct {
	conn *netloop.Conn
	done chan error
}

func (e *echo) Data(b []byte) bool {
	_, err := e.conn.TryWrite(b)
	return err == nil
}

func (e *echo) End(err error) { e.done <- err }

func Example() {
	listener, _ := net.Listen("tcp", "127.0.0.1:0")
	peer, _ := net.Dial("tcp", listener.Addr().String())
	here, _ := listener.Accept()
	_ = listener.Close()

	var loop netloop.Loop
	defer loop.Close()
	conn, err := loop.Take(here)
	if err != nil {
		panic(err)
	}
	e := &echo{conn: conn, done: make(chan error, 1)}
	_ = conn.Start(e)

	_, _ = peer.Write([]byte("hello"))
	buf := make([]byte, 5)
	_, _ = peer.Read(buf)
	_ = peer.Close()
	fmt.Printf("%s, then %v\n", buf, <-e.done)
	// Output: hello, then EOF
}
