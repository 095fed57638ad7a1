package engineio_test

import (
	"context"
	"encoding/binary"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/gobwas/ws"

	"github.com/gosocketio/socketio/engineio"
)

// recorder keeps what comes from the peer.
type recorder struct {
	net.Conn
	mu  sync.Mutex
	got []byte
}

func (r *recorder) Read(b []byte) (int, error) {
	n, err := r.Conn.Read(b)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.got = append(r.got, b[:n]...)
	return n, err
}

// records returns how many TLS records have come since the last call.
func (r *recorder) records() (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for ; len(r.got) >= 5; n++ {
		r.got = r.got[5+int(binary.BigEndian.Uint16(r.got[3:])):]
	}
	return n
}

// Messages that come in one record are answered in one.
func TestRecordsOfTLS(t *testing.T) {
	// Otherwise another processor may write the first answers while the rest is being read.
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	s := startOn(t, engineio.Config{}, httptest.NewUnstartedServer, (*httptest.Server).StartTLS)
	wire := new(recorder)
	d := ws.Dialer{
		TLSConfig: s.client.Transport.(*http.Transport).TLSClientConfig.Clone(),
		NetDial: func(ctx context.Context, network, addr string) (_ net.Conn, err error) {
			wire.Conn, err = new(net.Dialer).DialContext(ctx, network, addr)
			return wire, err
		},
	}
	d.TLSConfig.NextProtos = nil
	conn, r, _, err := d.Dial(t.Context(), strings.Replace(s.url, "https", "wss", 1)+"?"+direct)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	c := wrap(t, conn, r)
	c.open()
	const messages = 16
	message := "4" + strings.Repeat("x", 40)
	var together []byte
	for range messages {
		together = append(together, ws.MustCompileFrame(ws.MaskFrame(ws.NewTextFrame([]byte(message))))...)
	}
	const rounds = 100
	inOne := 0
	for range rounds {
		wire.records()
		if _, err := conn.Write(together); err != nil {
			t.Fatal(err)
		}
		for range messages {
			c.want(message)
		}
		if wire.records() == 1 {
			inOne++
		}
	}
	if inOne < rounds/2 { // the runtime may interrupt the reader now and then
		t.Errorf("%d of %d times, %d answers came in one record", inOne, rounds, messages)
	}
}
