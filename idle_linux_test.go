package socketio_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gosocketio/socketio"
)

// idleServer tells a child process to be the server whose memory is measured.
const idleServer = "SOCKETIO_IDLE_SERVER"

// idleConns is how many connections the benchmark opens.
const idleConns = 10_000

// TestIdleServer is the child of BenchmarkIdleConnection, and nothing when run by itself.
func TestIdleServer(t *testing.T) {
	if os.Getenv(idleServer) == "" {
		t.Skip("only as a child of BenchmarkIdleConnection")
	}
	io := socketio.New(socketio.Config{})
	joined := make(chan struct{}, idleConns)
	io.OnConnection(func(s *socketio.Socket) {
		s.Join("room")
		joined <- struct{}{}
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = http.Serve(l, io) }()
	fmt.Println("addr", l.Addr(), "rss", rss(t))
	for range idleConns {
		<-joined
	}
	// The goroutines of net/http that took the handshakes end on their own time.
	for n := runtime.NumGoroutine(); n > idleConns+20; n = runtime.NumGoroutine() {
		runtime.Gosched()
	}
	fmt.Println("grown", rss(t))
	debug.FreeOSMemory()
	fmt.Println("trimmed", rss(t), runtime.NumGoroutine())
	_, _ = bufio.NewReader(os.Stdin).ReadByte() // until the parent has gone
}

// rss returns the resident memory of this process in bytes.
func rss(t testing.TB) int {
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := bytes.Cut(b, []byte("VmRSS:"))
	n, err := strconv.Atoi(string(bytes.Fields(after)[0]))
	if err != nil {
		t.Fatal(err)
	}
	return n << 10
}

// BenchmarkIdleConnection opens 10,000 WebSocket connections over loopback, each in one namespace and one room, and
// prints what the server process grew by for each: resident memory, without the kernel's socket buffers.
func BenchmarkIdleConnection(b *testing.B) {
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	child := exec.CommandContext(ctx, os.Args[0], "-test.run", "^TestIdleServer$", "-test.v")
	child.Env = append(os.Environ(), idleServer+"=1")
	in, err := child.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := child.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := child.Start(); err != nil {
		b.Fatal(err)
	}
	defer func() { _ = in.Close(); _ = child.Wait() }()
	lines := bufio.NewScanner(out)
	say := func(format string, to ...any) {
		for lines.Scan() {
			if n, _ := fmt.Sscanf(lines.Text(), format, to...); n == len(to) {
				return
			}
		}
		b.Fatalf("the server ended without saying %q", format)
	}
	var addr string
	var before, grown, trimmed, goroutines int
	say("addr %s rss %d", &addr, &before)
	began := time.Now()
	conns := make([]net.Conn, idleConns)
	for i := range conns {
		conns[i] = idleConn(b, addr)
		defer conns[i].Close()
	}
	say("grown %d", &grown)
	say("trimmed %d %d", &trimmed, &goroutines)
	b.ReportMetric(float64(grown-before)/idleConns, "B/conn")
	b.ReportMetric(float64(trimmed-before)/idleConns, "trimmed-B/conn")
	b.ReportMetric(float64(goroutines)/idleConns, "goroutines/conn")
	b.ReportMetric(idleConns/time.Since(began).Seconds(), "conns/s")
}

// idleConn opens one connection and joins the main namespace.
func idleConn(b *testing.B, addr string) net.Conn {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		b.Fatal(err)
	}
	request := "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
	join := "\x81\x82\x00\x00\x00\x0040"
	if _, err := c.Write([]byte(request)); err != nil {
		b.Fatal(err)
	}
	var got strings.Builder
	buf := make([]byte, 1024)
	for sent := false; !strings.Contains(got.String(), `40{"sid"`); {
		n, err := c.Read(buf)
		if err != nil {
			b.Fatalf("%v after %q", err, got.String())
		}
		got.Write(buf[:n])
		if !sent && strings.Contains(got.String(), `"maxPayload"`) {
			sent = true
			if _, err := c.Write([]byte(join)); err != nil {
				b.Fatal(err)
			}
		}
	}
	return c
}
