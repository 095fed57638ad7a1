//go:build linux

package netloop

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// stamper answers each 8 bytes with the same, and judges them: they name its connection. A
// descriptor that was mistaken for another would bring somebody else's.
type stamper struct {
	conn *Conn
	id   uint64
	part []byte
	ends atomic.Int32
	bad  func(format string, args ...any)
	done *sync.WaitGroup
}

func (s *stamper) Data(b []byte) bool {
	if s.ends.Load() != 0 {
		s.bad("data after the end")
	}
	s.part = append(s.part, b...)
	for ; len(s.part) >= 8; s.part = s.part[8:] {
		if got := binary.BigEndian.Uint64(s.part); got != s.id {
			s.bad("connection %d was given the bytes of %d", s.id, got)
		}
		_, _ = s.conn.TryWrite(s.part[:8])
	}
	return true
}

func (s *stamper) End(error) {
	if s.ends.Add(1) != 1 {
		s.bad("two ends")
	}
	s.done.Done()
}

// Connections come and go, are paused, written to and closed from both sides at any moment, so that
// descriptors are reused all the time. Everybody gets their own bytes and one end.
func TestDescriptorsAreNotMistaken(t *testing.T) {
	l := newLoop(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	var open sync.WaitGroup
	var ids atomic.Uint64
	const workers = 8
	rounds := 150
	if testing.Short() {
		rounds = 30
	}
	conns := make(chan net.Conn) // the loop's side
	go func() {
		defer close(conns)
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			conns <- c
		}
	}()
	var wg sync.WaitGroup
	var dialing sync.Mutex // pairs a dialled connection with an accepted one
	for w := range workers {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(w), 7))
			for range rounds {
				dialing.Lock()
				peer, err := net.Dial("tcp", listener.Addr().String())
				if err != nil {
					dialing.Unlock()
					t.Error(err)
					return
				}
				here := <-conns
				dialing.Unlock()
				c, err := l.Take(here)
				if err != nil {
					t.Error(err)
					return
				}
				s := &stamper{conn: c, id: ids.Add(1), bad: t.Errorf, done: &open}
				open.Add(1)
				if err := c.Start(s); err != nil {
					t.Error(err)
					return
				}
				if err := play(rng, s, peer.(*net.TCPConn)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	ended := make(chan struct{})
	go func() { open.Wait(); close(ended) }()
	next(t, ended)
}

// play does a few things to a connection, and closes it in one of several ways.
func play(rng *rand.Rand, s *stamper, peer *net.TCPConn) error {
	defer func() { _ = peer.Close() }()
	_ = peer.SetDeadline(time.Now().Add(patience))
	stamp := binary.BigEndian.AppendUint64(nil, s.id)
	for range rng.IntN(5) {
		switch rng.IntN(3) {
		case 0:
			s.conn.Pause(true)
			_, _ = peer.Write(stamp)
			s.conn.Pause(false)
		default:
			_, _ = peer.Write(stamp)
		}
		got := make([]byte, 8)
		if _, err := io.ReadFull(peer, got); err != nil {
			return err
		}
		if !bytes.Equal(got, stamp) {
			return fmt.Errorf("the peer of %d got the bytes of %d", s.id, binary.BigEndian.Uint64(got))
		}
	}
	_, _ = peer.Write(stamp)
	var others sync.WaitGroup
	defer others.Wait()
	switch rng.IntN(5) {
	case 0:
		s.conn.Close()
	case 1:
		_ = peer.SetLinger(0)
	case 2:
		_ = peer.CloseWrite()
	case 3:
		others.Go(s.conn.Close)
		others.Go(func() { _, _ = s.conn.TryWrite(stamp) })
	case 4:
		others.Go(func() { _ = s.conn.Write(bytes.Repeat(stamp, 1<<18)) })
		others.Go(s.conn.Close)
		s.conn.Pause(true)
	}
	return nil
}
