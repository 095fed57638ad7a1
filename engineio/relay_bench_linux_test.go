package engineio_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"github.com/gosocketio/socketio/engineio"
)

// The environment variables of a process that is one of the two servers of BenchmarkRelay.
const (
	benchTag  = "ENGINEIO_BENCH_TAG"
	benchPeer = "ENGINEIO_BENCH_PEER"
)

// TestHelperProcess is no test: it is the main function of a process that startBenchNode starts, a
// server of BenchmarkRelay. It serves until its standard input ends.
func TestHelperProcess(t *testing.T) {
	tag := os.Getenv(benchTag)
	if tag == "" {
		return
	}
	e, err := engineio.New(engineio.Config{
		Relay: &engineio.Relay{Tag: tag, Secret: "0123456789abcdef", Lookup: func(context.Context, string) string { return os.Getenv(benchPeer) }},
		Events: engineio.Events{
			Message: func(s *engineio.Session, data []byte, binary bool) { _ = s.Send(data, binary) },
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/cpu" {
			var u syscall.Rusage
			_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
			fmt.Fprint(w, u.Utime.Nano()+u.Stime.Nano())
			return
		}
		e.ServeHTTP(w, r)
	}))
	fmt.Printf("listening on %s\n", h.Listener.Addr())
	_, _ = io.Copy(io.Discard, os.Stdin)
	os.Exit(0)
}

func startBenchNode(b *testing.B, tag, peer string) (address string) {
	b.Helper()
	cmd := exec.Command(os.Args[0], "-test.run", "^TestHelperProcess$")
	cmd.Env = append(os.Environ(), benchTag+"="+tag, benchPeer+"="+peer)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = stdin.Close()
		_ = cmd.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		b.Fatal(err)
	}
	return strings.TrimSpace(strings.TrimPrefix(line, "listening on "))
}

func cpu(b *testing.B, address string) (d time.Duration) {
	b.Helper()
	res, err := http.Get("http://" + address + "/cpu")
	if err != nil {
		b.Fatal(err)
	}
	defer res.Body.Close()
	if _, err := fmt.Fscan(res.Body, (*int64)(&d)); err != nil {
		b.Fatal(err)
	}
	return d
}

// BenchmarkRelay compares the CPU of both servers for messages that go to a session and come back,
// over the server that has the session and over the other one: over long-polling (a POST and a GET),
// and over a WebSocket that the session has upgraded to. local and relayed runs alternate.
func BenchmarkRelay(b *testing.B) {
	owner := startBenchNode(b, "owner_", "")
	other := startBenchNode(b, "other_", owner)
	for _, c := range []struct {
		name string
		play func(b *testing.B, owner, via string) (again func())
	}{{"polling", playPolling}, {"websocket", playWebSocket}} {
		b.Run(c.name, func(b *testing.B) {
			const clients, turns = 64, 20
			var local, relayed []func()
			for range clients {
				local = append(local, c.play(b, owner, owner))
				relayed = append(relayed, c.play(b, owner, other))
			}
			spent := func(again []func()) time.Duration {
				before := cpu(b, owner) + cpu(b, other)
				var all sync.WaitGroup
				for _, f := range again {
					all.Go(func() {
						for range turns {
							f()
						}
					})
				}
				all.Wait()
				return cpu(b, owner) + cpu(b, other) - before
			}
			var here, there time.Duration
			n := 0
			for b.Loop() {
				here += spent(local)
				there += spent(relayed)
				n += clients * turns
			}
			b.ReportMetric(float64(here.Microseconds())/float64(n), "local-µs/msg")
			b.ReportMetric(float64(there.Microseconds())/float64(n), "relayed-µs/msg")
			b.ReportMetric(float64(there)/float64(here), "ratio")
		})
	}
}

// playPolling opens a session at owner and returns a function that sends a message and receives it
// again, both over via.
func playPolling(b *testing.B, owner, via string) func() {
	query := benchSession(b, owner)
	conn, in := benchDial(b, via)
	head := "Host: " + via + "\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\nAccept: */*\r\nAccept-Encoding: gzip\r\n" +
		"X-Forwarded-For: 192.0.2.1\r\nCookie: session=0123456789abcdef0123456789abcdef\r\n"
	text := "4" + strings.Repeat("x", 32)
	post := "POST " + engineio.DefaultPath + query + " HTTP/1.1\r\n" + head +
		fmt.Sprintf("Content-Type: text/plain;charset=UTF-8\r\nContent-Length: %d\r\n\r\n%s", len(text), text)
	get := "GET " + engineio.DefaultPath + query + " HTTP/1.1\r\n" + head + "\r\n"
	return func() {
		benchAsk(b, conn, in, post, "ok")
		benchAsk(b, conn, in, get, text)
	}
}

func benchAsk(b *testing.B, conn net.Conn, in *bufio.Reader, request, want string) {
	if _, err := io.WriteString(conn, request); err != nil {
		b.Error(err)
		return
	}
	res, err := http.ReadResponse(in, nil)
	if err != nil {
		b.Error(err)
		return
	}
	defer res.Body.Close()
	if body, err := io.ReadAll(res.Body); err != nil || string(body) != want && string(body) != "2" {
		b.Errorf("%q, %v, want %q", body, err, want)
	}
}

// playWebSocket is playPolling for a session that upgrades over via.
func playWebSocket(b *testing.B, owner, via string) func() {
	query := strings.Replace(benchSession(b, owner), "polling", "websocket", 1)
	conn, _, _, err := ws.Dial(context.Background(), "ws://"+via+engineio.DefaultPath+query)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = conn.Close() })
	in := bufio.NewReader(conn)
	say := func(text string) {
		f := ws.MustCompileFrame(ws.MaskFrameWith(ws.NewTextFrame([]byte(text)), [4]byte{1, 2, 3, 4}))
		if _, err := conn.Write(f); err != nil {
			b.Error(err)
		}
	}
	hear := func(want string) {
		f, err := ws.ReadFrame(in)
		for err == nil && string(f.Payload) == "2" { // a ping
			f, err = ws.ReadFrame(in)
		}
		if err != nil || string(f.Payload) != want {
			b.Errorf("%q, %v, want %q", f.Payload, err, want)
		}
	}
	say("2probe")
	hear("3probe")
	say("5")
	text := "4" + strings.Repeat("x", 32)
	return func() {
		say(text)
		hear(text)
	}
}

func benchSession(b *testing.B, owner string) (query string) {
	b.Helper()
	res, err := http.Get("http://" + owner + engineio.DefaultPath + "?EIO=4&transport=polling")
	if err != nil {
		b.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		b.Fatal(err)
	}
	_, id, _ := strings.Cut(string(body), `"sid":"`)
	return "?EIO=4&transport=polling&sid=" + id[:20]
}

func benchDial(b *testing.B, address string) (net.Conn, *bufio.Reader) {
	b.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = conn.Close() })
	return conn, bufio.NewReader(conn)
}
