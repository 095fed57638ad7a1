package postgres

import (
	"fmt"
	"strings"
	"sync/atomic"

	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/adapter/clusterwire"
	"github.com/gosocketio/socketio/internal/brokers"
	"github.com/gosocketio/socketio/protocol"
)

// link is a namespace's end of the broker.
type link struct {
	b       *broker
	to      brokers.Delivery
	channel string
	begin   string        // how its own references to rows begin
	end     string        // how its own messages end
	done    chan struct{} // closed when it is confirmed for the first time

	// Up to here broadcasts were received that are not in the log. (Recovery)
	unknown atomic.Pointer[position]

	// Of the goroutine of the listener.
	confirmed bool
}

func newLink(b *broker, m adapter.Member, channel string) *link {
	uid := string(protocol.AppendString([]byte(`"uid":`), b.uid))
	return &link{
		b: b, to: brokers.Delivery{To: m}, channel: channel, done: make(chan struct{}), begin: "{" + uid + ",",
		end: "," + uid + string(protocol.AppendString([]byte(`,"nsp":`), m.Namespace())) + "}",
	}
}

// Publish implements adapter.Link.
func (l *link) Publish(m *adapter.Message) error {
	data, binary, err := clusterwire.Encode(m)
	if err == nil && !binary && len(data)+l.b.markLen(m) > l.b.cfg.PayloadThreshold {
		binary = true
		data, err = clusterwire.EncodeMsgpack(m)
	}
	if err != nil {
		return err
	}
	if binary && !l.b.hasTable.Load() {
		return fmt.Errorf("%w: %w", adapter.ErrTooLarge, l.b.noTable())
	}
	return l.b.outbox.Put(adapter.Item{Key: l.channel, Data: data, Message: m})
}

// Reply implements adapter.Link. There are no channels for single servers.
func (l *link) Reply(_, m *adapter.Message) error { return l.Publish(m) }

// Close implements adapter.Link.
func (l *link) Close() error {
	l.to.Close()
	l.b.listener.remove(l)
	return nil
}

// own reports whether a payload is a message of this process, which need not be read.
func (l *link) own(payload string) bool {
	return strings.HasPrefix(payload, l.begin) || strings.HasSuffix(strings.TrimRight(payload, " "), l.end)
}

// receive passes a message on, JSON or MessagePack. Emitters leave out the namespace.
func (l *link) receive(text string) {
	m, err := clusterwire.Read(text)
	if err != nil {
		l.b.invalid.Add(1)
		return
	}
	if m.Namespace == "" {
		m.Namespace = l.to.To.Namespace()
	}
	if m.UID == l.b.uid || m.Namespace != l.to.To.Namespace() {
		return
	}
	if l.b.cfg.Recovery && m.Type == adapter.MessageBroadcast && brokers.InLog(m) {
		l.strange()
	}
	l.b.received.Add(1)
	l.to.Receive(m)
}

// gap tells the member that messages may have been lost.
func (l *link) gap(err error) { l.to.Gap(err) }
