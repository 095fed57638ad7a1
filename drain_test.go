package socketio_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/internal/rawclient"
)

// A client that is drained gets what is queued. What it sent before it knew is handled, behind a handler that takes
// its time, and only then its sockets disconnect.
func TestDrain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := startPipe(t)
		if f.Draining() {
			t.Error("it drains")
		}
		disconnected := disconnects(f.Of("/"))
		release := make(chan struct{})
		handled := make(chan string, 10)
		f.Of("/").Handle("slow", func(e *socketio.Event) error {
			<-release
			handled <- e.Name()
			return e.Context().Err()
		})
		f.Of("/").Handle("late", func(e *socketio.Event) error {
			handled <- e.Name()
			return e.Context().Err()
		})
		c := f.WebSocket()
		id := c.Join("/", "")
		idle := f.WebSocket()
		idle.Join("/", "")
		c.Send(`42["slow"]`)
		synctest.Wait()
		emit(t, f.To(id).Emit("news"))
		drained := make(chan error, 1)
		go func() { drained <- f.Drain(t.Context(), socketio.DrainOptions{}) }()
		synctest.Wait()
		if !f.Draining() {
			t.Error("it does not drain")
		}
		c.Want(`42["news"]`)
		c.WantClose() // and no DISCONNECT before it
		idle.WantClose()
		c.Send(`42["late"]`)
		c.Close()
		idle.Close()
		if err := <-drained; err != nil {
			t.Error(err)
		}
		if d := wait(t, disconnected); d.socket.ID() == id || d.reason != socketio.ReasonServerShuttingDown {
			t.Errorf("%s disconnected: %s", d.socket.ID(), d.reason)
		}
		synctest.Wait()
		none(t, disconnected)
		s, _ := f.Socket(id)
		close(release)
		if first, second := wait(t, handled), wait(t, handled); first != "slow" || second != "late" {
			t.Errorf("handled %q, %q", first, second)
		}
		if d := wait(t, disconnected); d.socket != s || !errors.Is(s.Err(), socketio.ErrServerClosed) {
			t.Errorf("%v disconnected: %v", d, s.Err())
		}
	})
}

// Shutdown after Drain ends the sockets whose handlers still run, and those in a middleware.
func TestShutdownAfterDrain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := startPipe(t)
		disconnected := disconnects(f.Of("/"))
		f.Of("/").Handle("block", func(e *socketio.Event) error {
			<-e.Context().Done()
			return nil
		})
		f.Of("/slow").Use(func(s *socketio.Socket) error {
			<-s.Context().Done()
			return nil
		})
		c := f.WebSocket()
		c.Join("/", "")
		c.Send(`42["block"]`, `42["block"]`)
		joining := f.WebSocket()
		joining.Send("40/slow")
		synctest.Wait()
		c.Close()
		joining.Close()
		if err := f.Drain(t.Context(), socketio.DrainOptions{}); err != nil {
			t.Error(err)
		}
		if err := f.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
		wait(t, disconnected)
	})
}

// A server of a cluster is drained while 200 clients of it send and receive. They come to another one, evenly, as the
// same sockets. Each event arrives once, in order, in both directions.
func TestDrainOntoAnotherServer(t *testing.T) {
	const clients, over, events = 200, 10 * time.Second, 28
	inLogCluster(t, func(t *testing.T, c *logCluster) {
		from, to := c.servers[0], c.servers[1]
		var mu sync.Mutex
		got := make(map[string][]string)
		var perSecond [over/time.Second + 2]int
		began := time.Now()
		for _, f := range c.servers {
			socketio.On(f, "up", func(e *socketio.Event, n string) error {
				mu.Lock()
				defer mu.Unlock()
				got[e.Socket().ID()] = append(got[e.Socket().ID()], n)
				return nil
			})
		}
		to.OnConnection(func(*socketio.Socket) {
			mu.Lock()
			defer mu.Unlock()
			perSecond[time.Since(began)/time.Second]++
		})
		var all sync.WaitGroup
		for range clients {
			conn, k := enter(t, from)
			all.Go(func() { moves(t, to, conn, k, events) })
		}
		synctest.Wait()
		began = time.Now()
		go func() {
			for n := range events {
				time.Sleep(500 * time.Millisecond)
				if err := c.servers[2].Emit("down", n); err != nil {
					t.Error(err)
				}
			}
		}()
		if err := from.Drain(t.Context(), socketio.DrainOptions{Over: over}); err != nil {
			t.Error(err)
		}
		all.Wait()
		synctest.Wait()
		want := make([]string, events)
		for n := range want {
			want[n] = fmt.Sprint(n)
		}
		if len(got) != clients {
			t.Errorf("events of %d sockets, want %d", len(got), clients)
		}
		for id, up := range got {
			if strings.Join(up, " ") != strings.Join(want, " ") {
				t.Fatalf("the server got from %s: %q", id, up)
			}
		}
		for i, n := range perSecond {
			if n > clients/int(over/time.Second)*3/2 {
				t.Errorf("%d clients came in second %d: %d", n, i, perSecond)
			}
		}
	})
}

// moves plays a client that answers each event with one of its own, and reconnects to another server as the official
// one does. It sends one event more after it was told to go.
func moves(t *testing.T, to *fixture, conn *rawclient.Conn, k ticket, events int) {
	moved, sent := false, 0
	for n := 0; n < events; n++ {
		packet, _, err := conn.Next()
		if err != nil {
			if moved {
				t.Errorf("event %d: %v", n, err)
				return
			}
			moved = true
			conn.Send(fmt.Sprintf(`42["up","%d"]`, sent))
			sent++
			conn.Close()
			time.Sleep(500*time.Millisecond + rand.N(time.Second))
			conn = comeBack(to, k)
			if packet, _, err = conn.Next(); err != nil {
				t.Errorf("it did not come back: %v", err)
				return
			}
			// What it has missed comes first, then the CONNECT.
			for packets := packet; ; packets, _, err = conn.Next() {
				if err != nil || strings.HasPrefix(packets, "40") {
					if !strings.Contains(packets, k.sid) {
						t.Errorf("not recovered: %q, %v", packets, err)
					}
					break
				}
				if !k.down(t, packets, n) {
					return
				}
				n++
			}
			n--
			continue
		}
		if !k.down(t, packet, n) {
			return
		}
		if sent <= n {
			conn.Send(fmt.Sprintf(`42["up","%d"]`, sent))
			sent++
		}
	}
	for ; sent < events; sent++ {
		conn.Send(fmt.Sprintf(`42["up","%d"]`, sent))
	}
}

// down checks that a packet is event n and notes its offset.
func (k *ticket) down(t *testing.T, packet string, n int) bool {
	offset, ok := strings.CutPrefix(packet, fmt.Sprintf(`42["down",%d,"`, n))
	if !ok {
		t.Errorf("got %q, want event %d", packet, n)
		return false
	}
	k.offset = strings.TrimSuffix(offset, `"]`)
	return true
}
