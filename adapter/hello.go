package adapter

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Hello is what a process says of itself with each heartbeat. Only Go servers send and read it.
type Hello struct {
	// Protocol is the version of what Go servers say only to each other, Oldest the oldest one that the
	// server understands. Two servers understand each other if neither is too old for the other. A
	// heartbeat without a Hello says 1 and 1.
	Protocol, Oldest int
	// Address is where the server takes requests that others relay to it, "" if it takes none.
	Address string
	// Counts says that the server wants to know how many sockets others have in rooms ([Presence]).
	Counts bool
	// Resync are the uids of servers that are to tell all numbers again.
	Resync []string
	// Digest is what the server tells of its numbers, "" if nobody wants to know.
	Digest string
}

// version is what a server speaks, and the oldest version that it understands.
type version struct{ protocol, oldest int }

// ownVersion is that of this program. Raise protocol when Go servers say something new to each other,
// and oldest to it when they no longer understand what older ones say.
var ownVersion = version{protocol: 1, oldest: 1}

// understands reports whether two servers understand each other. Both come to the same answer.
func (v version) understands(other version) bool {
	return v.protocol >= other.oldest && other.protocol >= v.oldest
}

// VersionError means that this server and another one do not understand each other, because one of
// them is too old. It is reported once for each such server.
type VersionError struct {
	// UID is the id of the other server.
	UID string
	// Protocol is the version that it speaks, and Oldest the oldest one that it understands.
	Protocol, Oldest int

	own version
}

// Error implements error.
func (e *VersionError) Error() string {
	older := "the other one"
	if e.own.protocol < e.Oldest {
		older = "this one"
	}
	return fmt.Sprintf("socketio: server %q speaks version %d of the protocol of Go servers and understands %d or later, "+
		"this server %d and %d or later: upgrade %s",
		e.UID, e.Protocol, e.Oldest, e.own.protocol, e.own.oldest, older)
}

// Unwrap returns ErrBroker.
func (e *VersionError) Unwrap() error { return ErrBroker }

// MaxAddress is the length of the longest address of a server, in bytes.
const MaxAddress = 256

// Server is another Go server of the cluster, as its last heartbeat says.
type Server struct {
	// UID is its id among the servers, and Tag what ids of its sessions may hold instead.
	UID, Tag string
	// Protocol is the version that it speaks. If this server does not understand that, Tag and Address
	// are empty.
	Protocol int
	// Address is where it takes relayed requests, "" if it takes none.
	Address string
	// Age is the time since its last heartbeat.
	Age time.Duration
}

// Directory is an Adapter that knows the other Go servers of its cluster.
type Directory interface {
	// Tag returns the tag of this server: 6 characters of those in base64url.
	Tag() string
	// Announce tells the other servers at once where this one takes relayed requests. The error is
	// that the address is longer than MaxAddress, or that the broker carries no heartbeats.
	Announce(address string) error
	// Servers returns the other servers that are alive, by UID. They are those that were heard of
	// within HeartbeatTimeout.
	Servers() []Server
	// ServerByTag returns the server with a tag. On a fresh server it may wait, half a second at most,
	// until the others are known.
	ServerByTag(ctx context.Context, tag string) (Server, bool)
}

var _ Directory = (*Cluster)(nil)

// tagLen is the length of a tag.
const tagLen = 6

// tagOf returns the tag of a server: 36 bits of a hash of its uid.
func tagOf(uid string) string {
	sum := sha256.Sum256([]byte(uid))
	return base64.RawURLEncoding.EncodeToString(sum[:])[:tagLen]
}

// Tag implements [Directory].
func (x *Cluster) Tag() string { return tagOf(x.uid) }

// Announce implements [Directory]. All namespaces of a process announce one address, the last one.
func (x *Cluster) Announce(address string) error {
	switch {
	case len(address) > MaxAddress:
		return fmt.Errorf("adapter: the address for relayed requests has %d bytes, the limit is %d",
			len(address), MaxAddress)
	case x.hello == nil:
		return fmt.Errorf("%w: it carries no heartbeats of processes", ErrBroker)
	}
	x.hello.announce(address)
	return nil
}

// Servers implements [Directory].
func (x *Cluster) Servers() []Server {
	if x.hello == nil {
		return nil
	}
	return x.hello.known()
}

// ServerByTag implements [Directory].
func (x *Cluster) ServerByTag(ctx context.Context, tag string) (Server, bool) {
	if x.hello == nil || len(tag) != tagLen {
		return Server{}, false
	}
	s, ok := x.hello.byTag(tag)
	if !ok && x.hello.await(ctx) == nil {
		s, ok = x.hello.byTag(tag)
	}
	return s, ok
}

// announce has the next heartbeat, now, tell an address.
func (h *heartbeats) announce(address string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.address != address {
		h.address = strings.Clone(address)
		h.soonLocked(0)
	}
}

// helloLocked records what a server says of itself. It returns an error if this server does not
// understand it, the first time. Then nothing else that it says in the namespace "" is read: it counts
// as a server with every namespace.
func (h *heartbeats) helloLocked(uid string, p *peer, hello *Hello) error {
	if hello == nil {
		hello = &Hello{Protocol: 1, Oldest: 1}
	}
	p.protocol = hello.Protocol
	if own := h.cfg.version; !own.understands(version{hello.Protocol, hello.Oldest}) {
		before := p.foreign
		p.foreign, p.address = true, ""
		h.forgetLocked(uid, p)
		h.wantsLocked(p, false)
		h.present.forget(&p.counts)
		if before {
			return nil
		}
		return &VersionError{UID: strings.Clone(uid), Protocol: hello.Protocol, Oldest: hello.Oldest, own: own}
	}
	p.foreign = false
	switch {
	case len(hello.Address) > MaxAddress:
		p.address = ""
	case p.address != hello.Address:
		p.address = strings.Clone(hello.Address)
	}
	if p.tag == "" {
		p.tag = tagOf(uid)
		if _, taken := h.tags[p.tag]; !taken {
			h.tags[p.tag] = strings.Clone(uid)
		}
	}
	h.countsOfLocked(uid, p, hello)
	return nil
}

// forgetLocked forgets the tag of a server.
func (h *heartbeats) forgetLocked(uid string, p *peer) {
	if h.tags[p.tag] == uid {
		delete(h.tags, p.tag)
	}
	p.tag = ""
}

// known returns the other servers that send a Hello.
func (h *heartbeats) known() (all []Server) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for uid, p := range h.peers {
		if p.protocol != 0 {
			all = append(all, p.server(uid))
		}
	}
	slices.SortFunc(all, cmpUID)
	return all
}

func (h *heartbeats) byTag(tag string) (s Server, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if uid, known := h.tags[tag]; known {
		return h.peers[uid].server(uid), true
	}
	return Server{}, false
}

func (p *peer) server(uid string) Server {
	return Server{UID: uid, Tag: p.tag, Protocol: p.protocol, Address: p.address, Age: time.Since(p.heard)}
}
