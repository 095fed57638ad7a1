//go:build linux

package main

import (
	"bufio"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/gosocketio/socketio/client-js/bundle"
)

// The program, linked as the Dockerfile does, knows its commit, and serves the client in an empty folder until SIGTERM.
func TestProgram(t *testing.T) {
	dockerfile, err := os.ReadFile("../../Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`go build -trimpath -ldflags="([^"]+)"`).FindSubmatch(dockerfile)
	if m == nil {
		t.Fatal("the Dockerfile builds nothing")
	}
	program := filepath.Join(t.TempDir(), "socketio")
	ldflags := strings.ReplaceAll(string(m[1]), "$COMMIT", "0123abcd")
	build := exec.CommandContext(t.Context(), "go", "build", "-buildvcs=false", "-ldflags", ldflags, "-o", program, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off") // as examples/deploy, so it is compiled once
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	out, err := exec.CommandContext(t.Context(), program, "-version").Output()
	if err != nil || !strings.Contains(string(out), ", commit 0123abcd, ") {
		t.Errorf("-version: %s, %v", out, err)
	}

	cmd := exec.CommandContext(t.Context(), program, "serve")
	cmd.Dir = t.TempDir()
	cmd.Env = append(os.Environ(), "SOCKETIO_ADDR=127.0.0.1:0")
	cmd.Stderr = t.Output()
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	url, ok := strings.CutPrefix(strings.TrimSpace(line), "listening on ")
	if err != nil || !ok {
		t.Fatalf("first line %q, %v", line, err)
	}
	want, err := fs.ReadFile(bundle.FS(), "dist/socket.io.min.js")
	if err != nil {
		t.Fatal(err)
	}
	if status, body, _ := fetch(t, url+"/socket.io/socket.io.min.js", nil); status != 200 || body != string(want) {
		t.Errorf("status %d, %.100s", status, body)
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("after SIGTERM: %v", err)
	}
}
