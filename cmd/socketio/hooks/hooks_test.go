package hooks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/internal/rawclient"
	"github.com/gosocketio/socketio/siotest"
)

// A client connects, sends events with and without acknowledgement, and disconnects: the backend gets
// signed requests in this order, and its answers have the effects that the documentation promises.
func TestWhatTheBackendGets(t *testing.T) {
	b := listen(t, "127.0.0.1:0")
	f := serve(t, b.url, func(c *Config, _ *socketio.Config) {
		c.Claims = func(*socketio.Socket) json.RawMessage { return json.RawMessage(`{"sub":"ann"}`) }
	})
	b.answers(func(r request) (int, string) {
		switch r.Type + r.Data.Event {
		case "connect":
			return 200, `{"rooms":["lobby","a"],"values":{"user":"ann","n":12345678901234567890}}`
		case "eventpicture":
			return 201, ` ["ok",{"base64":"AwQ="},{"deep":[{"base64":""}]}]`
		case "eventempty":
			return 204, ""
		case "eventnull":
			return 200, "null\n"
		case "eventwrong":
			return 200, `{"error":{"message":"no such room","data":{"code":7}}}`
		}
		return 200, "no JSON, and nobody asked"
	})
	c := f.connect(map[string]any{"token": "t"})
	connect := b.want("connect")
	if d := connect.Data; d.Namespace != "/" || d.Socket != c.ID() || d.Connection == "" || d.Recovered || d.Values != nil ||
		string(d.Claims) != `{"sub":"ann"}` || time.Since(connect.Timestamp) > time.Minute {
		t.Errorf("connect: %+v", connect)
	}
	var handshake struct {
		Auth    struct{ Token string }
		Headers map[string]string
		Query   map[string]string
		Address string
	}
	if err := json.Unmarshal(connect.Data.Handshake, &handshake); err != nil || handshake.Auth.Token != "t" ||
		handshake.Query["EIO"] != "4" || handshake.Headers["host"] == "" {
		t.Errorf("handshake: %s, %v", connect.Data.Handshake, err)
	}
	if n := f.io.Of("/").RoomLen("lobby"); n != 1 {
		t.Errorf("%d sockets are in the room", n)
	}
	for r, err := range f.io.FetchSockets(t.Context()) {
		if err != nil || string(r.Data()) != `{"n":12345678901234567890,"user":"ann"}` {
			t.Errorf("other servers see %s, %v", r.Data(), err)
		}
	}

	if err := c.Emit("silent", "<&>", []byte{0, 1, 2}); err != nil {
		t.Fatal(err)
	}
	if got := f.call(c, "picture", map[string]any{"file": []byte{1}, "name": "a"}, 1.5); got != `["ok","AwQ=",{"deep":[""]}]` {
		t.Errorf("acknowledged with %s", got)
	}
	for _, event := range []string{"empty", "null"} {
		if got := f.call(c, event); got != `[]` {
			t.Errorf("%s: acknowledged with %s", event, got)
		}
	}
	if got := f.call(c, "wrong"); got != `[{"error":{"data":{"code":7},"message":"no such room"}}]` {
		t.Errorf("acknowledged with %s", got)
	}
	if err := c.Disconnect(); err != nil {
		t.Fatal(err)
	}
	ids := map[string]bool{connect.ID: true}
	for _, want := range []string{
		`silent false ["\u003c\u0026\u003e",{"base64":"AAEC"}]`,
		`picture true [{"file":{"base64":"AQ=="},"name":"a"},1.5]`,
		`empty true []`,
		`null true []`,
		`wrong true []`,
	} {
		r := b.want("event")
		if got := fmt.Sprint(r.Data.Event, " ", r.Data.Ack, " ", string(r.Data.Args)); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		if r.Data.Socket != c.ID() || r.Data.Connection != connect.Data.Connection || string(r.Data.Claims) != `{"sub":"ann"}` ||
			string(r.Data.Values) != `{"n":12345678901234567890,"user":"ann"}` || ids[r.ID] {
			t.Errorf("event: %+v", r)
		}
		ids[r.ID] = true
	}
	if r := b.want("disconnect"); r.Data.Reason != "client namespace disconnect" || r.Data.Connection != connect.Data.Connection ||
		string(r.Data.Values) == "" || r.Data.Socket != c.ID() {
		t.Errorf("disconnect: %+v", r)
	}
	await(t, "all requests are answered", func() bool { s := f.hooks.Stats(); return s.Waiting == 0 && s.WaitingBytes == 0 })
	s := f.hooks.Stats()
	if s.Answered["connect"] != 1 || s.Answered["event"] != 5 || s.Answered["disconnect"] != 1 || s.Retries != 0 {
		t.Errorf("stats: %+v", s)
	}
}

// connectError connects and returns the error, which must be the server's refusal.
func (f *fixture) connectError() *siotest.ConnectError {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(f.t.Context(), patience)
	defer cancel()
	_, err := f.Connect(ctx, "/", nil)
	refused, ok := errors.AsType[*siotest.ConnectError](err)
	if !ok {
		f.t.Fatalf("connect: %v", err)
	}
	return refused
}

func TestRefusedByTheBackend(t *testing.T) {
	b := listen(t, "127.0.0.1:0")
	f := serve(t, b.url)
	b.answers(func(request) (int, string) {
		return 200, `{"error":{"message":"not on the list","data":{"why":[1]}}}`
	})
	if err := f.connectError(); err.Message != "not on the list" || string(err.Data) != `{"why":[1]}` {
		t.Errorf("%+v", err)
	}
	b.want("connect")
	b.accepts(nil)
	c := f.connect(nil)
	if r := b.want("connect"); r.Data.Socket != c.ID() { // no disconnect for the one that was refused
		t.Errorf("%+v", r)
	}
}

// An answer of the wrong form is a failure that the log explains.
func TestAnswersThatAreNotUnderstood(t *testing.T) {
	b := listen(t, "127.0.0.1:0")
	for answer, says := range map[string]string{
		`{"room":["a"]}`: "unknown field", `[]`: "cannot unmarshal", `{} {}`: "more than one", `{}}`: "more than one", `hello`: "invalid character",
		"{\"rooms\":[\"\xff\"]}": "UTF-8", strings.Repeat(" ", maxAnswer+1): "answer too large",
		`{"values":{"a":"` + strings.Repeat("x", maxValues) + `"}}`: "values too large",
	} {
		f := serve(t, b.url) // with a log of its own
		b.answers(func(r request) (int, string) { return 200, map[string]string{"connect": answer}[r.Type] })
		if err := f.connectError(); err.Message != "backend unavailable" || err.Data != nil {
			t.Errorf("%.60q: %+v", answer, err)
		}
		if log := f.log.String(); !strings.Contains(log, says) || !strings.Contains(log, "hooks: connect refused") {
			t.Errorf("%.60q: the log says %s", answer, log)
		}
		connect, disconnect := b.want("connect"), b.want("disconnect") // it may believe that it has accepted the client
		if disconnect.Data.Reason != notConnected || disconnect.Data.Connection != connect.Data.Connection {
			t.Errorf("%.60q: %+v", answer, disconnect)
		}
	}
	b.accepts(func(r request) (int, string) {
		var args []string
		if err := json.Unmarshal(r.Data.Args, &args); err != nil {
			t.Error(err)
		}
		return 200, args[0]
	})
	f := serve(t, b.url)
	c := f.connect(nil)
	for n, answer := range []string{`{}`, `{"error":{"message":"no"}}}`, `{"errors":1}`, `"text"`, `[`, `[{"base64":"?"}]`, `7`} {
		ctx, cancel := context.WithCancel(t.Context())
		unanswered := make(chan error, 1)
		go func() { _, err := c.EmitWithAck(ctx, "x", answer); unanswered <- err }()
		await(t, "the event fails", func() bool { return f.failed("event", "answer not understood") == uint64(n+1) })
		f.call(c, "x", `[]`) // a later one is answered
		cancel()
		if err := next(t, "end of the wait", unanswered); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", answer, err)
		}
	}
}

// Events of a socket arrive in order and one at a time, those of different sockets in parallel, up to
// the limit.
func TestOrderAndParallel(t *testing.T) {
	const clients, events, parallel = 12, 40, 5
	b := listen(t, "127.0.0.1:0")
	f := serve(t, b.url, func(c *Config, _ *socketio.Config) { c.Parallel = parallel })
	var running, most, together atomic.Int32
	var busy sync.Map
	all := make(chan struct{}) // closed when as many requests run as may
	b.accepts(func(r request) (int, string) {
		if _, twice := busy.LoadOrStore(r.Data.Socket, true); twice {
			t.Error("two events of a socket at a time")
		}
		defer busy.Delete(r.Data.Socket)
		n := running.Add(1)
		defer running.Add(-1)
		for old := most.Load(); n > old && !most.CompareAndSwap(old, n); old = most.Load() {
		}
		if n == parallel && together.CompareAndSwap(0, 1) {
			close(all)
		}
		select {
		case <-all:
		case <-time.After(patience):
			t.Error("requests do not run in parallel")
		}
		return 200, "[" + string(r.Data.Args) + "]"
	})
	var work sync.WaitGroup
	for range clients {
		c := f.connect(nil)
		work.Go(func() {
			for i := range events - 1 {
				if err := c.Emit("n", i); err != nil {
					t.Error(err)
				}
			}
			f.call(c, "n", events-1)
		})
	}
	work.Wait()
	if n := most.Load(); n != parallel {
		t.Errorf("%d requests at a time, the limit is %d", n, parallel)
	}
	next := make(map[string]int)
	for range clients * (events + 1) {
		r := b.next()
		if r.Type == "connect" {
			continue
		}
		if want := fmt.Sprintf("[%d]", next[r.Data.Socket]); string(r.Data.Args) != want {
			t.Fatalf("socket %s: got %s, want %s", r.Data.Socket, r.Data.Args, want)
		}
		next[r.Data.Socket]++
	}
}

// A socket that is recovered is asked about again, under another connection id.
func TestRecovered(t *testing.T) {
	b := listen(t, "127.0.0.1:0")
	f := serve(t, b.url, func(_ *Config, s *socketio.Config) {
		s.ConnectionStateRecovery = &socketio.ConnectionStateRecovery{RunMiddlewares: true}
	})
	client := rawclient.Serve(t, f.io)
	broken := client.WebSocket()
	broken.Send("40")
	var session struct{ Sid, Pid string }
	if err := json.Unmarshal([]byte(broken.Read()[2:]), &session); err != nil {
		t.Fatal(err)
	}
	if err := f.io.Emit("log"); err != nil {
		t.Fatal(err)
	}
	var event [2]string // its name and its offset
	if err := json.Unmarshal([]byte(broken.Read()[2:]), &event); err != nil {
		t.Fatal(err)
	}
	broken.Close()
	first, gone := b.want("connect"), b.want("disconnect")
	again := client.WebSocket()
	again.Send(fmt.Sprintf(`40{"pid":%q,"offset":%q}`, session.Pid, event[1]))
	again.Want(fmt.Sprintf(`40{"sid":%q,"pid":%q}`, session.Sid, session.Pid))
	second := b.want("connect")
	if first.Data.Recovered || !second.Data.Recovered || first.Data.Socket != second.Data.Socket ||
		gone.Data.Connection != first.Data.Connection || second.Data.Connection == first.Data.Connection {
		t.Errorf("%+v, %+v, %+v", first, gone, second)
	}
}

func TestConfig(t *testing.T) {
	for says, c := range map[string]Config{
		"Config.URL":        {URL: "backend:80", Secrets: []string{secret}},
		"Config.Secrets":    {URL: "http://backend"},
		"24 to 64 bytes":    {URL: "http://backend", Secrets: []string{"whsec_c2hvcnQ="}},
		"must be whsec_":    {URL: "http://backend", Secrets: []string{secret[6:]}},
		"Config.Timeout":    {URL: "http://backend", Secrets: []string{secret}, Timeout: time.Hour},
		"Config.Parallel":   {URL: "http://backend", Secrets: []string{secret}, Parallel: -1},
		"Config.QueueBytes": {URL: "http://backend", Secrets: []string{secret}, QueueBytes: 1},
	} {
		if _, err := New(c); err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "c2hvcnQ=") {
			t.Errorf("%s: %v", says, err)
		}
	}
}

// While a secret is being replaced, requests have a signature of each.
func TestTwoSecrets(t *testing.T) {
	b := listen(t, "127.0.0.1:0")
	f := serve(t, b.url, func(c *Config, _ *socketio.Config) {
		c.Secrets = []string{"whsec_" + strings.Repeat("QUJD", 8), secret}
	})
	f.connect(nil) // the backend verifies with the second
	b.want("connect")
}
