package redis

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/adapter/redis/redistest"
	"github.com/gosocketio/socketio/internal/brokertest"
)

func TestExchange(t *testing.T) {
	each(t, func(t *testing.T, _ *redistest.Server, c Config) {
		a, b := start(t, "aaaaaa", c), start(t, "bbbbbb", c)
		linkA, memberA := a.Link("/")
		if n := count(t, linkA); n != 1 {
			t.Errorf("count is %d, want 1", n)
		}
		linkB, memberB := b.Link("/")
		otherA, otherMember := a.Link("/other")
		if n := count(t, linkA); n != 2 {
			t.Errorf("count is %d, want 2", n)
		}
		if n := count(t, otherA); n != 1 {
			t.Errorf("count is %d, want 1", n)
		}

		publishNow(t, linkA, event(a.UID, 1))
		publishNow(t, linkA, event(a.UID, 2, "r1", "r2"))
		memberB.Wants(t, 1, 2)

		request := &adapter.Message{UID: a.UID, Namespace: "/", Type: adapter.MessageFetchSockets, RequestID: "id1"}
		publishNow(t, linkA, request)
		got := memberB.Next(t)
		if got.Type != adapter.MessageFetchSockets || got.UID != a.UID || got.RequestID != "id1" || got.Namespace != "/" {
			t.Errorf("got %+v", got)
		}
		answer := &adapter.Message{UID: b.UID, Namespace: "/", Type: adapter.MessageFetchSocketsResponse, RequestID: "id1",
			Sockets: []adapter.Info{{ID: "s", Rooms: []string{"s"}}}}
		if err := linkB.Reply(got, answer); err != nil {
			t.Fatal(err)
		}
		got = memberA.Next(t)
		if got.Type != adapter.MessageFetchSocketsResponse || got.RequestID != "id1" ||
			len(got.Sockets) != 1 || got.Sockets[0].ID != "s" {
			t.Errorf("got %+v", got)
		}
		if len(otherMember.Messages) > 0 {
			t.Errorf("another namespace got %+v", <-otherMember.Messages)
		}

		if err := linkB.Close(); err != nil {
			t.Fatal(err)
		}
		await(t, "the server leaves the count", func() bool { return count(t, linkA) == 1 })
		await(t, "all is sent", func() bool { return a.Stats().QueuedBytes == 0 })
		if s := a.Stats(); !s.Connected || s.Sent != 3 || s.Failed+s.Gaps+s.Invalid != 0 ||
			!strings.HasPrefix(s.Broker, "redis ") {
			t.Errorf("stats are %+v", s)
		}
		if len(a.Reports()) > 0 {
			t.Errorf("reported %v", a.Reports())
		}
	})
}

// The events of a room come to the servers that have it, in order with those for all.
func TestRooms(t *testing.T) {
	each(t, func(t *testing.T, redis *redistest.Server, c Config) {
		a, b := start(t, "aaaaaa", c), start(t, "bbbbbb", c)
		linkA, _ := a.Link("/")
		linkB, memberB := b.Link("/")
		router, routes := linkB.(adapter.Router)
		if routes != (c.SubscriptionMode != Static) {
			t.Fatalf("routes is %v", routes)
		}
		private := "private-of-a-socket!" // 20 characters
		if !routes {
			publishNow(t, linkA, event(a.UID, 1, "room1"))
			publishNow(t, linkA, event(a.UID, 2, private))
			publishNow(t, linkA, event(a.UID, 3))
			memberB.Wants(t, 1, 2, 3)
			return
		}
		channel := c.Prefix + "#/#%s#"
		numsub, subscribed := "NUMSUB", func(room string) bool { return true }
		if c.URL[5] == '+' {
			numsub = "SHARDNUMSUB"
			subscribed = func(room string) bool { return room != private || c.SubscriptionMode == DynamicPrivate }
		}
		has := func(room string, n string) func() bool {
			return func() bool {
				return strings.HasSuffix(redis.Do("PUBSUB", numsub, fmt.Sprintf(channel, room)), "\n"+n)
			}
		}
		for _, room := range []string{"room1", private, "", "ü#/#ö"} {
			router.RoomOpened(room)
			if subscribed(room) {
				await(t, "a subscription to "+room, has(room, "1"))
			}
			publishNow(t, linkA, event(a.UID, 1, room))
			publishNow(t, linkA, event(a.UID, 2))
			memberB.Wants(t, 1, 2)
			router.RoomClosed(room)
			await(t, "the subscription ends", has(room, "0"))
			router.RoomOpened(room) // these calls meet in one batch
			router.RoomClosed(room)
			router.RoomOpened(room)
			if subscribed(room) {
				await(t, "a subscription to "+room, has(room, "1"))
			}
			router.RoomClosed(room)
			router.RoomOpened(room)
			router.RoomClosed(room)
			await(t, "the subscription ends", has(room, "0"))
		}
		publishNow(t, linkA, event(a.UID, 1, "room1")) // nobody here has it
		publishNow(t, linkA, event(a.UID, 2))
		memberB.Wants(t, 2)

		for i := range 2000 {
			router.RoomOpened(fmt.Sprint(i))
		}
		await(t, "the last subscription", func() bool { return has("1999", "1")() && has("0", "1")() })
		if err := linkB.Close(); err != nil {
			t.Fatal(err)
		}
		await(t, "all end", func() bool { return has("1999", "0")() && has("0", "0")() })
	})
}

// What follows a command to join comes to the servers that have just joined.
func TestEmitAfterJoin(t *testing.T) {
	each(t, func(t *testing.T, _ *redistest.Server, c Config) {
		a, b := start(t, "aaaaaa", c), start(t, "bbbbbb", c)
		linkA, _ := a.Link("/")
		_, memberB := b.Link("/")
		publishNow(t, linkA, &adapter.Message{
			UID: a.UID, Namespace: "/", Type: adapter.MessageSocketsJoin, Rooms: []string{"new"},
		})
		publishNow(t, linkA, event(a.UID, 1, "new"))
		publishNow(t, linkA, event(a.UID, 2, "old"))
		publishNow(t, linkA, event(a.UID, 3))
		if m := memberB.Next(t); m.Type != adapter.MessageSocketsJoin || len(m.Rooms) != 1 || m.Rooms[0] != "new" {
			t.Errorf("got %+v", m)
		}
		memberB.Wants(t, 1)
		if c.SubscriptionMode == Static {
			memberB.Wants(t, 2)
		}
		memberB.Wants(t, 3)
	})
}

// A server that answers to what another one has sent reaches the rooms that it had joined before.
func TestAnswerAfterJoin(t *testing.T) {
	each(t, func(t *testing.T, _ *redistest.Server, c Config) {
		a, b := start(t, "aaaaaa", c), start(t, "bbbbbb", c)
		linkA, memberA := a.Link("/")
		linkB, memberB := b.Link("/")
		for i := range 20 {
			room := ""
			for n := range 500 { // more than one pipeline of subscriptions, with those of the next round
				room = fmt.Sprint("room", i, "-", n)
				if router, ok := linkB.(adapter.Router); ok {
					router.RoomOpened(room)
				}
			}
			publishNow(t, linkB, event(b.UID, i))
			memberA.Wants(t, i)
			publishNow(t, linkA, event(a.UID, i, room))
			memberB.Wants(t, i)
		}
	})
}

// A connection that Redis ends is a gap, reported once, and the subscriptions are made again.
func TestGap(t *testing.T) {
	each(t, func(t *testing.T, redis *redistest.Server, c Config) {
		a, b := start(t, "aaaaaa", c), start(t, "bbbbbb", c)
		linkA, _ := a.Link("/")
		linkB, memberB := b.Link("/")
		_, otherB := b.Link("/other")
		router, routes := linkB.(adapter.Router)
		if routes {
			router.RoomOpened("room1")
		}
		for round := range 3 {
			redis.Do("CLIENT", "KILL", "TYPE", "pubsub")
			for _, m := range []*brokertest.Member{memberB, otherB} {
				m.WantsGap(t)
			}
			await(t, "the other server is back too", func() bool { return count(t, linkA) == 2 })
			publishNow(t, linkA, event(a.UID, 1, "room1"))
			publishNow(t, linkA, event(a.UID, 2))
			memberB.Wants(t, 1, 2)
			if n := len(memberB.Gaps) + len(otherB.Gaps); n > 0 {
				t.Errorf("%d more gaps", n)
			}
			if errs := b.AwaitReports(round + 1); len(errs) != round+1 || !errors.Is(errs[round], adapter.ErrBrokerDown) {
				t.Errorf("reported %v", errs)
			}
		}
		await(t, "it is connected", func() bool { return b.Stats().Connected })
		if s := b.Stats(); s.Gaps != 3 {
			t.Errorf("stats are %+v", s)
		}
	})
}

// A subscriber that does not read is cut off by Redis, which is a gap as well.
func TestSlowSubscriber(t *testing.T) {
	redis := redistest.Start(t, "--client-output-buffer-limit", "pubsub 4mb 0 0")
	a, b := start(t, "aaaaaa", Config{URL: redis.URL()}), start(t, "bbbbbb", Config{URL: redis.URL()})
	linkA, _ := a.Link("/")
	memberB := brokertest.NewMember("/")
	release := memberB.Hold(t)
	b.LinkTo(memberB)
	big := event(a.UID, 1)
	big.Packet = &adapter.Packet{Event: "big", Args: []any{strings.Repeat("x", 100<<10)}}
	await(t, "Redis cuts it off", func() bool {
		publishNow(t, linkA, big)
		return count(t, linkA) != 2
	})
	release()
	memberB.WantsGap(t)
	await(t, "it is back", func() bool { return count(t, linkA) == 2 })
	if len(a.Reports()) > 0 || len(b.AwaitReports(1)) != 1 {
		t.Errorf("reported %v, %v", a.Reports(), b.Reports())
	}
}

// A broker that stops for 5 s loses nothing, sends nothing twice, and Publish does not wait.
func TestStop(t *testing.T) {
	redis := redistest.Start(t)
	type pair struct {
		name    string
		a, b    *brokertest.Server
		link    adapter.Link
		memberB *brokertest.Member
	}
	var pairs []pair
	for name, c := range configs(redis.URL()) {
		c.Prefix = strings.ReplaceAll(name, " ", "-")
		p := pair{name: name, a: start(t, "aaaaaa", c), b: start(t, "bbbbbb", c)}
		p.link, _ = p.a.Link("/")
		_, p.memberB = p.b.Link("/")
		pairs = append(pairs, p)
	}
	redis.Stop()
	stopped := time.After(5 * time.Second)
	for i := range 1000 {
		for _, p := range pairs {
			publishNow(t, p.link, event(p.a.UID, i)) // would wait for ever, if it waited
		}
	}
	<-stopped
	redis.Continue()
	for _, p := range pairs {
		for i := range 1000 {
			p.memberB.Wants(t, i)
		}
	}
	for _, p := range pairs {
		if len(p.memberB.Messages)+len(p.memberB.Gaps)+len(p.a.Reports())+len(p.b.Reports()) > 0 {
			t.Errorf("%s: something was sent twice, or reported", p.name)
		}
	}
}

// What may or may not have arrived is named and not sent again.
func TestUnknown(t *testing.T) {
	each(t, func(t *testing.T, redis *redistest.Server, c Config) {
		var read atomic.Int64 // how often the proxy has read something
		counted := func() time.Duration {
			read.Add(1)
			return 0
		}
		p := brokertest.StartProxy(t, &brokertest.Proxy{To: redis.Addr, Delay: counted})
		through := c
		through.URL = strings.Replace(c.URL, redis.Addr(), p.Addr(), 1)
		a, b := start(t, "aaaaaa", through), start(t, "bbbbbb", c)
		linkA, _ := a.Link("/")
		_, memberB := b.Link("/")
		redis.Stop()
		before := read.Load()
		for i := range 10 {
			publishNow(t, linkA, event(a.UID, i))
		}
		await(t, "a command is on its way", func() bool { return read.Load() > before })
		redis.Kill()
		redis.Restart()
		await(t, "both are back", func() bool { return count(t, linkA) == 2 && a.Stats().QueuedBytes == 0 })
		publishNow(t, linkA, event(a.UID, 99))
		received := memberB.Rising(t, 99)
		await(t, "the last is sent", func() bool { s := a.Stats(); return s.Sent+s.Failed == 11 })
		if s := a.Stats(); s.Failed == 0 || received > s.Sent {
			t.Errorf("%d received, stats are %+v", received, s)
		}
		lost := func(err error) bool { return strings.Contains(err.Error(), "messages were lost") }
		await(t, "it is reported", func() bool { return slices.ContainsFunc(a.Reports(), lost) })
	})
}

// What waits is bounded.
func TestStalled(t *testing.T) {
	redis := redistest.Start(t)
	a := start(t, "aaaaaa", Config{URL: redis.URL(), MaxQueuedBytes: 100_000})
	linkA, _ := a.Link("/")
	redis.Stop()
	defer redis.Continue()
	brokertest.Stalled(t, a, linkA)
}

// A broker that dies and comes back is a gap. What is published meanwhile waits and arrives.
func TestRestart(t *testing.T) {
	each(t, func(t *testing.T, redis *redistest.Server, c Config) {
		brokertest.Restart(t, start(t, "aaaaaa", c), start(t, "bbbbbb", c), redis.Kill, redis.Restart)
	})
}

// An unreachable server, wrong credentials and missing rights are one line each.
func TestStartErrors(t *testing.T) {
	redis := redistest.Start(t)
	redis.Do("ACL", "SETUSER", "limited", "on", ">secret", "+@all", "~*", "resetchannels", "&good#*", "&good-*")
	host := redis.Addr()
	for url, want := range map[string]string{
		"redis://u:secret@127.0.0.1:1":           "redis at 127.0.0.1:1: dial tcp 127.0.0.1:1: connect: connection refused",
		"redis://limited:secret2@" + host:        "redis at " + host + ": WRONGPASS",
		"redis://limited:secret@" + host:         "redis at " + host + ": namespace /: NOPERM",
		"redis+sharded://limited:secret@" + host: "redis at " + host + ": namespace /: NOPERM",
		"redis://a:1,127.0.0.1:1":                "redis at a:1,127.0.0.1:1: ",
	} {
		c, err := Config{URL: url}.resolve()
		if err != nil {
			t.Fatal(err)
		}
		err = brokertest.StartError(t.Context(), t, newBroker(c))
		if err == nil || !errors.Is(err, adapter.ErrBroker) || !strings.Contains(err.Error(), want) ||
			strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", url, err)
		}
	}
	s := start(t, "aaaaaa", Config{URL: "redis://limited:secret@" + host + "?key=good"})
	s.Link("/")
}

// A client of the user's is used and not closed, also one that speaks the older protocol.
func TestClient(t *testing.T) {
	redis := redistest.Start(t)
	for _, old := range []bool{false, true} {
		client, err := rueidis.NewClient(rueidis.ClientOption{
			InitAddress: []string{redis.Addr()}, AlwaysRESP2: old, DisableCache: old,
		})
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		t.Run(fmt.Sprint("old is ", old), func(t *testing.T) {
			a, b := start(t, "aaaaaa", Config{Client: client}), start(t, "bbbbbb", Config{Client: client})
			linkA, _ := a.Link("/")
			linkB, memberB := b.Link("/")
			linkB.(adapter.Router).RoomOpened("room1")
			publishNow(t, linkB, event(b.UID, 0)) // after the subscription
			await(t, "it is sent", func() bool { return b.Stats().Sent == 1 })
			publishNow(t, linkA, event(a.UID, 1, "room1"))
			memberB.Wants(t, 1)
			redis.Do("CLIENT", "KILL", "TYPE", "pubsub")
			memberB.WantsGap(t)
			await(t, "both are back", func() bool { return count(t, linkA) == 2 && a.Stats().Connected })
			publishNow(t, linkA, event(a.UID, 2, "room1"))
			memberB.Wants(t, 2)
			linkB.(adapter.Router).RoomClosed("room1")
			await(t, "the subscription ends", func() bool {
				return strings.HasSuffix(redis.Do("PUBSUB", "NUMSUB", "socket.io#/#room1#"), "\n0")
			})
		})
		if err := client.Do(t.Context(), client.B().Ping().Build()).Error(); err != nil {
			t.Errorf("the client was closed: %v", err)
		}
	}
}

// A start that was waited for in vain says why.
func TestStartInVain(t *testing.T) {
	redis := redistest.Start(t)
	for _, x := range []struct{ url, clients, want string }{
		{"rediss://" + redis.Addr(), "10000", "is TLS the same on both sides?"},
		{"redis://" + redis.Addr(), "1", "namespace /: "}, // ERR max number of clients reached, or EOF
	} {
		redis.Do("CONFIG", "SET", "maxclients", x.clients)
		c, err := Config{URL: x.url}.resolve()
		if err != nil {
			t.Fatal(err)
		}
		refused := true // at the first connection: that of redis-cli still counts for a moment
		for tries := 0; refused && tries < 100; tries++ {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			err = brokertest.StartError(ctx, t, newBroker(c))
			cancel()
			refused = x.clients == "1" && !strings.Contains(fmt.Sprint(err), "namespace /: ")
		}
		if err == nil || !strings.Contains(err.Error(), x.want) ||
			strings.HasSuffix(err.Error(), "namespace /: context deadline exceeded") {
			t.Errorf("%s: got %v, want %q", x.url, err, x.want)
		}
	}
}
