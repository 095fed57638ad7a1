package main

import (
	"path/filepath"
	"strings"
	"testing"
	"time"
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
