package redis

import (
	"context"
	"strings"

	"github.com/redis/rueidis"

	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/adapter/clusterwire"
	"github.com/gosocketio/socketio/internal/brokers"
)

// sharded is the broker of the wire Sharded.
type sharded struct {
	connection
}

func newSharded(c Config) *sharded {
	return &sharded{connection: connection{cfg: c, command: spublish}}
}

// spublish is the command that sends an item to a shard channel.
func spublish(b rueidis.Builder, it *adapter.Item) rueidis.Completed {
	return b.Spublish().Channel(it.Key).Message(rueidis.BinaryString(it.Data)).Build()
}

// Start implements adapter.Broker.
func (x *sharded) Start(ctx context.Context, uid string, report func(error)) error {
	return x.start(ctx, uid, report, true)
}

// Join implements adapter.Broker.
func (x *sharded) Join(ctx context.Context, m adapter.Member) (adapter.Link, error) {
	if m.Namespace() == "" {
		return x.joinProcess(ctx, m)
	}
	l := newShardedLink(&x.connection, x.subs, m)
	if err := join(ctx, x.subs, l, subject{l.all, false}, subject{l.own, false}); err != nil {
		return nil, x.joinError(m.Namespace(), err)
	}
	if x.cfg.SubscriptionMode == Static {
		return l, nil
	}
	return &routedShardedLink{l}, nil
}

// Close implements adapter.Broker.
func (x *sharded) Close(ctx context.Context) error { return x.end(ctx) }

// shardedLink is a namespace's link of the wire Sharded.
type shardedLink struct {
	link
	subs     subscriptions
	all, own string // channels: for all servers, for this one; those of rooms begin with all
	echoes   [2]string
	joins    brokers.Joins
}

func newShardedLink(c *connection, subs subscriptions, m adapter.Member) *shardedLink {
	l := &shardedLink{
		link: link{c: c, to: brokers.Delivery{To: m}}, subs: subs, all: c.cfg.Prefix + "#" + m.Namespace() + "#",
	}
	l.own = l.channel(c.uid)
	l.echoes = l.endings()
	return l
}

// channel returns the channel of a room, or of a server.
func (l *shardedLink) channel(name string) string { return l.all + name + "#" }

// hasChannel reports whether a room has a channel of its own.
func (l *shardedLink) hasChannel(room string) bool {
	switch l.c.cfg.SubscriptionMode {
	case Static:
		return false
	case DynamicPrivate:
		return true
	default:
		return !looksPrivate(room)
	}
}

// looksPrivate reports whether official servers take a room for that of one socket: its name has 20
// units of UTF-16, as the ids of sockets.
func looksPrivate(room string) bool {
	units := 0
	for _, r := range room {
		if units++; r > 0xFFFF {
			units++
		}
	}
	return units == 20
}

// Publish implements adapter.Link.
func (l *shardedLink) Publish(m *adapter.Message) error { return l.send(l.target(m), m) }

// target returns the channel of a message for all servers.
func (l *shardedLink) target(m *adapter.Message) string {
	switch {
	case m.Type == adapter.MessageSocketsJoin:
		l.joins.Add(m.Rooms)
	case m.Type == adapter.MessageBroadcast && m.RequestID == "" && len(m.Options.Rooms) == 1:
		if room := m.Options.Rooms[0]; l.hasChannel(room) && !l.joins.Any(m.Options.Rooms) {
			return l.channel(room)
		}
	}
	return l.all
}

// Reply implements adapter.Link.
func (l *shardedLink) Reply(to, m *adapter.Message) error { return l.send(l.channel(to.UID), m) }

func (l *shardedLink) send(channel string, m *adapter.Message) error {
	switch m.Type {
	case adapter.MessageInitialHeartbeat, adapter.MessageHeartbeat, adapter.MessageAdapterClose:
		return nil // the servers are counted
	default:
	}
	data, _, err := clusterwire.Append(getBuffer(clusterwire.Size(m)), m)
	if err != nil {
		return err
	}
	return l.c.put(channel, data, m)
}

// Count implements adapter.Counter. The servers with a namespace are the subscribers of the channel
// for all.
func (l *shardedLink) Count(ctx context.Context) (int, error) {
	return l.c.count(ctx, func(b rueidis.Builder) rueidis.Completed {
		return b.Arbitrary("PUBSUB", "SHARDNUMSUB").Args(l.all).ReadOnly()
	})
}

// Close implements adapter.Link.
func (l *shardedLink) Close() error {
	l.close()
	l.subs.leave(l)
	return nil
}

// routedShardedLink is a shardedLink that subscribes to rooms.
type routedShardedLink struct{ *shardedLink }

// RoomOpened implements adapter.Router.
func (l *routedShardedLink) RoomOpened(room string) {
	if l.hasChannel(room) {
		l.subs.add(l.shardedLink, nil, subject{l.channel(room), false})
	}
}

// RoomClosed implements adapter.Router.
func (l *routedShardedLink) RoomClosed(room string) {
	if l.hasChannel(room) {
		l.subs.remove(l.shardedLink, subject{l.channel(room), false})
	}
}

// Settle implements adapter.Router.
func (l *routedShardedLink) Settle(ctx context.Context) { l.c.settleRooms(ctx) }

// endings returns how the messages of this server end, as JSON and as MessagePack.
func (l *shardedLink) endings() (texts [2]string) {
	m := &adapter.Message{UID: l.c.uid, Namespace: l.to.To.Namespace(), Type: adapter.MessageHeartbeat}
	text, _, err1 := clusterwire.Encode(m)
	packed, err2 := clusterwire.EncodeMsgpack(m)
	if err1 == nil && err2 == nil { // else no message can be encoded
		texts[0] = string(text[strings.Index(string(text), `,"uid"`):])
		texts[1] = string(packed[strings.Index(string(packed), "\xa3uid"):])
	}
	return texts
}

// receive implements receiver.
func (l *shardedLink) receive(_, payload string) {
	if strings.HasSuffix(payload, l.echoes[0]) || strings.HasSuffix(payload, l.echoes[1]) {
		return // its own, which need not be read
	}
	m, err := clusterwire.Read(payload)
	switch {
	case err != nil:
		l.reject()
	case m.UID != l.c.uid && m.Namespace == l.to.To.Namespace():
		l.deliver(m)
	}
}
