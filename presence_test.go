package socketio_test

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/siotest"
)

// What Count counts, and what it does not.
func TestCount(t *testing.T) {
	inCluster(t, func(t *testing.T, c *cluster) {
		io := c.servers[0]
		for i, x := range c.servers {
			x.Sockets()[0].Join("all", []string{"even", "odd"}[i%2])
		}
		for _, x := range []struct {
			of   socketio.Operator
			want int
			err  error
		}{
			{io.To("all"), 3, nil},
			{io.To("even"), 2, nil},
			{io.To("nobody's"), 0, nil},
			{io.To(), 0, nil},
			{io.Volatile(), 3, nil},
			{io.To("even", "odd"), 0, socketio.ErrUncounted},
			{io.Except("even"), 0, socketio.ErrUncounted},
			{io.Local().To("even", "odd"), 1, nil},
		} {
			if n, err := x.of.Count(t.Context()); n.Sockets != x.want || !errors.Is(err, x.err) {
				t.Errorf("%+v, %v; want %d, %v", n, err, x.want, x.err)
			}
		}
		if n, err := io.Count(t.Context()); n.Sockets != 3 || n.Servers != 3 || err != nil {
			t.Errorf("%+v, %v", n, err)
		}
	})
}

// The hooks of a single server are told of its rooms. A panic is contained.
func TestOnPresence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		io := socketio.New(socketio.Config{})
		var mu sync.Mutex
		var told []string
		note := func(what string) func(string) {
			return func(room string) {
				mu.Lock()
				defer mu.Unlock()
				told = append(told, what+" "+room)
				if room == "panic" {
					panic("contained")
				}
			}
		}
		off := io.OnPresence(socketio.PresenceHooks{FirstIn: note("in"), LastOut: note("out")})
		io.OnPresence(socketio.PresenceHooks{})
		if _, err := siotest.Serve(t, io).Connect(t.Context(), "/", nil); err != nil {
			t.Fatal(err)
		}
		s := io.Sockets()[0]
		s.Join("panic", "r")
		synctest.Wait()
		s.Leave("r")
		synctest.Wait()
		off()
		s.Leave("panic")
		time.Sleep(time.Second)
		mu.Lock()
		defer mu.Unlock()
		if want := []string{"in panic", "in r", "out r"}; !slices.Equal(told, want) {
			t.Errorf("told %q, want %q", told, want)
		}
	})
}

// uncounting is an adapter of a user's that does not count.
type uncounting struct{ adapter.Adapter }

func TestPresenceOfOtherAdapters(t *testing.T) {
	io := socketio.New(socketio.Config{Adapter: func(h adapter.Host) (adapter.Adapter, error) {
		a, err := adapter.Memory(h)
		return uncounting{a}, err
	}})
	if n, err := io.Count(t.Context()); n.Servers != 0 || !errors.Is(err, socketio.ErrUncounted) {
		t.Errorf("%+v, %v", n, err)
	}
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	io.OnPresence(socketio.PresenceHooks{})
}
