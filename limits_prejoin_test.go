package socketio_test

import (
	"bufio"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"github.com/gosocketio/socketio"
)

// What a connection that has joined no namespace can make the server hold is at most 64 KiB, all told, whatever it
// sends, as long as its requests are open and when TCP is closed. Each way comes on top of a handshake of nearly 16 KiB.
func TestMemoryBeforeTheJoin(t *testing.T) {
	const clients, most = 60, 64 << 10
	cookie, pad := "Cookie: a="+strings.Repeat("x", 15<<10), strings.Repeat("x", 900_000)
	many := func(n int, packet func(i int) string) []string {
		all := make([]string, n)
		for i := range all {
			all[i] = packet(i)
		}
		return all
	}
	auth := func(size int) string { return `{"token":"` + strings.Repeat("x", size) + `"}` }
	slow := func(n, size int) []string {
		return many(n, func(i int) string { return fmt.Sprintf("40/slow%d,%s", i, auth(size)) })
	}
	refused := many(10_000, func(i int) string { return fmt.Sprintf("40/none%d,", i) })
	longNames := many(60, func(i int) string { return fmt.Sprintf("40/none%d%s,", i, strings.Repeat("x", 15<<10)) })
	attachment := make([]byte, 15<<10)

	post := func(packets []string) []byte { return []byte(strings.Join(packets, "\x1e")) }
	posts := func(body []byte, announced int) func(*prejoin) {
		return func(p *prejoin) { p.openPolling("4", ""); p.post(body, announced) }
	}
	poll := func(packets []string) func(*prejoin) { body := post(packets); return posts(body, len(body)) }
	socket := func(frames ...[]byte) func(*prejoin) {
		return func(p *prejoin) { p.openWebSocket("4"); p.write(frames...) }
	}
	texts := func(packets []string) (all []byte) {
		for _, text := range packets {
			all = append(all, masked(ws.OpText, true, []byte(text))...)
		}
		return all
	}
	large := texts([]string{"40/slow," + auth(15<<10)})

	for _, way := range []struct {
		name string
		do   func(*prejoin)
	}{
		{"headers, polling", func(p *prejoin) { p.openPolling("4", "") }},
		{"headers, WebSocket", func(p *prejoin) { p.openWebSocket("4") }},
		{"query", func(p *prejoin) { p.cookie = ""; p.openPolling("4", "&a="+strings.Repeat("x", 15<<10)) }},
		{"900 kB of query", func(p *prejoin) { p.cookie = ""; p.openPolling("4", "&a="+pad) }},
		{"a parked GET", func(p *prejoin) { p.openPolling("4", ""); p.cookie = ""; p.get() }},
		{"a parked GET and a POST", func(p *prejoin) {
			p.openPolling("4", "")
			p.cookie = ""
			p.get()
			p.post(post(slow(300, 2000)), 600_000)
		}},
		{"CONNECTs with auth in slow middlewares, polling", poll(slow(300, 3000))},
		{"CONNECTs with much auth in slow middlewares, polling", poll(slow(60, 15<<10))},
		{"CONNECTs without auth in slow middlewares, polling", poll(slow(1000, 0))},
		{"CONNECTs with auth in slow middlewares, WebSocket", socket(texts(slow(300, 3000)))},
		{"CONNECTs with much auth in slow middlewares, WebSocket", socket(texts(slow(60, 15<<10)))},
		{"CONNECTs without auth in slow middlewares, WebSocket", socket(texts(slow(1000, 0)))},
		{"one large CONNECT and noise behind it, WebSocket", socket(large, make([]byte, 200_000))},
		{"refused CONNECTs, polling", poll(refused)},
		{"refused CONNECTs with long names, polling", poll(longNames)},
		{"refused CONNECTs, unread, WebSocket", socket(texts(refused))},
		{"refused CONNECTs with long names, unread, WebSocket", socket(texts(longNames))},
		{"half a POST", posts([]byte("40"+auth(15<<10)), 900_000)},
		{"half a POST behind CONNECTs", posts(append(post(append(slow(1, 3000), "")), make([]byte, 15<<10)...), 900_000)},
		{"half a message", socket(masked(ws.OpText, true, make([]byte, 16<<10))[:16<<10])},
		{"half a message in fragments", socket(append(masked(ws.OpText, false, attachment),
			masked(ws.OpContinuation, true, make([]byte, 1000))[:900]...))},
		{"half a packet, WebSocket", socket(texts([]string{`4510-["e"` + strings.Repeat(" ", 15<<10) + `]`}),
			masked(ws.OpBinary, true, attachment), masked(ws.OpBinary, true, attachment))},
		{"half a packet, polling", poll([]string{`4510-["e"]`, "b" + base64.StdEncoding.EncodeToString(attachment[:8000])})},
		{"pings, WebSocket", socket([]byte(strings.Repeat(string(masked(ws.OpPing, true, make([]byte, 125))), 5000)))},
		{"pings, protocol 3, WebSocket", func(p *prejoin) {
			p.openWebSocket("3")
			p.write([]byte(strings.Repeat(string(masked(ws.OpText, true, []byte("2"))), 20_000)))
		}},
		{"pings, protocol 3, polling", func(p *prejoin) {
			p.openPolling("3", "")
			p.post([]byte(strings.Repeat("1:2", 5000)), 15_000)
		}},
		{"noise, polling", posts(make([]byte, 500_000), 500_000)},
		{"noise, WebSocket", socket(make([]byte, 500_000))},
		{"upgrades that do not end", func(p *prejoin) {
			p.openPolling("4", "")
			p.cookie = ""
			p.upgrade("4", "&sid="+p.sid)
			p.write(masked(ws.OpText, true, []byte("2probe")), masked(ws.OpText, true, make([]byte, 16<<10))[:16<<10])
		}},
	} {
		for _, mode := range []socketio.ConnectionMode{socketio.AutoMode, socketio.PortableMode} {
			name := way.name
			if mode == socketio.PortableMode {
				if !strings.Contains(name, "WebSocket") && !strings.Contains(name, "message") {
					continue
				}
				name += ", portable"
			}
			t.Run(name, func(t *testing.T) {
				s, e := serveTCP(t, socketio.Config{ConnectionMode: mode, AllowEIO3: true})
				proceed := make(chan struct{})
				for i := range 1000 {
					s.Of(fmt.Sprintf("/slow%d", i)).Use(func(*socketio.Socket) error { <-proceed; return nil })
				}
				s.Of("/slow").Use(func(*socketio.Socket) error { <-proceed; return nil })
				s.Of("/").Use(func(*socketio.Socket) error { <-proceed; return nil })
				addr := strings.TrimPrefix(e.URL, "http://")
				warm := &prejoin{t: t, addr: addr, cookie: cookie}
				way.do(warm)
				settle(t)
				runtime.GC()
				before := heap()
				all := make([]*prejoin, clients)
				for i := range all {
					all[i] = &prejoin{t: t, addr: addr, cookie: cookie}
					way.do(all[i])
				}
				check := func(when string) {
					settle(t)
					runtime.GC() // twice, with that of heap, empties pools
					if each := (heap() - before) / clients; each > most {
						t.Errorf("%s: %d bytes a connection", when, each)
					} else {
						t.Logf("%s: %d bytes a connection, %d sessions", when, each, s.Engine().Sessions())
					}
				}
				check("connected")
				for _, p := range append(all, warm) {
					p.close()
				}
				check("closed")
				close(proceed)
			})
		}
	}
}

// settle returns when the server has handled what was sent to it: nearly nothing is allocated any more. It looks
// several times in a row, because the whole process may have stood still before one of them.
func settle(t *testing.T) {
	t.Helper()
	var m runtime.MemStats
	deadline := time.Now().Add(20 * time.Second)
	quiet := 0
	for last := uint64(0); quiet < 4; time.Sleep(10 * time.Millisecond) {
		runtime.ReadMemStats(&m)
		if quiet++; m.Mallocs-last >= 100 {
			quiet = 0
		}
		if last = m.Mallocs; time.Now().After(deadline) {
			t.Fatal("the server goes on allocating")
		}
	}
}

// prejoin is a client without memory of its own: it reads no more than it must.
type prejoin struct {
	t      testing.TB
	addr   string
	cookie string
	eio    string
	sid    string
	conns  []net.Conn
}

func (p *prejoin) close() {
	for _, c := range p.conns {
		_ = c.Close()
	}
}

func (p *prejoin) request(head string, body []byte) {
	c, err := net.Dial("tcp", p.addr)
	if err != nil {
		p.t.Fatal(err)
	}
	p.conns = append(p.conns, c)
	if p.cookie != "" {
		head += "\r\n" + p.cookie
	}
	_, _ = io.WriteString(c, head+"\r\nHost: localhost\r\n\r\n") // the server may close
	p.write(body)
}

// write writes to the latest connection, until the server takes no more.
func (p *prejoin) write(pieces ...[]byte) {
	c := p.conns[len(p.conns)-1]
	_ = c.SetWriteDeadline(time.Now().Add(50 * time.Millisecond))
	for _, b := range pieces {
		_, _ = c.Write(b)
	}
}

// response reads a response of the latest connection.
func (p *prejoin) response() (status int, body []byte) {
	res, err := http.ReadResponse(bufio.NewReader(p.conns[len(p.conns)-1]), nil)
	if err != nil {
		return 0, nil
	}
	if res.StatusCode != http.StatusSwitchingProtocols {
		body, _ = io.ReadAll(res.Body)
		_ = res.Body.Close()
	}
	return res.StatusCode, body
}

func (p *prejoin) openPolling(protocol, query string) {
	p.eio = protocol
	p.request("GET /socket.io/?EIO="+protocol+"&transport=polling"+query+" HTTP/1.1\r\nConnection: close", nil)
	status, body := p.response()
	if _, rest, ok := strings.Cut(string(body), `"sid":"`); ok && status == http.StatusOK {
		p.sid = strings.Clone(rest[:strings.IndexByte(rest, '"')])
	}
}

func (p *prejoin) openWebSocket(protocol string) { p.upgrade(protocol, "") }

func (p *prejoin) upgrade(protocol, query string) {
	p.request("GET /socket.io/?EIO="+protocol+"&transport=websocket"+query+" HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==", nil)
	if status, body := p.response(); status != http.StatusSwitchingProtocols {
		p.t.Fatalf("status %d %s", status, body)
	}
}

// get sends a poll and does not wait for the answer.
func (p *prejoin) get() {
	p.request("GET /socket.io/?EIO=4&transport=polling&sid="+p.sid+" HTTP/1.1", nil)
}

// post sends a body of the announced length, or less, and does not wait for the answer.
func (p *prejoin) post(body []byte, announced int) {
	p.cookie = ""
	p.request(fmt.Sprintf("POST /socket.io/?EIO=%s&transport=polling&sid=%s HTTP/1.1\r\nContent-Length: %d", p.eio, p.sid, announced), body)
}

// masked returns a frame as clients send it.
func masked(op ws.OpCode, fin bool, payload []byte) []byte {
	b := []byte{byte(op), 0x80}
	if fin {
		b[0] |= 0x80
	}
	switch n := len(payload); {
	case n < 126:
		b[1] |= byte(n)
	default:
		b[1] |= 126
		b = binary.BigEndian.AppendUint16(b, uint16(n))
	}
	return append(append(b, 0, 0, 0, 0), payload...)
}
