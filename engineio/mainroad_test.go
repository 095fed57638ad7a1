package engineio_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"

	"github.com/gosocketio/socketio/engineio"
)

func TestPollingEcho(t *testing.T) {
	t.Attr("covers", "easy/9 engine/server/handshake/15 engine/server/handshake/23 engine/server/messages/1 engine/server/response-headers/3")
	s := start(t, engineio.Config{})
	got := s.request("GET", "EIO=4&transport=polling", "")
	id := sid(t, got.body[1:])
	if want := fmt.Sprintf(`0{"sid":"%s","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}`, id); got.body != want {
		t.Errorf("open packet is %s, want %s", got.body, want)
	}
	if len(id) != 20 {
		t.Errorf("sid %q has %d characters, want 20", id, len(id))
	}
	for k, want := range map[string]string{"Content-Type": "text/plain; charset=UTF-8", "Cache-Control": "no-store"} {
		if v := got.header.Get(k); v != want {
			t.Errorf("%s is %q, want %q", k, v, want)
		}
	}
	q := "EIO=4&transport=polling&sid=" + id
	if got := s.request("POST", q, "4hello\x1e4€\x1ebAQIDBA=="); got.status != 200 || got.body != "ok" || got.header.Get("Content-Type") != "text/html" {
		t.Errorf("POST: %+v", got)
	}
	if got := s.request("GET", q, ""); got.body != "4hello\x1e4€\x1ebAQIDBA==" {
		t.Errorf("GET: %+v", got)
	}
	x := next(t, s.sessions)
	parked := s.poll(q)
	s.parked(x)
	if err := x.Send([]byte("later"), false); err != nil {
		t.Error(err)
	}
	if got := next(t, parked); got.body != "4later" {
		t.Errorf("parked GET: %+v", got)
	}
}

func TestWebSocketEcho(t *testing.T) {
	t.Attr("covers", "engine/server/handshake/19 engine/server/handshake/20 engine/server/messages/6")
	s := start(t, engineio.Config{})
	c := s.dial("EIO=4&transport=websocket")
	got, _, _ := c.read()
	if !strings.Contains(got, `"upgrades":[]`) {
		t.Errorf("open packet is %s", got)
	}
	c.send("4hello")
	c.want("4hello")
	if err := wsutil.WriteClientBinary(c.Conn, []byte{1, 2, 3}); err != nil {
		t.Fatal(err)
	}
	if got, op, err := c.read(); got != "\x01\x02\x03" || op != ws.OpBinary || err != nil {
		t.Errorf("got %q %v %v", got, op, err)
	}
	big := strings.Repeat("x", 999_999)
	c.send("4" + big)
	c.want("4" + big)
}

// Nothing is lost, doubled or reordered across the switch: 50 numbered messages each way.
func TestUpgradeUnderLoad(t *testing.T) {
	t.Attr("covers", "easy/19 easy/21 engine/server/verification/8")
	const n = 50
	in := make(chan string, 2*n)
	s := start(t, engineio.Config{Events: engineio.Events{Message: func(_ *engineio.Session, data []byte, _ bool) { in <- string(data) }}})
	q := s.polling()
	x := next(t, s.sessions)
	var out []string
	post := func(i int) {
		s.request("POST", q, fmt.Sprintf("4c%d", i))
		_ = x.Send(fmt.Appendf(nil, "s%d", i), false)
	}
	collect := func(body string) {
		for p := range strings.SplitSeq(body, "\x1e") {
			if p != "6" {
				out = append(out, p)
			}
		}
	}
	for i := range n / 2 {
		post(i)
	}
	parked := s.poll(q)
	collect(next(t, parked).body)
	parked = s.poll(q)
	s.parked(x)
	c := s.dial(strings.Replace(q, "polling", "websocket", 1))
	c.send("2probe")
	c.want("3probe")
	if got := next(t, parked); got.body != "6" {
		t.Fatalf("the parked GET got %q, want a noop", got.body)
	}
	for i := n / 2; i < n; i++ {
		_ = x.Send(fmt.Appendf(nil, "s%d", i), false)
	}
	c.send("5")
	for i := n / 2; i < n; i++ {
		c.send(fmt.Sprintf("4c%d", i))
	}
	for range n / 2 {
		got, _, err := c.read()
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, got)
	}
	for i := range n {
		if got, want := next(t, in), fmt.Sprintf("c%d", i); got != want {
			t.Fatalf("the server got %q, want %q", got, want)
		}
		if want := fmt.Sprintf("4s%d", i); out[i] != want {
			t.Fatalf("the client got %q as number %d", out[i], i)
		}
	}
	if got := s.request("GET", q, ""); got.status != 400 || !strings.Contains(got.body, `"code":3`) {
		t.Errorf("a poll after the upgrade got %+v", got)
	}
	second := s.dial(strings.Replace(q, "polling", "websocket", 1))
	second.wantEnd()
	c.send("4still here")
	if got := next(t, in); got != "still here" {
		t.Errorf("got %q", got)
	}
	if x.Transport() != engineio.WebSocket {
		t.Errorf("transport is %v", x.Transport())
	}
}
