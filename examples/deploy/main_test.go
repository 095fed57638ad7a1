//go:build linux

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/gosocketio/socketio/internal/rawclient"
)

// Clients come through nginx to three nodes, which answer for each other: each request goes to another
// one. They upgrade from polling to WebSocket and hear each other. What was started ends with the
// program.
func TestClusterOfProcesses(t *testing.T) {
	addrs, err := freeAddrs(1)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	out, in := io.Pipe()
	var failed error
	done := make(chan struct{})
	go func() {
		failed = run(ctx, "../..", addrs[0], in, t.Output())
		_ = in.Close()
		close(done)
	}()
	t.Cleanup(func() {
		stop()
		_ = out.Close()
		<-done
	})
	lines := bufio.NewReader(out)
	first, err := lines.ReadString('\n')
	if err != nil {
		<-done
		t.Fatal(failed)
	}
	if want := "listening on http://" + addrs[0] + "\n"; first != want {
		t.Fatalf("it says %q, want %q", first, want)
	}
	var pids []int
	prometheus := ""
	for range 6 {
		line, err := lines.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		var pid int
		if _, err := fmt.Sscanf(line[strings.LastIndex(line, "process"):], "process %d", &pid); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		pids = append(pids, pid)
		if addr, ok := strings.CutPrefix(line, "  prometheus at "); ok {
			prometheus, _, _ = strings.Cut(addr, ",")
		}
	}

	file := func() {
		res, err := http.Get(strings.TrimSpace(strings.TrimPrefix(first, "listening on ")) + "/socket.io/socket.io.js")
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != http.StatusOK {
			t.Errorf("the client's file: %s", res.Status)
		}
	}
	// By node. They upgrade when there is one on each: nginx sends no requests to a node that has a WebSocket
	// while others have none, and the WebSocket may be on another node than its client.
	polling, clients := make(map[string]*rawclient.Poller), make(map[string]*rawclient.Conn)
	for n := 0; len(polling) < 3 && n < 100; n++ {
		for range rand.IntN(3) { // as many requests for each client would come to idle nodes in the same order each time
			file()
		}
		p := rawclient.At(t, addrs[0]).Polling()
		p.Send(`40/demo,{"nick":"Ana","rooms":["lobby"]}`)
		var node string
		for node == "" {
			_, body := p.Get()
			if welcome := regexp.MustCompile(`\["welcome",\{[^}]*"node":"(\d)"\},"[^"]+"\]`).FindStringSubmatch(body); welcome != nil {
				node = welcome[1]
			}
		}
		polling[node] = p
	}
	for _, node := range []string{"1", "2", "3"} {
		if polling[node] == nil {
			t.Fatalf("a hundred clients came to the nodes %v", polling)
		}
		clients[node] = polling[node].Upgrade()
	}
	clients["1"].Send(`42/demo,1["message",{"id":"m1","room":"lobby","text":"hello from 1"}]`)
	for _, node := range []string{"2", "3"} {
		for !strings.Contains(clients[node].Read(), `"hello from 1"`) {
		}
	}
	// nginx keeps a large body in a file.
	large := rawclient.At(t, addrs[0]).Polling()
	large.Send("40")
	text, err := json.Marshal(strings.Repeat("x", 500_000))
	if err != nil {
		t.Fatal(err)
	}
	large.Send(`42["none",` + string(text) + `]`)

	wantWatched(t, prometheus)

	stop()
	<-done
	if failed != nil {
		t.Error(failed)
	}
	for _, pid := range pids {
		if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
			t.Errorf("process %d is still there: %v", pid, err)
		}
	}
}

// A program that cannot start ends the others and says which one it was.
func TestStartFails(t *testing.T) {
	s := &services{dir: t.TempDir(), stderr: t.Output()}
	addrs, err := freeAddrs(1)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.start(t.Context(), "redis", addrs[0], "redis-server", "--port", "spoon"); err == nil ||
		!strings.Contains(err.Error(), "redis ended: exit status") {
		t.Errorf("got %v", err)
	}
	if err := s.stop(); err != nil {
		t.Error(err)
	}
}

// The location is the recipe of docs/proxies.md.
func TestNginxRecipe(t *testing.T) {
	docs := read(t, "../../docs/proxies.md")
	_, recipe, found := strings.Cut(docs, "```nginx\nlocation /socket.io/ {\n")
	recipe, _, _ = strings.Cut(recipe, "}\n```")
	if !found || strings.Count(recipe, "\n") < 5 {
		t.Fatalf("docs/proxies.md has another recipe: %q", recipe)
	}
	for line := range strings.Lines(recipe) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "proxy_pass ") && !strings.Contains(nginxTemplate, " "+line+"\n") {
			t.Errorf("the configuration lacks %q", line)
		}
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path) // #nosec G304 -- a file of the checkout
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// hostOf returns host and port of a URL or of host:port.
func hostOf(t *testing.T, s string) (host, port string) {
	t.Helper()
	if !strings.Contains(s, "://") {
		s = "tcp://" + s
	}
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u.Hostname(), u.Port()
}
