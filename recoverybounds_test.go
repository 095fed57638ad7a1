package socketio_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gosocketio/socketio"
)

func TestSessionsExpire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := startPipe(t, recovering(socketio.ConnectionStateRecovery{MaxDisconnectionDuration: time.Minute}))
		main := f.Of("/")
		connected, disconnected := connects(main), disconnects(main)
		c, k := enter(t, f)
		wait(t, connected)
		c.Close()
		wait(t, disconnected)
		emit(t, main.Emit("missed"))
		time.Sleep(time.Minute)
		c = comeBack(f, k)
		k.event(t, c, `42["missed"]`)
		k.wantRecovered(t, c)
		wait(t, connected)
		c.Close()
		wait(t, disconnected)
		time.Sleep(time.Minute + time.Millisecond)
		c = comeBack(f, k)
		k.wantNew(t, c)
		c.Close()
		wait(t, disconnected)
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		if sessions, events, bytes := kept(main); sessions != 0 || events != 0 || bytes != 0 {
			t.Errorf("%d sessions, %d events of %d bytes are kept for ever", sessions, events, bytes)
		}
	})
}

// A client to which nothing was sent for longer than events are kept still recovers: it missed none
// of them.
func TestAQuietClientRecovers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := startPipe(t, recovering(socketio.ConnectionStateRecovery{MaxDisconnectionDuration: time.Minute}))
		main := f.Of("/")
		connected, disconnected := connects(main), disconnects(main)
		c, k := enter(t, f)
		s := wait(t, connected)
		c.Close()
		wait(t, disconnected)
		emit(t, s.Emit("the only one"))
		c = comeBack(f, k)
		k.event(t, c, `42["the only one"]`)
		k.wantRecovered(t, c)
		wait(t, connected)
		go until(c)
		for range 60 {
			time.Sleep(10 * time.Second)
			emit(t, main.To("others").Emit("often"))
		}
		c.Close()
		wait(t, disconnected)
		emit(t, main.To("others").Emit("often"), main.Emit("missed"))
		c = comeBack(f, k)
		k.event(t, c, `42["missed"]`)
		k.wantRecovered(t, c)
	})
}

func TestTheLogIsBounded(t *testing.T) {
	f := start(t, recovering(socketio.ConnectionStateRecovery{MaxEventBytes: 10_000}))
	main := f.Of("/")
	connected, disconnected := connects(main), disconnects(main)
	c, k := enter(t, f)
	c2, k2 := enter(t, f)
	wait(t, connected)
	wait(t, connected)
	c.Close()
	wait(t, disconnected)
	for range 100 {
		emit(t, main.Except(k2.sid).Emit("event", strings.Repeat("x", 100)))
		if _, events, bytes := kept(main); bytes > 10_000 || events > 50 {
			t.Fatalf("%d events of %d bytes", events, bytes)
		}
	}
	k.wantNew(t, comeBack(f, k))
	wait(t, connected)
	// Nothing of what is forgotten was for this one, when its connection breaks.
	c2.Close()
	wait(t, disconnected)
	k2.wantRecovered(t, comeBack(f, k2))
	wait(t, connected)
	emit(t, main.Emit("larger than the log", strings.Repeat("x", 10_000)))
	if _, events, bytes := kept(main); events != 1 || bytes < 10_000 {
		t.Errorf("%d events of %d bytes", events, bytes)
	}
	emit(t, main.Emit("latest"))
	if _, events, bytes := kept(main); events != 1 || bytes > 10_000 {
		t.Errorf("%d events of %d bytes", events, bytes)
	}
}

// One missed event recovers whatever its size, and two that each are larger than what may wait for
// a client.
func TestLargeEventsWereMissed(t *testing.T) {
	large := strings.Repeat("x", 20<<20)
	for _, c := range []struct {
		events int
		size   int
		log    int
		want   bool
	}{{1, 20 << 20, 0, true}, {2, 9 << 20, 0, false}, {2, 9 << 20, 32 << 20, true}, {3, 9 << 20, 32 << 20, false}} {
		t.Run(fmt.Sprint(c), func(t *testing.T) {
			f := start(t, recovering(socketio.ConnectionStateRecovery{MaxEventBytes: c.log}))
			main := f.Of("/")
			connected, disconnected := connects(main), disconnects(main)
			conn, k := enter(t, f)
			wait(t, connected)
			conn.Close()
			wait(t, disconnected)
			for i := range c.events {
				emit(t, main.Emit("large", i, large[:c.size]))
			}
			conn = comeBack(f, k)
			if !c.want {
				k.wantNew(t, conn)
				return
			}
			for i := range c.events {
				k.event(t, conn, fmt.Sprintf(`42["large",%d,%q]`, i, large[:c.size]))
			}
			k.wantRecovered(t, conn)
		})
	}
}

func TestWaitingSessionsAreBounded(t *testing.T) {
	synctest.Test(t, waitingSessionsAreBounded)
}

func waitingSessionsAreBounded(t *testing.T) {
	f := startPipe(t, recovering(socketio.ConnectionStateRecovery{MaxSessionBytes: 5000}))
	main := f.Of("/")
	connected, disconnected := connects(main), disconnects(main)
	var all []ticket
	for range 10 {
		c, k := enter(t, f)
		wait(t, connected).Join(strings.Repeat("x", 450))
		c.Close()
		wait(t, disconnected)
		synctest.Wait() // the last thing that a socket does is to give its session back
		all = append(all, k)
	}
	if n, _, _ := kept(main); n != 4 {
		t.Errorf("%d sessions are kept", n)
	}
	for _, k := range all[:6] {
		k.wantNew(t, comeBack(f, k))
	}
	if s, ok := main.RecoveryStats(); !ok || s.WaitingBytes < 4*900 || s.WaitingBytes > 5000 || s.Refused != 6 ||
		s.Recovered != 0 {
		t.Errorf("%+v", s)
	}
	for _, k := range all[6:] {
		k.wantRecovered(t, comeBack(f, k))
	}
	if s, _ := main.RecoveryStats(); s.Waiting != 0 || s.WaitingBytes != 0 || s.Recovered != 4 {
		t.Errorf("%+v", s)
	}
}

// Megabytes that were missed are sent within what may wait for a client, or the client starts
// afresh.
func TestMuchWasMissed(t *testing.T) {
	f := start(t, recovering(socketio.ConnectionStateRecovery{MaxEventBytes: 64 << 20}))
	main := f.Of("/")
	connected, disconnected := connects(main), disconnects(main)
	c, k := enter(t, f)
	wait(t, connected)
	c.Close()
	wait(t, disconnected)
	big := strings.Repeat("x", 1<<20-100)
	for i := range 4 {
		emit(t, main.Emit("big", i, big))
	}
	c = comeBack(f, k)
	for i := range 4 {
		k.event(t, c, fmt.Sprintf(`42["big",%d,%q]`, i, big))
	}
	k.wantRecovered(t, c)
	wait(t, connected)
	c.Close()
	wait(t, disconnected)
	for i := range 5 {
		emit(t, main.Emit("big", i, big))
	}
	c = comeBack(f, k)
	k.wantNew(t, c)
}
