package nats_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/adapter/nats"
	"github.com/gosocketio/socketio/internal/rawclient"
)

// recoveryServerURL names the environment variable that makes a test binary a server.
const recoveryServerURL = "RECOVERY_TEST_SERVER"

var nick = socketio.NewSharedKey[string]("nick")

// TestRecoveryServer is the server of a process of its own, started by startServer.
func TestRecoveryServer(t *testing.T) {
	url := os.Getenv(recoveryServerURL)
	if url == "" {
		return
	}
	c, err := nats.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	io := socketio.New(socketio.Config{
		Adapter: nats.New(c), ConnectionStateRecovery: &socketio.ConnectionStateRecovery{},
	})
	io.OnConnection(func(s *socketio.Socket) {
		if s.Recovered() {
			return
		}
		s.Join("room")
		nick.Set(s, "ann")
	})
	io.Handle("who", func(e *socketio.Event) error {
		name, _ := nick.Get(e.Socket())
		return e.Ack(e.Socket().ID(), name, e.Socket().Recovered(), len(e.Socket().Rooms()))
	})
	io.Handle("emit", func(e *socketio.Event) error {
		var room string
		var n int
		if err := e.Decode(&room, &n); err != nil {
			return err
		}
		return io.To(room).Emit("e", n)
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	fmt.Println("listening", l.Addr())
	_ = http.Serve(l, io)
}

// recoveryServer is a server in a process of its own.
type recoveryServer struct {
	*rawclient.Endpoint
	cmd *exec.Cmd
}

func startServer(t *testing.T, url string) *recoveryServer {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestRecoveryServer$")
	cmd.Env = append(os.Environ(), recoveryServerURL+"="+url)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s := &recoveryServer{cmd: cmd}
	t.Cleanup(s.kill)
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if addr, ok := strings.CutPrefix(lines.Text(), "listening "); ok {
			s.Endpoint = rawclient.At(t, addr)
			return s
		}
	}
	t.Fatal("the server did not start")
	return nil
}

// kill is kill -9.
func (s *recoveryServer) kill() {
	if s.cmd.ProcessState == nil {
		_ = s.cmd.Process.Kill()
		_ = s.cmd.Wait()
	}
}

// A client whose server was killed comes back on another one as the same socket: with its id, its
// rooms and its shared values, and with what it missed, also when it had received nothing yet.
func TestRecoveryAfterKill(t *testing.T) {
	for _, received := range []bool{true, false} {
		t.Run(fmt.Sprintf("received=%v", received), func(t *testing.T) {
			host, session := nats.StartForRecovery(t)
			url := "nats+jetstream://" + host
			a, b := startServer(t, url), startServer(t, url)
			c := a.WebSocket()
			c.Send("40")
			var me struct{ Sid, Pid string }
			if packet := c.Read(); json.Unmarshal([]byte(packet[2:]), &me) != nil || me.Pid == "" {
				t.Fatalf("got %q", packet)
			}
			other := b.WebSocket()
			other.Send("40")
			other.Read()
			emitted := 0
			emit := func(room string) {
				emitted++
				other.Send(fmt.Sprintf(`42["emit",%q,%d]`, room, emitted))
			}
			offset := ""
			if received {
				emit("room")
				offset = offsetOf(t, c.Read(), 1)
				offsetOf(t, other.Read(), 1)
			}
			stored := func() bool {
				raw := session(me.Pid)
				return strings.Contains(raw, "room") && strings.Contains(raw, "ann")
			}
			for deadline := time.Now().Add(5 * time.Second); !stored(); time.Sleep(time.Millisecond) {
				if time.Now().After(deadline) {
					t.Fatal("the session is not stored")
				}
			}
			a.kill()
			emit("room")
			emit("nobody")
			emit(me.Sid)
			emit("room")
			for _, n := range map[bool][]int{true: {2, 5}, false: {1, 4}}[received] {
				offsetOf(t, other.Read(), n)
			}
			auth := map[string]string{"pid": me.Pid}
			if offset != "" {
				auth["offset"] = offset
			}
			data, _ := json.Marshal(auth)
			again := b.WebSocket()
			again.Send("40" + string(data))
			for _, n := range map[bool][]int{true: {2, 4, 5}, false: {1, 3, 4}}[received] {
				offsetOf(t, again.Read(), n)
			}
			again.Want(fmt.Sprintf(`40{"sid":%q,"pid":%q}`, me.Sid, me.Pid))
			again.Send(`421["who"]`)
			again.Want(fmt.Sprintf(`431[%q,"ann",true,2]`, me.Sid))
			emit("room")
			offsetOf(t, again.Read(), emitted)
		})
	}
}

// offsetOf checks the number of an event and returns its offset.
func offsetOf(t *testing.T, packet string, n int) string {
	t.Helper()
	var args []any
	if json.Unmarshal([]byte(strings.TrimPrefix(packet, "42")), &args) != nil || len(args) != 3 ||
		args[1] != float64(n) {
		t.Fatalf("got %s, want event %d", packet, n)
	}
	return args[2].(string)
}
