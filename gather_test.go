package socketio_test

import (
	"context"
	"errors"
	"iter"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gosocketio/socketio"
)

// outcome is what a loop over EmitWithAck gave.
type outcome struct {
	answers []string // arguments, in order of arrival
	gone    []string // ids of sockets that will not answer
	last    *socketio.MissingError
	err     error // anything else
}

func collect(seq iter.Seq2[socketio.Reply, error]) (o outcome) {
	for r, err := range seq {
		var text string
		var why *socketio.DisconnectError
		switch {
		case err == nil:
			if err := r.Decode(&text); err != nil {
				text = err.Error()
			}
			o.answers = append(o.answers, text)
		case errors.As(err, &o.last):
		case errors.As(err, &why):
			o.gone = append(o.gone, r.SocketID())
		default:
			o.err = err
		}
	}
	return o
}

func TestBroadcastAck(t *testing.T) {
	t.Attr("covers", "socketio/messaging-many/15 socketio/messaging-many/17")
	c := gather(t, []string{"a"}, []string{"a"}, []string{"a"}, nil)
	done := make(chan outcome, 1)
	go func() { done <- collect(c.main.To("a").EmitWithAck(t.Context(), "q", 1)) }()
	for i := range 3 {
		c.conns[i].Want(`420["q",1]`)
	}
	c.conns[3].Send(`430["not asked"]`, `421["sync"]`)
	c.conns[3].Want(`431[]`)
	c.conns[1].Send(`430["b"]`, `430["b again"]`)
	c.conns[0].Send(`430["a"]`)
	c.conns[2].Send(`430["c"]`)
	o := wait(t, done)
	slices.Sort(o.answers)
	if !slices.Equal(o.answers, []string{"a", "b", "c"}) || o.last != nil || o.err != nil || o.gone != nil {
		t.Errorf("got %+v", o)
	}
	if n := socketio.OwedAcks(c.main); n != 0 {
		t.Errorf("%d acknowledgements are waited for", n)
	}
}

func TestBroadcastAckOfNobody(t *testing.T) {
	t.Attr("covers", "socketio/messaging-many/19")
	c := gather(t, nil)
	for _, o := range []socketio.Operator{c.main.To("x"), c.main.To(), c.main.To("x").Timeout(time.Hour)} {
		if o := collect(
			o.EmitWithAck(context.Background(), "q", func() {}),
		); o.answers != nil || o.err != nil ||
			o.last != nil {
			t.Errorf("got %+v", o)
		}
	}
	if o := collect(c.main.EmitWithAck(context.Background(), "connect")); !errors.Is(o.err, socketio.ErrReservedEvent) {
		t.Errorf("reserved name: %+v", o)
	}
	if o := collect(c.main.EmitWithAck(context.Background(), "q", func() {})); o.err == nil {
		t.Error("a function was encoded")
	}
	c.heard(t, "")
}

// A client that disconnects is an error at once, nobody waits for it.
func TestBroadcastAckOfClientThatGoes(t *testing.T) {
	t.Attr("covers", "easy/42")
	c := gather(t, nil, nil, nil)
	done := make(chan outcome, 1)
	go func() { done <- collect(c.main.EmitWithAck(t.Context(), "q")) }()
	for _, conn := range c.conns {
		conn.Want(`420["q"]`)
	}
	c.conns[0].Send(`430["a"]`)
	c.conns[1].Close()
	c.conns[2].Send(`41`)
	o := wait(t, done)
	slices.Sort(o.gone)
	want := []string{c.sockets[1].ID(), c.sockets[2].ID()}
	slices.Sort(want)
	if !slices.Equal(o.answers, []string{"a"}) || !slices.Equal(o.gone, want) || o.last != nil {
		t.Errorf("got %+v", o)
	}
	if n := socketio.OwedAcks(c.main); n != 0 {
		t.Errorf("%d acknowledgements are waited for", n)
	}
}

// Leaving the loop forgets the answers that are still out.
func TestBroadcastAckBreak(t *testing.T) {
	c := gather(t, nil, nil)
	done := make(chan string, 1)
	go func() {
		for r, err := range c.main.EmitWithAck(t.Context(), "q") {
			if err != nil {
				t.Error(err)
			}
			done <- r.SocketID()
			break
		}
	}()
	c.conns[0].Want(`420["q"]`)
	c.conns[1].Want(`420["q"]`)
	if n := socketio.OwedAcks(c.main); n != 2 {
		t.Errorf("%d acknowledgements are waited for", n)
	}
	c.conns[1].Send(`430[]`)
	if id := wait(t, done); id != c.sockets[1].ID() {
		t.Errorf("%s answered first", id)
	}
	c.conns[0].Send(`430["late"]`, `429["sync"]`) // ignored, and the connection goes on
	c.conns[0].Want(`439[]`)
	if n := socketio.OwedAcks(c.main); n != 0 {
		t.Errorf("%d acknowledgements are waited for", n)
	}
}

// When time is up, the answers that came have been yielded and the last error says how many are
// missing.
func TestBroadcastAckTimeout(t *testing.T) {
	t.Attr("covers", "easy/42 socketio/messaging-many/16 socketio/messaging-many/18")
	for _, c := range []struct {
		name string
		call func(*socketio.Namespace, context.Context) iter.Seq2[socketio.Reply, error]
		want time.Duration
		err  error
	}{
		{"Timeout", func(n *socketio.Namespace, ctx context.Context) iter.Seq2[socketio.Reply, error] {
			return n.Timeout(3*time.Second).EmitWithAck(ctx, "q")
		}, 3 * time.Second, socketio.ErrTimeout},
		{"AckTimeout", func(n *socketio.Namespace, ctx context.Context) iter.Seq2[socketio.Reply, error] {
			return n.EmitWithAck(ctx, "q")
		}, 30 * time.Second, socketio.ErrTimeout},
		{"deadline", func(n *socketio.Namespace, ctx context.Context) iter.Seq2[socketio.Reply, error] {
			ctx, cancel := context.WithTimeout(ctx, time.Minute)
			return func(yield func(socketio.Reply, error) bool) {
				defer cancel()
				n.EmitWithAck(ctx, "q")(yield)
			}
		}, time.Minute, context.DeadlineExceeded},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := startPipe(t)
				main := f.Of("/")
				for range 2 {
					silent := f.WebSocket()
					silent.Join("/", "")
					go until(silent)
				}
				answering := f.WebSocket()
				answering.Join("/", "")
				go func() {
					for {
						text, _, err := answering.Next()
						if err != nil {
							return
						}
						if text == `420["q"]` {
							_ = answering.TrySend(`430["a"]`)
						}
					}
				}()
				began := time.Now()
				o := collect(c.call(main, context.Background()))
				took := time.Since(began)
				if !slices.Equal(o.answers, []string{"a"}) || o.last == nil || o.last.Missing != 2 || !errors.Is(o.last, c.err) {
					t.Errorf("got %+v", o)
				}
				if took < c.want || took > c.want+20*time.Millisecond {
					t.Errorf("took %v, want %v", took, c.want)
				}
				if n := socketio.OwedAcks(main); n != 0 {
					t.Errorf("%d acknowledgements are waited for", n)
				}
			})
		})
	}
}
