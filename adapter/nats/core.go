package nats

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go"

	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/adapter/clusterwire"
	"github.com/gosocketio/socketio/internal/brokers"
)

// core is the broker without a log.
type core struct{ connection }

func newCore(c Config) *core { return &core{connection{cfg: c}} }

// Start implements adapter.Broker.
func (x *core) Start(ctx context.Context, uid string, report func(error)) error {
	return x.start(ctx, uid, report, x.send)
}

// Join implements adapter.Broker.
func (x *core) Join(ctx context.Context, m adapter.Member) (adapter.Link, error) {
	l := newLink(&x.connection, m)
	subjects := []string{l.all, l.private(x.uid)}
	if x.cfg.SubscriptionMode == Static {
		subjects = append(subjects, l.rooms+"*")
	}
	if err := x.join(ctx, l, subjects...); err != nil {
		return nil, err
	}
	if x.cfg.SubscriptionMode == Static {
		return l, nil
	}
	return &routedLink{l}, nil
}

// Stats implements adapter.Broker.
func (x *core) Stats() adapter.BrokerStats { return x.stats("core") }

// Close implements adapter.Broker.
func (x *core) Close(ctx context.Context) error { return x.end(ctx) }

// link is a namespace's link.
type link struct {
	c         *connection
	to        brokers.Delivery
	namespace string
	token     string // of namespace
	prefix    string // of the subjects that follow
	all       string // the subject for all servers
	rooms     string // begins the subjects of rooms
	own       string // the subject in the log of what the member does without; "" if there is none
	joins     brokers.Joins

	seen seen // of the inbox
}

func newLink(c *connection, m adapter.Member) *link {
	l := &link{c: c, to: brokers.Delivery{To: m}, namespace: m.Namespace(), token: token(m.Namespace())}
	l.prefix = c.cfg.Prefix + "." + l.token + "."
	l.all, l.rooms = l.prefix+"all", l.prefix+"room."
	return l
}

// private returns the subject of answers to one server.
func (l *link) private(uid string) string { return l.prefix + "to." + token(uid) }

// maxCopies limits the rooms of a broadcast that is published once for each.
const maxCopies = 4

// copyHeader is in each message that is published more than once: its value is the same in all, and
// no other one of this server has it.
const copyHeader = "Sio-Copy"

// maxHeader is more than copyHeader takes.
const maxHeader = 128

// Publish implements adapter.Link.
func (l *link) Publish(m *adapter.Message) error {
	data, _, err := clusterwire.Encode(m)
	if err != nil {
		return err
	}
	if m.Type == adapter.MessageSocketsJoin {
		l.joins.Add(m.Rooms)
	}
	return l.c.put(adapter.Item{Key: l.target(m), Data: data, Message: m})
}

// target returns the subject of a message for all servers, or those of its rooms with a space between
// them.
func (l *link) target(m *adapter.Message) string {
	rooms := m.Options.Rooms
	if m.Type != adapter.MessageBroadcast || m.RequestID != "" || len(rooms) == 0 || len(rooms) > maxCopies ||
		l.joins.Any(rooms) {
		return l.all
	}
	if len(rooms) == 1 {
		return l.rooms + token(rooms[0])
	}
	var b strings.Builder
	for i, room := range rooms {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(l.rooms)
		b.WriteString(token(room))
	}
	return b.String()
}

// Reply implements adapter.Link.
func (l *link) Reply(to, m *adapter.Message) error {
	data, _, err := clusterwire.Encode(m)
	if err != nil {
		return err
	}
	return l.c.put(adapter.Item{Key: l.private(to.UID), Data: data, Message: m})
}

// publish gives an item to the connection, once for each of its subjects. A server that is subscribed
// to several of them receives the copies one after the other.
func (c *connection) publish(it *adapter.Item) error {
	subject, more, several := strings.Cut(it.Key, " ")
	if !several {
		return c.nc.Publish(subject, it.Data)
	}
	c.copies++
	header := nats.Header{copyHeader: {c.uid + "." + strconv.FormatUint(c.copies, 10)}}
	for several {
		if err := c.nc.PublishMsg(&nats.Msg{Subject: subject, Header: header, Data: it.Data}); err != nil {
			return err
		}
		several = more != ""
		subject, more, _ = strings.Cut(more, " ")
	}
	return nil
}

// Close implements adapter.Link.
func (l *link) Close() error {
	l.c.leave(l)
	return nil
}

// close stops delivery. None is under way when it returns.
func (l *link) close() { l.to.Close() }

// receive passes a message to the member. The inbox calls it, one message at a time.
func (l *link) receive(x *nats.Msg) {
	if x.Header != nil && l.seen.again(x.Header.Get(copyHeader)) {
		return
	}
	m, err := clusterwire.Read(string(x.Data))
	switch {
	case err != nil || m.Namespace != l.namespace: // not logged: it may be much
		l.c.invalid.Add(1)
	case m.UID != l.c.uid: // a connection of the user's may echo
		l.deliver(m)
	}
}

func (l *link) deliver(m *adapter.Message) {
	if m.Type == adapter.MessageSocketsJoin {
		l.joins.Add(m.Rooms)
	}
	l.c.received.Add(1)
	l.to.Receive(m)
}

func (l *link) gap(err error) {
	if !errors.Is(err, adapter.ErrBroker) {
		err = fmt.Errorf("%w: %s", adapter.ErrBrokerDown, oneLine(err))
	}
	l.to.Gap(err)
}

// routedLink is a link that subscribes to rooms.
type routedLink struct{ *link }

var _ adapter.Router = (*routedLink)(nil)

// RoomOpened implements adapter.Router.
func (l *routedLink) RoomOpened(room string) { l.c.subs.add(l.rooms + token(room)) }

// Settle implements adapter.Router.
func (l *routedLink) Settle(ctx context.Context) { l.c.subs.settle(ctx) }

// RoomClosed implements adapter.Router.
func (l *routedLink) RoomClosed(room string) { l.c.subs.remove(l.rooms + token(room)) }
