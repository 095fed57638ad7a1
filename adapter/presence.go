package adapter

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Counted is a number of sockets in the cluster.
type Counted struct {
	// Sockets is their number.
	Sockets int
	// Servers is the number of servers that are in it, this one included.
	Servers int
	// Age is the time since the server that was heard of least recently has told its number; 0 if there is
	// no other server. It is at most two heartbeats (ClusterConfig.HeartbeatInterval).
	Age time.Duration
}

// ErrUncounted means that the number of sockets in the cluster is not known.
var ErrUncounted = errors.New("socketio: the sockets of the cluster are not counted")

// PresenceHooks are called when rooms get their first socket in the cluster and lose their last one.
// Each is optional.
type PresenceHooks struct {
	// FirstIn is called when a room has sockets.
	FirstIn func(room string)
	// LastOut is called when it has none any more.
	LastOut func(room string)
}

// Presence is an Adapter that knows how many sockets are in rooms of the cluster, without asking for each
// answer. The first call makes other servers tell their numbers, with each heartbeat. Sockets are not
// counted in the rooms named after their ids, but for those on this server.
type Presence interface {
	// Count counts the sockets in a room, or in the namespace if o has no rooms. An error that matches
	// ErrUncounted says that o cannot be counted, a [*MissingServersError] which servers are not in the
	// result. The first call waits for the others, for two seconds at most.
	Count(ctx context.Context, o Options) (Counted, error)
	// OnPresence has hooks called: FirstIn for each room that has sockets, then either as rooms change,
	// until off is called. They run in order for each room, one at a time and without a lock. A room
	// that changes back before its hook has been called is not told.
	OnPresence(h PresenceHooks) (off func())
}

var (
	_ Presence = (*Cluster)(nil)
	_ Presence = (*memory)(nil)
)

// countable returns the one room that o selects, "" and all for everyone.
func countable(o Options) (room string, all bool, err error) {
	switch {
	case len(o.Except) > 0:
		return "", false, fmt.Errorf("%w: with Except they would have to be fetched", ErrUncounted)
	case len(o.Rooms) > 1:
		return "", false, fmt.Errorf("%w: in %d rooms together they would have to be fetched", ErrUncounted, len(o.Rooms))
	case len(o.Rooms) == 0:
		return "", true, nil
	case len(o.Rooms[0]) > maxPresentRoom:
		return "", false, fmt.Errorf("%w: the name of the room has %d bytes, the limit is %d",
			ErrUncounted, len(o.Rooms[0]), maxPresentRoom)
	}
	return o.Rooms[0], false, nil
}

// Count implements [Presence].
func (a *memory) Count(_ context.Context, o Options) (Counted, error) {
	if o.Flags.Local {
		list := a.targets(o)
		defer a.release(list)
		return Counted{Sockets: len(*list), Servers: 1}, nil
	}
	room, all, err := countable(o)
	switch {
	case err != nil:
		return Counted{}, err
	case all:
		return Counted{Sockets: a.Len(), Servers: 1}, nil
	}
	return Counted{Sockets: a.RoomLen(room), Servers: 1}, nil
}

// OnPresence implements [Presence].
func (a *memory) OnPresence(h PresenceHooks) (off func()) { return a.present.watch(h) }

// OnPresence implements [Presence].
func (x *Cluster) OnPresence(h PresenceHooks) (off func()) {
	if x.hello != nil {
		x.hello.wantCounts()
	} else {
		x.host.Report(fmt.Errorf("%w: it carries no heartbeats of processes, hooks for presence know this server alone",
			ErrBroker))
	}
	return x.memory.OnPresence(h)
}

// errNoCounts is why servers are not in a count.
var errNoCounts = fmt.Errorf("%w: servers have not told their numbers, official ones never do", ErrUncounted)

// Count implements [Presence].
func (x *Cluster) Count(ctx context.Context, o Options) (Counted, error) {
	c, err := x.memory.Count(ctx, o)
	if err != nil || o.Flags.Local {
		return c, err
	}
	if x.hello == nil {
		return c, &MissingServersError{Missing: -1, Err: errNoCounts}
	}
	room, all, _ := countable(o)
	if err := cmp.Or(x.hello.await(ctx), x.awaitServers(ctx)); err != nil {
		return c, &MissingServersError{Missing: -1, Err: err}
	}
	x.hello.wantCounts()
	told := x.hello.awaitCounts(ctx, x.host.Name(), room, all)
	c.Sockets += told.sockets
	c.Servers += told.servers
	c.Age = told.age
	if x.counter == nil {
		return c, told.missing(len(told.uids))
	}
	n, err := x.count(ctx)
	if err != nil {
		return c, &MissingServersError{Missing: -1, Err: err}
	}
	return c, told.missing(max(len(told.uids), n-c.Servers))
}

// told is what other servers have told.
type told struct {
	sockets, servers int
	age              time.Duration
	uids             []string // of those that are not in it
	over             bool     // one of them has too many rooms
}

// missing returns the error for a number of servers that are not in it.
func (t *told) missing(n int) error {
	if n == 0 {
		return nil
	}
	err := errNoCounts
	if t.over {
		err = fmt.Errorf("%w: a server has more than %d rooms", ErrUncounted, maxPresentRooms)
	}
	slices.Sort(t.uids)
	return &MissingServersError{UIDs: t.uids, Missing: n, Err: err}
}

// wantCounts has the other servers tell their numbers from now on.
func (h *heartbeats) wantCounts() {
	if h.wants.Load() {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.wants.Swap(true) {
		h.wanted = time.Now()
		h.soonLocked(0)
	}
}

// countsLimit is how long Count waits for the numbers of a server, from when it is known and they are
// wanted.
const countsLimit = 2 * time.Second

// awaitCounts returns what the other servers with a namespace have told, as soon as all have, or those that
// have not are not waited for any more.
func (h *heartbeats) awaitCounts(ctx context.Context, namespace, room string, all bool) told {
	for {
		h.mu.Lock()
		t, wait := h.countsLocked(namespace, room, all)
		news := h.news
		h.mu.Unlock()
		if wait <= 0 || ctx.Err() != nil {
			return t
		}
		timer := time.NewTimer(wait)
		select {
		case <-news:
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
	}
}

// countsLocked adds up what the other servers with a namespace have told, and returns how long to wait
// for the others.
func (h *heartbeats) countsLocked(namespace, room string, all bool) (t told, wait time.Duration) {
	now := time.Now()
	h.present.mu.Lock()
	defer h.present.mu.Unlock()
	for uid, p := range h.peers {
		if _, in := p.namespaces[namespace]; !in && !p.foreign {
			continue
		}
		age := now.Sub(p.counts.at)
		if p.counts.at.IsZero() || p.counts.over || age > 2*h.cfg.HeartbeatInterval {
			t.uids = append(t.uids, uid)
			t.over = t.over || p.counts.over
			if p.version > 0 && !p.foreign && p.counts.at.IsZero() {
				since := p.since
				if h.wanted.After(since) {
					since = h.wanted
				}
				wait = max(wait, countsLimit-now.Sub(since))
			}
			continue
		}
		t.servers++
		t.age = max(t.age, age)
		if s := p.counts.spaces[namespace]; s == nil {
		} else if all {
			t.sockets += s.sockets
		} else {
			t.sockets += int(s.rooms[room])
		}
	}
	return t, wait
}

// countsOfLocked handles what a server says of numbers of sockets.
func (h *heartbeats) countsOfLocked(uid string, p *peer, hello *Hello) {
	if hello.Counts && !p.wants || slices.Contains(hello.Resync, h.uid) {
		h.everything = true
		h.soonLocked(max(someDelay(), wholeInterval-time.Since(h.toldAll)))
	}
	h.wantsLocked(p, hello.Counts)
	if hello.Digest == "" || !h.wants.Load() {
		return
	}
	if h.present.receive(&p.counts, hello.Digest) {
		close(h.news) // for those that wait
		h.news = make(chan struct{})
	} else if len(h.resync) < maxResync && !slices.Contains(h.resync, uid) {
		h.resync = append(h.resync, strings.Clone(uid))
		h.soonLocked(someDelay())
	}
}

// wantsLocked records whether a server wants digests.
func (h *heartbeats) wantsLocked(p *peer, wants bool) {
	switch {
	case wants && !p.wants:
		h.wanting++
	case p.wants && !wants:
		h.wanting--
	}
	p.wants = wants
}

// cmpUID orders servers.
func cmpUID(a, b Server) int { return cmp.Compare(a.UID, b.UID) }
