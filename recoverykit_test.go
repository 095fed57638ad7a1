package socketio_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/internal/rawclient"
)

// recovering turns recovery on.
func recovering(r socketio.ConnectionStateRecovery) func(*socketio.Config) {
	return func(c *socketio.Config) { c.ConnectionStateRecovery = &r }
}

// ticket is what a client knows of its session.
type ticket struct{ sid, pid, offset string }

// auth is what it sends to be recovered, as the official client does.
func (k ticket) auth() string {
	m := map[string]string{"pid": k.pid}
	if k.offset != "" {
		m["offset"] = k.offset
	}
	b, _ := json.Marshal(m)
	return string(b)
}

// reads is what a client reads packets from.
type reads interface {
	Read() string
}

// admitted reads the reply to a CONNECT.
func admitted(t testing.TB, c reads) (k ticket) {
	t.Helper()
	packet := c.Read()
	var reply struct{ Sid, Pid string }
	if json.Unmarshal([]byte(strings.TrimPrefix(packet, "40")), &reply) != nil || len(reply.Sid) != 20 ||
		len(reply.Pid) != 20 {
		t.Fatalf("got %q, want a CONNECT with sid and pid", packet)
	}
	return ticket{sid: reply.Sid, pid: reply.Pid}
}

// enter joins "/" for the first time.
func enter(t testing.TB, f *fixture) (*rawclient.Conn, ticket) {
	t.Helper()
	c := f.WebSocket()
	c.Send("40")
	return c, admitted(t, c)
}

// event reads an event, checks it without its offset, and notes that.
func (k *ticket) event(t testing.TB, c reads, want string) {
	t.Helper()
	packet := c.Read()
	head, offset, ok := strings.Cut(strings.TrimSuffix(packet, `"]`), `,"`+offsetStart(packet))
	if !ok || head+"]" != want {
		t.Fatalf("got %q, want %q and an offset", packet, want)
	}
	k.offset = offsetStart(packet) + offset
}

// offsetStart is the part of a packet's offset that all offsets have in common.
func offsetStart(packet string) string {
	if len(packet) < 16 {
		return "no offset"
	}
	return packet[len(packet)-16 : len(packet)-10]
}

// comeBack asks for recovery on a new connection.
func comeBack(f *fixture, k ticket) *rawclient.Conn {
	c := f.WebSocket()
	c.Send("40" + k.auth())
	return c
}

// wantRecovered reads the CONNECT of a recovered session.
func (k ticket) wantRecovered(t testing.TB, c reads) {
	t.Helper()
	c.(interface{ Want(...string) }).Want(fmt.Sprintf(`40{"sid":%q,"pid":%q}`, k.sid, k.pid))
}

// wantNew reads the CONNECT of a session that is not the one that was asked for.
func (k ticket) wantNew(t testing.TB, c reads) ticket {
	t.Helper()
	n := admitted(t, c)
	if n.sid == k.sid || n.pid == k.pid {
		t.Fatalf("got the session %+v again", n)
	}
	return n
}

func emit(t testing.TB, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

// kept is what recovery keeps of a namespace: sessions that wait, events and their bytes.
func kept(n *socketio.Namespace) (sessions, events, bytes int) {
	s, _ := n.RecoveryStats()
	return s.Waiting, s.Events, s.EventBytes
}
