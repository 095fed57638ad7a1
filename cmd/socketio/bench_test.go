package main

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/cmd/socketio/load"
)

// benched is a server with the handlers that the scenarios need.
func benched(t *testing.T, c socketio.Config) string {
	t.Helper()
	io := socketio.New(c)
	io.OnConnection(func(s *socketio.Socket) { _ = s.Emit("hello", "from a server that greets") }) // gone already, perhaps
	answers(io)
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
	url := benched(t, socketio.Config{AllowEIO3: true, PerMessageDeflate: &socketio.PerMessageDeflate{}})
	for _, line := range []string{
		"ask -conns 8", // before polling clients have gone, whose answers the server waits for
		"echo -conns 4",
		"echo -conns 4 -outstanding 16 -size 2000",
		"echo -conns 4 -ack",
		"echo -conns 4 -binary",
		"echo -conns 4 -polling",
		"echo -conns 4 -size 3000 -deflate",
		"echo -conns 4 -size 3000 -binary -deflate",
		"broadcast -conns 8",
		"broadcast -conns 8 -size 3000 -deflate",
		"rooms -conns 8 -rooms 3 -joins 2",
		"stalled -conns 8 -stalled 2 -rate 200",
		"churn -conns 4",
		"avalanche -conns 8 -duration 10s",
		"jitter -conns 4 -rate 200 -between 1m -down 0s", // no link drops: this server recovers nobody
		"echo -conns 4 -eio 3",
		"echo -conns 4 -binary -eio 3",
		"echo -conns 4 -polling -eio 3",
		"rooms -conns 4 -rooms 2 -eio 3",
	} {
		t.Run(line, func(t *testing.T) {
			var out, errs strings.Builder
			bench := func(duration string) (code int) {
				out.Reset()
				errs.Reset()
				args := append([]string{"bench"}, strings.Fields(line)...)
				if !strings.Contains(line, "-duration") {
					args = append(args, "-duration", duration)
				}
				return run(t.Context(), append(args, "-warmup", "10ms", "-json", "-url", url), &out, &errs)
			}
			code := bench("100ms")
			if strings.Contains(out.String(), "nothing came back") { // a busy machine needs longer
				code = bench("5s")
			}
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
// A drain that takes longer than the measurement ends with it, and the result says how many had moved.
func TestBenchDrainTooLong(t *testing.T) {
	from, to := start(t, "-demo", "-drain", "2s"), start(t, "-demo")
	target := func(p *process) *load.Target { return &load.Target{URL: p.url + "/socket.io/"} }
	o := load.Options{Conns: 200, Warmup: 10 * time.Millisecond, Duration: 100 * time.Millisecond}
	r, err := load.Drains(t.Context(), target(to), target(from), o, from.stop)
	if err == nil && r.Drain.Moved == 200 {
		t.Errorf("got %+v: %s", r.Drain, r)
	}
	from.end(t)
}

// A server is drained onto another one.
func TestBenchDrain(t *testing.T) {
	from, to := start(t, "-demo"), start(t, "-demo")
	target := func(p *process) *load.Target { return &load.Target{URL: p.url + "/socket.io/"} }
	o := load.Options{Conns: 50, Warmup: 100 * time.Millisecond, Duration: 10 * time.Second}
	r, err := load.Drains(t.Context(), target(to), target(from), o, from.stop)
	if err != nil {
		t.Fatal(err)
	}
	if d := r.Drain; r.Failed() || d.Moved != 50 || d.Peak == 0 || d.Before == nil || d.Meanwhile == nil || d.Back == nil {
		t.Errorf("got %+v: %s", d, r)
	}
	from.end(t)
}

func TestBenchRefuses(t *testing.T) {
	silent := httptest.NewServer(http.NotFoundHandler())
	defer silent.Close()
	bare := socketio.New(socketio.Config{})
	unanswered := httptest.NewServer(bare)
	defer unanswered.Close()
	defer func() {
		if err := bare.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	}()
	for line, want := range map[string]string{
		"echo -url ftp://x/":                   `"ftp://x/" is not a URL such as`,
		"echo -eio 5":                          "no Engine.IO protocol 5",
		"echo -conns 0":                        "-conns is 0",
		"echo -duration 0s":                    "-duration and -timeout must be positive",
		"echo -polling -outstanding 3":         "-outstanding has no meaning",
		"echo -polling -deflate":               "-deflate has no meaning",
		"jitter -between 1ms":                  "-between must be",
		"echo -pid 1 -server x":                "exclude each other",
		"echo -server /nonexistent/server":     "/nonexistent/server",
		"echo -url " + silent.URL:              "load: the server answered 404",
		"echo -server true -url " + silent.URL: "something listens",
		"echo -conns 5000000":                  "-conns is 5000000",
		"echo -size=-1":                        "-size is -1",
		"echo -outstanding 0":                  "-outstanding is 0",
		"echo -timeout 0s":                     "-timeout must be positive, and",
		"echo -namespace chat":                 "does not begin with a slash",
		"echo -pid=-1":                         "-pid is -1",
		"echo -duration 5":                     "--duration",
		"rooms -rooms 0 -joins=-1":             "-rooms is 0, it must be from 1 to 4000000; -joins is -1",
		"stalled -stalled=-1":                  "-stalled is -1",
		"stalled -rate 2000000000":             "-rate is 2000000000",
		"jitter -rate 0":                       "-rate is 0",
		"echo -conns 1 -namespace /no -url " + unanswered.URL:        `/no refuses: /no,{"message":"Invalid namespace"}`,
		"echo -conns 1 -deflate -url " + unanswered.URL + "/":        "declines permessage-deflate",
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

// A scenario names the handler that the server lacks, and does not wait for it for ever.
func TestBenchNamesTheMissingHandler(t *testing.T) {
	io := socketio.New(socketio.Config{AllowEIO3: true})
	server := httptest.NewServer(io)
	t.Cleanup(func() {
		if err := io.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
		server.Close()
	})
	for line, event := range map[string]string{
		"echo": "echo", "echo -ack": "ack", "echo -binary": "bin", "echo -polling": "echo", "echo -eio 3": "echo",
		"broadcast": "broadcast", "rooms": "join", "stalled": "join", "jitter": "broadcast", "idle -broadcast": "broadcast",
	} {
		t.Run(line, func(t *testing.T) {
			t.Parallel()
			var out, errs strings.Builder
			args := append([]string{"bench"}, strings.Fields(line)...)
			code := run(t.Context(), append(args, "-timeout", "1s", "-url", server.URL), &out, &errs)
			want := `socketio: load: the server lacks a handler: nothing answered the event "` + event +
				`" within 1s; it must do on("` + event + `", `
			if code != exitFailed || out.String() != "" || !strings.HasPrefix(errs.String(), want) {
				t.Errorf("exit code %d, %q, %q, want %q", code, &out, errs.String(), want)
			}
		})
	}
}

// Whatever a scenario waits for, an interrupt ends it.
func TestBenchInterrupted(t *testing.T) {
	stuck := make(chan struct{}, 16)
	io := socketio.New(socketio.Config{}) // answers the first of each event, as if it got stuck then
	answered := make(map[string]bool)
	var mu sync.Mutex
	for _, name := range []string{"join", "room", "echo", "broadcast"} {
		io.Handle(name, func(e *socketio.Event) error {
			mu.Lock()
			first := !answered[name]
			answered[name] = true
			mu.Unlock()
			switch {
			case !first:
				stuck <- struct{}{}
				return nil
			case name == "join":
				return e.Ack()
			case name == "room":
				return e.Socket().Emit(name, e.Args()[1])
			}
			return e.Socket().Emit(name, e.Args()...)
		})
	}
	server := httptest.NewServer(io)
	defer server.Close()
	defer func() {
		if err := io.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	}()
	silent, err := net.Listen("tcp", "127.0.0.1:0") // accepts, and says nothing
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = silent.Close() }()
	go func() {
		for {
			c, err := silent.Accept()
			if err != nil {
				return
			}
			defer c.Close()
			stuck <- struct{}{}
		}
	}()
	for _, line := range []string{
		"stalled -url " + server.URL, "rooms -url " + server.URL, "echo -url " + server.URL, "jitter -url " + server.URL,
		"echo -url http://" + silent.Addr().String(), "echo -polling -url http://" + silent.Addr().String(), "churn -url http://" + silent.Addr().String(),
	} {
		t.Run(line, func(t *testing.T) {
			mu.Lock() // a handler of the run before may not have returned
			clear(answered)
			mu.Unlock()
			ctx, interrupt := context.WithCancel(t.Context())
			var out, errs strings.Builder
			args := append([]string{"bench"}, strings.Fields(line)...)
			exited := make(chan int)
			go func() {
				exited <- run(ctx, append(args, "-conns", "2", "-duration", "1h", "-timeout", "1h", "-quiet"), &out, &errs)
			}()
			next(t, "connection", stuck)
			interrupt()
			for {
				select {
				case <-stuck:
					continue
				case code := <-exited:
					if code != exitFailed || errs.String() != "socketio: load: interrupted\n" {
						t.Errorf("exit code %d, %q", code, errs.String())
					}
				}
				return
			}
		})
	}
}
