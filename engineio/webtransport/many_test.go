package webtransport_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/quic-go/quic-go"
	quicwt "github.com/quic-go/webtransport-go"

	"github.com/gosocketio/socketio/engineio"
)

// Many sessions at once, each ended in another way, and a broadcast through all of them.
func TestManySessions(t *testing.T) {
	const sessions, messages = 24, 50
	s := start(t, engineio.Config{})
	clients := make([]*client, sessions)
	open := make([]*engineio.Session, sessions)
	for i := range clients {
		clients[i], open[i] = s.direct()
	}
	var wg sync.WaitGroup
	for i, c := range clients {
		wg.Go(func() {
			for n := range messages {
				if err := open[i].Send(fmt.Append(nil, n), n%2 == 0); err != nil {
					t.Error(err)
				}
			}
		})
		wg.Go(func() {
			for n := range messages {
				want := fmt.Sprint("4", n)
				if n%2 == 0 {
					want = fmt.Sprint("binary ", n)
				}
				c.want(want)
			}
			switch i % 4 {
			case 0:
				_ = c.session.CloseWithError(0, "")
			case 1:
				c.send("1")
			case 2:
				c.write([]byte{0})
			case 3:
				open[i].Close()
			}
		})
	}
	wg.Wait()
	for range sessions {
		next(t, s.closings)
	}
	if n := s.engine.Sessions(); n != 0 {
		t.Errorf("%d sessions", n)
	}
}

// BenchmarkEcho is one message there and back, over QUIC on the loopback interface, both ends included.
func BenchmarkEcho(b *testing.B) {
	for _, size := range []int{32, 1024, 65536} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			s := start(b, engineio.Config{MaxPayload: 1 << 20, Events: engineio.Events{
				Message: func(x *engineio.Session, data []byte, binary bool) { _ = x.Send(data, binary) },
			}})
			c, _ := s.direct()
			frame := append(header(0x80, size), make([]byte, size)...)
			b.ReportAllocs()
			b.SetBytes(int64(size))
			for b.Loop() {
				c.write(frame)
				c.raw(len(frame))
			}
		})
	}
}

// BenchmarkConnect is a session from the QUIC handshake to its open packet, and its end.
func BenchmarkConnect(b *testing.B) {
	s := start(b, engineio.Config{})
	d := &quicwt.Transport{TLSClientConfig: s.tls(), QUICConfig: &quic.Config{EnableDatagrams: true, EnableStreamResetPartialDelivery: true}}
	for b.Loop() {
		_, session, err := d.Dial(context.Background(), "https://"+s.addr+engineio.DefaultPath, nil) //nolint:bodyclose // the body is the session
		if err != nil {
			b.Fatal(err)
		}
		c := &client{TB: b, session: session}
		c.open("0")
		c.handshake()
		next(b, s.sessions)
		_ = session.CloseWithError(0, "")
		next(b, s.closings)
	}
}
