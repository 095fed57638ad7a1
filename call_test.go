package socketio_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/gosocketio/socketio"
)

func TestCall(t *testing.T) {
	s, e := serve(t, socketio.Config{})
	conn := e.WebSocket()
	socket, _ := s.Socket(conn.Join("/", ""))
	type result struct {
		v   point
		err error
	}
	results := make(chan result, 1)
	call := func(to socketio.Asker) {
		v, err := socketio.Call[point](t.Context(), to, "where", "now")
		results <- result{v, err}
	}
	for i, c := range []struct {
		answer string
		want   point
		err    error
	}{
		{`0[{"X":1,"Y":2},"more"]`, point{X: 1, Y: 2}, nil},
		{`1[]`, point{}, socketio.ErrArguments},
		{`2[{"X":1,"Y":"no"}]`, point{}, socketio.ErrArguments},
	} {
		var to socketio.Asker = socket
		if i == 1 {
			to = socket.Timeout(time.Minute)
		}
		go call(to)
		conn.Want(`42` + c.answer[:1] + `["where","now"]`)
		conn.Send(`43` + c.answer)
		r := wait(t, results)
		if !errors.Is(r.err, c.err) || r.v.X != c.want.X || r.v.Y != c.want.Y {
			t.Errorf("%s: got %+v, %v", c.answer, r.v, r.err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := socketio.Call[int](ctx, socket, "where"); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
