package socketio_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/engineio"
	"github.com/gosocketio/socketio/protocol"
)

// begun is the key of what Hooks.Begin puts into the context of an event.
type begun struct{}

// hookLog is hooks that write down what they are told.
type hookLog struct {
	mu   sync.Mutex
	list []string
}

func (l *hookLog) add(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.list = append(l.list, fmt.Sprintf(format, args...))
}

// want fails the test unless exactly these came, since the last time.
func (l *hookLog) want(t *testing.T, want ...string) {
	t.Helper()
	synctest.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	if d := cmp.Diff(want, l.list); d != "" {
		t.Error(d)
	}
	l.list = nil
}

func (l *hookLog) hooks() socketio.Hooks {
	whose := func(s *socketio.Socket) string {
		if s == nil {
			return "all"
		}
		return "one"
	}
	return socketio.Hooks{
		Connect: func(i socketio.ConnectInfo) {
			l.add("connect %s %v connected=%t", i.Socket.Namespace().Name(), i.Took, i.Socket.Connected())
		},
		Refuse: func(i socketio.RefuseInfo) { l.add("refuse %s %v conn=%t", i.Namespace, i.Err, i.Conn != nil) },
		Disconnect: func(i socketio.DisconnectInfo) {
			l.add("disconnect %s %q %v rooms=%d", i.Socket.Namespace().Name(), i.Reason, i.Cause, len(i.Socket.Rooms()))
		},
		Receive: func(i socketio.ReceiveInfo) { l.add("receive %s %d", i.Socket.Namespace().Name(), i.Bytes) },
		Begin: func(e *socketio.Event) context.Context {
			return context.WithValue(e.Context(), begun{}, e.Name())
		},
		Handle: func(i socketio.HandleInfo) {
			name := i.Event.Name()
			if got := i.Event.Context().Value(begun{}); i.Handlers > 0 && got != name || name == "none" && got != nil {
				l.add("the context of %s has %v", name, got)
			}
			l.add("handle %s %v %d %v", i.Event.Name(), i.Took, i.Handlers, i.Err)
		},
		Emit: func(i socketio.EmitInfo) {
			l.add(
				"emit %s %s %s %d bytes to %d, failed %d, %v",
				i.Namespace.Name(),
				whose(i.Socket),
				i.Event,
				i.Bytes,
				i.Recipients,
				i.Failed,
				i.Err,
			)
		},
		Ack: func(i socketio.AckInfo) {
			l.add(
				"ack %s %s %s %v answered=%d %v",
				i.Namespace.Name(),
				whose(i.Socket),
				i.Event,
				i.Took.Round(time.Second),
				i.Answered,
				i.Err,
			)
		},
		Pause: func(i socketio.PauseInfo) { l.add("pause %t", i.Paused) },
	}
}

func TestHooks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &hookLog{}
		f := startPipe(t, func(c *socketio.Config) {
			c.Hooks = l.hooks()
			c.OnError = func(*socketio.Socket, error) {}
			c.MaxNamespaces = 2
		})
		main := f.Of("/")
		main.Use(func(s *socketio.Socket) error {
			time.Sleep(time.Second)
			if string(s.Handshake().Auth) == `{"bad":1}` {
				return errors.New("bad")
			}
			return nil
		})
		main.Handle("fine", func(*socketio.Event) error { time.Sleep(time.Second); return nil })
		main.Handle("fine", func(*socketio.Event) error { return nil })
		main.Handle("wrong", func(*socketio.Event) error { return errors.New("first") })
		main.Handle("wrong", func(*socketio.Event) error { return errors.New("second") })
		f.Of("/chat").Use(func(*socketio.Socket) error { return nil })

		conn := f.WebSocket()
		conn.Send(`40{"bad":1}`)
		conn.Want(`44{"message":"internal error"}`)
		l.want(t, "refuse / bad conn=true")
		s, _ := main.Socket(conn.Join("/", ""))
		l.want(t, "connect / 1s connected=true")
		conn.Send("40/nowhere,")
		conn.Want(`44/nowhere,{"message":"Invalid namespace"}`)
		l.want(t, "refuse /nowhere Invalid namespace conn=true")
		conn.Join("/chat", "")
		conn.Send("40/third,")
		conn.Want(`44/third,{"message":"too many namespaces"}`)
		l.want(t, "connect /chat 0s connected=true", "refuse /third too many namespaces conn=true")

		conn.Send(`42["fine"]`, `42["wrong"]`, `42["none",12]`)
		time.Sleep(2 * time.Second)
		l.want(
			t,
			"receive / 8",
			"receive / 9",
			"receive / 11",
			"handle fine 1s 2 <nil>",
			"handle wrong 0s 2 first",
			"handle none 0s 0 <nil>",
		)

		main.Handle("off", func(*socketio.Event) error { t.Error("called"); return nil })
		s.Use(func(*socketio.Event) error { return errors.New("refused") })
		conn.Send(`42["off"]`)
		l.want(t, "receive / 7", "handle off 0s 0 refused")

		// One.
		if err := s.Emit("e", 1); err != nil {
			t.Error(err)
		}
		conn.Want(`42["e",1]`)
		l.want(t, "emit / one e 11 bytes to 1, failed 0, <nil>")
		_ = s.Emit("e", func() {})
		l.want(t, "emit / one e 0 bytes to 0, failed 0, "+fmt.Sprint(encodingError()))
		go func() {
			_, _ = s.EmitWithAck(t.Context(), "q")
		}()
		conn.Want(`420["q"]`)
		time.Sleep(2 * time.Second)
		conn.Send(`430[]`)
		l.want(t, "emit / one q 10 bytes to 1, failed 0, <nil>", "ack / one q 2s answered=1 <nil>")
		_, _ = s.Timeout(0).EmitWithAck(t.Context(), "q")
		conn.Want(`421["q"]`)
		l.want(
			t,
			"emit / one q 10 bytes to 1, failed 0, <nil>",
			"ack / one q 0s answered=0 socketio: operation has timed out",
		)

		// Many.
		other := f.WebSocket()
		other.Join("/", "")
		l.want(t, "connect / 1s connected=true")
		_ = main.Emit("e", 1)
		conn.Want(`42["e",1]`)
		other.Want(`42["e",1]`)
		l.want(t, "emit / all e 11 bytes to 2, failed 0, <nil>")
		_ = main.To("nobody").Emit("e", 1)
		l.want(t, "emit / all e 0 bytes to 0, failed 0, <nil>")
		_ = main.Emit("e", func() {})
		l.want(t, "emit / all e 0 bytes to 0, failed 0, "+fmt.Sprint(encodingError()))
		ctx, cancel := context.WithCancelCause(t.Context())
		go func() {
			for _, err := range main.EmitWithAck(ctx, "q") {
				if err == nil {
					cancel(errors.New("enough"))
				}
			}
		}()
		conn.Want(`422["q"]`)
		other.Want(`422["q"]`)
		conn.Send(`432[]`)
		l.want(
			t,
			"emit / all q 10 bytes to 2, failed 0, <nil>",
			"ack / all q 0s answered=1 socketio: 1 acknowledgements are missing: enough",
		)

		conn.Send("41")
		l.want(t, `disconnect / "client namespace disconnect" <nil> rooms=0`)
		_ = s.Emit("late")
		_, _ = s.EmitWithAck(t.Context(), "late")
		l.want(t, "emit / one late 0 bytes to 0, failed 1, <nil>", "emit / one late 13 bytes to 0, failed 1, <nil>",
			"ack / one late 0s answered=0 socketio: socket is not connected")
		other.Send("4abc")
		other.WantClose()
		l.want(t, `disconnect / "forced close" `+fmt.Sprint(parseError("abc"))+` rooms=0`)
	})
}

// encodingError is what comes of a value that JSON does not know.
func encodingError() error {
	_, _, err := protocol.AppendJSON(nil, nil, func() {})
	return err
}

func parseError(packet string) error {
	var d protocol.Decoder
	_, err := d.AddText([]byte(packet))
	return err
}

// A connection over its limit is paused, and goes on when half of it is handled.
func TestHookPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &hookLog{}
		f := startPipe(t, func(c *socketio.Config) {
			c.Hooks.Pause = l.hooks().Pause
			c.MaxInboxEvents = 2
		})
		goOn := make(chan struct{})
		f.Of("/").Handle("e", func(*socketio.Event) error { <-goOn; return nil })
		conn := f.WebSocket()
		conn.Join("/", "")
		synctest.Wait() // the CONNECT counts until it is over
		conn.Send(`42["e"]`, `42["e"]`)
		l.want(t)
		conn.Send(`42["e"]`)
		l.want(t, "pause true")
		goOn <- struct{}{}
		l.want(t)
		goOn <- struct{}{}
		l.want(t, "pause false")
		close(goOn)
	})
}

// A client that reads too slowly can be told from others.
func TestHookSlowClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, emits := &hookLog{}, &hookLog{}
		f := startPipe(t, func(c *socketio.Config) {
			c.Hooks.Disconnect = func(i socketio.DisconnectInfo) {
				l.add(
					"%s full=%t slow=%t",
					i.Reason,
					errors.Is(i.Cause, engineio.ErrQueueFull),
					errors.Is(i.Cause, engineio.ErrSlowPeer),
				)
			}
			c.Hooks.Emit = emits.hooks().Emit
			c.MaxBufferedPackets = 1
			c.PingInterval = time.Hour
		})
		one, two := f.WebSocket(), f.WebSocket()
		a, _ := f.Of("/").Socket(one.Join("/", ""))
		two.Join("/", "")
		synctest.Wait()
		for range 3 {
			_ = a.Emit("e") // nobody reads from the pipe
			synctest.Wait()
		}
		emits.want(t, "emit / one e 9 bytes to 1, failed 0, <nil>", "emit / one e 9 bytes to 1, failed 0, <nil>",
			"emit / one e 9 bytes to 0, failed 1, <nil>")
		l.want(t, "transport error full=true slow=false")
		_ = f.Of("/").Emit("e")
		time.Sleep(time.Minute)
		emits.want(t, "emit / all e 9 bytes to 1, failed 0, <nil>")
		l.want(t, "transport error full=false slow=true")
	})
}

// A hook that panics costs nothing but itself.
func TestHookPanics(t *testing.T) {
	var log bytes.Buffer
	var mu sync.Mutex
	f := start(t, func(c *socketio.Config) {
		c.Logger = slog.New(slog.NewTextHandler(writer(func(p []byte) (int, error) {
			mu.Lock()
			defer mu.Unlock()
			return log.Write(p)
		}), nil))
		c.Hooks.Connect = func(socketio.ConnectInfo) { panic("connect hook") }
		c.Hooks.Receive = func(socketio.ReceiveInfo) { panic("receive hook") }
		c.Hooks.Handle = func(socketio.HandleInfo) { panic("handle hook") }
		c.Hooks.Emit = func(socketio.EmitInfo) { panic("emit hook") }
		c.Hooks.Disconnect = func(socketio.DisconnectInfo) { panic("disconnect hook") }
	})
	f.Of("/").Handle("x", func(e *socketio.Event) error { return e.Socket().Emit("y") })
	conn := f.WebSocket()
	conn.Join("/", "")
	conn.Send(`42["x"]`, `42["x"]`)
	conn.Want(`42["y"]`, `42["y"]`)
	conn.Close()
	f.stop(t)
	mu.Lock()
	defer mu.Unlock()
	for _, what := range []string{"connect", "receive", "handle", "emit", "disconnect"} {
		if !strings.Contains(log.String(), what+" hook") {
			t.Errorf("the panic of the %s hook is not in the log", what)
		}
	}
}

type writer func(p []byte) (int, error)

func (w writer) Write(p []byte) (int, error) { return w(p) }

var _ io.Writer = writer(nil)
