package socketio_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/protocol"
	"github.com/gosocketio/socketio/protocol/msgpack"
)

func withMsgpack(c *socketio.Config) { c.Parser = msgpack.Parser }

func TestRecoveryWithMsgpack(t *testing.T) {
	f := start(t, recovering(socketio.ConnectionStateRecovery{}), withMsgpack)
	main := f.Of("/")
	connected, disconnected := connects(main), disconnects(main)
	decoder := msgpack.Parser.NewDecoder(10)
	send := func(c interface{ SendBinary([]byte) }, text string) {
		m, err := msgpack.Parser.Encode([]byte(text), nil)
		if err != nil {
			t.Fatal(err)
		}
		c.SendBinary(m[0].Data)
	}
	read := func(c interface {
		Next() (string, []byte, error)
	}) string {
		_, data, err := c.Next()
		if err != nil {
			t.Fatal(err)
		}
		p, err := decoder.AddBinary(data)
		if err != nil {
			t.Fatal(err)
		}
		return string(p.Data)
	}
	c := f.WebSocket()
	send(c, "0")
	var k struct{ Sid, Pid string }
	if err := json.Unmarshal([]byte(read(c)), &k); err != nil {
		t.Fatal(err)
	}
	wait(t, connected)
	emit(t, main.Emit("seen", 1))
	var seen []any
	if err := json.Unmarshal([]byte(read(c)), &seen); err != nil || len(seen) != 3 {
		t.Fatalf("%v, %v", seen, err)
	}
	c.Close()
	wait(t, disconnected)
	// The binary value looks as the offset does before its position is known.
	offset := seen[2].(string)
	emit(t, main.Emit("missed", []byte(offset[:6]+"AAAAAAAA")))
	c = f.WebSocket()
	send(c, `0{"pid":"`+k.Pid+`","offset":"`+offset+`"}`)
	if got := read(
		c,
	); !strings.HasPrefix(got, `["missed",{"_placeholder":true,"num":0},"`+offset[:6]) ||
		strings.Contains(got, `AAAAAAAA"]`) {
		t.Errorf("got %s", got)
	}
	if got := read(c); !strings.Contains(got, `"pid":"`+k.Pid+`"`) {
		t.Errorf("got %s", got)
	}
}

// secretive is a parser that hides what is in its packets.
type secretive struct{ protocol.Parser }

func (secretive) Encode(text []byte, _ [][]byte) ([]protocol.Message, error) {
	hidden := make([]byte, len(text))
	for i, c := range text {
		hidden[i] = c ^ 1
	}
	return []protocol.Message{{Data: hidden, Binary: true}}, nil
}

func TestRecoveryNeedsAParserThatShowsOffsets(t *testing.T) {
	_, err := socketio.NewServer(
		socketio.Config{ConnectionStateRecovery: &socketio.ConnectionStateRecovery{}, Parser: secretive{}},
	)
	if !errors.Is(err, socketio.ErrConfig) || !strings.Contains(err.Error(), "Parser") ||
		!strings.Contains(err.Error(), "ConnectionStateRecovery") {
		t.Errorf("got %v", err)
	}
}

// A client of Socket.IO 2 is not recovered; it gets what everybody gets.
func TestRecoveryAndOldClients(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := startPipe(t, recovering(socketio.ConnectionStateRecovery{}), func(e *socketio.Config) { e.AllowEIO3 = true })
		main := f.Of("/")
		connected, disconnected := connects(main), disconnects(main)
		sid := ""
		get := func() string {
			r, err := f.Client().Get(f.URL + "/socket.io/?EIO=3&transport=polling" + sid)
			if err != nil {
				t.Fatal(err)
			}
			defer r.Body.Close()
			b, err := io.ReadAll(r.Body)
			if err != nil || r.StatusCode != http.StatusOK {
				t.Fatalf("%d %s, %v", r.StatusCode, b, err)
			}
			return string(b)
		}
		_, after, _ := strings.Cut(get(), `"sid":"`)
		id, _, _ := strings.Cut(after, `"`)
		sid = "&sid=" + id
		if got := get(); got != "2:40" {
			t.Errorf("got %q", got)
		}
		s := wait(t, connected)
		emit(t, main.Emit("e"), s.Emit("e"))
		if got := get(); strings.Count(got, `42["e","`) != 2 {
			t.Errorf("got %q", got)
		}
		if sessions, events, _ := kept(main); sessions != 0 || events != 0 {
			t.Errorf("%d sessions and %d events are kept", sessions, events)
		}
		time.Sleep(2 * time.Minute) // it does not ping
		wait(t, disconnected)
		if err := s.Emit("e"); !errors.Is(err, socketio.ErrClosed) || s.Recovered() {
			t.Errorf("Emit: %v", err)
		}
	})
}

// FuzzRecover sends any pid and offset, and any auth at all, to a namespace with sessions to
// recover: a socket results, and only the right pid makes it a recovered one.
func FuzzRecover(f *testing.F) {
	f.Add("p", "o", `{}`)
	f.Add("", "", `{"pid":"PID","offset":"OFFSET"}`)
	f.Add("PID", "OFFSET", ``)
	f.Add("PID", "", ``)
	f.Add("PID", "OFFSETx", ``)
	f.Add("PID", "AAAAAAAAAAAAAA", ``)
	f.Add("PID", "------________", `{"pid":["PID"],"offset":{"a":1}}`)
	f.Add("PID", "", `{"pid":null,"offset":null}`)
	f.Fuzz(func(t *testing.T, pid, offset, auth string) {
		synctest.Test(t, func(t *testing.T) {
			f := startPipe(t, recovering(socketio.ConnectionStateRecovery{}))
			main := f.Of("/")
			connected, disconnected := connects(main), disconnects(main)
			c, k := enter(t, f)
			s := wait(t, connected)
			emit(t, s.Emit("e"))
			k.event(t, c, `42["e"]`)
			c.Close()
			wait(t, disconnected)
			emit(t, main.Emit("missed"))
			fill := strings.NewReplacer("PID", k.pid, "OFFSET", k.offset).Replace
			if auth == "" {
				b, err := json.Marshal(map[string]string{"pid": fill(pid), "offset": fill(offset)})
				if err != nil {
					t.Fatal(err)
				}
				auth = string(b)
			}
			c = f.WebSocket()
			if c.TrySend("40"+fill(auth)) != nil {
				return
			}
			for {
				packet, _, err := c.Next()
				if err != nil {
					return // no CONNECT
				}
				if strings.HasPrefix(packet, "40") {
					break
				}
			}
			if again := wait(
				t,
				connected,
			); again.Recovered() != (again.ID() == k.sid) ||
				again.Recovered() && !strings.Contains(fill(auth), k.pid) {
				t.Errorf("recovered %v as %s", again.Recovered(), again.ID())
			}
		})
	})
}
