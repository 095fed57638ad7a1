package socketio_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/internal/rawclient"
)

// until reads, and answers pings, until the connection ends. It returns what it read.
func until(conn *rawclient.Conn) (texts []string) {
	for {
		text, _, err := conn.Next()
		if err != nil {
			return texts
		}
		texts = append(texts, text)
	}
}

// about tells whether a deadline was kept: not early, and late by a millisecond at most.
func about(got, want time.Duration) bool { return got >= want && got <= want+time.Millisecond }

func TestConnectTimeout(t *testing.T) {
	t.Attr("covers", "abuse/extra/2 easy/53 socketio/namespaces/24")
	for name, packets := range map[string][]string{
		"nothing":               nil,
		"refused":               {`40/refused`},
		"unknown namespace":     {`40/unknown`},
		"still in a middleware": {`40/slow`},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := startPipe(t)
				f.Of("/refused").Use(func(*socketio.Socket) error { return &socketio.Error{Message: "no"} })
				f.Of("/slow").Use(func(s *socketio.Socket) error { <-s.Context().Done(); return nil })
				began := time.Now()
				conn := f.WebSocket()
				conn.Send(packets...)
				until(conn)
				if took := time.Since(began); !about(took, 45*time.Second) {
					t.Errorf("closed after %v", took)
				}
			})
		})
	}
}

// Joining a namespace ends the connect timeout for good, even if the client leaves again.
func TestConnectTimeoutEnds(t *testing.T) {
	t.Attr("covers", "easy/30")
	synctest.Test(t, func(t *testing.T) {
		f := startPipe(t)
		conn := f.WebSocket()
		conn.Join("/", "")
		conn.Send("41")
		go until(conn)
		time.Sleep(10 * 45 * time.Second)
		if n := f.Engine().Sessions(); n != 1 {
			t.Errorf("%d sessions", n)
		}
	})
}

func TestAckTimeout(t *testing.T) {
	t.Attr("covers", "socketio/socket-timeout/1 socketio/socket-timeout/2 socketio/socket-timeout/4")
	for _, c := range []struct {
		name string
		ask  func(s *socketio.Socket) error
		want time.Duration
	}{
		{"default", func(s *socketio.Socket) error {
			_, err := s.EmitWithAck(context.Background(), "q")
			return err
		}, 30 * time.Second},
		{"Timeout", func(s *socketio.Socket) error {
			_, err := s.Timeout(50*time.Millisecond).EmitWithAck(context.Background(), "q")
			return err
		}, 50 * time.Millisecond},
		{"zero", func(s *socketio.Socket) error {
			_, err := s.Timeout(0).EmitWithAck(context.Background(), "q")
			return err
		}, 0},
		{"negative", func(s *socketio.Socket) error {
			_, err := s.Timeout(-1).Compress(false).EmitWithAck(context.Background(), "q")
			return err
		}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := startPipe(t)
				connected := connects(f.Of("/"))
				f.Of("/").Handle("echo", func(e *socketio.Event) error { return e.Socket().Emit("echo") })
				conn := f.WebSocket()
				conn.Join("/", "")
				s := wait(t, connected)
				read := make(chan string, 10)
				go func() {
					for {
						text, _, err := conn.Next()
						if err != nil {
							return
						}
						read <- text
					}
				}()
				began := time.Now()
				if err := c.ask(s); !errors.Is(err, socketio.ErrTimeout) {
					t.Errorf("got %v", err)
				}
				if took := time.Since(began); !about(took, c.want) {
					t.Errorf("took %v", took)
				}
				if n := socketio.PendingCalls(s); n != 0 {
					t.Errorf("%d calls are still in the table", n)
				}
				if got := wait(t, read); got != `420["q"]` {
					t.Errorf("read %s", got)
				}
				conn.Send(`430["late"]`, `42["echo"]`) // ignored
				if got := wait(t, read); got != `42["echo"]` {
					t.Errorf("read %s", got)
				}
			})
		})
	}
}

// A client that announces attachments and does not send them is disconnected.
func TestAttachmentTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := startPipe(t)
		disconnected := disconnects(f.Of("/"))
		events := make(chan int, 1)
		f.Of("/").Handle("x", func(e *socketio.Event) error { events <- e.Len(); return nil })
		conn := f.WebSocket()
		conn.Join("/", "")
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			until(conn)
		}()
		conn.Send(`452-["x",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`)
		time.Sleep(45*time.Second - time.Second)
		conn.SendBinary([]byte{1}) // each has its time
		time.Sleep(45*time.Second - time.Second)
		conn.SendBinary([]byte{2})
		if n := wait(t, events); n != 2 {
			t.Errorf("%d arguments", n)
		}
		synctest.Wait()
		conn.Send(`451-["x",{"_placeholder":true,"num":0}]`)
		began := time.Now()
		<-ended
		if took := time.Since(began); !about(took, 45*time.Second) {
			t.Errorf("closed after %v", took)
		}
		d := wait(t, disconnected)
		if d.reason != socketio.ReasonForcedClose || !errors.Is(d.socket.Err(), socketio.ErrAttachmentTimeout) {
			t.Errorf("%v", d.socket.Err())
		}
	})
}
