package main

import (
	"encoding/json"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/gosocketio/socketio/adapter/redis/redistest"
	"github.com/gosocketio/socketio/internal/brokertest"
	"github.com/gosocketio/socketio/internal/lockedbuffer"
	"github.com/gosocketio/socketio/internal/rawclient"
)

// adminURL returns the address of the operators' pages, which the log tells.
func (p *process) adminURL(t *testing.T) string {
	t.Helper()
	m := regexp.MustCompile(`msg="operators' pages" url=(\S+)`).FindStringSubmatch(p.stderr.String())
	if m == nil {
		t.Fatalf("the log does not tell where the operators' pages are: %s", p.stderr)
	}
	return m[1]
}

// The operators' port shows a visitor, Prometheus can read its metrics, and the server is not ready
// while its broker is away.
func TestOperatorsPort(t *testing.T) {
	redis := redistest.Start(t)
	p := start(t, "-demo", "-cluster", redis.URL(), "-admin-addr", "0", "-admin-pprof", "-admin-broker-away", "100ms")
	admin := p.adminURL(t)
	if !strings.HasPrefix(admin, "http://127.0.0.1:") {
		t.Errorf("a port alone is at %s", admin)
	}
	get := func(path string) string {
		t.Helper()
		status, body, _ := fetch(t, admin+path, nil)
		if status != 200 {
			t.Errorf("%s: %d %s", path, status, body)
		}
		return body
	}
	visit(t, rawclient.At(t, strings.TrimPrefix(p.url, "http://")), "Ana", "lobby")
	if _, page, _ := fetch(t, p.url+"/metrics", nil); strings.Contains(page, "socketio_connections") {
		t.Error("the clients' port has the metrics too")
	}

	get("/healthz")
	get("/readyz")
	if page := get("/debug/pprof/"); !strings.Contains(page, "goroutine") {
		t.Errorf("profiles: %s", page)
	}
	var sockets struct {
		Sockets []struct {
			Namespace, Address, Transport string
			Rooms                         []string
		}
	}
	if err := json.Unmarshal([]byte(get("/sockets?namespace=/demo")), &sockets); err != nil || len(sockets.Sockets) != 1 ||
		sockets.Sockets[0].Address != "127.0.0.1" || !strings.Contains(strings.Join(sockets.Sockets[0].Rooms, " "), "lobby") {
		t.Errorf("sockets: %+v, %v", sockets, err)
	}
	if rooms := get("/rooms"); !strings.Contains(rooms, "lobby") {
		t.Errorf("rooms: %s", rooms)
	}

	page := get("/metrics")
	for _, line := range []string{
		`socketio_connections{transport="websocket"} 1`, `socketio_sockets{namespace="/demo"} 1`,
		`socketio_broker_connected 1`, `socketio_connections_opened_total 1`, `go_goroutines `,
	} {
		if !strings.Contains(page, "\n"+line) {
			t.Errorf("no %s in %s", line, page)
		}
	}
	check := exec.CommandContext(t.Context(), "promtool", "check", "metrics")
	check.Stdin = strings.NewReader(page)
	if out, err := check.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("promtool check metrics (scripts/install.sh prometheus): %v\n%s", err, out)
	}

	health := func() (code int, says string) {
		var stdout, stderr lockedbuffer.Buffer
		code = run(t.Context(), []string{"health", admin + "/readyz"}, &stdout, &stderr)
		return code, stderr.String()
	}
	if code, says := health(); code != 0 {
		t.Errorf("health: %d %s", code, says)
	}
	redis.Kill()
	brokertest.Await(t, "the server is not ready", func() bool {
		status, body, _ := fetch(t, admin+"/readyz", nil)
		return status == 503 && strings.Contains(body, "has been away for")
	})
	if code, says := health(); code != exitFailed || !strings.Contains(says, "503") {
		t.Errorf("health: %d %s", code, says)
	}
	redis.Restart()
	brokertest.Await(t, "the server is ready again", func() bool {
		status, _, _ := fetch(t, admin+"/readyz", nil)
		return status == 200
	})
	p.end(t)
}
