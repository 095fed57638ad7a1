package brokertest

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/gosocketio/socketio/internal/rawclient"
)

// argument names the environment variable that makes a test binary a server.
const argument = "BROKERTEST_ARGUMENT"

// Process is a server in a process of its own.
type Process struct {
	*rawclient.Endpoint
	// Log is what it printed before it listened.
	Log string

	cmd *exec.Cmd
}

// StartProcess runs one test of this binary in a process of its own, where [Argument] returns arg and
// the test calls [Serve]. The process is killed with t.
func StartProcess(t *testing.T, test, arg string) *Process {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^"+test+"$")
	cmd.Env = append(os.Environ(), argument+"="+arg)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &Process{cmd: cmd}
	t.Cleanup(p.Kill)
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if addr, ok := strings.CutPrefix(lines.Text(), "listening "); ok {
			p.Endpoint = rawclient.At(t, addr)
			go func() { // so that it can go on writing
				for lines.Scan() {
				}
			}()
			return p
		}
		p.Log += lines.Text() + "\n"
	}
	t.Fatalf("the server did not start: %s", p.Log)
	return nil
}

// Kill is kill -9.
func (p *Process) Kill() {
	if p.cmd.ProcessState == nil {
		_ = p.cmd.Process.Kill()
		_ = p.cmd.Wait()
	}
}

// Argument returns that of [StartProcess] in a process that it has started, "" in others.
func Argument() string { return os.Getenv(argument) }

// Serve serves h until the process is killed.
func Serve(t *testing.T, h http.Handler) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	fmt.Println("listening", l.Addr())
	t.Fatal(http.Serve(l, h))
}

// FreePorts returns ports of the loopback interface that were free a moment ago. They are below
// those that the kernel gives to clients (on Linux from 32768): a connection could take one of these
// before a server listens there, or while it restarts; it could even be connected to itself.
func FreePorts(t testing.TB, n int) (ports []int) {
	t.Helper()
	const first, last, attempts = 20_000, 32_767, 1000
	for range attempts {
		if len(ports) == n {
			return ports
		}
		port := first + rand.IntN(last-first+1)
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			continue // another server listens there
		}
		defer func() { _ = l.Close() }() // so that no port comes twice
		ports = append(ports, port)
	}
	t.Fatalf("no %d free ports from %d to %d", n, first, last)
	return nil
}
