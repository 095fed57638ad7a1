package engineio

import (
	"crypto/rand"
	"encoding/base64"
	"hash/maphash"
	"sync"
	"sync/atomic"
)

const shards = 64

// registry maps session ids to sessions. Its shards keep handshakes on many cores apart.
type registry struct {
	seed  maphash.Seed
	count atomic.Int64
	shard [shards]struct {
		mu       sync.RWMutex
		sessions map[string]*Session
	}
}

func newRegistry() *registry {
	g := &registry{seed: maphash.MakeSeed()}
	for i := range g.shard {
		g.shard[i].sessions = make(map[string]*Session)
	}
	return g
}

func (g *registry) index(id string) uint64 { return maphash.String(g.seed, id) % shards }

// add registers a session, unless its id is taken or there are limit sessions (0: no limit).
func (g *registry) add(s *Session, limit int) (added, full bool) {
	if n := g.count.Add(1); limit > 0 && n > int64(limit) {
		g.count.Add(-1)
		return false, true
	}
	sh := &g.shard[g.index(s.id)]
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if _, taken := sh.sessions[s.id]; taken {
		g.count.Add(-1)
		return false, false
	}
	sh.sessions[s.id] = s
	return true, false
}

func (g *registry) get(id string) *Session {
	sh := &g.shard[g.index(id)]
	sh.mu.RLock()
	defer sh.mu.RUnlock()
	return sh.sessions[id]
}

// remove removes a session, and returns false if it is not there.
func (g *registry) remove(s *Session) bool {
	sh := &g.shard[g.index(s.id)]
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if sh.sessions[s.id] != s {
		return false
	}
	delete(sh.sessions, s.id)
	g.count.Add(-1)
	return true
}

// all returns a snapshot of the sessions.
func (g *registry) all() []*Session {
	list := make([]*Session, 0, g.count.Load())
	for i := range g.shard {
		sh := &g.shard[i]
		sh.mu.RLock()
		for _, s := range sh.sessions {
			list = append(list, s)
		}
		sh.mu.RUnlock()
	}
	return list
}

// newID returns a session id that nobody can guess: 120 random bits in 20 characters.
//
// The official ids have as many characters, with 96 random bits and a counter.
//
// With a tag in front, 84 bits are random.
func newID(tag string) string {
	var b [15]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return tag + base64.RawURLEncoding.EncodeToString(b[:])[len(tag):]
}

// idLen is the length of the ids that newID returns.
const idLen = 20
