package adapter

import (
	"slices"
	"strings"
	"sync"
	"time"
)

// members are the other servers, known by their messages.
type members struct {
	x     *Cluster
	began time.Time
	tick  time.Duration

	mu      sync.Mutex
	timer   *time.Timer               // nil until the adapter is started
	seen    map[string]*time.Duration // the time of the last message of each
	spokeAt time.Duration             // the time of the last message to all servers
	over    bool
}

func (m *members) init(x *Cluster) {
	m.x, m.began, m.seen = x, time.Now(), make(map[string]*time.Duration)
	m.tick = min(time.Second, x.cfg.HeartbeatInterval/5)
}

func (m *members) now() time.Duration { return time.Since(m.began) }

func (m *members) start() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.timer == nil && !m.over {
		m.timer = time.AfterFunc(m.tick, m.check)
	}
}

func (m *members) stop() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.over = true
	if m.timer != nil {
		m.timer.Stop()
	}
}

// check sends a heartbeat when one is due, and removes servers that are silent for too long.
func (m *members) check() {
	m.mu.Lock()
	if m.over {
		m.mu.Unlock()
		return
	}
	now := m.now()
	due := now-m.spokeAt >= m.x.cfg.HeartbeatInterval
	if due {
		m.spokeAt = now // it is queued
	}
	var gone []string
	for uid, at := range m.seen {
		if now-*at > m.x.cfg.HeartbeatTimeout {
			gone = append(gone, uid)
			delete(m.seen, uid)
		}
	}
	m.mu.Unlock()
	if due {
		if err := m.x.publish(&Message{Type: MessageHeartbeat}); err != nil {
			m.x.host.Report(err)
		}
	}
	for _, uid := range gone {
		m.x.requests.gone(uid)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.over {
		m.timer.Reset(m.tick)
	}
}

// spoke postpones the next heartbeat.
func (m *members) spoke() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.spokeAt = m.now()
}

// heard records a message of a server.
func (m *members) heard(uid string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	at := m.seen[uid]
	if at == nil {
		at = new(time.Duration)
		m.seen[strings.Clone(uid)] = at // uid may be a part of a whole message
	}
	*at = m.now()
}

// left removes a server that has gone.
func (m *members) left(uid string) {
	m.mu.Lock()
	delete(m.seen, uid)
	m.mu.Unlock()
	m.x.requests.gone(uid)
}

// list returns the uids of the other servers.
func (m *members) list() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	uids := make([]string, 0, len(m.seen))
	for uid := range m.seen {
		uids = append(uids, uid)
	}
	slices.Sort(uids)
	return uids
}

func (m *members) len() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.seen)
}
