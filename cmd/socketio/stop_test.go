package main

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"github.com/gosocketio/socketio/internal/rawclient"
)

// Whoever is connected, and however, does not keep the process from ending.
func TestStopWithEverybodyConnected(t *testing.T) {
	p := start(t, "-demo")

	_, open, _ := fetch(t, p.url+"/socket.io/?EIO=4&transport=polling", nil)
	sid := open[strings.Index(open, `"sid":"`)+7:]
	sid = sid[:strings.Index(sid, `"`)]
	polled := make(chan string, 1)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.url+"/socket.io/?EIO=4&transport=polling&sid="+sid, nil)
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
		res, err := client.Do(r)
		if err != nil {
			polled <- err.Error()
			return
		}
		defer res.Body.Close()
		body, _ := io.ReadAll(res.Body)
		polled <- string(body)
	}()

	sio, early, _, err := ws.Dial(t.Context(), "ws"+p.url[4:]+"/socket.io/?EIO=4&transport=websocket")
	if err != nil {
		t.Fatal(err)
	}
	defer sio.Close()
	var in io.Reader = sio
	if early != nil { // the open packet came together with the handshake's response
		in = early
	}
	if f, err := ws.ReadFrame(in); err != nil || f.Payload[0] != '0' {
		t.Fatalf("open packet: %q, %v", f.Payload, err)
	}
	plain := dial(t, p.url)
	plain.send(ws.NewTextFrame([]byte("hi")))
	plain.want(ws.OpText, "hi")

	p.end(t)
	plain.wantClose(ws.StatusGoingAway)
	next(t, "answer to the poll", polled) // with a close packet, or without the server: either way it does not hang
}

// A server that is asked to end moves its clients elsewhere first: they get what is queued for them, and nobody new
// comes in.
func TestStopDrains(t *testing.T) {
	p := start(t)
	e := rawclient.At(t, strings.TrimPrefix(p.url, "http://"))
	c := e.WebSocket()
	c.Join("/", "")
	p.stop()
	c.WantClose()
	for end := time.Now().Add(10 * time.Second); ; {
		status, _, _ := fetch(t, p.url+"/socket.io/?EIO=4&transport=polling", nil)
		if status == http.StatusServiceUnavailable {
			break
		}
		if time.Now().After(end) {
			t.Fatal("it takes new clients")
		}
	}
	select {
	case <-p.exited:
		t.Error("it does not wait for the client")
	default:
	}
	c.Close()
	code := next(t, "exit", p.exited)
	if code != 0 || !strings.Contains(p.stderr.String(), "draining connections=1 over=10ms") {
		t.Errorf("exit code %d: %s", code, p.stderr)
	}
}
