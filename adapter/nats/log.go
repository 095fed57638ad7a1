package nats

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/internal/brokers"
)

// Reached implements adapter.Log.
func (l *logLink) Reached() string { return l.x.reader.position().String() }

// ComparePositions implements adapter.Log.
func (l *logLink) ComparePositions(a, b string) int {
	return brokers.ComparePositions(a, b, parsePosition, position.compare)
}

// After implements adapter.Log.
func (l *logLink) After(ctx context.Context, from string) iter.Seq2[*adapter.Message, error] {
	return func(yield func(*adapter.Message, error) bool) {
		p, ok := parsePosition(from)
		if !ok {
			yield(nil, adapter.ErrPosition)
			return
		}
		read := l.x.reader.position() // the reader gives the caller the messages after it
		var behind error              // what the last leader that answered said
		for tries := 0; ; tries++ {
			newest, err := l.newest(ctx, p, read)
			if errors.Is(err, errBehind) {
				if behind = l.x.apiError("its state", err); brokers.Backoff(ctx, tries) == nil {
					continue
				}
			}
			if err != nil && behind != nil && ctx.Err() != nil { // it may have ended within a question
				err = behind
			}
			if err == nil && p.seq == newest {
				return
			}
			var page []stored
			if err == nil {
				behind = nil
				page, err = l.x.page(ctx, p.seq+1)
			}
			if err != nil {
				yield(nil, err)
				return
			}
			for _, s := range page {
				if s.seq != p.seq+1 {
					yield(nil, adapter.ErrPosition) // trimmed in the meantime
					return
				}
				p.seq, tries = s.seq, 0
				if !strings.HasPrefix(s.subject, l.prefix) {
					continue
				}
				m, err := l.message(p, s.data)
				if err == nil && m.Type == adapter.MessageBroadcast && !yield(m, nil) {
					return
				}
			}
			if p.seq >= newest { // a log that grows all the time must not keep the client
				return
			}
			if len(page) == 0 { // a replica that does not have it yet has answered
				if err := brokers.Backoff(ctx, tries); err != nil {
					yield(nil, err)
					return
				}
			}
		}
	}
}

// errBehind means that a server answers as the leader of the stream and lacks messages that were
// read. It was stopped or cut off, and another server leads now.
var errBehind = errors.New("the leader that answers is behind")

// newest returns the sequence of the stream's newest message, ErrPosition unless the stream has
// everything after p, errBehind unless it reaches read.
func (l *logLink) newest(ctx context.Context, p, read position) (uint64, error) {
	info, err := l.x.info(ctx)
	switch {
	case errors.Is(err, jetstream.ErrStreamNotFound):
		return 0, adapter.ErrPosition
	case err != nil:
		return 0, l.x.apiError("its state", err)
	case read.made == madeAt(info.Created) && read.seq > info.State.LastSeq:
		return 0, errBehind
	case p.made != madeAt(info.Created), p.seq > info.State.LastSeq, p.seq+1 < info.State.FirstSeq:
		return 0, adapter.ErrPosition
	}
	return info.State.LastSeq, nil
}

func (x *stream) apiError(what string, err error) error {
	return fmt.Errorf("%w: nats at %s: JetStream: %s: %s", adapter.ErrBroker, x.where, what, oneLine(noAnswer(err)))
}

// noAnswer returns errNoAnswer for a question to JetStream that nobody has answered in time.
func noAnswer(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return errNoAnswer
	}
	return err
}

// stored is a message of the stream.
type stored struct {
	seq     uint64
	subject string
	data    []byte
}

// Bounds of a page.
const (
	pageMessages = 256
	pageBytes    = 4 << 20
)

// page returns messages from a sequence on. They are any replica's.
func (x *stream) page(ctx context.Context, from uint64) ([]stored, error) {
	ctx, cancel := context.WithTimeout(ctx, apiTimeout)
	defer cancel()
	list, err := x.tryPage(ctx, from)
	if err != nil {
		return nil, x.apiError("its messages", err)
	}
	return list, nil
}

func (x *stream) tryPage(ctx context.Context, from uint64) (list []stored, err error) {
	request, err := json.Marshal(map[string]uint64{"seq": from, "batch": pageMessages, "max_bytes": pageBytes})
	if err != nil {
		return nil, err
	}
	inbox := x.nc.NewInbox()
	answers, err := x.nc.SubscribeSync(inbox)
	if err != nil {
		return nil, err
	}
	defer func() { _ = answers.Unsubscribe() }()
	if err := x.nc.PublishRequest("$JS.API.DIRECT.GET."+x.cfg.Stream, inbox, request); err != nil {
		return nil, err
	}
	for {
		m, err := answers.NextMsgWithContext(ctx)
		if err != nil {
			return nil, err
		}
		switch status := m.Header.Get("Status"); status {
		case "":
		case "204", "404": // the end
			return list, nil
		case "503":
			return nil, errNoAnswer
		default:
			return nil, fmt.Errorf("status %s %s", status, m.Header.Get("Description"))
		}
		seq, err := strconv.ParseUint(m.Header.Get(jetstream.SequenceHeader), 10, 64)
		if err != nil {
			return nil, err
		}
		list = append(list, stored{seq, m.Header.Get(jetstream.SubjectHeader), m.Data})
	}
}

// sessionKey returns the key of a session. It comes from a client.
func sessionKey(pid string) (key string, ok bool) {
	return pid, pid != "" && token(pid) == pid && !strings.ContainsAny(pid, ":@#/")
}

// PutSession implements adapter.Log. The value is the time that it is kept, in milliseconds, and the
// session, with a line break between them.
func (l *logLink) PutSession(ctx context.Context, pid string, data []byte, ttl time.Duration) error {
	key, ok := sessionKey(pid)
	if !ok {
		return fmt.Errorf("%w: %q cannot be the id of a session", adapter.ErrBroker, pid)
	}
	value := strconv.AppendInt(make([]byte, 0, len(data)+16), max(ttl.Milliseconds(), 1), 10)
	if _, err := l.x.kv.Put(ctx, key, append(append(value, '\n'), data...)); err != nil {
		return l.x.apiError("put of a session", err)
	}
	return nil
}

// takeTries limits the attempts to take a session that others write at the same time.
const takeTries = 5

// operationHeader is in what a bucket keeps of a key that was deleted.
const operationHeader = "KV-Operation"

// TakeSession implements adapter.Log. Of several callers one deletes the revision that it has read.
func (l *logLink) TakeSession(ctx context.Context, pid string) ([]byte, error) {
	key, ok := sessionKey(pid)
	if !ok {
		return nil, nil
	}
	bucket := l.x.kv.Bucket()
	for range takeTries {
		// Not KeyValue.Get, which any replica answers, also one that does not have the session yet.
		m, err := l.x.lastOf(ctx, "KV_"+bucket, "$KV."+bucket+"."+key)
		if err == nil && (m == nil || m.header.Get(operationHeader) != "") {
			return nil, nil
		}
		if err == nil {
			err = l.x.kv.Delete(ctx, key, jetstream.LastRevision(m.Seq))
		}
		api, answered := errors.AsType[*jetstream.APIError](err)
		if answered && api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence {
			continue // somebody has taken or written it
		}
		if err != nil {
			return nil, l.x.apiError("take of a session", err)
		}
		return m.session()
	}
	return nil, nil
}

// last is the newest message of a subject in a stream.
type last struct {
	Seq     uint64    `json:"seq"`
	Headers []byte    `json:"hdrs"`
	Data    []byte    `json:"data"`
	Time    time.Time `json:"time"`

	header nats.Header
}

// lastOf asks the leader of a stream for the newest message of a subject, which may have wildcards. It
// returns nil if there is none.
func (x *stream) lastOf(ctx context.Context, stream, subject string) (*last, error) {
	ctx, cancel := context.WithTimeout(ctx, apiTimeout)
	defer cancel()
	request, err := json.Marshal(map[string]string{"last_by_subj": subject})
	if err != nil {
		return nil, err
	}
	m, err := x.nc.RequestWithContext(ctx, "$JS.API.STREAM.MSG.GET."+stream, request)
	if err != nil {
		return nil, err
	}
	var answer struct {
		Message *last               `json:"message"`
		Error   *jetstream.APIError `json:"error"`
	}
	if err := json.Unmarshal(m.Data, &answer); err != nil {
		return nil, err
	}
	switch {
	case answer.Error != nil && answer.Error.Code == 404:
		return nil, nil
	case answer.Error != nil:
		return nil, answer.Error
	case answer.Message == nil:
		return nil, errNoAnswer
	case len(answer.Message.Headers) > 0:
		answer.Message.header, err = nats.DecodeHeadersMsg(answer.Message.Headers)
	}
	return answer.Message, err
}

// session returns the session of a value, nil when its time is over.
func (m *last) session() ([]byte, error) {
	ttl, data, ok := strings.Cut(string(m.Data), "\n")
	ms, err := strconv.ParseInt(ttl, 10, 64)
	if !ok || err != nil {
		return nil, errors.New("nats: the stored session cannot be read")
	}
	if time.Since(m.Time) > time.Duration(ms)*time.Millisecond {
		return nil, nil
	}
	return []byte(data), nil
}
