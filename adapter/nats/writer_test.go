package nats

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/internal/brokertest"
)

// One message of several that are sent at once, the first, one amid them or the last, gets lost on its
// way to the leader of the stream, or reaches nobody because there is no leader for a moment, or comes
// when it has been sent again. All are stored once, in order.
func TestLogHole(t *testing.T) {
	const n = 20
	for _, number := range []int{2, 3, n / 2, n} { // 1 waits for its answer, the others are a batch
		for what, spoil := range map[string]func(*lossy, []byte) []byte{
			"lost": func(*lossy, []byte) []byte { return nil },
			"no responder": func(_ *lossy, m []byte) []byte {
				return bytes.Replace(m, []byte("socketio."), []byte("nobody12."), 1)
			},
			"late": func(l *lossy, m []byte) []byte { l.late = m; return nil },
		} {
			t.Run(fmt.Sprint(what, " ", number), func(t *testing.T) {
				t.Parallel() // it waits for answers
				nats := startJetStream(t)
				p := startLossy(t, nats.host(), server.VERSION)
				p.spoil = map[string]func(*lossy, []byte) []byte{fmt.Sprint("aaaaaa.", number): spoil}
				a := start(t, "aaaaaa", Config{Addrs: []string{p.listener.Addr().String()}, JetStream: true})
				b := start(t, "bbbbbb", Config{Addrs: []string{nats.host()}, JetStream: true})
				linkA, _ := a.Link("/")
				_, memberB := b.Link("/")
				p.hold.Lock()
				for i := range n {
					publishNow(t, linkA, event(a.UID, i+1))
				}
				p.hold.Unlock()
				for i := range n {
					memberB.Wants(t, i+1)
				}
				await(t, "all is sent", func() bool { return a.Stats().Sent+a.Stats().Failed == n })
				publishNow(t, linkA, event(a.UID, n+1))
				memberB.Wants(t, n+1)
				if s := a.Stats(); s.Failed > 0 {
					t.Errorf("stats are %+v", s)
				}
			})
		}
	}
}

// The stream gets another leader again and again while messages are sent.
func TestLogLeaders(t *testing.T) {
	t.Parallel() // it waits most of the time
	c := Config{JetStream: true, Replicas: 3}
	for _, s := range startCluster(t, 3) {
		c.Addrs = append(c.Addrs, s.host())
	}
	a, b := start(t, "aaaaaa", c), start(t, "bbbbbb", c)
	const rounds, n = 3, 1000
	memberA, memberB := brokertest.NewMember("/"), brokertest.NewMember("/")
	for _, m := range []*brokertest.Member{memberA, memberB} {
		m.Messages = make(chan *adapter.Message, rounds*n)
	}
	linkA := a.LinkTo(memberA)
	b.LinkTo(memberB)
	for round := range rounds {
		for i := range n {
			publishNow(t, linkA, event(a.UID, round*n+i))
		}
		answer, err := b.Broker.(*stream).nc.Request("$JS.API.STREAM.LEADER.STEPDOWN.socketio", nil, brokertest.Patience)
		if err != nil || !strings.Contains(string(answer.Data), `"success":true`) {
			t.Fatalf("the leader does not step down: %s, %v", answer.Data, err)
		}
		for deadline := time.Now().Add(4 * brokertest.Patience); a.Stats().Sent < uint64((round+1)*n); {
			if time.Now().After(deadline) {
				t.Fatalf("stats are %+v", a.Stats())
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
	for i := range rounds * n {
		memberA.Wants(t, i)
		memberB.Wants(t, i)
	}
	if s := a.Stats(); s.Failed > 0 {
		t.Errorf("stats are %+v", s)
	}
}

// A NATS server that does not know batches gets one message at a time, which is reported.
func TestLogOneByOne(t *testing.T) {
	nats := startJetStream(t)
	p := startLossy(t, nats.host(), "2.11.4")
	a := start(t, "aaaaaa", Config{Addrs: []string{p.listener.Addr().String()}, JetStream: true})
	brokertest.LogOrder(t, a, start(t, "bbbbbb", Config{Addrs: []string{nats.host()}, JetStream: true}))
	if text := fmt.Sprint(a.Reports()); !strings.Contains(text, "one by one: the NATS server is 2.11.4") {
		t.Errorf("reported %s", text)
	}
}

// lossy is a proxy that spoils messages to a NATS server.
type lossy struct {
	listener net.Listener
	hold     sync.Mutex // nothing passes while it is locked
	// spoil returns what the server gets instead of the first message with a Nats-Msg-Id.
	spoil map[string]func(l *lossy, message []byte) []byte
	late  []byte // to come behind the next one that is sent again
}

// startLossy starts a proxy. It ends with the test. Clients get to know that the server has this version.
func startLossy(t *testing.T, to, version string) *lossy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &lossy{listener: listener}
	var done sync.WaitGroup
	done.Go(func() {
		client, err := listener.Accept()
		if err != nil {
			return
		}
		broker, err := net.Dial("tcp", to)
		if err != nil {
			t.Error(err)
			return
		}
		done.Go(func() {
			defer func() { _ = client.Close() }()
			for r := bufio.NewReader(broker); ; {
				line, err := r.ReadBytes('\n')
				if bytes.HasPrefix(line, []byte("INFO ")) {
					line = bytes.Replace(line, []byte(server.VERSION), []byte(version), 1)
				}
				if _, err2 := client.Write(line); err != nil || err2 != nil {
					return
				}
			}
		})
		l.pass(bufio.NewReader(client), broker)
		_ = broker.Close()
	})
	t.Cleanup(func() {
		_ = listener.Close()
		done.Wait()
	})
	return l
}

// pass passes what a client sends.
func (l *lossy) pass(client *bufio.Reader, server io.Writer) {
	for {
		m, err := client.ReadBytes('\n')
		if err != nil {
			return
		}
		line := strings.Fields(string(m))
		if line[0] == "PUB" || line[0] == "HPUB" {
			size, _ := strconv.Atoi(line[len(line)-1])
			body := make([]byte, size+2)
			if _, err := io.ReadFull(client, body); err != nil {
				return
			}
			m = append(m, body...)
		}
		l.hold.Lock()
		_, rest, _ := bytes.Cut(m, []byte("Nats-Msg-Id: "))
		id, _, _ := bytes.Cut(rest, []byte("\r\n"))
		switch spoil := l.spoil[string(id)]; {
		case spoil != nil:
			delete(l.spoil, string(id))
			m = spoil(l, m)
		case l.late != nil && bytes.Contains(l.late, append(id, "\r\n"...)):
			m, l.late = append(m, l.late...), nil
		}
		_, err = server.Write(m)
		l.hold.Unlock()
		if err != nil {
			return
		}
	}
}
