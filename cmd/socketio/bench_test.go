package main

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/cmd/socketio/load"
)

// benched is a server with the handlers that the scenarios need.
func benched(t *testing.T, c socketio.Config) string {
	t.Helper()
	io := socketio.New(c)
	io.OnConnection(func(s *socketio.Socket) { _ = s.Emit("hello", "from a server that greets") }) // gone already, perhaps
	io.Handle("echo", func(e *socketio.Event) error { return e.Socket().Emit("echo", e.Args()...) })
	io.Handle("bin", func(e *socketio.Event) error { return e.Socket().Emit("bin", e.Args()...) })
	io.Handle("ack", func(e *socketio.Event) error { return e.Ack(e.Args()...) })
	io.Handle("broadcast", func(e *socketio.Event) error { return io.Emit("broadcast", e.Args()...) })
	socketio.On(io, "join", func(e *socketio.Event, room string) error {
		e.Socket().Join(room)
		return e.Ack()
	})
	socketio.On(io, "room", func(e *socketio.Event, room string) error { return io.To(room).Emit("room", e.Args()[1:]...) })
	server := httptest.NewServer(io)
	t.Cleanup(func() {
		if err := io.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
		server.Close()
	})
	return server.URL + "/socket.io/"
}

// Each scenario, as a user would start it, does something and finds nothing wrong.
func TestBench(t *testing.T) {
	url := benched(t, socketio.Config{AllowEIO3: true})
	for _, line := range []string{
		"echo -conns 4",
		"echo -conns 4 -outstanding 16 -size 2000",
		"echo -conns 4 -ack",
		"echo -conns 4 -binary",
		"echo -conns 4 -polling",
		"broadcast -conns 8",
		"rooms -conns 8 -rooms 3 -joins 2",
		"stalled -conns 8 -stalled 2 -rate 200",
		"churn -conns 4",
		"avalanche -conns 8 -duration 10s",
		"jitter -conns 4 -rate 200 -between 1s -down 0s",
		"echo -conns 4 -eio 3",
		"echo -conns 4 -binary -eio 3",
		"echo -conns 4 -polling -eio 3",
		"rooms -conns 4 -rooms 2 -eio 3",
	} {
		t.Run(line, func(t *testing.T) {
			var out, errs strings.Builder
			args := append([]string{"bench"}, strings.Fields(line)...)
			if !strings.Contains(line, "-duration") {
				args = append(args, "-duration", "100ms")
			}
			code := run(t.Context(), append(args, "-warmup", "10ms", "-json", "-url", url), &out, &errs)
			if code != 0 {
				t.Fatalf("exit code %d: %s%s", code, &out, &errs)
			}
			var r load.Result
			if err := json.Unmarshal([]byte(out.String()), &r); err != nil {
				t.Fatal(err)
			}
			if r.Ops == 0 || r.Failed() {
				t.Errorf("got %s", out.String())
			}
		})
	}
	t.Run("idle with a broadcast", func(t *testing.T) {
		var out, errs strings.Builder
		if code := run(t.Context(), []string{"bench", "idle", "-conns", "3", "-broadcast", "-json", "-duration", "500ms", "-warmup", "0s", "-url", url}, &out, &errs); code != 0 {
			t.Fatalf("exit code %d: %s%s", code, &out, &errs)
		}
		var r load.Result
		if err := json.Unmarshal([]byte(out.String()), &r); err != nil || r.Latency == nil || r.Latency.N != 3 {
			t.Errorf("%v: got %s", err, &out)
		}
	})
	t.Run("idle, for people", func(t *testing.T) {
		var out, errs strings.Builder
		if code := run(t.Context(), []string{"bench", "idle", "-conns", "3", "-duration", "50ms", "-warmup", "0s", "-url", url}, &out, &errs); code != 0 {
			t.Fatalf("exit code %d: %s%s", code, &out, &errs)
		}
		if !strings.HasPrefix(out.String(), "idle, 3 connections to "+url+" (Engine.IO 4)\n") {
			t.Errorf("got %s", &out)
		}
	})
}

// What cannot work is said in one line.
func TestBenchRefuses(t *testing.T) {
	silent := httptest.NewServer(http.NotFoundHandler())
	defer silent.Close()
	deaf := socketio.New(socketio.Config{})
	unanswered := httptest.NewServer(deaf)
	defer unanswered.Close()
	defer func() {
		if err := deaf.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	}()
	for line, want := range map[string]string{
		"echo -url ftp://x/":                                         `"ftp://x/" is not a URL such as`,
		"echo -eio 5":                                                "no Engine.IO protocol 5",
		"echo -conns 0":                                              "-conns is 0",
		"echo -duration 0s":                                          "-duration must be positive",
		"echo -polling -outstanding 3":                               "-outstanding has no meaning",
		"jitter -between 1ms":                                        "-between must be",
		"echo -pid 1 -server x":                                      "exclude each other",
		"echo -server /nonexistent/server":                           "/nonexistent/server",
		"echo -url " + silent.URL:                                    "of 64: load: the server answered 404",
		"echo -server true -url " + silent.URL:                       "something listens",
		"echo -conns 1 -duration 50ms -url " + unanswered.URL:        "not everything was as it should be",
		"echo -conns 1 -namespace /no -url " + unanswered.URL:        `/no refuses: /no,{"message":"Invalid namespace"}`,
		"echo -conns 1 -polling -eio 3 -url " + unanswered.URL + "/": "Unsupported protocol version",
	} {
		var out, errs strings.Builder
		args := append([]string{"bench"}, strings.Fields(line)...)
		code := run(t.Context(), append(args, "-quiet", "-warmup", "1ms"), &out, &errs)
		if code == 0 || !strings.Contains(errs.String(), want) || strings.Count(errs.String(), "\n") != 1 {
			t.Errorf("%s: exit code %d, %q, want %q", line, code, errs.String(), want)
		}
	}
}
