package main

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gosocketio/socketio/internal/lockedbuffer"
)

// parse returns the options of "serve" with these arguments.
func parse(t *testing.T, args ...string) (*serve, error) {
	t.Helper()
	var c commands
	parser, err := newParser(&c, new(configFile))
	if err != nil {
		t.Fatal(err)
	}
	_, err = parser.Parse(append([]string{"serve"}, twoDashes(args)...))
	return &c.Serve, err
}

func config(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "socketio.yaml")
	writeFile(t, path, text)
	return path
}

// The command line comes first, then the environment, the file, and the default.
func TestPrecedence(t *testing.T) {
	path := config(t, "node: file\nrecovery: 1m\ndrain: 1s\ncors: [https://file.example]\ndeflate: true\n")
	t.Setenv("SOCKETIO_NODE", "environment")
	t.Setenv("SOCKETIO_RECOVERY", "2m")
	t.Setenv("SOCKETIO_CORS", "https://a.example,https://b.example")
	t.Setenv("SOCKETIO_DEFLATE", "false")
	c, err := parse(t, "-config", path, "-node", "flag")
	if err != nil {
		t.Fatal(err)
	}
	if c.Node != "flag" || c.Recovery != 2*time.Minute || c.Drain != time.Second || c.Addr != "127.0.0.1:3001" || c.Deflate ||
		strings.Join(c.Cors, " ") != "https://a.example https://b.example" {
		t.Errorf("got %+v", c)
	}
	if c, err = parse(t, "-cors", "https://flag.example", "-deflate"); err != nil || len(c.Cors) != 1 || !c.Deflate {
		t.Errorf("got %q, %v, %v", c.Cors, c.Deflate, err)
	}
}

// Each mistake in a file, or in the environment, ends the command with one line that names where it is.
func TestConfigMistakes(t *testing.T) {
	for _, c := range []struct{ text, says string }{
		{"addr: 127.0.0.1:0\nadr: x\n", `line 2: unknown option "adr", did you mean addr?`},
		{"drian: 1s\n", "did you mean drain?"},
		{"Limit_Conections: 5\n", "did you mean limit-connections?"},
		{"jwt-isuer: x\n", "did you mean jwt-issuer?"},
		{"limits: 5\n", `line 1: unknown option "limits"` + "\n"},
		{"admin_addr: 9464\n", "did you mean admin-addr?"},
		{"tlsCert: x\n", "did you mean tls-cert?"},
		{"config: other.yaml\n", `unknown option "config"`},
		{"config-check: true\n", `unknown option "config-check"`},
		{"? [addr]\n: x\n", "line 1: unknown option"},
		{"<<: {addr: x}\n", `unknown option "<<"`},
		{"node: a\nnode: b\n", "line 2: option node is there twice"},
		{"node: a\n---\nnode: b\n", "second document"},
		{"- node\n", "line 1: it must have lines such as addr:"},
		{"node\n", "line 1: it must have lines such as addr:"},
		{"node:\n", "line 1: option node must have one value"},
		{"node: [a]\n", "line 1: option node must have one value"},
		{"cors: [a, [b]]\n", "line 1: option cors must have one value, or a list of values"},
		{"cors: {a: b}\n", "line 1: option cors must have one value, or a list of values"},
		{"\n\nnode: a: b\n", "line 3: mapping values are not allowed"},
		{"node: \"\xff\"\n", "UTF-8"},
		{"node: *a\n", "line 1: unknown anchor"},
		{"\nrecovery: often\n", "(recovery: FILE, line 2)"},
		{"deflate: perhaps\n", "(deflate: FILE, line 1)"},
		{"log-level: loud\n", "(log-level: FILE, line 1)"},
		{"drain: -1s\n", "-drain is -1s, it must be at least 0 (drain: FILE, line 1)"},
		{"tls-cert: none.pem\ntls-key: none.pem\n", "(tls-cert: FILE, line 1; tls-key: FILE, line 2)"},
		{"cors: [https://a.example/path]\n", "(cors: FILE, line 1)"},
		{"jwt-jwks: keys\n", "-jwt-jwks must be a URL"},
		{"addr: 127.0.0.1:99999\n", `-addr is "127.0.0.1:99999"`},
		{"admin-addr: 70000\n", `-admin-addr is "70000"`},
		{"# " + strings.Repeat("x", maxConfig), "it is longer than 1048576 bytes"},
		{"admin-ui-password: secret\n", "(admin-ui-password: FILE, line 1)"},
	} {
		path := config(t, c.text)
		checkRefuses(t, strings.ReplaceAll(c.says, "FILE", path), path, "-config", path)
	}
	missing := filepath.Join(t.TempDir(), "missing.yaml")
	checkRefuses(t, "missing.yaml", missing, "-config", missing)
	for _, value := range []string{"-1s", "often", ""} {
		t.Setenv("SOCKETIO_DRAIN", value)
		checkRefuses(t, "SOCKETIO_DRAIN", "-drain")
	}
}

// An option whose value is empty, as that of a variable that is not set, is not off.
func TestEmptyOptions(t *testing.T) {
	for _, name := range []string{"jwt-secret", "jwt-keys", "jwt-jwks", "hooks", "hooks-secret", "limit-events", "trusted-proxy", "cluster"} {
		path := config(t, name+": \"\"\n")
		checkRefuses(t, "-"+name+" is empty", "("+name+": "+path+", line 1)", "-config", path)
		variable := "SOCKETIO_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
		t.Run(name, func(t *testing.T) {
			t.Setenv(variable, "")
			checkRefuses(t, "-"+name+" is empty", "("+variable+" in the environment)")
		})
	}
}

// checkRefuses runs "serve -config-check", which must end with one line that has both texts.
func checkRefuses(t *testing.T, says, andSays string, args ...string) {
	t.Helper()
	var stdout, stderr lockedbuffer.Buffer
	code := run(t.Context(), append([]string{"serve", "-config-check"}, args...), &stdout, &stderr)
	said := stderr.String()
	if code != exitFailed || stdout.String() != "" || strings.Count(said, "\n") != 1 || !strings.HasPrefix(said, "socketio: ") ||
		!strings.Contains(said, says) || !strings.Contains(said, andSays) {
		t.Errorf("exit code %d, %q, %q; want %q and %q", code, said, stdout.String(), says, andSays)
	}
}

// What is on the command line is not blamed on the file.
func TestTheCommandLineIsBlamed(t *testing.T) {
	var stdout, stderr lockedbuffer.Buffer
	path := config(t, "drain: 1s\n")
	run(t.Context(), []string{"serve", "-config-check", "-config", path, "-drain=-1s"}, &stdout, &stderr)
	if said := stderr.String(); said != "socketio: -drain is -1s, it must be at least 0\n" {
		t.Errorf("says %q", said)
	}
}

// A check says ok, starts nothing and connects to nothing: neither port is free, and nobody is at the broker's.
func TestConfigCheck(t *testing.T) {
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = busy.Close() }()
	addr := busy.Addr().String()
	for _, text := range []string{
		"", "# nothing\n", "---\n",
		"addr: " + addr + "\nadmin-addr: " + addr + "\n",
		"cluster: redis://" + addr + "\nrelay-secret: 0123456789abcdef\nrecovery: 2m\naddr: 127.0.0.1:1\n",
		"hooks: http://" + addr + "/\nhooks-secret: whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz\njwt-jwks: https://" + addr + "/keys\n",
		"cors: &all '*'\nnode: *all\n", "cors: https://a.example,https://b.example\n", "admin-addr: 9464\neio3: yes\n",
	} {
		t.Setenv("SOCKETIO_CONFIG", config(t, text))
		var stdout, stderr lockedbuffer.Buffer
		if code := run(t.Context(), []string{"serve", "-config-check"}, &stdout, &stderr); code != 0 || stdout.String() != "ok\n" || stderr.String() != "" {
			t.Errorf("%q: exit code %d, %q, %q", text, code, stdout.String(), stderr.String())
		}
	}
}

// The variable that names a file is of serve alone: a health check in the same container does not read it.
func TestConfigIsOfServe(t *testing.T) {
	p := start(t)
	defer p.end(t)
	t.Setenv("SOCKETIO_CONFIG", filepath.Join(t.TempDir(), "missing.yaml"))
	var stdout, stderr lockedbuffer.Buffer
	if code := run(t.Context(), []string{"health", p.url}, &stdout, &stderr); code != 0 {
		t.Errorf("exit code %d, %q", code, stderr.String())
	}
}

// A variable that no option has is in the log, but for those that Kubernetes sets.
func TestUnknownVariables(t *testing.T) {
	t.Setenv("SOCKETIO_CLUSTR", "redis://localhost")
	for _, name := range []string{"SOCKETIO_NODE", "SOCKETIO_SERVICE_HOST", "SOCKETIO_SERVICE_PORT_HTTP", "SOCKETIO_PORT", "SOCKETIO_PORT_80_TCP"} {
		t.Setenv(name, "x")
	}
	var stdout, stderr lockedbuffer.Buffer
	code := run(t.Context(), []string{"serve", "-config-check"}, &stdout, &stderr)
	if said := stderr.String(); code != 0 || strings.Count(said, "\n") != 1 || !strings.Contains(said, "names=[SOCKETIO_CLUSTR]") {
		t.Errorf("exit code %d, %q", code, said)
	}
}

// The file that the documentation shows is right.
func TestDocumentedFile(t *testing.T) {
	page, err := os.ReadFile("../../docs/serve.md")
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(page), "```yaml\n")
	text, _, ok := strings.Cut(after, "```")
	if !ok {
		t.Fatal("no file in docs/serve.md")
	}
	c, err := parse(t, "-config", config(t, text))
	if err != nil || len(c.Cors) != 2 || !c.Deflate || c.Drain != 10*time.Second {
		t.Errorf("%+v, %v", c, err)
	}
	checkRefuses(t, `line 5: unknown option "drian"`, "", "-config", config(t, text+"drian: 10s\n"))
}

// The example file is right, and the systemd unit runs and checks it, and waits until the server has drained.
func TestUnit(t *testing.T) {
	text, err := os.ReadFile("../../examples/deploy/socketio.service")
	if err != nil {
		t.Fatal(err)
	}
	unit := make(map[string]string)
	for line := range strings.Lines(string(text)) {
		if key, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok && !strings.HasPrefix(line, "#") {
			unit[key] = value
		}
	}
	if unit["ExecStartPre"] != unit["ExecStart"]+" -config-check" {
		t.Errorf("it checks %q and runs %q", unit["ExecStartPre"], unit["ExecStart"])
	}
	args := strings.Fields(strings.ReplaceAll(unit["ExecStartPre"], "/etc/socketio/", "../../examples/deploy/"))
	var stdout, stderr lockedbuffer.Buffer
	if code := run(t.Context(), args[1:], &stdout, &stderr); code != 0 {
		t.Errorf("%q: exit code %d, %s", args, code, stderr.String())
	}
	c, err := parse(t, "-config", "../../examples/deploy/socketio.yaml")
	if err != nil {
		t.Fatal(err)
	}
	wait, err := time.ParseDuration(unit["TimeoutStopSec"] + "s")
	if least := c.Drain + drainWait + stopTimeout; err != nil || wait <= least {
		t.Errorf("TimeoutStopSec is %v, it must be more than %v: %v", wait, least, err)
	}
}
