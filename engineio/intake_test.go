package engineio_test

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gobwas/ws"

	"github.com/gosocketio/socketio/engineio"
	"github.com/gosocketio/socketio/internal/lockedbuffer"
	"github.com/gosocketio/socketio/internal/rawclient"
)

// intakeServer is an engine in memory that tells what arrives. It runs in a bubble.
type intakeServer struct {
	*rawclient.Endpoint
	engine   *engineio.Server
	sessions chan *engineio.Session
	messages chan string
	closings chan closing
}

// startLoggedIntake has a limit of 1000 bytes a second, and a log of everything.
func startLoggedIntake(t *testing.T) (*intakeServer, *lockedbuffer.Buffer) {
	t.Helper()
	log := new(lockedbuffer.Buffer)
	return startIntake(t, engineio.Config{
		ByteLimit: engineio.ByteLimit{Rate: 1000, Burst: 1}, PingInterval: time.Hour,
		Logger: slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}), log
}

func startIntake(t *testing.T, c engineio.Config) *intakeServer {
	t.Helper()
	s := &intakeServer{
		sessions: make(chan *engineio.Session, 10), messages: make(chan string, 1000), closings: make(chan closing, 10),
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	c.Events.Connection = func(x *engineio.Session) { s.sessions <- x }
	c.Events.Message = func(_ *engineio.Session, data []byte, _ bool) { s.messages <- string(data) }
	c.Events.Close = func(_ *engineio.Session, r engineio.Reason, cause error) { s.closings <- closing{r, cause} }
	e, err := engineio.New(c)
	if err != nil {
		t.Fatal(err)
	}
	s.engine, s.Endpoint = e, rawclient.ServePipe(t, e)
	s.Path = engineio.DefaultPath
	t.Cleanup(func() {
		if err := e.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return s
}

// A client that sends as fast as it can is read from as fast as the limit says, over each transport.
func TestByteLimit(t *testing.T) {
	const (
		rate, burst = 1000, 500
		messages    = 20
		size        = 100
	)
	text := strings.Repeat("x", size)
	c := engineio.Config{ByteLimit: engineio.ByteLimit{Rate: rate, Burst: burst}, PingInterval: time.Hour}
	for _, transport := range []string{"polling", "websocket", "webtransport", "upgraded", "untrusted polling"} {
		t.Run(transport, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				if transport == "untrusted polling" {
					c.MaxUntrustedPayload = 10 * size
				}
				s := startIntake(t, c)
				var send func()
				switch transport {
				case "webtransport":
					w := (&wtServer{t, s.engine, s.sessions, s.closings, s.messages})
					stream, _ := w.direct()
					send = func() { stream.send(string([]byte{size + 1}) + "4" + text) }
				case "polling", "untrusted polling":
					p := s.Polling()
					send = func() { p.Send("4" + text) }
				default:
					ws := (*rawclient.Conn)(nil)
					if transport == "upgraded" {
						ws = s.Polling().Upgrade()
					} else {
						ws = s.WebSocket()
					}
					send = func() { ws.Send("4" + text) }
				}
				began := time.Now()
				var sending sync.WaitGroup
				sending.Go(func() {
					for range messages {
						send()
					}
				})
				for n := range messages {
					<-s.messages
					took := time.Since(began).Seconds()
					if most := burst + rate*took + size + 14; float64((n+1)*size) > most {
						t.Fatalf("%d bytes after %v s, at most %v are allowed", (n+1)*size, took, most)
					}
				}
				if took := time.Since(began); took > 2200*time.Millisecond {
					t.Errorf("%d bytes took %v", messages*size, took)
				}
				sending.Wait()
				if n := s.engine.Stats().Throttled; n == 0 {
					t.Error("no pause was counted")
				}
			})
		})
	}
}

// A client whose pongs cannot be read, because of the limit, keeps its connection, and loses it when it has gone.
func TestByteLimitAndHeartbeat(t *testing.T) {
	c := engineio.Config{
		ByteLimit: engineio.ByteLimit{Rate: 1000, Burst: 100}, PingInterval: time.Second, PingTimeout: time.Second,
	}
	large := "4" + strings.Repeat("x", 20_000) // twenty seconds
	t.Run("websocket", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := startIntake(t, c)
			w := s.WebSocket()
			queue := make(chan string, 100)
			queue <- large
			go func() {
				for packet := range queue {
					_ = w.TrySend(packet)
				}
			}()
			var pings atomic.Int32
			go func() {
				defer close(queue)
				for pings.Load() < 25 {
					if f, err := ws.ReadFrame(w.Raw()); err != nil || string(f.Payload) != "2" {
						return
					}
					queue <- "3" // behind what is not read yet
					if pings.Add(1) == 5 {
						queue <- "4done"
					}
				}
			}()
			<-s.messages
			if got := <-s.messages; got != "done" {
				t.Fatalf("got %.20q", got)
			}
			synctest.Wait()
			if n := pings.Load(); n < 18 || n == 25 {
				t.Errorf("%d pings came in 20 s", n)
			}
			if len(s.closings) > 0 {
				t.Fatalf("closed with %+v", <-s.closings)
			}
			if got := <-s.closings; got.reason != engineio.ReasonPingTimeout { // it answers 25 pings and no more
				t.Errorf("closed with %+v", got)
			}
		})
	})
	t.Run("polling", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := startIntake(t, c)
			p := s.Polling()
			go func() {
				for range 19 {
					p.Want("2")
				}
			}()
			if status, body := p.Post(large); status != 200 || strings.TrimSpace(body) != "ok" {
				t.Fatalf("got %d %q", status, body)
			}
			p.Send("3")
			p.Send("4done")
			<-s.messages
			if got := <-s.messages; got != "done" || len(s.closings) > 0 {
				t.Errorf("got %.20q, %d ends", got, len(s.closings))
			}
			if got := <-s.closings; got.reason != engineio.ReasonPingTimeout {
				t.Errorf("closed with %+v", got)
			}
		})
	})
}

// After a pause the next ping is due an interval after the last one, because the client leaves 45 s after that one. A
// message that arrives right before the late pong changes nothing.
func TestPingAfterPause(t *testing.T) {
	for name, packets := range map[string][]string{"pong": {"3"}, "message and pong": {"4x", "3"}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := startIntake(t, engineio.Config{})
				w := s.WebSocket()
				link := engineio.LinkOf(<-s.sessions)
				ping := func() time.Time {
					if f, err := ws.ReadFrame(w.Raw()); err != nil || string(f.Payload) != "2" {
						t.Fatalf("got %q, %v", f.Payload, err)
					}
					return time.Now()
				}
				link.PauseReading()
				first := ping()
				time.Sleep(engineio.DefaultPingInterval - time.Second)
				link.ResumeReading()
				w.SendTogether(packets...)
				if gap := ping().Sub(first); gap != engineio.DefaultPingInterval {
					t.Errorf("%v without a ping", gap)
				}
			})
		})
	}
}

// An upgrade waits for the answer to a POST that the limit delays.
func TestByteLimitDuringUpgrade(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startIntake(t, engineio.Config{
			ByteLimit: engineio.ByteLimit{Rate: 1000}, UpgradeTimeout: time.Second, PingInterval: time.Hour,
		})
		p := s.Polling()
		w := p.Probe()
		p.Send("4" + strings.Repeat("x", 10_000))
		w.Send("5", "4moved")
		<-s.messages
		if got := <-s.messages; got != "moved" {
			t.Errorf("got %.20q", got)
		}
	})
}

// Back-pressure and the limit pause independently: reading goes on when both have ended.
func TestByteLimitAndPauseReading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startIntake(t, engineio.Config{ByteLimit: engineio.ByteLimit{Rate: 1000, Burst: 1}, PingInterval: time.Hour})
		w := s.WebSocket()
		x := <-s.sessions
		link := engineio.LinkOf(x)
		want := func(paused, throttled bool) {
			t.Helper()
			synctest.Wait()
			if got := x.Stats(); got.Paused != paused || got.Throttled != throttled {
				t.Errorf("paused %t, throttled %t, want %t, %t", got.Paused, got.Throttled, paused, throttled)
			}
		}
		send := func() {
			w.Send("4" + strings.Repeat("x", 100))
			<-s.messages
		}
		send()
		want(true, true)
		link.PauseReading()
		link.ResumeReading()
		link.ResumeReading()
		want(true, true)
		time.Sleep(time.Second)
		want(false, false)
		send()
		link.PauseReading()
		time.Sleep(time.Second)
		want(true, false)
		link.ResumeReading()
		want(false, false)
		send()
		x.Close() // while it is throttled
		if _, _, err := w.Next(); err == nil {
			t.Error("the connection stays open")
		}
		<-s.closings
		want(false, false)
	})
}

// The log has one line a minute.
func TestByteLimitIsLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, log := startLoggedIntake(t)
		w := s.WebSocket()
		for range 60 {
			w.Send("4" + strings.Repeat("x", 1493)) // 1.5 s
			<-s.messages
		}
		if n := strings.Count(log.String(), `level=WARN msg="engineio: reading paused: bytes of a session: raise`); n != 2 {
			t.Errorf("%d warnings in 90 s", n)
		}
		for _, part := range []string{"limit=1000", "field=Config.ByteLimit", "remote=pipe", "value="} {
			if !strings.Contains(log.String(), part) {
				t.Errorf("no %s in %s", part, log)
			}
		}
	})
}

// The same on sockets of the kernel, where TCP makes the client wait, with and without event loops.
func TestByteLimitOverTCP(t *testing.T) {
	for name, mode := range map[string]engineio.ConnectionMode{"auto": engineio.AutoMode, "portable": engineio.PortableMode} {
		t.Run(name, func(t *testing.T) {
			s := start(t, engineio.Config{ConnectionMode: mode, ByteLimit: engineio.ByteLimit{Rate: 4 << 20, Burst: 1}})
			w := s.dial(direct)
			w.open()
			x := next(t, s.sessions)
			go func() {
				frame := ws.MustCompileFrame(ws.MaskFrame(ws.NewTextFrame([]byte("4" + strings.Repeat("x", 16<<10)))))
				for range 100 {
					if _, err := w.Write(frame); err != nil {
						return
					}
				}
			}()
			throttled := false
			for range 100 {
				if got, _, err := w.read(); err != nil || len(got) != 16<<10+1 {
					t.Fatalf("got %d bytes, %v", len(got), err)
				}
				throttled = throttled || x.Stats().Throttled
			}
			if n := s.engine.Stats().Throttled; n < 5 || !throttled {
				t.Errorf("throttled %d times, seen %t", n, throttled)
			}
		})
	}
}

// Drain closes sessions that the limit has paused as quickly as others: the answer to the close frame is read.
func TestDrainWhileThrottled(t *testing.T) {
	for name, mode := range map[string]engineio.ConnectionMode{"auto": engineio.AutoMode, "portable": engineio.PortableMode} {
		t.Run(name, func(t *testing.T) {
			messages := make(chan string, 10)
			s := start(t, engineio.Config{
				ConnectionMode: mode, ByteLimit: engineio.ByteLimit{Rate: 1}, Events: engineio.Events{
					Message: func(_ *engineio.Session, data []byte, _ bool) { messages <- string(data) },
				},
			})
			w := s.dial(direct)
			w.open()
			x := next(t, s.sessions)
			w.send("4" + strings.Repeat("x", 1000)) // a quarter of an hour
			next(t, messages)
			eventually(t, "reading pauses", func() bool { return x.Stats().Throttled })
			done := s.drain()
			if f, err := ws.ReadFrame(w.r); err != nil || f.Header.OpCode != ws.OpClose {
				t.Fatalf("frame %+v, %v", f.Header, err)
			}
			w.send("4before I knew")
			if got := next(t, messages); got != "before I knew" {
				t.Errorf("message %q", got)
			}
			if err := ws.WriteFrame(w.Conn, ws.MaskFrameInPlace(ws.NewCloseFrame(nil))); err != nil {
				t.Fatal(err)
			}
			s.drained(done)
		})
	}
}

// A connection to upgrade to is not paused, so it takes no more than a client needs before it upgrades.
func TestByteLimitOfProbes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, log := startLoggedIntake(t)
		p := s.Polling()
		w := p.Probe()
		var closed atomic.Bool
		go func() {
			for { // answers to probes
				f, err := ws.ReadFrame(w.Raw())
				if err != nil || f.Header.OpCode == ws.OpClose {
					closed.Store(true)
					return
				}
			}
		}()
		sent := 0
		for !closed.Load() && w.TrySend("2probe") == nil {
			if sent += len("2probe"); sent > 1<<20 {
				t.Fatal("the server takes any number of bytes")
			}
			synctest.Wait()
		}
		if !strings.Contains(log.String(), `rule="bytes before an upgrade"`) {
			t.Errorf("the log has %s", log)
		}
		p.Send("4still here")
		if got := <-s.messages; got != "still here" {
			t.Errorf("got %q", got)
		}
	})
}
