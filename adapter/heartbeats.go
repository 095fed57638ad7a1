package adapter

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// heartbeats keeps which other servers there are, by their messages.
//
// Among Go servers there is one for a process: its messages are in the namespace "", say what the
// process says of itself (Hello), and list its namespaces when these have changed, or when a new
// server asks. Where a broker that does not count servers has no namespace "", there is one for each
// namespace, and its messages list nothing.
//
// With ClusterConfig.Mixed there is one for a process, and official is set. A server that is heard
// in a namespace and has sent no list is an official one: where there is one, this process sends
// heartbeats in the namespace too.
//
// A new server asks with a MessageInitialHeartbeat. Answers wait for up to answerDelay, so that there
// is one for all servers that are new at the time.
type heartbeats struct {
	cfg        ClusterConfig
	send       func(m *Message) error
	report     func(error)
	namespaces func() []string                        // of this process; nil: not listed
	gone       func(uid string, namespaces ...string) // a server has gone; called without the lock
	official   func(namespace string) error           // sends a heartbeat in a namespace; nil unless Mixed
	counted    func(before, now int)                  // the number of processes has changed; nil unless for them
	uid        string                                 // of this process
	present    *present                               // its numbers of sockets, and those of others
	wants      atomic.Bool                            // the others are to tell theirs
	answered   chan struct{}                          // closed when the others have had time to answer

	sending sync.Mutex // digests are sent in the order of their numbers; taken alone

	mu        sync.Mutex
	peers     map[string]*peer
	tags      map[string]string // uids of peers, by their tags
	address   string            // of this server, for its Hello
	bytes     int               // of the namespaces of all peers
	timer     *time.Timer
	beat      time.Time // the next heartbeat
	list      bool      // it lists the namespaces
	ask       bool      // it asks for those of the others
	announced bool      // a heartbeat was sent
	failing   bool      // the last one was not, which was reported
	version   int       // of the list of namespaces
	listed    int       // its length when it was sent last
	count     int       // of processes, at the last check; 0 at the start
	closed    bool

	wanting    int           // peers that want digests
	everything bool          // the next digest has everything
	toldAll    time.Time     // when that was so last
	resync     []string      // the uids of peers of which a digest was lost
	wanted     time.Time     // when wants was set
	news       chan struct{} // closed when numbers come
}

// peer is another server.
type peer struct {
	heard      time.Time
	version    int // of namespaces, 0 when no list has come
	namespaces map[string]struct{}

	protocol int  // that it speaks; 0 until a Hello has come
	foreign  bool // this server does not understand it
	tag      string
	address  string

	since  time.Time // when it was first heard
	wants  bool      // digests
	counts counts
}

// official reports whether it may be an official server: it has not said what it is.
func (p *peer) official() bool { return p.version == 0 && !p.foreign }

const (
	answerDelay     = 250 * time.Millisecond // the longest, for a short list
	heartbeatsDelay = 500 * time.Millisecond // after the announcement: for answers and their way
	heartbeatsLimit = time.Second            // how long a request waits for that
	maxPeers        = 1 << 14                // servers beyond are ignored
	maxUID          = 128                    // bytes; servers with a longer one are ignored
	wholeInterval   = 500 * time.Millisecond // between two times that all numbers are told
	maxResync       = 16                     // servers that are asked for everything at a time
	maxBytes        = 64 << 20               // of the namespaces of all servers; those beyond are ignored
)

func newHeartbeats(
	c ClusterConfig, send func(*Message) error, report func(error), gone func(uid string, namespaces ...string),
) *heartbeats {
	return &heartbeats{
		cfg: c, send: send, report: report, gone: gone, answered: make(chan struct{}),
		peers: make(map[string]*peer), tags: make(map[string]string), news: make(chan struct{}),
	}
}

// start announces this server, or one namespace more.
func (h *heartbeats) start() {
	h.mu.Lock()
	first := h.version == 0
	if first {
		h.ask, h.list, h.version = true, true, 1
	}
	h.mu.Unlock()
	if first {
		h.check()
	} else {
		h.changed()
	}
}

func (h *heartbeats) stop() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	if h.timer != nil {
		h.timer.Stop()
	}
}

// changed tells the others soon that the namespaces of this process have changed.
func (h *heartbeats) changed() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.version++
	h.listSoonLocked()
}

// listSoonLocked has the next heartbeat list the namespaces, after a random delay. A long list waits
// longer, so that many changes cost one message.
func (h *heartbeats) listSoonLocked() {
	if !h.list {
		h.list = true
		h.soonLocked(someDelay() + time.Duration(h.listed)*time.Millisecond)
	}
}

// askAgain asks the others soon for their namespaces.
func (h *heartbeats) askAgain() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.askLocked()
}

func (h *heartbeats) askLocked() {
	if !h.ask {
		h.ask, h.list = true, true
		h.soonLocked(someDelay())
	}
}

// someDelay returns a random time of up to answerDelay.
func someDelay() time.Duration {
	return rand.N(answerDelay) // #nosec G404 -- it only spreads messages
}

func (h *heartbeats) soonLocked(delay time.Duration) {
	if at := time.Now().Add(delay); at.Before(h.beat) {
		h.beat = at
		if h.timer != nil && !h.closed { // else check does it
			h.timer.Reset(delay)
		}
	}
}

// check sends a heartbeat when one is due, and removes servers that are silent for too long.
func (h *heartbeats) check() {
	h.mu.Lock()
	if h.closed {
		h.mu.Unlock()
		return
	}
	now := time.Now()
	var m *Message
	var official []string
	digests, everything := h.wanting > 0, false
	if !now.Before(h.beat) {
		m, official = h.heartbeatLocked(), h.officialLocked()
		h.beat = now.Add(h.cfg.HeartbeatInterval)
		switch again := h.toldAll.Add(wholeInterval); {
		case !h.everything:
		case now.Before(again):
			h.beat = again
		default:
			everything, h.everything, h.toldAll = true, false, now
		}
	}
	gone := make(map[string][]string)
	for uid, p := range h.peers {
		if now.Sub(p.heard) > h.cfg.HeartbeatTimeout {
			gone[uid] = h.removeLocked(uid, p)
		}
	}
	before, count := h.count, h.countLocked()
	h.count = count
	h.mu.Unlock()
	if before != 0 && before != count {
		h.counted(before, count)
	}
	if m != nil {
		h.sent(m, h.sendAll(m, digests, everything))
	}
	for _, namespace := range official {
		if err := h.official(namespace); err != nil {
			h.report(err)
			break // the next heartbeat may reach the others
		}
	}
	for uid, namespaces := range gone {
		h.gone(uid, namespaces...)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.closed {
		wait := min(time.Until(h.beat), h.tick())
		if h.timer == nil {
			h.timer = time.AfterFunc(wait, h.check)
		} else {
			h.timer.Reset(wait)
		}
	}
}

// countLocked returns the number of Go servers, this one included, once they are known; 0 until then, and
// where there is no heartbeat of processes.
func (h *heartbeats) countLocked() (n int) {
	select {
	case <-h.answered:
	default:
		return 0
	}
	if h.counted == nil {
		return 0
	}
	for _, p := range h.peers {
		if p.version > 0 {
			n++
		}
	}
	return n + 1
}

// sendAll sends a heartbeat, with the digests, which may need some more.
func (h *heartbeats) sendAll(m *Message, digests, everything bool) error {
	h.sending.Lock()
	defer h.sending.Unlock()
	if h.present != nil {
		h.present.send(digests)
	}
	if !digests {
		return h.send(m)
	}
	if len(m.Rooms) > 0 { // both together may be too long for the broker
		if err := h.send(m); err != nil {
			return err
		}
		m = m.again()
	}
	for _, digest := range h.present.digests(everything) {
		m.Hello.Digest = digest
		if err := h.send(m); err != nil {
			return err
		}
		m = m.again()
	}
	return nil
}

// again returns a heartbeat that follows one.
func (m *Message) again() *Message {
	hello := *m.Hello
	hello.Resync, hello.Digest = nil, ""
	return &Message{Type: MessageHeartbeat, Count: m.Count, Hello: &hello}
}

// tick is how often silent servers are looked for.
func (h *heartbeats) tick() time.Duration { return min(time.Second, h.cfg.HeartbeatInterval/5) }

// heartbeatLocked returns the next heartbeat.
func (h *heartbeats) heartbeatLocked() *Message {
	m := &Message{Type: MessageHeartbeat}
	if h.ask {
		m.Type = MessageInitialHeartbeat
	}
	if h.namespaces != nil {
		m.Count = h.version
		m.Hello = &Hello{Protocol: h.cfg.version.protocol, Oldest: h.cfg.version.oldest, Address: h.address,
			Counts: h.wants.Load(), Resync: h.resync}
		h.resync = nil
		if h.list {
			m.Rooms = h.namespaces()
			h.listed = len(m.Rooms)
		}
	}
	h.ask, h.list = false, false
	return m
}

// officialLocked returns the namespaces with official servers.
func (h *heartbeats) officialLocked() (names []string) {
	if h.official == nil {
		return nil
	}
	for _, p := range h.peers {
		if p.official() {
			names = slices.AppendSeq(names, maps.Keys(p.namespaces))
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// sent records that a heartbeat was sent. One that was not is tried again at the next check, and
// reported unless the one before was.
func (h *heartbeats) sent(m *Message, err error) {
	h.mu.Lock()
	report := err != nil && !h.failing
	h.failing = err != nil
	switch {
	case err != nil:
		h.beat = time.Now().Add(h.tick())
		h.list = h.list || m.Rooms != nil
		h.ask = h.ask || m.Type == MessageInitialHeartbeat
	case !h.announced:
		h.announced = true
		time.AfterFunc(heartbeatsDelay, func() { close(h.answered) })
	}
	h.mu.Unlock()
	if report {
		h.report(err)
	}
}

// await waits until the other servers are known, for a moment after the start. It fails when this
// server could not be announced.
func (h *heartbeats) await(ctx context.Context) error {
	select {
	case <-h.answered:
		return nil
	default:
	}
	limit := time.NewTimer(heartbeatsLimit)
	defer limit.Stop()
	select {
	case <-h.answered:
		return nil
	case <-limit.C:
		return fmt.Errorf("%w: other servers are not known yet", ErrBroker)
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// heard records a message of a server in a namespace.
func (h *heartbeats) heard(uid, namespace string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	p := h.peerLocked(uid)
	if p == nil {
		return
	}
	if _, known := p.namespaces[namespace]; !known && h.addLocked(p, namespace) && h.official != nil && p.official() {
		h.soonLocked(someDelay()) // it may not know this server
	}
}

// addLocked adds a namespace of a server. It returns false when there is no room for it.
func (h *heartbeats) addLocked(p *peer, namespace string) bool {
	if _, known := p.namespaces[namespace]; known {
		return true
	}
	size := sizeOf(namespace)
	if h.bytes+size > maxBytes {
		return false
	}
	h.bytes += size
	p.namespaces[strings.Clone(namespace)] = struct{}{}
	return true
}

// sizeOf returns the memory of the name of a namespace, in bytes.
func sizeOf(namespace string) int { return len(namespace) + 64 }

// removeLocked removes a server and returns its namespaces.
func (h *heartbeats) removeLocked(uid string, p *peer) (namespaces []string) {
	namespaces = h.clearLocked(p)
	if p.foreign { // it may have any
		namespaces = h.namespaces()
	}
	h.forgetLocked(uid, p)
	h.wantsLocked(p, false)
	if h.present != nil {
		h.present.forget(&p.counts)
	}
	delete(h.peers, uid)
	return namespaces
}

// clearLocked removes the namespaces of a server and returns them.
func (h *heartbeats) clearLocked(p *peer) (namespaces []string) {
	for name := range p.namespaces {
		h.bytes -= sizeOf(name)
		namespaces = append(namespaces, name)
	}
	clear(p.namespaces)
	return namespaces
}

// peerLocked returns a server that has just been heard of, nil when there are too many.
func (h *heartbeats) peerLocked(uid string) *peer {
	p := h.peers[uid]
	if p == nil {
		if len(h.peers) >= maxPeers || len(uid) > maxUID {
			return nil
		}
		p = &peer{namespaces: make(map[string]struct{}), since: time.Now()}
		h.peers[strings.Clone(uid)] = p
	}
	p.heard = time.Now()
	return p
}

// receive handles a heartbeat.
func (h *heartbeats) receive(m *Message) {
	h.mu.Lock()
	if h.closed {
		h.mu.Unlock()
		return
	}
	if m.Type == MessageInitialHeartbeat {
		h.listSoonLocked()
	}
	if h.namespaces == nil {
		h.mu.Unlock()
		h.heard(m.UID, m.Namespace)
		return
	}
	p := h.peerLocked(m.UID)
	var err error
	if p != nil {
		err = h.helloLocked(m.UID, p, m.Hello)
	}
	var left []string
	var cut bool
	switch {
	case p == nil || p.foreign:
	case len(m.Rooms) > 0:
		left, cut = h.listLocked(p, m)
	case p.version != m.Count: // a list was lost
		h.askLocked()
	}
	h.mu.Unlock()
	if err != nil {
		h.report(err)
	}
	if cut {
		h.report(fmt.Errorf("%w: server %q is not asked in some namespaces, its list of them is too long", ErrBroker, m.UID))
	}
	if len(left) > 0 {
		h.gone(m.UID, left...)
	}
}

// listLocked records the list of a server's namespaces, and whether it was cut. It returns those that
// the server has left.
func (h *heartbeats) listLocked(p *peer, m *Message) (left []string, cut bool) {
	before := h.clearLocked(p)
	p.version = m.Count
	for _, name := range m.Rooms {
		if cut = !h.addLocked(p, name); cut {
			break
		}
	}
	left = slices.DeleteFunc(before, func(name string) bool {
		_, still := p.namespaces[name]
		return still
	})
	return left, cut
}

// left removes a server from a namespace, or from all of them for "".
func (h *heartbeats) left(uid, namespace string) {
	h.mu.Lock()
	p := h.peers[uid]
	if p == nil {
		h.mu.Unlock()
		return
	}
	left := []string{namespace}
	switch _, in := p.namespaces[namespace]; {
	case namespace == "":
		left = h.removeLocked(uid, p)
	case in:
		delete(p.namespaces, namespace)
		h.bytes -= sizeOf(namespace)
	}
	if h.namespaces == nil || p.official() && len(p.namespaces) == 0 {
		h.removeLocked(uid, p)
	}
	h.mu.Unlock()
	h.gone(uid, left...)
}

// servers returns the uids of the other servers with a namespace.
func (h *heartbeats) servers(namespace string) []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	var uids []string
	for uid, p := range h.peers {
		if _, in := p.namespaces[namespace]; in || p.foreign {
			uids = append(uids, uid)
		}
	}
	slices.Sort(uids)
	return uids
}
