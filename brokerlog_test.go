package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"
	"time"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/adapter/clusterwire"
)

// logBroker joins the servers of one process and keeps a log and sessions, as Redis streams do.
type logBroker struct {
	mu       sync.Mutex
	entries  []logEntry
	trimmed  int // entries that the log does not have any more
	links    []*logLink
	sessions map[string]logSession
	down     error // of sessions and of After
	full     error // of Publish
	puts     int
}

type logEntry struct {
	nsp, uid string
	data     []byte
}

type logSession struct {
	data []byte
	end  time.Time
}

func newLogBroker() *logBroker { return &logBroker{sessions: make(map[string]logSession)} }

// server returns the connection of one more server.
func (b *logBroker) server() *logServer { return &logServer{b: b} }

func (b *logBroker) trim() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.trimmed = len(b.entries)
}

func (b *logBroker) fail(publish, rest error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.full, b.down = publish, rest
}

func (b *logBroker) session(pid string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return string(b.sessions[pid].data)
}

// put keeps a session as an official server does, which stores nothing of ours.
func (b *logBroker) put(pid, data string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sessions[pid] = logSession{[]byte(data), time.Now().Add(time.Minute)}
}

// overLog makes a server one of a broker's.
func overLog(c *logServer) func(*socketio.Config) {
	return func(o *socketio.Config) { o.Adapter = adapter.NewNode(c, adapter.ClusterConfig{}).Adapter }
}

func positionOf(n int) string { return fmt.Sprintf("%d-0", n) }

func parsePosition(s string) (n int, ok bool) {
	_, err := fmt.Sscanf(s, "%d-0", &n)
	return n, err == nil && positionOf(n) == s
}

// logServer is the connection of one server.
type logServer struct {
	b    *logBroker
	uid  string
	dead bool // logBroker.mu guards it
}

// die ends the connection without a word: nothing comes in or goes out any more.
func (c *logServer) die() {
	c.b.mu.Lock()
	defer c.b.mu.Unlock()
	c.dead = true
}

// pause makes what arrives wait until it is called again with false.
func (c *logServer) pause(paused bool) {
	c.b.mu.Lock()
	links := append([]*logLink(nil), c.b.links...)
	c.b.mu.Unlock()
	for _, l := range links {
		if l.logServer == c {
			l.mu.Lock()
			l.paused = paused
			l.changed.Broadcast()
			l.mu.Unlock()
		}
	}
}

func (c *logServer) Start(_ context.Context, uid string, _ func(error)) error {
	c.uid = uid
	return nil
}

func (c *logServer) Join(_ context.Context, m adapter.Member) (adapter.Link, error) {
	l := &logLink{logServer: c, member: m}
	l.changed = sync.NewCond(&l.mu)
	c.b.mu.Lock()
	defer c.b.mu.Unlock()
	l.reached = len(c.b.entries)
	c.b.links = append(c.b.links, l)
	l.running = 2
	go l.run(&l.queue)
	go l.run(&l.direct)
	return l, nil
}

func (c *logServer) Stats() adapter.BrokerStats {
	return adapter.BrokerStats{Broker: "log", Connected: true}
}
func (c *logServer) Close(context.Context) error { return nil }

// logLink is one namespace of a server.
type logLink struct {
	*logServer
	member adapter.Member

	mu      sync.Mutex
	changed *sync.Cond
	queue   []logItem
	direct  []logItem // messages that are not in the log overtake the others
	reached int
	paused  bool
	closed  bool
	running int
}

type logItem struct {
	position int // 0: none
	data     []byte
}

var _ adapter.Log = (*logLink)(nil)

func (l *logLink) Publish(m *adapter.Message) error {
	data, _, err := clusterwire.Encode(m)
	if err != nil {
		return err
	}
	b := l.b
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.full != nil || l.dead {
		return b.full
	}
	item := logItem{data: data}
	switch m.Type {
	case adapter.MessageBroadcast, adapter.MessageSocketsJoin, adapter.MessageSocketsLeave,
		adapter.MessageDisconnectSockets:
		if m.RequestID == "" {
			b.entries = append(b.entries, logEntry{m.Namespace, m.UID, data})
			item.position = len(b.entries)
		}
	}
	for _, other := range b.links {
		if !other.dead && (item.position > 0 || other.member.Namespace() == m.Namespace) {
			other.put(item)
		}
	}
	return nil
}

func (l *logLink) Reply(to, m *adapter.Message) error {
	data, _, err := clusterwire.Encode(m)
	if err != nil {
		return err
	}
	l.b.mu.Lock()
	defer l.b.mu.Unlock()
	for _, other := range l.b.links {
		if !l.dead && !other.dead && other.uid == to.UID && other.member.Namespace() == m.Namespace {
			other.put(logItem{data: data})
		}
	}
	return nil
}

func (l *logLink) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	l.changed.Broadcast()
	for l.running > 0 {
		l.changed.Wait()
	}
	return nil
}

func (l *logLink) put(item logItem) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if item.position > 0 {
		l.queue = append(l.queue, item)
	} else {
		l.direct = append(l.direct, item)
	}
	l.changed.Broadcast()
}

func (l *logLink) run(queue *[]logItem) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for {
		for !l.closed && (len(*queue) == 0 || l.paused) {
			l.changed.Wait()
		}
		if l.closed {
			l.running--
			l.changed.Broadcast()
			return
		}
		item := (*queue)[0]
		*queue = (*queue)[1:]
		l.mu.Unlock()
		m, err := clusterwire.Decode(item.data)
		if err != nil {
			panic(err) // the broker wrote it
		}
		if m.Namespace == l.member.Namespace() {
			if item.position > 0 {
				m.Position = positionOf(item.position)
			}
			l.member.Receive(m)
		}
		l.mu.Lock()
		if item.position > 0 {
			l.reached = item.position
		}
	}
}

func (l *logLink) Reached() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return positionOf(l.reached)
}

func (l *logLink) After(_ context.Context, position string) iter.Seq2[*adapter.Message, error] {
	return func(yield func(*adapter.Message, error) bool) {
		n, ok := parsePosition(position)
		for first := true; ; first = false {
			l.b.mu.Lock()
			err := l.b.down
			if first && (!ok || n < l.b.trimmed || n > len(l.b.entries)) {
				err = adapter.ErrPosition
			}
			if err != nil || n == len(l.b.entries) {
				l.b.mu.Unlock()
				if err != nil {
					yield(nil, err)
				}
				return
			}
			e := l.b.entries[n]
			n++
			l.b.mu.Unlock()
			m, err := clusterwire.Decode(e.data)
			if err != nil {
				panic(err)
			}
			m.Position = positionOf(n)
			if m.Type == adapter.MessageBroadcast && m.Namespace == l.member.Namespace() && !yield(m, nil) {
				return
			}
		}
	}
}

func (l *logLink) ComparePositions(a, b string) int {
	n, _ := parsePosition(a)
	m, _ := parsePosition(b)
	return max(-1, min(1, n-m))
}

func (l *logLink) PutSession(_ context.Context, pid string, data []byte, ttl time.Duration) error {
	l.b.mu.Lock()
	defer l.b.mu.Unlock()
	if l.b.down != nil || l.dead {
		return l.b.down
	}
	l.b.puts++
	l.b.sessions[pid] = logSession{data, time.Now().Add(ttl)}
	return nil
}

var errDead = errors.New("the connection to the broker is lost")

func (l *logLink) TakeSession(_ context.Context, pid string) ([]byte, error) {
	l.b.mu.Lock()
	defer l.b.mu.Unlock()
	if l.b.down != nil {
		return nil, l.b.down
	}
	if l.dead {
		return nil, errDead
	}
	s, ok := l.b.sessions[pid]
	delete(l.b.sessions, pid)
	if !ok || time.Now().After(s.end) {
		return nil, nil
	}
	return s.data, nil
}
