package socketio_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/internal/rawclient"
)

// logCluster is three servers of a broker that keeps a log.
type logCluster struct {
	*logBroker
	servers     []*fixture
	connections []*logServer
}

func inLogCluster(t *testing.T, test func(t *testing.T, c *logCluster), options ...func(*socketio.Config)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		c := &logCluster{logBroker: newLogBroker()}
		for range 3 {
			conn := c.server()
			all := append([]func(*socketio.Config){
				recovering(socketio.ConnectionStateRecovery{}), overLog(conn),
			}, options...)
			c.servers = append(c.servers, startPipe(t, all...))
			c.connections = append(c.connections, conn)
		}
		synctest.Wait()
		test(t, c)
	})
}

// position reads an event, checks it without its offset, and returns that.
func (k *ticket) position(t testing.TB, c reads, want string) string {
	t.Helper()
	packet := c.Read()
	i := strings.LastIndex(packet, `,"`)
	offset, ok := strings.CutSuffix(packet[max(i, 0):], `"]`)
	if _, is := parsePosition(strings.TrimPrefix(offset, `,"`)); !ok || !is || packet[:i]+"]" != want {
		t.Fatalf("got %q, want %q and an offset", packet, want)
	}
	k.offset = offset[2:]
	return k.offset
}

// socket returns a client's socket on a server.
func socket(t testing.TB, f *fixture, k ticket) *socketio.Socket {
	t.Helper()
	s, ok := f.Socket(k.sid)
	if !ok {
		t.Fatalf("there is no socket %s", k.sid)
	}
	return s
}

// What is sent to a socket or to a room comes with the offset that the log gives it, which is the
// same on all servers. Volatile events and those that want an acknowledgement have none.
func TestLogOffsets(t *testing.T) {
	inLogCluster(t, func(t *testing.T, c *logCluster) {
		a, k := enter(t, c.servers[0])
		b, l := enter(t, c.servers[1])
		s := socket(t, c.servers[0], k)
		emit(t, c.servers[2].Emit("all", []byte{1}))
		for _, conn := range []*rawclient.Conn{a, b} {
			conn.Want(`451-["all",{"_placeholder":true,"num":0},"1-0"]`)
			conn.WantBinary([]byte{1})
		}
		emit(t, s.Emit("own", 1))
		if got := k.position(t, a, `42["own",1]`); got != "2-0" {
			t.Errorf("got %s", got)
		}
		synctest.Wait() // until everything is written: volatile events are dropped otherwise
		emit(t, c.servers[1].Volatile().Emit("v"))
		a.Want(`42["v"]`)
		b.Want(`42["v"]`)
		emit(t, c.servers[0].Local().Emit("here"))
		a.Want(`42["here"]`)
		answered := make(chan string)
		go func() {
			r, err := s.EmitWithAck(t.Context(), "ask", "q")
			answered <- fmt.Sprint(r.Args(), err)
		}()
		synctest.Wait()
		emit(t, s.Emit("after")) // keeps its place behind the question
		id, _ := strings.CutPrefix(a.Read(), "42")
		if id, _, _ = strings.Cut(id, "["); id == "" {
			t.Error("no id")
		}
		k.position(t, a, `42["after"]`)
		a.Send("43" + id + `["yes"]`)
		if got := <-answered; got != "[yes] <nil>" {
			t.Errorf("got %s", got)
		}
		emit(t, c.servers[0].To(l.sid).Emit("x"))
		l.position(t, b, `42["x"]`)
	})
}

// A client comes back on another server: while its old socket still lives on the first one, after
// that has noticed, and after that was killed.
func TestLogComesBack(t *testing.T) {
	for _, how := range []string{"unnoticed", "noticed", "killed"} {
		for _, idle := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, idle %v", how, idle), func(t *testing.T) {
				inLogCluster(t, func(t *testing.T, c *logCluster) {
					var mu sync.Mutex
					var ends []string
					for _, f := range c.servers {
						f.OnDisconnect(func(s *socketio.Socket, r socketio.Reason) {
							mu.Lock()
							defer mu.Unlock()
							ends = append(ends, fmt.Sprintln(r, errors.Is(s.Err(), socketio.ErrReplaced)))
						})
					}
					from, to := c.servers[0], c.servers[1]
					a, k := enter(t, from)
					s := socket(t, from, k)
					if !idle {
						emit(t, from.Emit("first"))
						k.position(t, a, `42["first"]`)
					}
					time.Sleep(2 * time.Second)
					s.Join("room")
					nickname.Set(s, "ann")
					emit(t, from.To("left").Emit("no"))
					if how == "killed" {
						time.Sleep(2 * time.Second)
						c.connections[0].die()
					}
					if how == "noticed" {
						a.Close()
					}
					synctest.Wait()
					emit(t, c.servers[2].To("room").Emit("missed", 1), c.servers[2].To("other").Emit("no"),
						c.servers[2].To(k.sid).Emit("missed", 2), c.servers[2].Except("room").Emit("no"),
						c.servers[2].To("room").Volatile().Emit("no"))
					if how == "noticed" {
						emit(t, s.Emit("missed", 3)) // the program still has the old one
					} else {
						emit(t, c.servers[2].Emit("missed", 3))
					}
					synctest.Wait()
					b := comeBack(to, k)
					for n := range 3 {
						k.position(t, b, fmt.Sprintf(`42["missed",%d]`, n+1))
					}
					k.wantRecovered(t, b)
					back := socket(t, to, k)
					rooms := back.Rooms()
					slices.Sort(rooms)
					want := []string{k.sid, "room"}
					slices.Sort(want)
					if name, _ := nickname.Get(back); name != "ann" || !slices.Equal(rooms, want) || !back.Recovered() {
						t.Errorf("nickname %q, rooms %q, recovered %v", name, rooms, back.Recovered())
					}
					synctest.Wait()
					if _, lives := from.Socket(k.sid); lives && how != "killed" {
						t.Error("the old socket lives")
					}
					wantEnds := map[string]string{
						"unnoticed": "forced close true\n", "noticed": "transport close false\n", "killed": "",
					}[how]
					mu.Lock()
					got := strings.Join(ends, "")
					mu.Unlock()
					if got != wantEnds {
						t.Errorf("ends %q, want %q", got, wantEnds)
					}
					emit(t, c.servers[2].To("room").Emit("live"))
					k.position(t, b, `42["live"]`)
					// A pid that is in use is not there for anybody else.
					k.wantNew(t, comeBack(c.servers[2], ticket{k.sid, k.pid + "x", k.offset}))
				})
			})
		}
	}
}

// Of two that ask for the same session at the same time, one gets it, or the other one takes it over:
// no two sockets have the same id.
func TestLogTakenOnce(t *testing.T) {
	inLogCluster(t, func(t *testing.T, c *logCluster) {
		a, k := enter(t, c.servers[0])
		emit(t, c.servers[0].Emit("e"))
		k.position(t, a, `42["e"]`)
		a.Close()
		time.Sleep(time.Second)
		b, d := comeBack(c.servers[1], k), comeBack(c.servers[2], k)
		for _, conn := range []*rawclient.Conn{b, d} {
			_, _, _ = conn.Next() // the answer, or the end when the other one was faster
		}
		synctest.Wait()
		live := 0
		for _, f := range c.servers {
			if _, ok := f.Socket(k.sid); ok {
				live++
			}
		}
		if live != 1 {
			t.Errorf("%d sockets have the id", live)
		}
	})
}

// An offset that is none does not get into what is sent to the client.
func TestLogForgedOffset(t *testing.T) {
	inLogCluster(t, func(t *testing.T, c *logCluster) {
		a, k := enter(t, c.servers[0])
		emit(t, c.servers[0].Emit("e", 1))
		k.position(t, a, `42["e",1]`)
		a.Close()
		time.Sleep(time.Second)
		c.servers[1].Use(func(s *socketio.Socket) error { return s.Emit("early") })
		k.offset = `1-0","forged`
		b := comeBack(c.servers[1], k)
		for packet := ""; !strings.HasPrefix(packet, "40"); {
			if packet = b.Read(); strings.Contains(packet, "forged") {
				t.Errorf("got %s", packet)
			}
		}
	}, recovering(socketio.ConnectionStateRecovery{RunMiddlewares: true}))
}

// Clients that are not recovered become new sockets at once.
func TestLogNotRecovered(t *testing.T) {
	for name, test := range map[string]func(t *testing.T, c *logCluster, a *rawclient.Conn, k *ticket){
		"it left": func(_ *testing.T, _ *logCluster, a *rawclient.Conn, _ *ticket) { a.Send("41") },
		"the server disconnected it": func(t *testing.T, c *logCluster, _ *rawclient.Conn, k *ticket) {
			socket(t, c.servers[0], *k).Disconnect(true)
		},
		"it was away for too long": func(_ *testing.T, _ *logCluster, a *rawclient.Conn, _ *ticket) {
			a.Close()
			time.Sleep(3 * time.Minute)
		},
		"its offset is none":        func(_ *testing.T, _ *logCluster, _ *rawclient.Conn, k *ticket) { k.offset = "text" },
		"its offset is to come":     func(_ *testing.T, _ *logCluster, _ *rawclient.Conn, k *ticket) { k.offset = "99-0" },
		"its offset is no text":     func(_ *testing.T, _ *logCluster, _ *rawclient.Conn, k *ticket) { k.offset = "" },
		"the broker has no session": func(_ *testing.T, _ *logCluster, _ *rawclient.Conn, k *ticket) { k.pid = "x" },
		"the broker is away": func(_ *testing.T, c *logCluster, a *rawclient.Conn, _ *ticket) {
			a.Close()
			time.Sleep(time.Second)
			c.fail(nil, adapter.ErrBrokerDown)
		},
		"the log is too short": func(t *testing.T, c *logCluster, a *rawclient.Conn, _ *ticket) {
			a.Close()
			time.Sleep(time.Second)
			emit(t, c.servers[0].Emit("e", 2))
			synctest.Wait()
			c.trim()
		},
		"it missed too much": func(t *testing.T, c *logCluster, a *rawclient.Conn, _ *ticket) {
			a.Close()
			time.Sleep(time.Second)
			for range 6 {
				emit(t, c.servers[0].Emit("e", strings.Repeat("x", 1<<20)))
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			inLogCluster(t, func(t *testing.T, c *logCluster) {
				a, k := enter(t, c.servers[0])
				emit(t, c.servers[0].Emit("e", 1))
				k.position(t, a, `42["e",1]`)
				time.Sleep(2 * time.Second)
				test(t, c, a, &k)
				time.Sleep(time.Second)
				began := time.Now()
				if name == "its offset is no text" {
					b := c.servers[1].WebSocket()
					b.Send(fmt.Sprintf(`40{"pid":%q,"offset":7}`, k.pid))
					k.wantNew(t, b)
				} else {
					k.wantNew(t, comeBack(c.servers[1], k))
				}
				if took := time.Since(began); took > time.Second {
					t.Errorf("it took %v", took)
				}
				if s, _ := c.servers[1].Of("/").RecoveryStats(); s.Recovered != 0 {
					t.Errorf("got %+v", s)
				}
				c.fail(nil, nil)
				if name == "it left" || name == "the server disconnected it" {
					if got := c.session(k.pid); got != "" {
						t.Errorf("the broker keeps %s", got)
					}
				}
			})
		})
	}
}

// A pid that the broker does not know costs the other servers nothing: one that does not answer is not
// waited for.
func TestLogUnknownPid(t *testing.T) {
	inLogCluster(t, func(t *testing.T, c *logCluster) {
		_, k := enter(t, c.servers[0])
		c.connections[2].die()
		k.pid = "made-up"
		began := time.Now()
		k.wantNew(t, comeBack(c.servers[1], k))
		if took := time.Since(began); took > 100*time.Millisecond {
			t.Errorf("it took %v", took)
		}
	})
}

// A quiet client is recovered even if its last event is not in the log any more: nothing for it is
// missing. That holds for one that has received nothing too, and after a kill.
func TestLogQuietClient(t *testing.T) {
	inLogCluster(t, func(t *testing.T, c *logCluster) {
		a, k := enter(t, c.servers[0])
		emit(t, c.servers[0].To(k.sid).Emit("e"))
		k.position(t, a, `42["e"]`)
		_, idle := enter(t, c.servers[0])
		for range 20 {
			time.Sleep(10 * time.Second)
			a.Send("3") // a pong, whatever was asked
			emit(t, c.servers[1].To("nobody").Emit("e"))
			if n := len(c.entries); n > 10 {
				c.mu.Lock()
				c.trimmed = n - 10
				c.mu.Unlock()
			}
		}
		c.connections[0].die()
		b := comeBack(c.servers[1], k)
		k.wantRecovered(t, b)
		d := comeBack(c.servers[2], idle)
		idle.wantRecovered(t, d)
	}, func(c *socketio.Config) { c.PingInterval = time.Hour })
}

// Nothing is lost that is sent to a socket before it is in its room: by a middleware, and by the
// connection handlers.
func TestLogEarlyEvents(t *testing.T) {
	inLogCluster(t, func(t *testing.T, c *logCluster) {
		f := c.servers[0]
		f.Use(func(s *socketio.Socket) error { return s.Emit("middleware") })
		f.OnConnection(func(s *socketio.Socket) {
			s.Join("room")
			emit(t, s.Emit("handler"), f.To("room").Emit("room"))
		})
		a := f.WebSocket()
		a.Send("40")
		var k ticket
		early := k.position(t, a, `42["middleware"]`)
		k = admitted(t, a)
		k.position(t, a, `42["handler"]`)
		k.position(t, a, `42["room"]`)
		k.offset = early // it got no more
		a.Close()
		time.Sleep(time.Second)
		b := comeBack(c.servers[1], k)
		k.position(t, b, `42["handler"]`)
		k.position(t, b, `42["room"]`)
		k.wantRecovered(t, b)
	})
}

// What was emitted to a socket arrives before the server disconnects it, although it has not come
// back from the broker yet.
func TestLogEmitThenDisconnect(t *testing.T) {
	inLogCluster(t, func(t *testing.T, c *logCluster) {
		for _, all := range []bool{false, true} {
			a, k := enter(t, c.servers[0])
			s := socket(t, c.servers[0], k)
			emit(t, s.Emit("old"))
			k.position(t, a, `42["old"]`)
			c.connections[0].pause(true)
			emit(t, s.Emit("kicked", 1), s.Emit("kicked", 2))
			s.Disconnect(all)
			c.connections[0].pause(false)
			a.Want(`42["kicked",1]`, `42["kicked",2]`, `41`)
		}
	})
}

// What is sent to a room before its sockets leave or are disconnected reaches them, what is sent after
// that does not.
func TestLogCommandsKeepTheirPlace(t *testing.T) {
	inLogCluster(t, func(t *testing.T, c *logCluster) {
		server := c.servers[0]
		a, k := enter(t, server)
		b, l := enter(t, c.servers[1])
		emit(t, server.SocketsJoin("r"), server.To("r").Emit("in"), server.SocketsLeave("r"),
			server.To("r").Emit("out"), server.Emit("bye"), server.DisconnectSockets(false), server.Emit("late"))
		for conn, k := range map[*rawclient.Conn]*ticket{a: &k, b: &l} {
			k.position(t, conn, `42["in"]`)
			k.position(t, conn, `42["bye"]`)
			conn.Want("41")
		}
	})
}

// While the broker takes nothing, clients of this server get what is sent, and the caller hears of it.
func TestLogPublishFails(t *testing.T) {
	inLogCluster(t, func(t *testing.T, c *logCluster) {
		a, k := enter(t, c.servers[0])
		s := socket(t, c.servers[0], k)
		c.fail(adapter.ErrBrokerStalled, nil)
		for _, err := range []error{s.Emit("own"), c.servers[0].Emit("all")} {
			if !errors.Is(err, adapter.ErrBrokerStalled) {
				t.Errorf("got %v", err)
			}
		}
		a.Want(`42["own"]`, `42["all"]`)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		go func() {
			_, _, _ = a.Next()
			a.Send(`430["yes"]`)
		}()
		if r, err := s.EmitWithAck(ctx, "ask"); err != nil || r.Len() != 1 {
			t.Errorf("got %v, %v", r.Args(), err)
		}
		c.fail(nil, nil)
	})
}

// A server that lags behind the log gives a client each event once, and in order.
func TestLogSlowServer(t *testing.T) {
	inLogCluster(t, func(t *testing.T, c *logCluster) {
		a, k := enter(t, c.servers[0])
		emit(t, c.servers[0].Emit("e", 0))
		k.position(t, a, `42["e",0]`)
		a.Close()
		time.Sleep(time.Second)
		c.connections[1].pause(true)
		for n := range 3 {
			emit(t, c.servers[2].Emit("e", n+1))
		}
		b := comeBack(c.servers[1], k)
		for n := range 3 {
			k.position(t, b, fmt.Sprintf(`42["e",%d]`, n+1))
		}
		k.wantRecovered(t, b)
		emit(t, c.servers[2].Emit("e", 4), socket(t, c.servers[1], k).Emit("e", 5))
		synctest.Wait()
		c.connections[1].pause(false)
		k.position(t, b, `42["e",4]`)
		k.position(t, b, `42["e",5]`)
	})
}

// A server that was stopped while a client came back elsewhere ends its socket when it goes on, and
// leaves alone what the other one has stored.
func TestLogStoppedServer(t *testing.T) {
	inLogCluster(t, func(t *testing.T, c *logCluster) {
		a, k := enter(t, c.servers[0])
		emit(t, c.servers[0].Emit("e"))
		k.position(t, a, `42["e"]`)
		time.Sleep(time.Second)
		c.connections[0].pause(true)
		b := comeBack(c.servers[1], k)
		k.wantRecovered(t, b)
		time.Sleep(time.Second)
		before := c.session(k.pid)
		c.connections[0].pause(false)
		time.Sleep(time.Second)
		if got := c.session(k.pid); got != before || !strings.Contains(got, `"n":1`) {
			t.Errorf("the broker keeps %q, and kept %q", got, before)
		}
		if _, lives := c.servers[0].Socket(k.sid); lives {
			t.Error("the old socket lives")
		}
		socket(t, c.servers[1], k)
	})
}

// A session that an official server has stored has no position: it needs the client's offset.
func TestLogOfficialSession(t *testing.T) {
	inLogCluster(t, func(t *testing.T, c *logCluster) {
		f := c.servers[0]
		emit(t, f.Emit("e", 1), f.To("room").Emit("e", 2))
		synctest.Wait()
		k := ticket{sid: "bi8h6xftMq4Nn00WAAAI", pid: "49QP9egBbh6TQTZbAAAJ", offset: "1-0"}
		session := `{"sid":"bi8h6xftMq4Nn00WAAAI","pid":"49QP9egBbh6TQTZbAAAJ",` +
			`"rooms":["bi8h6xftMq4Nn00WAAAI","room"],"data":{"nickname":"ann","n":[1]}}`
		c.put(k.pid, session)
		a := comeBack(f, k)
		a.Want(`42["e",2,"2-0"]`)
		k.wantRecovered(t, a)
		s := socket(t, f, k)
		if name, ok := nickname.Get(s); !ok || name != "ann" {
			t.Errorf("got %q, %v", name, ok)
		}
		nickname.Set(s, "bob")
		time.Sleep(2 * time.Second)
		var stored struct {
			Rooms []string
			Data  map[string]any
		}
		if err := json.Unmarshal([]byte(c.session(k.pid)), &stored); err != nil ||
			fmt.Sprint(stored.Data, len(stored.Rooms)) != "map[n:[1] nickname:bob] 2" {
			t.Errorf("the broker keeps %s", c.session(k.pid))
		}
		a.Close()
		time.Sleep(time.Second)
		c.put(k.pid, session)
		k.offset = ""
		k.wantNew(t, comeBack(f, k))
	})
}

// Sessions are stored at the latest a second after a change, once for all changes of that time, and
// again before the broker drops them.
func TestLogSessionsStayFresh(t *testing.T) {
	inLogCluster(t, func(t *testing.T, c *logCluster) {
		_, k := enter(t, c.servers[0])
		s := socket(t, c.servers[0], k)
		time.Sleep(100 * time.Millisecond)
		if got := c.session(k.pid); !strings.Contains(got, k.sid) {
			t.Fatalf("the broker keeps %q", got)
		}
		c.mu.Lock()
		before := c.puts
		c.mu.Unlock()
		for i := range 50 {
			s.Join(fmt.Sprint("room", i))
			time.Sleep(10 * time.Millisecond)
		}
		time.Sleep(time.Second)
		c.mu.Lock()
		puts := c.puts - before
		c.mu.Unlock()
		if got := c.session(k.pid); !strings.Contains(got, "room49") || puts > 2 {
			t.Errorf("%d times, the broker keeps %s", puts, got)
		}
		for range 100 {
			time.Sleep(5 * time.Second)
			c.mu.Lock()
			left := time.Until(c.sessions[k.pid].end)
			c.mu.Unlock()
			if left < 2*time.Minute {
				t.Fatalf("the broker would drop it in %v", left)
			}
		}
	}, func(c *socketio.Config) { c.PingInterval = time.Hour })
}

// Shutdown stores the sessions of all clients.
func TestLogShutdown(t *testing.T) {
	inLogCluster(t, func(t *testing.T, c *logCluster) {
		a, k := enter(t, c.servers[0])
		emit(t, c.servers[0].Emit("e", 1))
		k.position(t, a, `42["e",1]`)
		emit(t, c.servers[0].Shutdown(t.Context()))
		emit(t, c.servers[1].Emit("e", 2))
		b := comeBack(c.servers[1], k)
		k.position(t, b, `42["e",2]`)
		k.wantRecovered(t, b)
	})
}
