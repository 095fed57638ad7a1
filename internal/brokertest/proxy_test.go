package brokertest_test

import (
	"errors"
	"net"
	"os"
	"testing"
	"time"

	"github.com/gosocketio/socketio/internal/brokertest"
	"github.com/gosocketio/socketio/internal/leak"
)

func TestMain(m *testing.M) { leak.Main(m) }

// listen returns the address of a server and its connections.
func listen(t *testing.T) (addr string, conns <-chan net.Conn) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	accepted := make(chan net.Conn, 10)
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			accepted <- c
		}
	}()
	return l.Addr().String(), accepted
}

func dial(t *testing.T, addr string) net.Conn {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func send(t *testing.T, c net.Conn, text string) {
	t.Helper()
	if _, err := c.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
}

// read returns what comes next: text, "nothing" for a while, or "end".
func read(t *testing.T, c net.Conn, wait time.Duration) string {
	t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(wait))
	buf := make([]byte, 100)
	n, err := c.Read(buf)
	switch {
	case n > 0:
		return string(buf[:n])
	case errors.Is(err, os.ErrDeadlineExceeded):
		return "nothing"
	}
	return "end"
}

func TestProxy(t *testing.T) {
	addr, conns := listen(t)
	p := brokertest.StartProxy(t, &brokertest.Proxy{To: func() string { return addr }})
	client := dial(t, p.Addr())
	server := brokertest.Get(t, "connection", conns)
	const soon, long = 50 * time.Millisecond, brokertest.Patience
	want := func(what string, c net.Conn, wait time.Duration, want string) {
		t.Helper()
		if got := read(t, c, wait); got != want {
			t.Fatalf("%s: got %s, want %s", what, got, want)
		}
	}
	p.Hold(brokertest.ToClient)
	send(t, client, "up")
	want("the other way", server, long, "up")
	send(t, server, "down")
	want("held", client, soon, "nothing")
	p.Continue()
	want("released", client, long, "down")

	end := p.Abandon()
	_ = client.Close()
	client = dial(t, p.Addr())
	second := brokertest.Get(t, "connection", conns)
	send(t, client, "new")
	want("a new connection", second, long, "new")
	want("the end of the abandoned one", server, soon, "nothing")
	end()
	want("the end of the abandoned one, at last", server, long, "end")

	p.Cut()
	want("cut at the client", client, long, "end")
	want("cut at the server", second, long, "end")
}

// A server that says nothing for too long loses the connection.
func TestProxySilence(t *testing.T) {
	addr, conns := listen(t)
	p := brokertest.StartProxy(t, &brokertest.Proxy{To: func() string { return addr }, Silence: time.Second})
	client := dial(t, p.Addr())
	send(t, brokertest.Get(t, "connection", conns), "x")
	for _, want := range []string{"x", "end"} {
		if got := read(t, client, brokertest.Patience); got != want {
			t.Fatalf("got %s, want %s", got, want)
		}
	}
}
