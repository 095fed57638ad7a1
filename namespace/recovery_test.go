package namespace_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/adapter/adaptertest"
	"github.com/gosocketio/socketio/engineio"
	"github.com/gosocketio/socketio/internal/rawclient"
	"github.com/gosocketio/socketio/namespace"
)

// recovering turns recovery on.
func recovering(r namespace.ConnectionStateRecovery) func(*namespace.Config, *engineio.Config) {
	return func(c *namespace.Config, _ *engineio.Config) { c.ConnectionStateRecovery = &r }
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
	if json.Unmarshal([]byte(strings.TrimPrefix(packet, "40")), &reply) != nil || len(reply.Sid) != 20 || len(reply.Pid) != 20 {
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
func kept(n *namespace.Namespace) (sessions, events, bytes int) {
	s, _ := n.RecoveryStats()
	return s.Waiting, s.Events, s.EventBytes
}

func TestMissedEvents(t *testing.T) {
	t.Attr("covers", "socketio/connection-state-recovery/1 easy/47 easy/48 easy/50 adapter/index/18 adapter/index/19")
	f := start(t, recovering(namespace.ConnectionStateRecovery{}))
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
	writable(so)
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
	f := start(t, recovering(namespace.ConnectionStateRecovery{}))
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
	s.OnDisconnect(func(s *namespace.Socket, _ namespace.Reason) { s.SetValue("last", true) })
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
			f := start(t, recovering(namespace.ConnectionStateRecovery{RunMiddlewares: run}))
			main := f.Of("/")
			connected, disconnected := connects(main), disconnects(main)
			ran := make(chan bool, 10)
			refuse := false
			main.Use(func(s *namespace.Socket) error {
				ran <- s.Recovered()
				if refuse {
					return &namespace.Error{Message: "no"}
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
	f := start(t, recovering(namespace.ConnectionStateRecovery{}))
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
		for _, auth := range []string{`{"pid":7}`, `{"pid":["` + k.pid + `"]}`, `{"PID":"` + k.pid + `"}`, `{"pid":"` + k.pid + `","offset":7}`, `{"pid":"` + k.pid + `","offset":null,"offset":{}}`} {
			c := f.WebSocket()
			c.Send("40" + auth)
			k.wantNew(t, c)
			wait(t, connected)
		}
		c = comeBack(f, k)
		k.wantRecovered(t, c)
		wait(t, connected)
	})
	for name, end := range map[string]func(*rawclient.Conn, *namespace.Socket){
		"who left":                      func(c *rawclient.Conn, _ *namespace.Socket) { c.Send("41") },
		"who was disconnected":          func(_ *rawclient.Conn, s *namespace.Socket) { s.Disconnect(false) },
		"who was disconnected for good": func(_ *rawclient.Conn, s *namespace.Socket) { s.Disconnect(true) },
		"who broke a transport's rules": func(c *rawclient.Conn, _ *namespace.Socket) { c.Send("x") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Attr("covers", "easy/49")
			c, k := enter(t, f)
			s := wait(t, connected)
			end(c, s)
			wait(t, disconnected)
			if err := s.Emit("lost"); !errors.Is(err, namespace.ErrClosed) {
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
	if err := s.Emit("late"); !errors.Is(err, namespace.ErrClosed) {
		t.Errorf("Emit: %v", err)
	}
}

// A client that received nothing yet, and one that received nothing since it was recovered.
func TestRecoveryWithoutAnOffset(t *testing.T) {
	t.Attr("covers", "adapter/index/21")
	f := start(t, recovering(namespace.ConnectionStateRecovery{}))
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

// A new session is not confused by the offset of the one before, which the official client goes on sending.
func TestAnOldOffset(t *testing.T) {
	f := start(t, recovering(namespace.ConnectionStateRecovery{}))
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

// The client comes back before the server has noticed that its old connection is dead, again and again.
func TestRecoveryReplaces(t *testing.T) {
	f := start(t, recovering(namespace.ConnectionStateRecovery{}))
	main, chat := f.Of("/"), f.Of("/chat")
	log := make(chan string, 100)
	main.OnConnection(func(s *namespace.Socket) { log <- "connect" })
	main.OnDisconnect(func(s *namespace.Socket, r namespace.Reason) {
		var cause *namespace.DisconnectError
		if r == namespace.ReasonForcedClose && (!errors.As(s.Err(), &cause) || !errors.Is(cause.Cause, namespace.ErrReplaced)) {
			t.Errorf("ended with %v", s.Err())
		}
		log <- "disconnect " + string(r)
	})
	left := disconnects(chat)
	c, k := enter(t, f)
	c.Send("40/chat")
	c.Read()
	if got := wait(t, log); got != "connect" {
		t.Fatal(got)
	}
	for i := range 3 {
		emit(t, main.Emit("unread", i))
		next := comeBack(f, k)
		k.event(t, next, fmt.Sprintf(`42["unread",%d]`, i))
		k.wantRecovered(t, next)
		if got := wait(t, log) + ", " + wait(t, log); got != "disconnect forced close, connect" {
			t.Fatal(got)
		}
		if i == 0 {
			if g := wait(t, left); g.reason != namespace.ReasonForcedClose {
				t.Errorf("the other namespace's socket ended with %q", g.reason)
			}
		}
		if main.Len() != 1 {
			t.Fatalf("%d sockets", main.Len())
		}
		c = next
	}
	emit(t, main.Emit("seen"))
	k.event(t, c, `42["seen"]`)
	c.Send("41")
	if got := wait(t, log); got != "disconnect client namespace disconnect" {
		t.Error(got)
	}
}

// Several come back for the same session: the last one has it.
func TestRecoveryRace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := startPipe(t, recovering(namespace.ConnectionStateRecovery{RunMiddlewares: true}))
		main := f.Of("/")
		connected, disconnected := connects(main), disconnects(main)
		main.Use(func(s *namespace.Socket) error {
			if s.Recovered() {
				select {
				case <-s.Context().Done():
				case <-time.After(30 * time.Second):
				}
			}
			return nil
		})
		_, k := enter(t, f)
		wait(t, connected)
		var last *rawclient.Conn
		for range 5 {
			last = comeBack(f, k)
			synctest.Wait()
		}
		k.wantRecovered(t, last)
		s := wait(t, connected)
		if !s.Recovered() || main.Len() != 1 {
			t.Errorf("%d sockets", main.Len())
		}
		wait(t, disconnected)
		none(t, connected)
		none(t, disconnected)
	})
}

// A handler of the old socket that does not end keeps its client out of the session, but not out.
func TestRecoveryBehindAHandlerThatBlocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := startPipe(t, recovering(namespace.ConnectionStateRecovery{}))
		main := f.Of("/")
		connected, disconnected := connects(main), disconnects(main)
		end := make(chan struct{})
		main.Handle("block", func(*namespace.Event) error { <-end; return nil })
		c, k := enter(t, f)
		wait(t, connected)
		c.Send(`42["block"]`)
		synctest.Wait()
		c.Close()
		began := time.Now()
		c = comeBack(f, k)
		n := k.wantNew(t, c)
		if took := time.Since(began); took < 4*time.Second || took > 6*time.Second {
			t.Errorf("took %v", took)
		}
		wait(t, connected)
		none(t, disconnected)
		close(end)
		wait(t, disconnected)
		// The new session is as good as any.
		c.Close()
		wait(t, disconnected)
		n.wantRecovered(t, comeBack(f, n))
		k.wantNew(t, comeBack(f, k))
	})
}

// Every event has an offset, so that the client never takes an argument for one.
func TestOffsets(t *testing.T) {
	t.Attr("covers", "adapter/index/19")
	f := start(t, recovering(namespace.ConnectionStateRecovery{}))
	main := f.Of("/")
	connected, disconnected := connects(main), disconnects(main)
	main.OnConnection(func(s *namespace.Socket) { emit(t, s.Emit("welcome", "you")) })
	c, k := enter(t, f)
	s := wait(t, connected)
	k.event(t, c, `42["welcome","you"]`)
	first := k.offset
	emit(t, main.Volatile().Emit("volatile", "text"))
	k.event(t, c, `42["volatile","text"]`)
	writable(s)
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

// What a handler has to say when its client has gone reaches it when it is back.
func TestEmitToAClientThatIsAway(t *testing.T) {
	f := start(t, recovering(namespace.ConnectionStateRecovery{}))
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

func TestSessionsExpire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := startPipe(t, recovering(namespace.ConnectionStateRecovery{MaxDisconnectionDuration: time.Minute}))
		main := f.Of("/")
		connected, disconnected := connects(main), disconnects(main)
		c, k := enter(t, f)
		wait(t, connected)
		c.Close()
		wait(t, disconnected)
		emit(t, main.Emit("missed"))
		time.Sleep(time.Minute)
		c = comeBack(f, k)
		k.event(t, c, `42["missed"]`)
		k.wantRecovered(t, c)
		wait(t, connected)
		c.Close()
		wait(t, disconnected)
		time.Sleep(time.Minute + time.Millisecond)
		c = comeBack(f, k)
		k.wantNew(t, c)
		c.Close()
		wait(t, disconnected)
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		if sessions, events, bytes := kept(main); sessions != 0 || events != 0 || bytes != 0 {
			t.Errorf("%d sessions, %d events of %d bytes are kept for ever", sessions, events, bytes)
		}
	})
}

// A client to which nothing was sent for longer than events are kept still recovers: it missed none of them.
func TestAQuietClientRecovers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := startPipe(t, recovering(namespace.ConnectionStateRecovery{MaxDisconnectionDuration: time.Minute}))
		main := f.Of("/")
		connected, disconnected := connects(main), disconnects(main)
		c, k := enter(t, f)
		s := wait(t, connected)
		c.Close()
		wait(t, disconnected)
		emit(t, s.Emit("the only one"))
		c = comeBack(f, k)
		k.event(t, c, `42["the only one"]`)
		k.wantRecovered(t, c)
		wait(t, connected)
		go until(c)
		for range 60 {
			time.Sleep(10 * time.Second)
			emit(t, main.To("others").Emit("often"))
		}
		c.Close()
		wait(t, disconnected)
		emit(t, main.To("others").Emit("often"), main.Emit("missed"))
		c = comeBack(f, k)
		k.event(t, c, `42["missed"]`)
		k.wantRecovered(t, c)
	})
}

func TestTheLogIsBounded(t *testing.T) {
	f := start(t, recovering(namespace.ConnectionStateRecovery{MaxEventBytes: 10_000}))
	main := f.Of("/")
	connected, disconnected := connects(main), disconnects(main)
	c, k := enter(t, f)
	c2, k2 := enter(t, f)
	wait(t, connected)
	wait(t, connected)
	c.Close()
	wait(t, disconnected)
	for range 100 {
		emit(t, main.Except(k2.sid).Emit("event", strings.Repeat("x", 100)))
		if _, events, bytes := kept(main); bytes > 10_000 || events > 50 {
			t.Fatalf("%d events of %d bytes", events, bytes)
		}
	}
	k.wantNew(t, comeBack(f, k))
	wait(t, connected)
	// Nothing of what is forgotten was for this one, when its connection breaks.
	c2.Close()
	wait(t, disconnected)
	k2.wantRecovered(t, comeBack(f, k2))
	wait(t, connected)
	emit(t, main.Emit("too large to keep", strings.Repeat("x", 10_000)))
	if _, events, _ := kept(main); events != 0 {
		t.Errorf("%d events", events)
	}
}

func TestWaitingSessionsAreBounded(t *testing.T) {
	f := start(t, recovering(namespace.ConnectionStateRecovery{MaxSessionBytes: 5000}))
	main := f.Of("/")
	connected, disconnected := connects(main), disconnects(main)
	var all []ticket
	for range 10 {
		c, k := enter(t, f)
		wait(t, connected).Join(strings.Repeat("x", 450))
		c.Close()
		wait(t, disconnected)
		all = append(all, k)
	}
	// The last thing that a socket does is to give its session back.
	for n := 0; n != 4; n, _, _ = kept(main) {
		time.Sleep(time.Millisecond)
	}
	for _, k := range all[:6] {
		k.wantNew(t, comeBack(f, k))
	}
	if s, ok := main.RecoveryStats(); !ok || s.WaitingBytes < 4*900 || s.WaitingBytes > 5000 || s.Refused != 6 || s.Recovered != 0 {
		t.Errorf("%+v", s)
	}
	for _, k := range all[6:] {
		k.wantRecovered(t, comeBack(f, k))
	}
	if s, _ := main.RecoveryStats(); s.Waiting != 0 || s.WaitingBytes != 0 || s.Recovered != 4 {
		t.Errorf("%+v", s)
	}
}

// Megabytes that were missed are sent within what may wait for a client, or the client starts afresh.
func TestMuchWasMissed(t *testing.T) {
	f := start(t, recovering(namespace.ConnectionStateRecovery{MaxEventBytes: 64 << 20}))
	main := f.Of("/")
	connected, disconnected := connects(main), disconnects(main)
	c, k := enter(t, f)
	wait(t, connected)
	c.Close()
	wait(t, disconnected)
	big := strings.Repeat("x", 1<<20-100)
	for i := range 4 {
		emit(t, main.Emit("big", i, big))
	}
	c = comeBack(f, k)
	for i := range 4 {
		k.event(t, c, fmt.Sprintf(`42["big",%d,%q]`, i, big))
	}
	k.wantRecovered(t, c)
	wait(t, connected)
	c.Close()
	wait(t, disconnected)
	for i := range 5 {
		emit(t, main.Emit("big", i, big))
	}
	c = comeBack(f, k)
	k.wantNew(t, c)
}

// A namespace that goes with its last visitor waits for those who may come back.
func TestRecoveryInABriefNamespace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := startPipe(t, recovering(namespace.ConnectionStateRecovery{MaxDisconnectionDuration: time.Minute}),
			func(c *namespace.Config, _ *engineio.Config) { c.CleanupEmptyChildNamespaces = true })
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

// With several servers a client is recovered by the one that it was connected to, events of the others included.
func TestRecoveryAmongServers(t *testing.T) {
	bus := adaptertest.NewBus()
	joined := func(c *namespace.Config, _ *engineio.Config) { c.Adapter = bus.Adapter(adapter.ClusterConfig{}) }
	a := start(t, recovering(namespace.ConnectionStateRecovery{}), joined)
	b := start(t, recovering(namespace.ConnectionStateRecovery{}), joined)
	connected, disconnected := connects(b.Of("/")), disconnects(b.Of("/"))
	c, k := enter(t, b)
	s := wait(t, connected)
	s.Join("room")
	emit(t, a.Of("/").Emit("seen", int64(1)<<60, []byte{1}))
	k.event(t, c, `451-["seen",1152921504606846976,{"_placeholder":true,"num":0}]`)
	c.WantBinary([]byte{1})
	c.Close()
	wait(t, disconnected)
	emit(t, a.Of("/").To("room").Emit("missed", []byte{2}), a.Of("/").Except("room").Emit("not mine"), a.Of("/").Emit("missed too"))
	for _, n, _ := kept(b.Of("/")); n < 4; _, n, _ = kept(b.Of("/")) {
		time.Sleep(time.Millisecond) // what is on its way arrives
	}
	k.wantNew(t, comeBack(a, k))
	c = comeBack(b, k)
	k.event(t, c, `451-["missed",{"_placeholder":true,"num":0}]`)
	c.WantBinary([]byte{2})
	k.event(t, c, `42["missed too"]`)
	k.wantRecovered(t, c)
}
