package socketio_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/adapter/adaptertest"
	"github.com/gosocketio/socketio/internal/rawclient"
)

func TestMissedEvents(t *testing.T) {
	t.Attr("covers", "socketio/connection-state-recovery/1 easy/47 easy/48 easy/50 adapter/index/18 adapter/index/19")
	f := start(t, recovering(socketio.ConnectionStateRecovery{}))
	main := f.Of("/")
	connected, disconnected := connects(main), disconnects(main)
	c, k := enter(t, f)
	other, ko := enter(t, f)
	s, so := wait(t, connected), wait(t, connected)
	s.Join("room", "quiet")
	emit(t, s.Emit("hello", 1, "x"))
	k.event(t, c, `42["hello",1,"x"]`)
	c.Close()
	wait(t, disconnected)

	emit(t,
		main.Emit("everybody"),
		main.To("room").Emit("room", 1),
		main.To(s.ID()).Emit("direct"),
		main.To("elsewhere").Emit("not mine"),
		main.Except("quiet").Emit("excluded"),
	)
	ko.event(t, other, `42["everybody"]`)
	ko.event(t, other, `42["excluded"]`)
	writable(t, so)
	emit(t, main.Volatile().Emit("volatile"))
	ko.event(t, other, `42["volatile"]`)
	// What asks for an answer is not for later.
	asked := make(chan error, 1)
	go func() {
		for _, err := range main.EmitWithAck(t.Context(), "asked") {
			asked <- err
		}
	}()
	other.Want(`420["asked"]`)
	other.Send(`430[]`)
	if err := wait(t, asked); err != nil {
		t.Error(err)
	}

	p := f.Polling()
	p.Send("40" + k.auth())
	_, body := p.Get()
	packets := strings.Split(body, "\x1e")
	if len(packets) != 4 {
		t.Fatalf("got %q", body)
	}
	read := &script{packets}
	k.event(t, read, `42["everybody"]`)
	k.event(t, read, `42["room",1]`)
	k.event(t, read, `42["direct"]`)
	if got, want := read.Read(), fmt.Sprintf(`40{"sid":%q,"pid":%q}`, k.sid, k.pid); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	// What it has got is not sent again.
	k.wantRecovered(t, comeBack(f, k))
}

// script is a list of packets to be read.
type script struct{ packets []string }

func (s *script) Read() string {
	p := s.packets[0]
	s.packets = s.packets[1:]
	return p
}

func TestRecoveredState(t *testing.T) {
	t.Attr("covers", "socketio/connection-state-recovery/2 adapter/index/18")
	f := start(t, recovering(socketio.ConnectionStateRecovery{}))
	main := f.Of("/")
	connected, disconnected := connects(main), disconnects(main)
	c, k := enter(t, f)
	s := wait(t, connected)
	if s.Recovered() {
		t.Error("the first socket is recovered")
	}
	emit(t, main.Emit("seen"))
	k.event(t, c, `42["seen"]`)
	s.Join("a", "b", "c")
	s.Leave("c")
	s.SetValue("user", "ann")
	s.OnDisconnect(func(s *socketio.Socket, _ socketio.Reason) { s.SetValue("last", true) })
	c.Close()
	wait(t, disconnected)
	if rooms := s.Rooms(); len(rooms) != 0 {
		t.Errorf("a disconnected socket is in %q", rooms)
	}

	c = comeBack(f, k)
	k.wantRecovered(t, c)
	again := wait(t, connected)
	rooms := again.Rooms()
	slices.Sort(rooms)
	want := []string{"a", "b", s.ID()}
	slices.Sort(want)
	if d := cmp.Diff(want, rooms); d != "" || !again.Recovered() || again.ID() != s.ID() || again == s {
		t.Errorf("rooms: %s; recovered %v", d, again.Recovered())
	}
	for key, want := range map[string]any{"user": "ann", "last": true} {
		if v, _ := again.Value(key); v != want {
			t.Errorf("%s is %v", key, v)
		}
	}
	// The old socket has no hold on the new one.
	s.Leave("a")
	s.Join("d")
	if got := again.Rooms(); len(got) != 3 || s.Rooms() != nil {
		t.Errorf("the new one is in %q, the old one in %q", got, s.Rooms())
	}
	if found, ok := main.Socket(k.sid); !ok || found != again {
		t.Error("the new one cannot be found")
	}
	s.Disconnect(true)
	if !again.Connected() {
		t.Error("disconnected by its predecessor")
	}
}

func TestRecoveryAndMiddlewares(t *testing.T) {
	for _, run := range []bool{false, true} {
		t.Run(fmt.Sprint(run), func(t *testing.T) {
			t.Attr("covers", map[bool]string{
				false: "socketio/connection-state-recovery/3 easy/51",
				true:  "socketio/connection-state-recovery/4",
			}[run])
			f := start(t, recovering(socketio.ConnectionStateRecovery{RunMiddlewares: run}))
			main := f.Of("/")
			connected, disconnected := connects(main), disconnects(main)
			ran := make(chan bool, 10)
			refuse := false
			main.Use(func(s *socketio.Socket) error {
				ran <- s.Recovered()
				if refuse {
					return &socketio.Error{Message: "no"}
				}
				return s.Emit("from the middleware")
			})
			c := f.WebSocket()
			c.Send("40")
			var before ticket
			before.event(t, c, `42["from the middleware"]`)
			k := admitted(t, c)
			wait(t, connected)
			if wait(t, ran) {
				t.Error("recovered at first")
			}
			c.Close()
			wait(t, disconnected)
			emit(t, main.Emit("missed"))
			if run {
				refuse = true
				c = comeBack(f, k)
				c.Want(`44{"message":"no"}`)
				wait(t, ran)
				refuse = false
			}
			c = comeBack(f, k)
			if run {
				// What it sends does not make the client believe that it has what it missed.
				k.event(t, c, `42["from the middleware"]`)
				c.Close()
				c = comeBack(f, k)
				k.event(t, c, `42["from the middleware"]`)
			}
			k.event(t, c, `42["missed"]`)
			k.wantRecovered(t, c)
			wait(t, connected)
			for range len(ran) {
				if !<-ran {
					t.Error("not recovered in the middleware")
				}
			}
			if !run {
				none(t, ran)
			}
		})
	}
}

func TestWhoIsNotRecovered(t *testing.T) {
	f := start(t, recovering(socketio.ConnectionStateRecovery{}))
	main := f.Of("/")
	connected, disconnected := connects(main), disconnects(main)
	t.Run("a stranger", func(t *testing.T) {
		t.Attr("covers", "socketio/connection-state-recovery/5 adapter/index/20 adapter/index/21")
		c := comeBack(f, ticket{pid: "foo", offset: "bar"})
		k := admitted(t, c)
		if s := wait(t, connected); s.Recovered() || s.ID() != k.sid {
			t.Errorf("recovered %v as %s", s.Recovered(), s.ID())
		}
	})
	t.Run("who does not say it in strings", func(t *testing.T) {
		c, k := enter(t, f)
		wait(t, connected)
		c.Close()
		wait(t, disconnected)
		for _, auth := range []string{`{"pid":7}`, `{"pid":["` + k.pid + `"]}`, `{"PID":"` + k.pid + `"}`,
			`{"pid":"` + k.pid + `","offset":7}`, `{"pid":"` + k.pid + `","offset":null,"offset":{}}`} {
			c := f.WebSocket()
			c.Send("40" + auth)
			k.wantNew(t, c)
			wait(t, connected)
		}
		c = comeBack(f, k)
		k.wantRecovered(t, c)
		wait(t, connected)
	})
	for name, end := range map[string]func(*rawclient.Conn, *socketio.Socket){
		"who left":                      func(c *rawclient.Conn, _ *socketio.Socket) { c.Send("41") },
		"who was disconnected":          func(_ *rawclient.Conn, s *socketio.Socket) { s.Disconnect(false) },
		"who was disconnected for good": func(_ *rawclient.Conn, s *socketio.Socket) { s.Disconnect(true) },
		"who broke a transport's rules": func(c *rawclient.Conn, _ *socketio.Socket) { c.Send("x") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Attr("covers", "easy/49")
			c, k := enter(t, f)
			s := wait(t, connected)
			end(c, s)
			wait(t, disconnected)
			if err := s.Emit("lost"); !errors.Is(err, socketio.ErrClosed) {
				t.Errorf("Emit: %v", err)
			}
			c = comeBack(f, k)
			k.wantNew(t, c)
			wait(t, connected)
		})
	}
	t.Run("who is in another namespace", func(t *testing.T) {
		f.Of("/chat")
		c, k := enter(t, f)
		wait(t, connected)
		c.Close()
		wait(t, disconnected)
		c = f.WebSocket()
		c.Send("40/chat," + k.auth())
		if p := c.Read(); strings.Contains(p, k.sid) || strings.Contains(p, k.pid) {
			t.Errorf("got %s", p)
		}
	})
}

func TestRecoveryIsOff(t *testing.T) {
	t.Attr("covers", "socketio/connection-state-recovery/6 socketio/connection-state-recovery/7")
	f := start(t)
	connected, disconnected := connects(f.Of("/")), disconnects(f.Of("/"))
	c := f.WebSocket()
	c.Send(`40{"pid":"foo","offset":"bar"}`)
	packet := c.Read()
	s := wait(t, connected)
	if _, on := f.Of("/").RecoveryStats(); packet != fmt.Sprintf(`40{"sid":%q}`, s.ID()) || s.Recovered() || on {
		t.Errorf("got %s", packet)
	}
	emit(t, f.Of("/").Emit("bare"))
	c.Want(`42["bare"]`)
	c.Close()
	wait(t, disconnected)
	if err := s.Emit("late"); !errors.Is(err, socketio.ErrClosed) {
		t.Errorf("Emit: %v", err)
	}
}

// What a handler has to say when its client has gone reaches it when it is back.
func TestEmitToAClientThatIsAway(t *testing.T) {
	f := start(t, recovering(socketio.ConnectionStateRecovery{}))
	main := f.Of("/")
	connected, disconnected := connects(main), disconnects(main)
	c, k := enter(t, f)
	s := wait(t, connected)
	c.Close()
	wait(t, disconnected)
	emit(t, s.Emit("late", 1), s.Volatile().Emit("dropped"), main.To(s.ID()).Emit("late", 2))
	c = comeBack(f, k)
	k.event(t, c, `42["late",1]`)
	k.event(t, c, `42["late",2]`)
	k.wantRecovered(t, c)
	again := wait(t, connected)
	emit(t, s.Emit("later"), again.Emit("now"), s.Volatile().Emit("at once"))
	k.event(t, c, `42["later"]`)
	k.event(t, c, `42["now"]`)
}

// A namespace that goes with its last visitor waits for those who may come back.
func TestRecoveryInABriefNamespace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := startPipe(t, recovering(socketio.ConnectionStateRecovery{MaxDisconnectionDuration: time.Minute}),
			func(c *socketio.Config) { c.CleanupEmptyChildNamespaces = true })
		p := f.OfFunc(func(string, json.RawMessage) bool { return true })
		c := f.WebSocket()
		c.Send("40/brief")
		var reply struct{ Sid, Pid string }
		if err := json.Unmarshal([]byte(strings.TrimPrefix(c.Read(), "40/brief,")), &reply); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			c.Close()
			synctest.Wait()
			if len(p.Children()) != 1 {
				t.Fatal("the namespace is gone")
			}
			c = f.WebSocket()
			c.Send(fmt.Sprintf(`40/brief,{"pid":%q}`, reply.Pid))
			c.Want(fmt.Sprintf(`40/brief,{"sid":%q,"pid":%q}`, reply.Sid, reply.Pid))
		}
		c.Close()
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if len(p.Children()) != 0 {
			t.Error("the namespace is still there")
		}
	})
}

// With several servers a client is recovered by the one that it was connected to, events of the
// others included.
func TestRecoveryAmongServers(t *testing.T) {
	bus := adaptertest.NewBus()
	joined := func(c *socketio.Config) { c.Adapter = bus.Adapter(adapter.ClusterConfig{}) }
	a := start(t, recovering(socketio.ConnectionStateRecovery{}), joined)
	b := start(t, recovering(socketio.ConnectionStateRecovery{}), joined)
	connected, disconnected := connects(b.Of("/")), disconnects(b.Of("/"))
	c, k := enter(t, b)
	s := wait(t, connected)
	s.Join("room")
	emit(t, a.Of("/").Emit("seen", int64(1)<<60, []byte{1}))
	k.event(t, c, `451-["seen",1152921504606846976,{"_placeholder":true,"num":0}]`)
	c.WantBinary([]byte{1})
	c.Close()
	wait(t, disconnected)
	emit(
		t,
		a.Of("/").To("room").Emit("missed", []byte{2}),
		a.Of("/").Except("room").Emit("not mine"),
		a.Of("/").Emit("missed too"),
	)
	eventually(t, "what is on its way arrives", func() bool {
		_, n, _ := kept(b.Of("/"))
		return n >= 4
	})
	k.wantNew(t, comeBack(a, k))
	c = comeBack(b, k)
	k.event(t, c, `451-["missed",{"_placeholder":true,"num":0}]`)
	c.WantBinary([]byte{2})
	k.event(t, c, `42["missed too"]`)
	k.wantRecovered(t, c)
}

// A connection may break at the very moment when its socket is connected: its session knows that
// the socket has gone, or there is none.
func TestDisconnectedWhileItIsConnected(t *testing.T) {
	f := start(t, recovering(socketio.ConnectionStateRecovery{}))
	main := f.Of("/")
	var clients sync.WaitGroup
	for range 8 {
		clients.Go(func() {
			for range 100 {
				c, err := f.TryWebSocket()
				if err != nil {
					t.Error(err)
					return
				}
				_ = c.TrySend("40")
				c.Close()
			}
		})
	}
	clients.Wait()
	eventually(t, "all have gone", func() bool { return f.Engine().Sessions() == 0 && main.Len() == 0 })
	if n := socketio.StaleSessions(main); n > 0 {
		t.Errorf("%d sessions do not know that their sockets have gone", n)
	}
}
