package redis

import (
	"context"
	"strings"
	"sync/atomic"

	"github.com/redis/rueidis"

	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/internal/brokers"
	"github.com/gosocketio/socketio/protocol/msgpack"
)

// classic is the broker of the wire PubSub.
type classic struct {
	connection
	officials *officials // nil with Static
}

func newClassic(c Config) *classic {
	return &classic{connection: connection{cfg: c, command: publish}}
}

// publish is the command that sends an item to a channel.
func publish(b rueidis.Builder, it *adapter.Item) rueidis.Completed {
	return b.Publish().Channel(it.Key).Message(rueidis.BinaryString(it.Data)).Build()
}

// Start implements adapter.Broker.
func (x *classic) Start(ctx context.Context, uid string, report func(error)) error {
	err := x.start(ctx, uid, report, false)
	if err == nil && x.cfg.SubscriptionMode != Static {
		x.officials = newOfficials(&x.connection)
	}
	return err
}

// Join implements adapter.Broker.
func (x *classic) Join(ctx context.Context, m adapter.Member) (adapter.Link, error) {
	if m.Namespace() == "" {
		return x.joinProcess(ctx, m)
	}
	l := newClassicLink(&x.connection, x.subs, m)
	l.officials = x.officials // messages may come before join has returned
	subjects := []subject{{l.events, false}, {l.requests, false}, {l.responses, false}, {l.own, false}, {l.marker, false}}
	if x.cfg.SubscriptionMode == Static {
		subjects[0] = l.pattern()
	}
	if err := join(ctx, x.subs, l, subjects...); err != nil {
		return nil, x.joinError(l.namespace, err)
	}
	if x.cfg.SubscriptionMode == Static {
		return l, nil
	}
	x.officials.add(l)
	x.officials.look(ctx)
	return &routedLink{l}, nil
}

// Close implements adapter.Broker.
func (x *classic) Close(ctx context.Context) error {
	if x.officials != nil {
		x.officials.close()
	}
	return x.end(ctx)
}

// classicLink is a namespace's link of the wire PubSub.
type classicLink struct {
	link
	subs                        subscriptions
	namespace                   string
	events, requests, responses string      // channels; those of rooms begin with events
	own                         string      // the channel of responses to this server alone
	marker                      string      // the channel that servers of this kind subscribe to
	echo, head, tail            string      // see frame
	officials                   *officials  // nil with Static
	allRooms                    atomic.Bool // set by officials: it is subscribed to the pattern too
	joins                       brokers.Joins
}

func newClassicLink(c *connection, subs subscriptions, m adapter.Member) *classicLink {
	prefix, nsp := c.cfg.Prefix, m.Namespace()
	l := &classicLink{
		link: link{c: c, to: brokers.Delivery{To: m}}, subs: subs, namespace: nsp,
		events:    prefix + "#" + nsp + "#",
		requests:  prefix + "-request#" + nsp + "#",
		responses: prefix + "-response#" + nsp + "#",
	}
	l.own, l.marker = l.private(c.uid), l.private("go")
	l.echo, l.head, l.tail = l.frame()
	return l
}

// frame returns the constant parts of events: how they begin, and what is before and after the name
// and the arguments. tail is empty if the namespace is not UTF-8, which only JSON corrects.
func (l *classicLink) frame() (echo, head, tail string) {
	uid, _ := msgpack.AppendEvent(nil, l.c.uid, nil) // an array of the uid, which is ASCII
	echo = "\x93" + string(uid[1:])                  // [uid,
	head = echo + "\x83\xa4type\x02\xa4data"         // {type: 2, data:
	if nsp, ok := msgpack.AppendEvent(nil, l.namespace, nil); ok {
		tail = "\xa3nsp" + string(nsp[1:]) // nsp: namespace}
	}
	return echo, head, tail
}

// pattern matches the channels of all events.
func (l *classicLink) pattern() subject { return subject{escapeGlob(l.events) + "*", true} }

// private returns the channel of responses to one server.
func (l *classicLink) private(uid string) string { return l.responses + uid + "#" }

// Publish implements adapter.Link.
func (l *classicLink) Publish(m *adapter.Message) error {
	data, err := l.encode(m)
	if err != nil || data == nil {
		return err
	}
	return l.c.put(l.target(m), data, m)
}

// target returns the channel of a message for all servers.
func (l *classicLink) target(m *adapter.Message) string {
	switch {
	case m.Type == adapter.MessageSocketsJoin:
		l.joins.Add(m.Rooms)
		return l.requests
	case m.Type != adapter.MessageBroadcast || m.RequestID != "":
		return l.requests
	case len(m.Options.Rooms) == 1 && !l.joins.Any(m.Options.Rooms):
		return l.events + m.Options.Rooms[0] + "#"
	default:
		return l.events
	}
}

// Reply implements adapter.Link.
func (l *classicLink) Reply(to, m *adapter.Message) error {
	data, err := l.encodeResponse(m)
	if err != nil || data == nil {
		return err
	}
	channel := l.responses
	if l.c.cfg.PrivateResponses && m.Type != adapter.MessageServerSideEmitResponse && to.UID != adapter.Emitter {
		channel = l.private(to.UID)
	}
	return l.c.put(channel, data, m)
}

// Count implements adapter.Counter. The servers with a namespace are the subscribers of its
// channel of requests.
func (l *classicLink) Count(ctx context.Context) (int, error) {
	return l.c.count(ctx, func(b rueidis.Builder) rueidis.Completed {
		return b.PubsubNumsub().Channel(l.requests).Build()
	})
}

// Close implements adapter.Link.
func (l *classicLink) Close() error {
	l.close()
	if l.officials != nil {
		l.officials.remove(l)
	}
	l.subs.leave(l)
	return nil
}

// routedLink is a classicLink that subscribes to rooms.
type routedLink struct{ *classicLink }

// RoomOpened implements adapter.Router.
func (l *routedLink) RoomOpened(room string) {
	l.subs.add(l.classicLink, nil, subject{l.events + room + "#", false})
}

// RoomClosed implements adapter.Router.
func (l *routedLink) RoomClosed(room string) {
	l.subs.remove(l.classicLink, subject{l.events + room + "#", false})
}

// Settle implements adapter.Router.
func (l *routedLink) Settle(ctx context.Context) { l.c.settleRooms(ctx) }

// receive implements receiver.
func (l *classicLink) receive(channel, payload string) {
	var err error
	switch {
	case channel == l.requests:
		err = l.request(payload)
	case channel == l.responses || channel == l.own:
		err = l.response(payload)
	case strings.HasPrefix(payload, l.echo): // its own, which need not be read
	default:
		err = l.event(payload)
	}
	if err != nil {
		l.reject()
	}
}
