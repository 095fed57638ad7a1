package adapter

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gosocketio/socketio/rooms"
)

// present counts the sockets in the rooms of all namespaces of a process. Those of this server are
// in the indexes: present has the changes since the last digest. It has the numbers of other
// servers as they told them. It costs nothing until somebody counts.
type present struct {
	active atomic.Bool // digests are sent, or hooks are called

	mu         sync.Mutex // taken under heartbeats.mu and under the locks of indexes, and nothing under it
	spaces     map[string]*space
	there      map[string]map[string]int // other servers that have sockets, by namespace and room
	bytes      int                       // of the numbers of other servers
	sending    bool
	everything bool   // the next digest has everything
	over       bool   // this server has too many rooms
	sequence   uint64 // of the last digest
}

// space is a namespace here.
type space struct {
	p     *present
	name  string
	index *rooms.Index[Socket]

	// Guarded by present.mu.
	changed  map[string]int      // rooms, since the last digest
	told     int                 // sockets, in the last digest
	here     map[string]struct{} // rooms with sockets, while there are watchers
	watchers []*watcher
}

func newPresent() *present {
	return &present{spaces: make(map[string]*space), there: make(map[string]map[string]int)}
}

// space returns a namespace, for add.
func (p *present) space(name string, index *rooms.Index[Socket]) *space {
	s := &space{p: p, name: name, index: index, changed: make(map[string]int)}
	index.WatchCounts(s.count)
	return s
}

func (p *present) add(s *space) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.spaces[s.name] = s
}

func (p *present) remove(s *space) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.spaces[s.name] == s {
		delete(p.spaces, s.name)
		p.everything = true
	}
	for _, w := range s.watchers {
		w.off = true
	}
	s.watchers = nil
	p.activeLocked()
}

func (p *present) activeLocked() {
	active := p.sending
	for _, s := range p.spaces {
		active = active || len(s.watchers) > 0
	}
	p.active.Store(active)
}

// count records the number of sockets in a room here. The index calls it, under its lock.
func (s *space) count(room string, members int) {
	p := s.p
	if !p.active.Load() {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.sending {
		s.changed[room] = members
		if len(s.changed) > maxPresentRooms { // nobody takes them
			clear(s.changed)
			p.everything = true
		}
	}
	if len(s.watchers) > 0 {
		s.hereLocked(room, members)
	}
}

func (s *space) hereLocked(room string, members int) {
	_, was := s.here[room]
	switch {
	case members > 0 && !was:
		s.here[room] = struct{}{}
		s.flipLocked(room)
	case members == 0 && was:
		delete(s.here, room)
		s.flipLocked(room)
	}
}

// send says whether digests are sent.
func (p *present) send(yes bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.sending == yes {
		return
	}
	p.sending = yes
	for _, s := range p.spaces {
		clear(s.changed)
	}
	p.activeLocked()
}

// digests returns what to tell the other servers: everything, or what has changed. It is called by one
// goroutine at a time.
func (p *present) digests(everything bool) []string {
	p.mu.Lock()
	everything = everything || p.everything
	p.everything = false
	spaces := slices.SortedFunc(maps.Values(p.spaces), func(a, b *space) int { return strings.Compare(a.name, b.name) })
	p.mu.Unlock()
	total := 0
	for _, s := range spaces {
		total += s.index.RoomCount()
	}
	was := p.over
	if p.over = total > maxPresentRooms; p.over {
		for _, s := range spaces {
			s.take()
		}
		if was && !everything {
			return []string{headOf(digestSame, p.sequence)}
		}
		p.sequence++
		return []string{headOf(digestOver, p.sequence)}
	}
	everything = everything || was
	var d digests
	for _, s := range spaces {
		changed, n, told := s.take()
		switch {
		case everything:
			d.in(s.name, n)
			s.index.Counts(d.add)
		case len(changed) > 0 || n != told:
			d.in(s.name, n)
			for room, n := range changed {
				d.add(room, n)
			}
		}
	}
	return p.numbered(d.end(), everything)
}

// numbered puts the heads before digests.
func (p *present) numbered(parts []string, everything bool) []string {
	switch {
	case len(parts) == 0 && !everything:
		return []string{headOf(digestSame, p.sequence)}
	case len(parts) == 0:
		parts = []string{""}
	}
	for i, part := range parts {
		kind := digestDelta
		switch {
		case !everything:
		case len(parts) == 1:
			kind = digestWhole
		case i == 0:
			kind = digestFirst
		case i < len(parts)-1:
			kind = digestNext
		default:
			kind = digestLast
		}
		p.sequence++
		parts[i] = headOf(kind, p.sequence) + part
	}
	return parts
}

// take returns the rooms that have changed since the last call, and the numbers of sockets now and then.
// A change that comes between this and a look at the index is told twice, with the same number.
func (s *space) take() (changed map[string]int, now, before int) {
	now = s.index.Len()
	s.p.mu.Lock()
	defer s.p.mu.Unlock()
	changed, s.changed = s.changed, make(map[string]int)
	before, s.told = s.told, now
	return changed, now, before
}

// counts is what another server has told. present.mu guards it.
type counts struct {
	synced   bool      // no digest is missing
	over     bool      // it has too many rooms, or there is no room for them
	at       time.Time // of the last digest behind which none is missing; zero if there is none
	sequence uint64
	entries  int
	bytes    int
	spaces   map[string]*spaceCounts
	next     *counts // everything that is under way
}

// spaceCounts is a namespace of another server.
type spaceCounts struct {
	sockets int
	rooms   map[string]int32
}

// entrySize returns the memory of a name, with that for present.there.
func entrySize(name string) int { return len(name) + 128 }

// receive records a digest of a server. It returns false when one is missing.
func (p *present) receive(c *counts, text string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	kind, sequence, body, err := readHead(text)
	if err != nil {
		p.resetLocked(c)
		return false
	}
	switch kind {
	case digestSame:
		if !c.synced || sequence != c.sequence {
			c.synced = false
			return false
		}
	case digestDelta:
		switch {
		case !c.synced || sequence > c.sequence+1:
			c.synced = false
			return false
		case sequence <= c.sequence: // it came twice
			return true
		}
		c.sequence = sequence
		if !c.over && !p.readLocked(c, body, true) {
			p.resetLocked(c)
			return false
		}
	case digestOver:
		p.resetLocked(c)
		c.synced, c.over, c.sequence = true, true, sequence
	case digestFirst, digestWhole:
		p.dropNextLocked(c)
		c.next = &counts{sequence: sequence}
		if !p.readNextLocked(c, body) {
			return false
		}
	case digestNext, digestLast:
		switch {
		case c.next != nil && sequence == c.next.sequence || c.next == nil && c.synced && sequence <= c.sequence:
			return true // it came twice
		case c.next == nil || sequence != c.next.sequence+1:
			p.dropNextLocked(c)
			c.synced = false
			return false
		}
		c.next.sequence = sequence
		if !p.readNextLocked(c, body) {
			return false
		}
	default:
		p.resetLocked(c)
		return false
	}
	if kind == digestWhole || kind == digestLast {
		p.replaceLocked(c)
	}
	if c.next == nil {
		c.at = time.Now()
	}
	return true
}

// readLocked reads the numbers of a digest into c. It returns false for one that cannot be read.
func (p *present) readLocked(c *counts, body string, current bool) bool {
	err := readCounts(body, func(namespace, room string, inRoom bool, sockets int) {
		if !c.over && !p.setLocked(c, namespace, room, inRoom, sockets, current) {
			p.clearLocked(c, current)
			c.over = true
		}
	})
	return err == nil
}

// readNextLocked reads the numbers of a part of everything.
func (p *present) readNextLocked(c *counts, body string) bool {
	ok := p.readLocked(c.next, body, false)
	if !ok {
		p.dropNextLocked(c)
		c.synced = false
	}
	return ok
}

// setLocked sets a number. It returns false when there is no room for it.
func (p *present) setLocked(c *counts, namespace, room string, inRoom bool, sockets int, current bool) bool {
	s := c.spaces[namespace]
	if s == nil {
		if !p.roomForLocked(c, namespace) {
			return false
		}
		s = &spaceCounts{rooms: make(map[string]int32)}
		if c.spaces == nil {
			c.spaces = make(map[string]*spaceCounts)
		}
		c.spaces[strings.Clone(namespace)] = s
	}
	if !inRoom {
		s.sockets = sockets
		return true
	}
	switch _, was := s.rooms[room]; {
	case sockets == 0 && was:
		delete(s.rooms, room)
		c.entries--
		c.bytes -= entrySize(room)
		p.bytes -= entrySize(room)
		if current {
			p.thereLocked(namespace, room, -1)
		}
	case sockets == 0:
	case was:
		s.rooms[room] = int32(sockets)
	default:
		if !p.roomForLocked(c, room) {
			return false
		}
		room = strings.Clone(room)
		s.rooms[room] = int32(sockets)
		if current {
			p.thereLocked(namespace, room, 1)
		}
	}
	return true
}

// roomForLocked accounts for one more name.
func (p *present) roomForLocked(c *counts, name string) bool {
	size := entrySize(name)
	if c.entries >= 2*maxPresentRooms || p.bytes+size > maxPresentBytes {
		return false
	}
	c.entries++
	c.bytes += size
	p.bytes += size
	return true
}

// thereLocked records that one more server has sockets in a room, or one less.
func (p *present) thereLocked(namespace, room string, change int) {
	servers := p.there[namespace]
	if servers == nil {
		servers = make(map[string]int)
		p.there[namespace] = servers
	}
	n := servers[room] + change
	if servers[room] = n; n == 0 {
		delete(servers, room)
		if len(servers) == 0 {
			delete(p.there, namespace)
		}
	}
	if s := p.spaces[namespace]; s != nil && (n == 0 || n == 1 && change > 0) {
		s.flipLocked(room)
	}
}

// replaceLocked makes everything that has come what the server has.
func (p *present) replaceLocked(c *counts) {
	next := c.next
	for namespace, s := range next.spaces { // first, so that a room that stays is not gone in between
		for room := range s.rooms {
			p.thereLocked(namespace, room, 1)
		}
	}
	p.clearLocked(c, true)
	next.synced = true
	*c = *next
}

// clearLocked forgets the numbers. current says that they are in p.there.
func (p *present) clearLocked(c *counts, current bool) {
	p.bytes -= c.bytes
	spaces := c.spaces
	c.spaces, c.bytes, c.entries = nil, 0, 0
	if !current {
		return
	}
	for namespace, s := range spaces {
		for room := range s.rooms {
			p.thereLocked(namespace, room, -1)
		}
	}
}

func (p *present) dropNextLocked(c *counts) {
	if c.next != nil {
		p.clearLocked(c.next, false)
		c.next = nil
	}
}

// resetLocked forgets everything of a server.
func (p *present) resetLocked(c *counts) {
	p.dropNextLocked(c)
	p.clearLocked(c, true)
	*c = counts{}
}

// forget forgets everything of a server that has gone.
func (p *present) forget(c *counts) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.resetLocked(c)
}
