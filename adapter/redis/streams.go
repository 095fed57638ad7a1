package redis

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/redis/rueidis"

	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/adapter/clusterwire"
	"github.com/gosocketio/socketio/internal/brokers"
)

// streams is the broker of the wire Streams. Messages for sockets are entries of streams, which all
// servers read; questions to servers and their answers are published on channels, which all servers
// are subscribed to.
type streams struct {
	connection
	writer *streamWriter

	mu      sync.Mutex
	readers map[string]*streamReader // by stream
}

var _ adapter.Broker = (*streams)(nil)

func newStreams(c Config) *streams {
	s := &streams{readers: make(map[string]*streamReader)}
	s.cfg, s.command = c.withStreamDefaults(), publish
	if c.ShardedPubSub {
		s.command = spublish
	}
	return s
}

// withStreamDefaults returns c with the defaults of the fields for Streams.
func (c Config) withStreamDefaults() Config {
	c.StreamName = cmp.Or(c.StreamName, c.Prefix)
	c.StreamCount = cmp.Or(c.StreamCount, 1)
	c.MaxLen = cmp.Or(c.MaxLen, 100_000)
	c.Retention = cmp.Or(c.Retention, 3*time.Minute)
	c.ReadCount = cmp.Or(c.ReadCount, 100)
	if c.SessionPrefix == "" {
		c.SessionPrefix = "sio:session:"
		if c.Prefix != defaultPrefix {
			c.SessionPrefix = c.Prefix + ":session:"
		}
	}
	return c
}

// Start implements adapter.Broker.
func (s *streams) Start(ctx context.Context, uid string, report func(error)) error {
	if err := s.start(ctx, uid, report, s.cfg.ShardedPubSub); err != nil {
		return err
	}
	s.outbox = adapter.NewOutbox(adapter.OutboxConfig{MaxBytes: s.cfg.MaxQueuedBytes, Send: s.send, Report: report})
	s.writer = newStreamWriter(s.client, &s.cfg, func(err error) {
		report(fmt.Errorf("%w: messages wait: %s", adapter.ErrBrokerDown, brokers.OneLine(err)))
	})
	return nil
}

// send sends a batch: the entries of streams first, however long it takes, and then the rest.
func (s *streams) send(ctx context.Context, batch []adapter.Item) error {
	entries := make([]*adapter.Item, 0, len(batch))
	published := batch[:0:0]
	for i := range batch {
		if batch[i].Message != nil {
			entries = append(entries, &batch[i])
		} else {
			published = append(published, batch[i])
		}
	}
	failed, err := s.writer.write(ctx, entries)
	s.failed.Add(uint64(failed))
	s.sent.Add(uint64(len(entries) - failed))
	if len(published) > 0 {
		err = errors.Join(err, s.connection.send(ctx, published))
	}
	return err
}

// Close implements adapter.Broker. The readers have ended with the links.
func (s *streams) Close(ctx context.Context) error { return s.end(ctx) }

// Join implements adapter.Broker.
func (s *streams) Join(ctx context.Context, m adapter.Member) (adapter.Link, error) {
	if m.Namespace() == "" {
		return s.joinProcess(ctx, m)
	}
	l := newStreamLink(s, m)
	if s.cfg.StreamCount > 1 && streamIndex(l.namespace, s.cfg.StreamCount) < 0 {
		s.report(fmt.Errorf("%w: servers in Node never read stream %s of namespace %s, a defect of the official "+
			"adapter; another StreamCount or name helps", adapter.ErrBroker, l.stream, l.namespace))
	}
	l.reader = s.reader(l)
	err := l.reader.wait(ctx)
	if err == nil {
		err = join(ctx, s.subs, l, subject{l.public, false}, subject{l.private(s.uid), false})
	}
	if err != nil {
		return nil, errors.Join(s.joinError(l.namespace, err), l.Close())
	}
	return l, nil
}

// reader returns the reader of a namespace's stream, which has its link from now on.
func (s *streams) reader(l *streamLink) *streamReader {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.readers[l.stream]
	if r == nil {
		r = newStreamReader(&s.connection, l.stream)
		s.readers[l.stream] = r
	}
	r.add(l)
	return r
}

// release removes a link from its reader, which ends with the last one.
func (s *streams) release(l *streamLink) {
	s.mu.Lock()
	last := l.reader.remove(l)
	if last && s.readers[l.stream] == l.reader {
		delete(s.readers, l.stream)
	}
	s.mu.Unlock()
	if last {
		l.reader.stop()
	}
}

// streamLink is a namespace's link of the wire Streams.
type streamLink struct {
	link
	s                         *streams
	namespace, stream, public string
	reader                    *streamReader
	own                       bool // the member wants what comes back
}

var (
	_ adapter.Link    = (*streamLink)(nil)
	_ adapter.Counter = (*streamLink)(nil)
)

func newStreamLink(s *streams, m adapter.Member) *streamLink {
	c, namespace := &s.cfg, m.Namespace()
	o, ok := m.(adapter.OwnReceiver)
	return &streamLink{
		link: link{c: &s.connection, to: brokers.Delivery{To: m}}, s: s, namespace: namespace, own: !ok || o.ReceivesOwn(),
		stream: streamName(c.StreamName, c.StreamCount, namespace),
		public: c.Prefix + "#" + namespace + "#",
	}
}

// private returns the channel of answers to one server.
func (l *streamLink) private(uid string) string { return l.public + uid + "#" }

// Publish implements adapter.Link.
func (l *streamLink) Publish(m *adapter.Message) error {
	switch m.Type {
	case adapter.MessageInitialHeartbeat, adapter.MessageHeartbeat, adapter.MessageAdapterClose:
		return nil // servers are counted
	default:
	}
	it, err := streamItem(&l.c.cfg, m)
	if err == nil {
		err = checkDepth(m)
	}
	if err != nil {
		return err
	}
	return l.c.outbox.Put(it)
}

// Reply implements adapter.Link.
func (l *streamLink) Reply(to, m *adapter.Message) error {
	data, err := clusterwire.EncodeMsgpack(m)
	if err != nil {
		return err
	}
	return l.c.put(l.private(to.UID), data, m)
}

// Close implements adapter.Link.
func (l *streamLink) Close() error {
	l.close()
	l.s.subs.leave(l)
	l.s.release(l)
	return nil
}

// Count implements adapter.Counter. The servers with a namespace are the subscribers of its public
// channel.
func (l *streamLink) Count(ctx context.Context) (int, error) {
	return l.c.count(ctx, func(b rueidis.Builder) rueidis.Completed {
		if l.c.cfg.ShardedPubSub {
			return b.PubsubShardnumsub().Channel(l.public).Build()
		}
		return b.PubsubNumsub().Channel(l.public).Build()
	})
}

// receive implements receiver: a question or an answer.
func (l *streamLink) receive(_, payload string) {
	m, err := clusterwire.Read(payload)
	if err != nil {
		l.reject()
		return
	}
	l.deliver(m)
}

// gap implements receiver. What is in the stream is not missed when a subscription is interrupted.
func (l *streamLink) gap(err error) {
	l.link.gap(fmt.Errorf("questions and events with acknowledgements, which are not in the stream: %w", err))
}
