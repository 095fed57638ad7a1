package redis

import (
	"context"

	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/adapter/clusterwire"
	"github.com/gosocketio/socketio/internal/brokers"
)

// processLink is the link of the namespace "", for the heartbeats of processes. It is the same for all
// wires: one channel, in the encoding of package clusterwire. Official servers are not subscribed to
// it, because their names of namespaces begin with a slash.
type processLink struct {
	link
	subs    subscriptions
	channel string
}

// joinProcess subscribes to the heartbeats of processes.
func (c *connection) joinProcess(ctx context.Context, m adapter.Member) (adapter.Link, error) {
	l := &processLink{link: link{c: c, to: brokers.Delivery{To: m}}, subs: c.subs, channel: c.cfg.Prefix + "##"}
	if err := join(ctx, c.subs, l, subject{l.channel, false}); err != nil {
		return nil, c.joinError(`""`, err)
	}
	return l, nil
}

// Publish implements adapter.Link.
func (l *processLink) Publish(m *adapter.Message) error {
	data, _, err := clusterwire.Encode(m)
	if err != nil {
		return err
	}
	return l.c.put(l.channel, data, m)
}

// Reply implements adapter.Link. Heartbeats want no answer.
func (l *processLink) Reply(_, m *adapter.Message) error { return l.Publish(m) }

// Close implements adapter.Link.
func (l *processLink) Close() error {
	l.close()
	l.subs.leave(l)
	return nil
}

// receive implements receiver.
func (l *processLink) receive(_, payload string) {
	m, err := clusterwire.Read(payload)
	switch {
	case err != nil || m.Namespace != "":
		l.reject()
	case m.UID != l.c.uid:
		l.deliver(m)
	}
}
