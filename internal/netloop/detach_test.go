//go:build linux

package netloop

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"testing"
	"time"
)

// Whoever takes a connection over in End has every byte, between what Data was given and what it reads itself: here in the
// middle of a stream, detached from Data and by somebody else.
func TestDetachLosesNothing(t *testing.T) {
	for name, byData := range map[string]bool{"in Data": true, "by another goroutine": false} {
		t.Run(name, func(t *testing.T) {
			l := newLoop(t)
			watch(t, l, new(spy)) // the loop goes on while it is not the connection's any more
			for range 20 {
				const numbers = 50_000
				var got []byte
				half := make(chan struct{})
				taken := make(chan net.Conn, 1)
				s := new(spy)
				s.onData = func(b []byte) bool {
					before := len(got)
					got = append(got, b...)
					if before < 2*numbers && len(got) >= 2*numbers {
						if byData {
							s.conn.Detach()
						}
						close(half)
					}
					return true
				}
				s.onEnd = func() {
					nc, err := s.conn.NetConn()
					if err != nil {
						t.Error(err)
					}
					taken <- nc
				}
				peer := watch(t, l, s)
				go func() {
					var b []byte
					for i := range uint32(numbers) {
						b = binary.BigEndian.AppendUint32(b, i)
					}
					for len(b) > 0 { // in pieces, so that the stream is not over when the loop lets go
						n := min(len(b), 1000)
						_, _ = peer.Write(b[:n])
						b = b[n:]
					}
					_ = peer.CloseWrite()
				}()
				next(t, half)
				if !byData {
					s.conn.Detach()
				}
				if err := next(t, s.end); !errors.Is(err, net.ErrClosed) && !errors.Is(err, io.EOF) { // the stream may be over by then
					t.Errorf("ended with %v", err)
				}
				nc := next(t, taken)
				rest, err := io.ReadAll(nc)
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, rest...)
				if len(got) != 4*numbers {
					t.Fatalf("%d bytes, want %d", len(got), 4*numbers)
				}
				for i := range uint32(numbers) {
					if n := binary.BigEndian.Uint32(got[4*i:]); n != i {
						t.Fatalf("number %d is %d", i, n)
					}
				}
				if _, err := nc.Write([]byte("ok")); err != nil { // the socket was not shut down
					t.Fatal(err)
				}
				if b, err := io.ReadAll(io.LimitReader(peer, 2)); string(b) != "ok" || err != nil {
					t.Fatalf("the peer got %q, %v", b, err)
				}
				_ = nc.Close()
			}
		})
	}
}

// A connection that is idle leaves as well, and one that is paused.
func TestDetachIdle(t *testing.T) {
	for name, paused := range map[string]bool{"watched": false, "paused": true} {
		t.Run(name, func(t *testing.T) {
			s := new(spy)
			watch(t, newLoop(t), s)
			s.conn.Pause(paused)
			s.conn.Detach()
			s.wantEnd(t, net.ErrClosed)
			s.conn.Detach() // has no effect any more
		})
	}
}

// A Data that asks for it and then takes its time is not taken for one that ends the connection.
func TestDetachInDataThatBlocks(t *testing.T) {
	l := newLoop(t)
	s, other, let := new(spy), new(spy), make(chan struct{})
	taken := make(chan net.Conn, 1)
	s.onData = func([]byte) bool {
		s.conn.Detach()
		<-let
		return true
	}
	s.onEnd = func() {
		nc, err := s.conn.NetConn()
		if err != nil {
			t.Error(err)
		}
		taken <- nc
	}
	peer, bystander := watch(t, l, s), watch(t, l, other)
	_, _ = io.WriteString(peer, "a")
	_, _ = io.WriteString(bystander, "b")
	if got := next(t, other.data); got != "b" { // another goroutine is the loop
		t.Errorf("got %q", got)
	}
	close(let)
	s.wantEnd(t, net.ErrClosed)
	nc := next(t, taken)
	defer nc.Close()
	if _, err := io.WriteString(nc, "c"); err != nil {
		t.Error(err)
	}
	if b, err := io.ReadAll(io.LimitReader(peer, 1)); string(b) != "c" || err != nil {
		t.Errorf("the peer got %q, %v", b, err)
	}
}

// A peer that takes nothing keeps a connection from leaving no longer than until Close.
func TestCloseAfterDetach(t *testing.T) {
	s := new(spy)
	watch(t, newLoop(t), s)
	for n := 1; n > 0; { // until the kernel has no room
		var err error
		if n, err = s.conn.TryWrite(make([]byte, 1<<20)); err != nil {
			t.Fatal(err)
		}
	}
	s.conn.Detach()
	select {
	case err := <-s.end:
		t.Fatalf("ended with %v", err)
	case <-time.After(10 * time.Millisecond):
	}
	s.conn.Close()
	s.wantEnd(t, net.ErrClosed)
}

// Detach and the peer's end at the same time: there is one End, and the descriptor is somebody's who closes it.
func TestDetachRacesEnd(t *testing.T) {
	l := newLoop(t)
	for range 200 {
		s := new(spy)
		s.onEnd = func() {
			nc, err := s.conn.NetConn()
			if err != nil {
				t.Error(err)
				return
			}
			_ = nc.Close()
		}
		peer := watch(t, l, s)
		go func() { _ = peer.Close() }()
		s.conn.Detach()
		if err := next(t, s.end); !errors.Is(err, net.ErrClosed) && !errors.Is(err, io.EOF) {
			t.Errorf("ended with %v", err)
		}
	}
}
