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

// idleServer tells a child process to be the server whose memory is measured: "portable" or
// "event-loop", and how many connections it will get.
const idleServer = "SOCKETIO_IDLE_SERVER"

// idleModes are the connection modes that are measured, and the bytes that an idle connection may
// take in each: of resident memory, after a collection.
var idleModes = []struct {
	name   string
	mode   socketio.ConnectionMode
	budget int
}{
	{"portable", socketio.PortableMode, 6 << 10},
	{"event-loop", socketio.EventLoopMode, 2 << 10},
}

// idleWarm is how many connections the server has before its memory is looked at for the first
// time: what a process needs once is no part of what a connection needs.
const idleWarm = 500

// TestIdleServer is the child of the other tests here, and nothing when run by itself.
func TestIdleServer(t *testing.T) {
	var name string
	var n int
	if _, err := fmt.Sscan(os.Getenv(idleServer), &name, &n); err != nil {
		t.Skip("only as a child of the tests of memory")
	}
	var c socketio.Config
	for _, m := range idleModes {
		if m.name == name {
			c.ConnectionMode = m.mode
		}
	}
	io := socketio.New(c)
	joined := make(chan struct{}, idleWarm+n)
	io.OnConnection(func(s *socketio.Socket) {
		s.Join("room")
		joined <- struct{}{}
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = http.Serve(l, io) }()
	fmt.Println("addr", l.Addr())
	for range idleWarm {
		<-joined
	}
	debug.FreeOSMemory()
	fmt.Println("warm", rss(t))
	for range n {
		<-joined
	}
	// The goroutines of net/http that took the handshakes end on their own time.
	parked := idleWarm + n
	if c.ConnectionMode == socketio.EventLoopMode {
		parked = 0
	}
	for runtime.NumGoroutine() > parked+20 {
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

// idle is what the server process grew by for each connection: resident memory, without the
// kernel's socket buffers.
type idle struct{ grown, trimmed, goroutines, perSecond float64 }

// measureIdle opens n WebSocket connections over loopback to a server process, each in one
// namespace and one room.
func measureIdle(t testing.TB, mode string, n int) idle {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	child := exec.CommandContext(ctx, os.Args[0], "-test.run", "^TestIdleServer$", "-test.v")
	child.Env = append(os.Environ(), fmt.Sprintf("%s=%s %d", idleServer, mode, n))
	in, err := child.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = in.Close(); _ = child.Wait() }()
	lines := bufio.NewScanner(out)
	say := func(format string, to ...any) {
		for lines.Scan() {
			if n, _ := fmt.Sscanf(lines.Text(), format, to...); n == len(to) {
				return
			}
		}
		t.Fatalf("the server ended without saying %q", format)
	}
	var addr string
	var before, grown, trimmed, goroutines int
	say("addr %s", &addr)
	conns := make([]net.Conn, 0, idleWarm+n)
	defer func() {
		for _, c := range conns {
			_ = c.Close()
		}
	}()
	for range idleWarm {
		conns = append(conns, idleConn(t, addr))
	}
	say("warm %d", &before)
	began := time.Now()
	for range n {
		conns = append(conns, idleConn(t, addr))
	}
	say("grown %d", &grown)
	say("trimmed %d %d", &trimmed, &goroutines)
	each := func(x int) float64 { return float64(x) / float64(n) }
	return idle{each(grown - before), each(trimmed - before), each(goroutines), float64(n) / time.Since(began).Seconds()}
}

// An idle connection keeps to its budget of memory.
func TestIdleConnectionMemory(t *testing.T) {
	skipUnderRace(t)
	for _, m := range idleModes {
		got := measureIdle(t, m.name, 4000)
		t.Logf("%s: %.0f bytes, %.0f after a collection, %.2f goroutines", m.name, got.grown, got.trimmed, got.goroutines)
		if got.trimmed > float64(m.budget) {
			t.Errorf("%s: %.0f bytes after a collection, the budget is %d", m.name, got.trimmed, m.budget)
		}
	}
}

// BenchmarkIdleConnection measures 10,000 connections.
func BenchmarkIdleConnection(b *testing.B) {
	for _, m := range idleModes {
		b.Run(m.name, func(b *testing.B) {
			got := measureIdle(b, m.name, 10_000)
			b.ReportMetric(got.grown, "B/conn")
			b.ReportMetric(got.trimmed, "trimmed-B/conn")
			b.ReportMetric(got.goroutines, "goroutines/conn")
			b.ReportMetric(got.perSecond, "conns/s")
		})
	}
}

// idleConn opens one connection and joins the main namespace.
func idleConn(b testing.TB, addr string) net.Conn {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		b.Fatal(err)
	}
	request := "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\n" +
		"Host: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
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
