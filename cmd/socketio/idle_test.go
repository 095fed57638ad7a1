package main

import (
	"bufio"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gobwas/ws"
)

// Half a minute of silence is answered with a ping, another one with the end.
func TestEchoPingsWhoIsSilent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		e := newEcho(nil)
		go func() {
			closeWith(far, e.serve(far, bufio.NewReader(far)))
			_ = far.Close()
		}()
		c := &plain{t, near}
		began := time.Now()
		c.want(ws.OpPing, "")
		if waited := time.Since(began); waited != echoIdle {
			t.Errorf("pinged after %v", waited)
		}
		c.send(ws.NewPongFrame(nil))
		c.want(ws.OpPing, "")
		c.send(ws.NewTextFrame([]byte("hi")))
		c.want(ws.OpText, "hi")

		c.want(ws.OpPing, "")
		began = time.Now()
		c.wantClose(ws.StatusGoingAway)
		if waited := time.Since(began); waited != echoIdle {
			t.Errorf("given up %v after the ping", waited)
		}
		_ = near.Close()
	})
}

// A message that has begun has to end.
func TestEchoWaitsForNoMessageForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		e := newEcho(nil)
		ended := make(chan ws.StatusCode)
		go func() {
			status := e.serve(far, bufio.NewReader(far))
			_ = far.Close()
			ended <- status
		}()
		began := time.Now()
		if _, err := near.Write([]byte{0x81}); err != nil { // the first byte of a text frame
			t.Fatal(err)
		}
		if status := <-ended; status != 0 {
			t.Errorf("status %d for a peer that cannot be told", status)
		}
		if waited := time.Since(began); waited != echoMessage {
			t.Errorf("waited %v", waited)
		}
		_ = near.Close()
	})
}
