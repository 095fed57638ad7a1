package redis

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/adapter/redis/redistest"
	"github.com/gosocketio/socketio/internal/brokertest"
)

func TestSlotOf(t *testing.T) {
	bus := strconv.Itoa(brokertest.FreePorts(t, 1)[0]) // not one of those that clients get
	redis := redistest.Start(t, "--cluster-enabled", "yes", "--cluster-port", bus)
	for _, channel := range []string{"", "123456789", "socket.io#/#", "a{b}c", "a{}c", "{b", "a}b{c}", "x{{y}}", "ü"} {
		if got := strconv.Itoa(slotOf(channel)); got != redis.Do("CLUSTER", "KEYSLOT", channel) {
			t.Errorf("slot of %q is %s", channel, got)
		}
	}
}

// On a Redis Cluster each room comes from the node of its slot, also after connections are lost and
// after a slot has moved.
func TestCluster(t *testing.T) {
	redis := redistest.StartCluster(t)
	for name, c := range configs(redis.URL()) {
		if name == "pubsub private" || name == "sharded private" {
			continue
		}
		c.Prefix = strings.ReplaceAll(name, " ", "-")
		t.Run(name, func(t *testing.T) {
			a, b := start(t, "aaaaaa", c), start(t, "bbbbbb", c)
			linkA, _ := a.Link("/")
			linkB, memberB := b.Link("/")
			if n := count(t, linkA); n != 2 {
				t.Errorf("count is %d, want 2", n)
			}
			router, routes := linkB.(adapter.Router)
			const rooms = 30
			channels := func() (n int) {
				for _, node := range redis.Nodes {
					for _, which := range []string{"CHANNELS", "SHARDCHANNELS"} {
						n += strings.Count(node.Do("PUBSUB", which, c.Prefix+"#/#room*#"), "room")
					}
				}
				return n
			}
			for i := range rooms {
				if routes {
					router.RoomOpened(fmt.Sprint("room", i))
				}
			}
			all := func() {
				t.Helper()
				await(t, "all subscriptions", func() bool { return count(t, linkA) == 2 && (!routes || channels() == rooms) })
				got := map[string]bool{}
				for i := range rooms {
					publishNow(t, linkA, event(a.UID, i, fmt.Sprint("room", i)))
				}
				for range rooms {
					got[string(memberB.Next(t).Packet.Data)] = true
				}
				if len(got) != rooms {
					t.Errorf("%d of %d rooms", len(got), rooms)
				}
			}
			all()

			for _, node := range redis.Nodes {
				node.Do("CLIENT", "KILL", "TYPE", "pubsub")
			}
			memberB.WantsGap(t)
			all()

			if strings.HasPrefix(name, "sharded") && routes {
				for len(memberB.Gaps) > 0 {
					memberB.WantsGap(t)
				}
				move(t, redis, slotOf(c.Prefix+"#/#room7#"))
				memberB.WantsGap(t)
				all()
			}
			for _, err := range append(a.Reports(), b.Reports()...) {
				if !strings.Contains(err.Error(), "the subscriptions of redis at 127.0.0.1:") {
					t.Errorf("reported %v", err)
				}
			}
		})
	}
}

// move moves an empty slot to another node.
func move(t *testing.T, c *redistest.Cluster, slot int) {
	t.Helper()
	s := strconv.Itoa(slot)
	var from, to *redistest.Server
	for _, node := range c.Nodes {
		if owns(node, slot) {
			from = node
		} else {
			to = node
		}
	}
	id := to.Do("CLUSTER", "MYID")
	to.Do("CLUSTER", "SETSLOT", s, "IMPORTING", from.Do("CLUSTER", "MYID"))
	from.Do("CLUSTER", "SETSLOT", s, "MIGRATING", id)
	for _, node := range []*redistest.Server{to, from} {
		node.Do("CLUSTER", "SETSLOT", s, "NODE", id)
	}
}

// owns reports whether a node has a slot, of what CLUSTER NODES says in its own line.
func owns(node *redistest.Server, slot int) bool {
	for line := range strings.Lines(node.Do("CLUSTER", "NODES")) {
		fields := strings.Fields(line)
		if !strings.Contains(line, "myself") || len(fields) < 9 {
			continue
		}
		for _, r := range fields[8:] {
			first, last, _ := strings.Cut(r, "-")
			f, err1 := strconv.Atoi(first)
			l, err2 := strconv.Atoi(last)
			if last == "" {
				l, err2 = f, nil
			}
			if err1 == nil && err2 == nil && f <= slot && slot <= l {
				return true
			}
		}
	}
	return false
}

// After a failover the sentinels' new master has the subscriptions, and the gap is named.
func TestSentinel(t *testing.T) {
	redis := redistest.StartSentinel(t)
	for name, c := range configs(redis.URL()) {
		if name != "pubsub" && name != "sharded" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			a, b := start(t, "aaaaaa", c), start(t, "bbbbbb", c)
			linkA, _ := a.Link("/")
			linkB, memberB := b.Link("/")
			linkB.(adapter.Router).RoomOpened("room1")
			master := redis.Master
			if redis.MasterAddr() != master.Addr() {
				master = redis.Replica
			}
			master.Kill()
			publishNow(t, linkA, event(a.UID, 1, "room1"))
			memberB.WantsGap(t)
			await(t, "both are back", func() bool { return a.Stats().Connected && count(t, linkA) == 2 })
			publishNow(t, linkA, event(a.UID, 2, "room1"))
			for got := ""; got != `["n",2]`; { // the first may have come too
				got = string(memberB.Next(t).Packet.Data)
			}
			master.Restart()
		})
	}
}
