package nats

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/adapter/clusterwire"
	"github.com/gosocketio/socketio/internal/brokers"
)

// stream is the broker with a log. Messages for sockets are in a stream, which all servers read;
// questions to servers and their answers are not.
type stream struct {
	connection
	js     jetstream.JetStream
	kv     jetstream.KeyValue
	writer *writer
	reader *reader

	batches bool // the NATS server knows batches
}

func newStream(c Config) *stream { return &stream{connection: connection{cfg: c}} }

// apiTimeout limits a question to JetStream.
const apiTimeout = 5 * time.Second

// Start implements adapter.Broker.
func (x *stream) Start(ctx context.Context, uid string, report func(error)) error {
	x.reader = new(reader)
	x.back = x.reader.restart
	if err := x.start(ctx, uid, report, x.send); err != nil {
		return err
	}
	err := x.startStream(ctx)
	if err != nil {
		err = fmt.Errorf("%w: nats at %s: JetStream: %s", adapter.ErrBroker, x.where, oneLine(err))
		return errors.Join(err, x.end(ctx))
	}
	return nil
}

func (x *stream) startStream(ctx context.Context) (err error) {
	if x.js, err = jetstream.New(x.nc, jetstream.WithDefaultTimeout(apiTimeout)); err != nil {
		return err
	}
	var major, minor int
	version := x.nc.ConnectedServerVersion()
	_, _ = fmt.Sscanf(version, "%d.%d", &major, &minor)
	if x.batches = major > 2 || major == 2 && minor >= 14; !x.batches {
		x.report(fmt.Errorf("%w: nats at %s: JetStream: messages are stored one by one: the NATS server is %s, "+
			"from 2.14 on it takes many at once", adapter.ErrBroker, x.where, version))
	}
	info, err := x.make(ctx)
	if err != nil {
		return err
	}
	if x.writer, err = newWriter(x); err != nil {
		return err
	}
	x.reader.start(x, position{madeAt(info.Created), info.State.LastSeq})
	return nil
}

// make makes the stream and the bucket unless they are there. A NATS server that has just started may
// not know yet who leads: it is asked again until ctx ends.
func (x *stream) make(ctx context.Context) (*jetstream.StreamInfo, error) {
	began := time.Now()
	for tries := 0; ; tries++ {
		info, err := x.tryMake(ctx)
		if errors.Is(err, nats.ErrNoResponders) && time.Since(began) > readyTime {
			return nil, errors.New("the NATS server does not have it enabled (nats-server -js)")
		}
		if err == nil || permanent(err) {
			return info, err
		}
		if brokers.Backoff(ctx, tries) != nil {
			return nil, noAnswer(err)
		}
	}
}

// readyTime is how long a NATS server with JetStream may say that it has none, after its start.
const readyTime = 2 * time.Second

// permanent tells whether asking JetStream again is of no use.
func permanent(err error) bool {
	if errors.Is(err, jetstream.ErrJetStreamNotEnabled) || errors.Is(err, jetstream.ErrJetStreamNotEnabledForAccount) {
		return true
	}
	e, ok := errors.AsType[jetstream.JetStreamError](err)
	if !ok || e.APIError() == nil {
		return false
	}
	api := e.APIError()
	return api.Code != 503 && api.ErrorCode != noPeers && api.ErrorCode != beingStored
}

// Codes of JetStream.
const (
	noPeers     = 10005 // too few servers: others may still be starting
	beingStored = 10158 // a message with this Nats-Msg-Id may be stored soon
)

func (x *stream) tryMake(ctx context.Context) (*jetstream.StreamInfo, error) {
	ctx, cancel := context.WithTimeout(ctx, makeTimeout)
	defer cancel()
	c, storage := &x.cfg, jetstream.FileStorage
	if c.Memory {
		storage = jetstream.MemoryStorage
	}
	s, err := x.js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
		Name: c.Stream, Description: "broadcasts of socketio", Subjects: []string{c.Prefix + ".*.log.*"},
		MaxMsgs: int64(c.MaxLen), MaxAge: c.Retention, Storage: storage, Replicas: c.Replicas,
		Duplicates: c.doubtTime(), AllowDirect: true, AllowBatchPublish: x.batches,
	})
	if err != nil {
		return nil, err
	}
	x.kv, err = x.js.CreateOrUpdateKeyValue(ctx, jetstream.KeyValueConfig{
		Bucket: c.Stream + "-sessions", Description: "sessions of socketio", TTL: c.Retention, Storage: storage,
		Replicas: c.Replicas,
	})
	return s.CachedInfo(), err
}

// makeTimeout limits one attempt to make them: servers that have no leader yet do not answer.
const makeTimeout = 2 * time.Second

// doubtTime is how long JetStream recognises a message that is sent again.
func (c *Config) doubtTime() time.Duration { return min(c.Retention, time.Minute) }

// info asks for the state of the stream. Its leader answers.
func (x *stream) info(ctx context.Context) (*jetstream.StreamInfo, error) {
	ctx, cancel := context.WithTimeout(ctx, apiTimeout)
	defer cancel()
	s, err := x.js.Stream(ctx, x.cfg.Stream)
	if err != nil {
		return nil, err
	}
	return s.CachedInfo(), nil
}

// send sends a batch: what is kept first, however long it takes, and then the rest.
func (x *stream) send(ctx context.Context, batch []adapter.Item) error {
	kept := make([]*adapter.Item, 0, len(batch))
	rest := batch[:0:0]
	for i := range batch {
		if brokers.InLog(batch[i].Message) {
			kept = append(kept, &batch[i])
		} else {
			rest = append(rest, batch[i])
		}
	}
	failed, err := x.writer.write(ctx, kept)
	x.failed.Add(uint64(failed))
	x.sent.Add(uint64(len(kept) - failed))
	if len(rest) > 0 {
		err = errors.Join(err, x.connection.send(ctx, rest))
	}
	return err
}

// Join implements adapter.Broker.
func (x *stream) Join(ctx context.Context, m adapter.Member) (adapter.Link, error) {
	l := &logLink{link: newLink(&x.connection, m), x: x}
	l.log = l.prefix + "log." + token(x.uid)
	if r, says := m.(adapter.OwnReceiver); says && !r.ReceivesOwn() {
		l.own = l.log
	}
	if err := x.join(ctx, l.link, l.all, l.private(x.uid)); err != nil {
		return nil, err
	}
	return l, nil
}

// Stats implements adapter.Broker.
func (x *stream) Stats() adapter.BrokerStats { return x.stats("JetStream") }

// Close implements adapter.Broker.
func (x *stream) Close(ctx context.Context) error {
	if x.outbox == nil || x.isClosing() { // it has not been started, or was closed
		return nil
	}
	err := x.outbox.Close(ctx) // while the writer can
	x.reader.stop()
	return errors.Join(err, x.end(ctx))
}

// logLink is a namespace's link of a stream.
type logLink struct {
	*link
	x   *stream
	log string // the subject of what this server adds to the stream
}

var _ adapter.Log = (*logLink)(nil)

// Publish implements adapter.Link.
func (l *logLink) Publish(m *adapter.Message) error {
	data, _, err := clusterwire.Encode(m)
	if err != nil {
		return err
	}
	it := adapter.Item{Key: l.all, Data: data, Message: m}
	if brokers.InLog(m) {
		it.Key = l.log
	}
	return l.c.put(it)
}

// message reads a message of the stream.
func (l *link) message(p position, data []byte) (*adapter.Message, error) {
	m, err := clusterwire.Read(string(data))
	if err == nil && (m.Namespace != l.namespace || !brokers.InLog(m)) {
		err = clusterwire.ErrMessage
	}
	if err != nil {
		return nil, err
	}
	m.Position = p.String()
	return m, nil
}

// noResponders tells whether a message is the answer of a NATS server that nobody listens.
func noResponders(m *nats.Msg) bool { return len(m.Data) == 0 && m.Header.Get("Status") == "503" }
