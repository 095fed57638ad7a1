package socketio_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/gosocketio/socketio"
)

// A client that received nothing yet, and one that received nothing since it was recovered.
func TestRecoveryWithoutAnOffset(t *testing.T) {
	t.Attr("covers", "adapter/index/21")
	f := start(t, recovering(socketio.ConnectionStateRecovery{}))
	main := f.Of("/")
	connected, disconnected := connects(main), disconnects(main)
	emit(t, main.Emit("before its time"))
	other, ko := enter(t, f)
	wait(t, connected)
	emit(t, main.Emit("before its time"))
	ko.event(t, other, `42["before its time"]`)

	c, k := enter(t, f)
	wait(t, connected)
	for i := range 3 {
		c.Close()
		wait(t, disconnected)
		emit(t, main.Emit("missed", i))
		c = comeBack(f, k)
		for j := range i + 1 { // it does not say what it has
			var got ticket
			got.event(t, c, fmt.Sprintf(`42["missed",%d]`, j))
		}
		k.wantRecovered(t, c)
		wait(t, connected)
	}
	// An offset of another life says as little.
	c.Close()
	wait(t, disconnected)
	k.offset = "another server's"
	c = comeBack(f, k)
	var got ticket
	got.event(t, c, `42["missed",0]`)
}

// A new session is not confused by the offset of the one before, which the official client goes on
// sending.
func TestAnOldOffset(t *testing.T) {
	f := start(t, recovering(socketio.ConnectionStateRecovery{}))
	main := f.Of("/")
	connected, disconnected := connects(main), disconnects(main)
	c, k := enter(t, f)
	wait(t, connected)
	emit(t, main.Emit("old"))
	k.event(t, c, `42["old"]`)
	c.Send("41")
	wait(t, disconnected)
	stay, _ := enter(t, f)
	defer stay.Close()
	wait(t, connected)
	emit(t, main.Emit("not mine"))
	c.Send("40")
	n := admitted(t, c)
	wait(t, connected)
	n.offset = k.offset
	c.Close()
	wait(t, disconnected)
	emit(t, main.Emit("mine"))
	c = comeBack(f, n)
	n.event(t, c, `42["mine"]`)
	n.wantRecovered(t, c)
}

// Every event has an offset, so that the client never takes an argument for one.
func TestOffsets(t *testing.T) {
	t.Attr("covers", "adapter/index/19")
	f := start(t, recovering(socketio.ConnectionStateRecovery{}))
	main := f.Of("/")
	connected, disconnected := connects(main), disconnects(main)
	main.OnConnection(func(s *socketio.Socket) { emit(t, s.Emit("welcome", "you")) })
	c, k := enter(t, f)
	s := wait(t, connected)
	k.event(t, c, `42["welcome","you"]`)
	first := k.offset
	writable(t, s)
	emit(t, main.Volatile().Emit("volatile", "text"))
	k.event(t, c, `42["volatile","text"]`)
	writable(t, s)
	emit(t, s.Volatile().Emit("volatile", "text"))
	k.event(t, c, `42["volatile","text"]`)
	if k.offset != first {
		t.Errorf("the offset of a volatile event is %s, not %s", k.offset, first)
	}
	emit(t, s.Emit("stored", []byte{1}, []byte("\""+k.offset+"\"")))
	k.event(t, c, `452-["stored",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`)
	c.WantBinary([]byte{1}, []byte("\""+first+"\""))
	if k.offset <= first {
		t.Errorf("offsets %s, %s", first, k.offset)
	}
	go func() { _, _ = s.Timeout(time.Second).EmitWithAck(t.Context(), "ask", "text") }()
	c.Want(`420["ask","text"]`) // the client has a function behind it
	c.Close()
	wait(t, disconnected)
	emit(t, main.Volatile().Emit("volatile"), main.Emit("binary", []byte{2}))
	c = comeBack(f, k)
	k.event(t, c, `451-["binary",{"_placeholder":true,"num":0}]`)
	c.WantBinary([]byte{2})
	k.wantRecovered(t, c)
	k.event(t, c, `42["welcome","you"]`)
}
