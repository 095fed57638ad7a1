package socketio_test

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
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
	"github.com/gosocketio/socketio/internal/lockedbuffer"
	"github.com/gosocketio/socketio/siotest"
)

var nickname = socketio.NewSharedKey[string]("nickname")

// cluster is three servers that know each other, each with one client: "a", "b" and "c".
type cluster struct {
	servers []*socketio.Server
	clients []*siotest.Client
}

func inCluster(t *testing.T, test func(t *testing.T, c *cluster)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		bus := adaptertest.NewBus()
		c := &cluster{}
		for _, name := range []string{"a", "b", "c"} {
			s := socketio.New(socketio.Config{
				Adapter:      bus.Adapter(adapter.ClusterConfig{}),
				Logger:       slog.New(slog.NewTextHandler(io.Discard, nil)),
				PingInterval: time.Hour,
			})
			s.OnConnection(func(x *socketio.Socket) {
				nickname.Set(x, name)
				x.Join("room " + name)
			})
			client, err := siotest.Serve(t, s).Connect(t.Context(), "/", map[string]string{"name": name})
			if err != nil {
				t.Fatal(err)
			}
			c.servers, c.clients = append(c.servers, s), append(c.clients, client)
		}
		time.Sleep(time.Second) // until they know each other
		test(t, c)
	})
}

// heard returns, for each client, what has come since the last time.
func (c *cluster) heard(t *testing.T) (list []string) {
	t.Helper()
	synctest.Wait()
	for _, x := range c.clients {
		text := ""
		for x.Pending() > 0 {
			m, err := x.Next(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			text += m.String()
		}
		list = append(list, text)
	}
	return list
}

func TestClusterBroadcast(t *testing.T) {
	inCluster(t, func(t *testing.T, c *cluster) {
		a := c.servers[0]
		for _, x := range []struct {
			to   socketio.Operator
			want []string
		}{
			{a.Compress(true), []string{"e[1 [2]]", "e[1 [2]]", "e[1 [2]]"}},
			{a.To("room b", "room c"), []string{"", "e[1 [2]]", "e[1 [2]]"}},
			{a.Except("room b"), []string{"e[1 [2]]", "", "e[1 [2]]"}},
			{a.To(c.clients[2].ID()), []string{"", "", "e[1 [2]]"}},
			{a.Local(), []string{"e[1 [2]]", "", ""}},
		} {
			if err := x.to.Emit("e", 1, []byte{2}); err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(x.want, c.heard(t)); d != "" {
				t.Error(d)
			}
		}
	})
}

// Acknowledgements of all servers; one that does not answer is missing.
func TestClusterEmitWithAck(t *testing.T) {
	inCluster(t, func(t *testing.T, c *cluster) {
		for i, x := range c.clients {
			go func() {
				for {
					m, err := x.Receive(t.Context(), "q")
					if err != nil {
						return
					}
					if m.Len() == 0 || i != 1 {
						_ = m.Ack(i)
					}
				}
			}()
		}
		ask := func(args ...any) (answers []int, missing int) {
			for reply, err := range c.servers[2].Timeout(3*time.Second).EmitWithAck(t.Context(), "q", args...) {
				var n int
				if err == nil {
					err = reply.Decode(&n)
				}
				if gap := (*socketio.MissingError)(nil); errors.As(err, &gap) && errors.Is(err, socketio.ErrTimeout) {
					missing = gap.Missing
				} else if err != nil {
					t.Error(err)
				} else {
					answers = append(answers, n)
				}
			}
			slices.Sort(answers)
			return answers, missing
		}
		if got, missing := ask(); !slices.Equal(got, []int{0, 1, 2}) || missing != 0 {
			t.Errorf("answered %v, %d missing", got, missing)
		}
		if got, missing := ask("not b"); !slices.Equal(got, []int{0, 2}) || missing != 1 {
			t.Errorf("answered %v, %d missing", got, missing)
		}
	})
}

// Sockets of other servers are found, told about, and reached.
func TestClusterRemoteSockets(t *testing.T) {
	inCluster(t, func(t *testing.T, c *cluster) {
		var names []string
		var remote socketio.RemoteSocket
		for s, err := range c.servers[0].FetchSockets(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			name, ok := nickname.GetRemote(s)
			_, local := s.Local()
			var auth struct{ Name string }
			err := s.Handshake().DecodeAuth(&auth)
			if err != nil || auth.Name != name || !ok || local != (name == "a") ||
				!slices.Contains(s.Rooms(), "room "+name) {
				t.Errorf("%s: auth %s, rooms %q, local %t", name, s.Handshake().Auth, s.Rooms(), local)
			}
			if s.Handshake().URL != "/socket.io/?EIO=4&transport=websocket" || s.Handshake().Time.IsZero() {
				t.Errorf("%s: handshake %+v", name, s.Handshake().Handshake)
			}
			names = append(names, name)
			if name == "c" {
				remote = s
			}
		}
		slices.Sort(names)
		if d := cmp.Diff([]string{"a", "b", "c"}, names); d != "" {
			t.Error(d)
		}
		if err := errors.Join(
			remote.Emit("direct", 1),
			remote.Join("new"),
			c.servers[0].In("new").Emit("to new"),
		); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff([]string{"", "", "direct[1]to new[]"}, c.heard(t)); d != "" {
			t.Error(d)
		}
		go func() {
			m, err := c.clients[2].Receive(t.Context(), "q")
			if err == nil {
				err = m.Ack("here")
			}
			if err != nil {
				t.Error(err)
			}
		}()
		if got, err := socketio.Call[string](t.Context(), remote, "q"); err != nil || got != "here" {
			t.Errorf("answered %q, %v", got, err)
		}
		if err := remote.Disconnect(true); err != nil {
			t.Fatal(err)
		}
		<-c.clients[2].Done()
		if r := c.clients[2].Reason(); r != siotest.ReasonServerDisconnect {
			t.Errorf("reason %s", r)
		}
		synctest.Wait()
		if ids, err := c.servers[1].AllSockets(t.Context()); err != nil || len(ids) != 2 {
			t.Errorf("%d sockets are left, %v", len(ids), err)
		}
	})
}

func TestClusterCommands(t *testing.T) {
	inCluster(t, func(t *testing.T, c *cluster) {
		a := c.servers[0]
		if err := errors.Join(
			a.SocketsJoin("x", "y"),
			a.In("room b").SocketsLeave("x"),
			a.To("x").Emit("x"),
			a.To("y").Emit("y"),
		); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff([]string{"x[]y[]", "y[]", "x[]y[]"}, c.heard(t)); d != "" {
			t.Error(d)
		}
		if err := a.In("room c").DisconnectSockets(false); err != nil {
			t.Fatal(err)
		}
		<-c.clients[2].Done()
	})
}

// Servers talk to each other, and know how many they are; one that goes is not waited for.
func TestClusterServers(t *testing.T) {
	inCluster(t, func(t *testing.T, c *cluster) {
		heard := make(chan string, 10)
		for i, s := range c.servers {
			s.OnServerSideEmit("load", func(e *socketio.ServerSideEvent) error {
				var text string
				var data []byte
				if err := e.Decode(&text, &data); err != nil {
					return err
				}
				heard <- fmt.Sprint(i, text, data)
				return e.Ack(map[string]any{"sockets": len(s.Sockets()), "data": data})
			})
		}
		wantHeard := func(want ...string) {
			t.Helper()
			synctest.Wait()
			var got []string
			for len(heard) > 0 {
				got = append(got, <-heard)
			}
			slices.Sort(got)
			if d := cmp.Diff(want, got); d != "" {
				t.Error(d)
			}
		}
		if err := c.servers[1].ServerSideEmit("load", "x", []byte{7}); err != nil {
			t.Fatal(err)
		}
		wantHeard("0x[7]", "2x[7]")
		servers := func(from int) (n int) {
			for reply, err := range c.servers[from].ServerSideEmitWithAck(t.Context(), "load", "y", []byte{8}) {
				var answer struct {
					Sockets int
					Data    []byte
				}
				if err == nil {
					err = reply.Decode(&answer)
				}
				if err != nil || answer.Sockets != 1 || answer.Data[0] != 8 || reply.SocketID() != "" {
					t.Errorf("answered %v, %v", reply.Args(), err)
				}
				n++
			}
			return n
		}
		if n := servers(0); n != 2 {
			t.Errorf("%d servers answered", n)
		}
		wantHeard("1y[8]", "2y[8]")
		if err := c.servers[2].Shutdown(t.Context()); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if n, err := c.servers[0].ServerCount(t.Context()); err != nil || n != 2 {
			t.Errorf("%d servers, %v", n, err)
		}
		start := time.Now()
		if n := servers(0); n != 1 || time.Since(start) > time.Second {
			t.Errorf("%d servers answered after %v", n, time.Since(start))
		}
		wantHeard("1y[8]")
	})
}

// The log says when servers have come or gone.
func TestClusterServersLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bus := adaptertest.NewBus()
		server := func(log *slog.Logger) *socketio.Server {
			s := socketio.New(socketio.Config{Adapter: bus.Adapter(adapter.ClusterConfig{}), Logger: log})
			siotest.Serve(t, s)
			return s
		}
		var log lockedbuffer.Buffer
		server(slog.New(slog.NewTextHandler(&log, nil)))
		server(slog.New(slog.DiscardHandler))
		time.Sleep(3 * time.Second)
		third := server(slog.New(slog.DiscardHandler))
		time.Sleep(2 * time.Second)
		if err := third.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Minute)
		const changed = `msg="socketio: the number of Go servers in the cluster has changed" broker=bus `
		up, down := changed+"servers=3 before=2", changed+"servers=2 before=3"
		if got := log.String(); strings.Count(got, up) != 1 || strings.Count(got, down) != 1 || strings.Count(got, changed) != 2 {
			t.Errorf("got %s", got)
		}
	})
}

// What goes wrong at the broker is logged once a minute, counted, and told to the hook, which may use
// the server. At the start the log says who is there.
func TestClusterBrokerErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bus := adaptertest.NewBus()
		var log lockedbuffer.Buffer
		var s *socketio.Server
		var gaps, down []socketio.BrokerInfo
		var mu sync.Mutex
		s = socketio.New(socketio.Config{
			Adapter: bus.Adapter(adapter.ClusterConfig{}),
			Logger:  slog.New(slog.NewTextHandler(&log, nil)),
			Hooks: socketio.Hooks{Broker: func(i socketio.BrokerInfo) {
				_ = s.Emit("broker", i.Err.Error())
				mu.Lock()
				defer mu.Unlock()
				if i.Namespace != nil {
					gaps = append(gaps, i)
				} else {
					down = append(down, i)
				}
			}},
		})
		client, err := siotest.Serve(t, s).Connect(t.Context(), "/", nil)
		if err != nil {
			t.Fatal(err)
		}
		other := socketio.New(socketio.Config{
			Adapter: bus.Adapter(adapter.ClusterConfig{}), Logger: slog.New(slog.DiscardHandler),
		})
		siotest.Serve(t, other)
		time.Sleep(time.Second)
		if !strings.Contains(log.String(), `msg="socketio: joined a cluster" broker=bus servers=2`) {
			t.Errorf("at the start: %s", &log)
		}
		for range 3 {
			bus.Cut(0)
			bus.Restore(0)
			synctest.Wait() // until what the hook sent is on its way
		}
		if m, err := client.Receive(t.Context(), "broker"); err != nil || m.Len() != 1 {
			t.Errorf("got %v, %v", m, err)
		}
		time.Sleep(time.Minute)
		bus.Cut(0)
		time.Sleep(time.Second)
		if b := s.Stats().Broker; b.Connected || b.Away != time.Second {
			t.Errorf("stats without the connection: %+v", b)
		}
		bus.Restore(0)
		time.Sleep(time.Second)
		if err := other.To("a room that nobody has joined").Emit("x"); err != nil {
			t.Error(err)
		}
		if err := other.Emit("x"); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		mu.Lock()
		defer mu.Unlock()
		var gap *socketio.GapError
		if len(gaps) != 4 || len(down) != 4 || !errors.Is(down[0].Err, socketio.ErrBrokerDown) ||
			!errors.As(gaps[0].Err, &gap) || gap.Namespace != "/" || gaps[0].Namespace.Name() != "/" {
			t.Errorf("the hook got %v and %v", gaps, down)
		}
		for _, kind := range []string{"connection lost", "gap"} {
			if n := strings.Count(log.String(), "level=WARN msg=\"socketio: broker: "+kind); n != 2 {
				t.Errorf("%d lines of %s: %s", n, kind, &log)
			}
		}
		again := `level=INFO msg="socketio: broker: connected again" broker=bus after=`
		if n := strings.Count(log.String(), again); n != 2 || !strings.Contains(log.String(), again+"1") {
			t.Errorf("%d lines say that it is connected again: %s", n, &log)
		}
		if n := strings.Count(log.String(), "omitted=2"); n != 2 {
			t.Errorf("%d lines say how many were omitted: %s", n, &log)
		}
		if b := s.Stats().Broker; b == nil || b.Gaps != 4 || !b.Connected || b.Broker != "bus" || b.Received == 0 || b.Away != 0 || b.Discarded != 1 {
			t.Errorf("stats: %+v", b)
		}
		if b := socketio.New(socketio.Config{}).Stats().Broker; b != nil {
			t.Errorf("stats without a broker: %+v", b)
		}
	})
}

// A socket on another server is asked alone: who does not have it is not waited for.
func TestClusterRemoteSocketThatIsGone(t *testing.T) {
	inCluster(t, func(t *testing.T, c *cluster) {
		var remote socketio.RemoteSocket
		for s, err := range c.servers[0].In("room c").FetchSockets(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			remote = s
		}
		c.clients[2].Conn().Close()
		<-c.clients[2].Done()
		synctest.Wait()
		began := time.Now()
		_, err := remote.EmitWithAck(t.Context(), "q")
		if !errors.Is(err, socketio.ErrClosed) || time.Since(began) > time.Second {
			t.Errorf("got %v after %v", err, time.Since(began))
		}
	})
}

// silent is a member that receives nothing.
type silent struct{}

func (silent) Namespace() string        { return "" }
func (silent) Receive(*adapter.Message) {}
func (silent) Gap(error)                {}

// A server whose protocol is too new is named in the log once, with both versions and what to do.
func TestClusterOfDifferentVersions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bus := adaptertest.NewBus()
		var log lockedbuffer.Buffer
		_ = socketio.New(socketio.Config{
			Adapter: bus.Adapter(adapter.ClusterConfig{}), Logger: slog.New(slog.NewTextHandler(&log, nil)),
		})
		for _, uid := range []string{"next", "later"} {
			b := bus.Broker()
			if err := b.Start(t.Context(), uid, func(error) {}); err != nil {
				t.Fatal(err)
			}
			l, err := b.Join(t.Context(), silent{})
			if err != nil {
				t.Fatal(err)
			}
			for range 20 {
				err := l.Publish(&adapter.Message{
					UID: uid, Type: adapter.MessageHeartbeat, Count: 1, Hello: &adapter.Hello{Protocol: 9, Oldest: 8},
				})
				if err != nil {
					t.Fatal(err)
				}
				time.Sleep(5 * time.Second)
			}
			line := fmt.Sprintf(`server \"%s\" speaks version 9 of the protocol of Go servers and understands 8 or later, `+
				`this server 1 and 1 or later: upgrade this one`, uid)
			if strings.Count(log.String(), line) != 1 {
				t.Errorf("the log: %s", &log)
			}
		}
		if n := strings.Count(log.String(), `level=WARN msg="socketio: broker: protocol version: `); n != 2 {
			t.Errorf("%d warnings: %s", n, &log)
		}
	})
}
