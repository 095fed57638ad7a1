package redis

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/rueidis"

	"github.com/gosocketio/socketio/internal/brokers"
)

// slotRange says which master has the slots from first to last.
type slotRange struct {
	first, last int
	addr        string
}

// slotTable is a list of ranges, in order.
type slotTable []slotRange

// addr returns the address of the master that has a slot, or of any one when that is not known: it
// will say so.
func (t slotTable) addr(slot int) string {
	i, _ := slices.BinarySearchFunc(t, slot, func(r slotRange, slot int) int { return cmp.Compare(r.last, slot) })
	return t[min(i, len(t)-1)].addr
}

// masters returns the addresses of all masters.
func (t slotTable) masters() []string {
	set := make(map[string]struct{})
	for _, r := range t {
		set[r.addr] = struct{}{}
	}
	return slices.Sorted(maps.Keys(set))
}

// slotOf returns the slot of a channel, by the rules of Redis Cluster: that of its hash tag, if it
// has one.
func slotOf(channel string) int {
	if _, tag, ok := strings.Cut(channel, "{"); ok {
		if tag, _, ok := strings.Cut(tag, "}"); ok && tag != "" {
			channel = tag
		}
	}
	var crc uint16 // CRC16 XMODEM
	for i := range len(channel) {
		crc ^= uint16(channel[i]) << 8
		for range 8 {
			if crc&0x8000 != 0 {
				crc = crc<<1 ^ 0x1021
			} else {
				crc <<= 1
			}
		}
	}
	return int(crc % 16384)
}

// slotTable asks the nodes of a cluster, one after the other, which of them has which slots.
func (c *connection) slotTable(ctx context.Context) (table slotTable, err error) {
	err = errors.New("no node of the cluster is known")
	for addr, node := range c.client.Nodes() {
		ctx, cancel := context.WithTimeout(ctx, time.Second)
		var answer []rueidis.RedisMessage
		answer, err = node.Do(ctx, node.B().ClusterSlots().Build()).ToArray()
		cancel()
		if err == nil {
			if table = parseSlots(answer, addr); len(table) > 0 {
				return table, nil
			}
			err = fmt.Errorf("the node %s knows no slots", addr)
		}
	}
	return nil, err
}

// parseSlots reads an answer to CLUSTER SLOTS of the node at an address.
func parseSlots(answer []rueidis.RedisMessage, from string) (table slotTable) {
	for _, entry := range answer {
		fields, _ := entry.ToArray()
		if len(fields) < 3 {
			continue
		}
		first, err1 := fields[0].AsInt64()
		last, err2 := fields[1].AsInt64()
		master, err3 := fields[2].ToArray()
		if err1 != nil || err2 != nil || err3 != nil || len(master) < 2 {
			continue
		}
		host, _ := master[0].ToString() // empty when the node does not know its own
		if host == "" {
			host, _, _ = net.SplitHostPort(from)
		}
		port, err := master[1].AsInt64()
		if err != nil || host == "?" {
			continue
		}
		table = append(table, slotRange{int(first), int(last), net.JoinHostPort(host, strconv.FormatInt(port, 10))})
	}
	slices.SortFunc(table, func(a, b slotRange) int { return cmp.Compare(a.first, b.first) })
	return table
}

// dialNode returns a connection of its own to one node.
func (c *connection) dialNode(addr string) (rueidis.DedicatedClient, error) {
	node := c.client.Nodes()[addr]
	if node == nil {
		return nil, fmt.Errorf("the node %s is not known", addr)
	}
	conn, _ := node.Dedicate()
	return conn, nil
}

// dialMaster returns a connection of its own to one of the masters of a cluster.
func (c *connection) dialMaster(ctx context.Context) (rueidis.DedicatedClient, error) {
	table, err := c.slotTable(ctx)
	if err != nil {
		return nil, err
	}
	masters := table.masters()
	return c.dialNode(masters[rand.IntN(len(masters))]) // #nosec G404 -- to spread the servers
}

// slots are the subscriptions to shard channels of a Redis Cluster: one feed for each master.
type slots struct {
	c    *connection
	kick chan struct{} // the table may be out of date
	stop context.CancelFunc
	done chan struct{} // run has returned

	mu     sync.Mutex // feed.mu may be taken under it
	table  slotTable
	feeds  map[string]*feed // by address
	closed bool
}

func newSlots(c *connection, table slotTable) *slots {
	ctx, stop := context.WithCancel(context.Background())
	s := &slots{
		c: c, kick: make(chan struct{}, 1), stop: stop, done: make(chan struct{}),
		table: table, feeds: make(map[string]*feed),
	}
	go s.run(ctx)
	return s
}

// feedLocked returns the feed that has a subject, or makes it. The caller must hold s.mu.
func (s *slots) feedLocked(sub subject) *feed {
	addr := s.table.addr(slotOf(sub.name))
	f := s.feeds[addr]
	if f == nil {
		f = newFeed(s.c, "redis at "+addr, true, func(context.Context) (rueidis.DedicatedClient, error) {
			return s.c.dialNode(addr)
		}, s.moved)
		s.feeds[addr] = f
	}
	return f
}

var errClosed = errors.New("the broker is closed")

func (s *slots) add(r receiver, w *waiter, subjects ...subject) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		w.confirm(errClosed)
		return
	}
	for _, sub := range subjects {
		s.feedLocked(sub).add(r, w, sub)
	}
}

func (s *slots) remove(r receiver, subjects ...subject) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	for _, sub := range subjects {
		s.feedLocked(sub).remove(r, sub)
	}
}

func (s *slots) leave(r receiver) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.feeds {
		f.leave(r)
	}
}

func (s *slots) settle(ctx context.Context) {
	s.mu.Lock()
	feeds := slices.Collect(maps.Values(s.feeds))
	s.mu.Unlock()
	for _, f := range feeds {
		f.settle(ctx)
	}
}

func (s *slots) settled() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.feeds {
		if !f.settled() {
			return false
		}
	}
	return true
}

func (s *slots) late(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.feeds {
		f.late(err)
	}
}

// moved is called when a subscription does not belong to its node any more, or when a node cannot
// be reached.
func (s *slots) moved() {
	select {
	case s.kick <- struct{}{}:
	default:
	}
}

// refreshEvery is the shortest time between two looks at the cluster.
const refreshEvery = 100 * time.Millisecond

// run keeps the table up to date.
func (s *slots) run(ctx context.Context) {
	defer close(s.done)
	for {
		select {
		case <-s.kick:
		case <-ctx.Done():
			return
		}
		if table, err := s.c.slotTable(ctx); err == nil {
			for _, f := range s.use(table) {
				f.close()
			}
		} else {
			s.moved() // again
		}
		if brokers.Sleep(ctx, refreshEvery) != nil {
			return
		}
	}
}

// use moves the subscriptions to where they belong. It returns the feeds of nodes that have gone.
func (s *slots) use(table slotTable) (gone []*feed) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.table = table
	for addr, f := range maps.Clone(s.feeds) {
		moving := make(map[string][]subject)
		for _, sub := range f.all() {
			if to := table.addr(slotOf(sub.name)); to != addr {
				moving[to] = append(moving[to], sub)
			}
		}
		for _, subjects := range moving {
			s.feedLocked(subjects[0]).adopt(f.take(subjects))
		}
		if slices.Contains(table.masters(), addr) {
			f.again()
		} else {
			gone = append(gone, f)
			delete(s.feeds, addr)
		}
	}
	return gone
}

func (s *slots) close() {
	s.stop()
	<-s.done
	s.mu.Lock()
	s.closed = true
	feeds := maps.Clone(s.feeds)
	s.mu.Unlock()
	for _, f := range feeds { // without the lock, because a receiver may subscribe meanwhile
		f.close()
	}
}
