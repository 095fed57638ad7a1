package main

import (
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gosocketio/socketio/internal/lockedbuffer"
)

// Secrets of tests.
const (
	hookSecret  = "whsec_MDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1ub3BxcnN0dXY="
	tokenSecret = "0123456789abcdef0123456789abcdef"
)

func TestOneDashOrTwo(t *testing.T) {
	got := twoDashes([]string{"serve", "-addr", "x", "--path", "/y", "-cors=*", "-h", "-", "--"})
	want := []string{"serve", "--addr", "x", "--path", "/y", "--cors=*", "-h", "-", "--"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	for _, flag := range []string{"-log-level", "--log-level"} {
		start(t, flag, "error").end(t)
	}
}

func TestHelp(t *testing.T) {
	for _, args := range [][]string{{"-h"}, {"--help"}, {"serve", "-h"}, {"serve", "-help"}} {
		var stdout, stderr lockedbuffer.Buffer
		if code := run(t.Context(), args, &stdout, &stderr); code != 0 || !strings.Contains(stdout.String(), "Usage: socketio") {
			t.Errorf("%q: exit code %d, %q, %q", args, code, stdout.String(), stderr.String())
		}
	}
}

// Each mistake ends the command with one line that names it.
func TestMistakes(t *testing.T) {
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = busy.Close() }()
	closed, err := net.Listen("tcp", "127.0.0.1:0") // nobody listens there any more
	if err != nil || closed.Close() != nil {
		t.Fatal("cannot listen")
	}
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args string
		code int
		says string
	}{
		{"", exitUsage, "serve"},
		{"server", exitUsage, "server"},
		{"serve -adr x", exitUsage, "--adr"},
		{"serve extra", exitUsage, "extra"},
		{"serve -log-level loud", exitUsage, "loud"},
		{"serve -log-format xml", exitUsage, "xml"},
		{"serve -config", exitUsage, "--config"},
		{"serve -config missing.yaml", exitFailed, "missing.yaml"},
		{"serve -addr", exitUsage, "--addr"},
		{"serve -addr nowhere", exitFailed, "-addr"},
		{"serve -addr " + busy.Addr().String(), exitFailed, "in use"},
		{"serve -tls-cert only.pem", exitFailed, "-tls-key"},
		{"serve -tls-key only.pem", exitFailed, "-tls-cert"},
		{"serve -tls-cert missing.pem -tls-key missing.pem", exitFailed, "missing.pem"},
		{"serve -tls-cert " + empty + " -tls-key " + empty, exitFailed, "PEM"},
		{"serve -path /", exitFailed, "-path"},
		{"serve -path a?b", exitFailed, "-path"},
		{"serve -path /a/../b", exitFailed, "-path"},
		{"serve -path /a%20b", exitFailed, "-path"},
		{"serve -addr=", exitFailed, "-addr"},
		{"serve -addr localhost", exitFailed, "127.0.0.1:3001"},
		{"serve -admin-addr localhost:", exitFailed, "-admin-addr"},
		{"serve -admin-addr a:b:c", exitFailed, "-admin-addr"},
		{"serve -admin-addr " + busy.Addr().String(), exitFailed, "-admin-addr"},
		{"serve -admin-pprof", exitFailed, "-admin-addr"},
		{"serve -cors https://a.example/path", exitFailed, `: -cors has "https://a.example/path": it must be`},
		{"serve -ping-timeout 1ns", exitFailed, ": -ping-timeout is 1ns, it must be"},
		{"serve -eio3=maybe", exitUsage, "--eio3"},
		{"serve -client " + t.TempDir(), exitFailed, "-client"},
		{"serve -demo -path /chat", exitFailed, "-path"},
		{"serve -cors example.com", exitFailed, "example.com"},
		{"serve -client missing", exitFailed, "-client"},
		{"serve -relay-secret 0123456789abcdef", exitFailed, "-cluster"},
		{"serve -relay-addr 10.0.0.5:3000", exitFailed, "-relay-secret"},
		{"serve -relay-secret short -cluster redis://localhost", exitFailed, "at least 16"},
		{"serve -relay-secret 0123456789abcdef -cluster redis://localhost -addr 127.0.0.1:0", exitFailed, "-relay-addr"},
		{"serve -relay-secret 0123456789abcdef -cluster redis://localhost -relay-addr :3000", exitFailed, "-relay-addr"},
		{"serve -relay-secret 0123456789abcdef -cluster redis://localhost -tls-cert a -tls-key b", exitFailed, "-tls-cert"},
		{"serve -hooks-secret whsec_x", exitFailed, "-hooks-secret needs -hooks"},
		{"serve -hooks http://localhost", exitFailed, "-hooks-secret"},
		{"serve -hooks localhost -hooks-secret " + hookSecret, exitFailed, "-hooks must be a URL"},
		{"serve -hooks http://localhost -hooks-secret whsec_x", exitFailed, "-hooks-secret: a secret must be"},
		{"serve -hooks http://localhost -hooks-timeout 1m -hooks-secret " + hookSecret, exitFailed, "-hooks-timeout is 1m0s"},
		{"serve -hooks http://localhost -hooks-timeout 0 -hooks-secret " + hookSecret, exitFailed, "-hooks-timeout is 0s"},
		{"serve -hooks http://localhost -hooks-parallel 0 -hooks-secret " + hookSecret, exitFailed, "-hooks-parallel"},
		{"serve -hooks http://localhost -hooks-queue 0 -hooks-secret " + hookSecret, exitFailed, "-hooks-queue"},
		{"serve -hooks http://localhost -hooks-namespaces chat -hooks-secret " + hookSecret, exitFailed, "-hooks-namespaces"},
		{"serve -hooks http://localhost -demo -hooks-secret " + hookSecret, exitFailed, "-demo and -hooks"},
		{"serve -jwt-issuer us", exitFailed, "-jwt-secret"},
		{"serve -jwt-close-expired", exitFailed, "-jwt-secret"},
		{"serve -jwt-secret short", exitFailed, "-jwt-secret has 5 bytes"},
		{"serve -jwt-secret " + tokenSecret + " -jwt-jwks http://localhost", exitFailed, "exactly one of -jwt-secret"},
		{"serve -jwt-keys missing.pem", exitFailed, "-jwt-keys: open missing.pem"},
		{"serve -jwt-keys " + empty, exitFailed, "-jwt-keys: there is no key"},
		{"serve -jwt-jwks http://" + closed.Addr().String(), exitFailed, "-jwt-jwks: "},
		{"serve -recovery=-1s", exitFailed, "-recovery"},
		{"serve -drain=-1s", exitFailed, "-drain"},
		{"serve -recovery often", exitUsage, "--recovery"},
		{"serve -cluster localhost:6379", exitFailed, "-cluster"},
		{"serve -cluster redis+tea://localhost", exitFailed, "redis+tea"},
		{"serve -cluster redis://localhost?spoon=2", exitFailed, "spoon"},
		{"serve -cluster nats://localhost?spoon=2", exitFailed, "spoon"},
		{"serve -cluster nats+embedded://:4248?spoon=2", exitFailed, "spoon"},
		{"serve -cluster tea://localhost", exitFailed, "tea"},
		{"serve -cluster nats://localhost?spoon=2", exitFailed, "spoon"},
		{"serve -cluster nats://" + closed.Addr().String(), exitFailed, "-cluster: "},
		{"serve -cluster postgres://localhost?threshold=x", exitFailed, "threshold"},
		{"serve -cluster postgres://" + closed.Addr().String(), exitFailed, "-cluster: "},
		{"serve -cluster redis://" + closed.Addr().String(), exitFailed, "-cluster: "},
	} {
		var stdout, stderr lockedbuffer.Buffer
		code := run(t.Context(), strings.Fields(c.args), &stdout, &stderr)
		said := stderr.String()
		if code != c.code || !strings.HasPrefix(said, "socketio: ") || !strings.Contains(said, c.says) || strings.Count(said, "\n") != 1 {
			t.Errorf("%q: exit code %d, %q", c.args, code, said)
		}
		if stdout.String() != "" {
			t.Errorf("%q: says %q on standard output", c.args, stdout.String())
		}
	}
}

func TestAddressesForBrowsers(t *testing.T) {
	for address, want := range map[string]string{"0.0.0.0:80": "localhost:80", "[::]:3001": "localhost:3001", "127.0.0.1:1": "127.0.0.1:1", "[::1]:2": "[::1]:2"} {
		tcp, err := net.ResolveTCPAddr("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		if got := browsable(tcp); got != want {
			t.Errorf("%s: %s, want %s", address, got, want)
		}
	}
}
