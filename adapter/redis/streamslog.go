package redis

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/redis/rueidis"

	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/protocol/msgpack"
)

var _ adapter.Log = (*streamLink)(nil)

// Reached implements adapter.Log.
func (l *streamLink) Reached() string {
	l.reader.mu.Lock()
	defer l.reader.mu.Unlock()
	return l.reader.reached.String()
}

// ComparePositions implements adapter.Log.
func (l *streamLink) ComparePositions(a, b string) int { return comparePositions(a, b) }

// rangePage is the number of entries to read at a time.
const rangePage = 200

// After implements adapter.Log.
func (l *streamLink) After(ctx context.Context, from string) iter.Seq2[*adapter.Message, error] {
	return func(yield func(*adapter.Message, error) bool) {
		p, ok := parsePosition(from)
		if !ok {
			yield(nil, adapter.ErrPosition)
			return
		}
		var seen seen
		for first := true; ; first = false {
			at, page, err := l.page(ctx, p)
			switch {
			case err != nil:
			case len(at) == 1:
				seen.again(at[0].sequence)
			case first:
				err = l.complete(ctx, p)
			default:
				err = adapter.ErrPosition // trimmed in the meantime
			}
			if err != nil {
				yield(nil, err)
				return
			}
			for i := range page {
				e := &page[i]
				if p, ok = parsePosition(e.id); !ok {
					yield(nil, fmt.Errorf("%w: %w", adapter.ErrBroker, errEntry))
					return
				}
				if seen.again(e.sequence) || e.nsp != l.namespace || e.kind != "3" {
					continue
				}
				if m, err := e.message(); err == nil && !yield(m, nil) {
					return
				}
			}
			if len(page) < rangePage {
				return
			}
		}
	}
}

// page returns the entry at p, which may be gone, and those after it.
func (l *streamLink) page(ctx context.Context, p position) (at, after []entry, err error) {
	b, id := l.c.client.B(), p.String()
	replies := l.c.client.DoMulti(ctx,
		b.Xrange().Key(l.stream).Start(id).End(id).Build(),
		b.Xrange().Key(l.stream).Start(p.next().String()).End("+").Count(rangePage).Build())
	lists := make([][]entry, len(replies))
	for i, r := range replies {
		reply, err := r.ToMessage()
		if err == nil {
			lists[i], err = readEntries(reply)
		}
		if err != nil {
			return nil, nil, fmt.Errorf("%w: XRANGE %s: %w", adapter.ErrBroker, l.stream, err)
		}
	}
	return lists[0], lists[1], nil
}

// complete returns ErrPosition unless the stream has everything that came after p, although there
// is no entry at p: p is its end, or nothing was ever removed from it.
func (l *streamLink) complete(ctx context.Context, p position) error {
	i, err := readInfo(ctx, l.c.client, l.stream)
	switch {
	case err != nil:
		return fmt.Errorf("%w: XINFO STREAM %s: %w", adapter.ErrBroker, l.stream, err)
	case i.last == p, i.last.compare(p) > 0 && i.added == i.length:
		return nil
	default:
		return adapter.ErrPosition
	}
}

// PutSession implements adapter.Log. Official servers can read what it stores.
func (l *streamLink) PutSession(ctx context.Context, pid string, data []byte, ttl time.Duration) error {
	packed, err := msgpack.AppendValue(nil, data, nil)
	if err != nil {
		return fmt.Errorf("redis: a session that is not JSON: %w", err)
	}
	set := l.c.client.B().Set().Key(l.sessionKey(pid)).Value(base64.StdEncoding.EncodeToString(packed)).
		PxMilliseconds(max(ttl.Milliseconds(), 1)).Build()
	if err := l.c.client.Do(ctx, set).Error(); err != nil {
		return fmt.Errorf("%w: SET of a session: %w", adapter.ErrBroker, err)
	}
	return nil
}

// takeScript is GETDEL for Redis before 6.2.
const takeScript = `local s = redis.call('GET', KEYS[1]); redis.call('DEL', KEYS[1]); return s`

// TakeSession implements adapter.Log. It reads sessions of official servers too: rooms become text,
// and binary data has the form that Node's Buffer has in JSON.
func (l *streamLink) TakeSession(ctx context.Context, pid string) ([]byte, error) {
	key := l.sessionKey(pid)
	text, err := l.c.client.Do(ctx, l.c.client.B().Getdel().Key(key).Build()).ToString()
	if e, ok := rueidis.IsRedisErr(err); ok && strings.Contains(e.Error(), "unknown command") {
		text, err = l.c.client.Do(ctx, l.c.client.B().Eval().Script(takeScript).Numkeys(1).Key(key).Build()).ToString()
	}
	switch {
	case rueidis.IsRedisNil(err):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("%w: GETDEL of a session: %w", adapter.ErrBroker, err)
	}
	return readSession(text)
}

func (l *streamLink) sessionKey(pid string) string { return l.c.cfg.SessionPrefix + pid }

// errSession is the error of a session that cannot be read.
var errSession = errors.New("redis: the stored session cannot be read")

// readSession converts a stored session to JSON.
func readSession(text string) ([]byte, error) {
	packed, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errSession, err)
	}
	data, attachments, err := msgpack.ReadValue(packed, maxSessionAttachments)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errSession, err)
	}
	if len(attachments) > 0 {
		data = inlineBuffers(data, attachments)
	}
	var members map[string]json.RawMessage
	var rooms []json.RawMessage
	if json.Unmarshal(data, &members) != nil || json.Unmarshal(members["rooms"], &rooms) != nil {
		return nil, errSession
	}
	changed := false
	for i, room := range rooms {
		if len(room) > 0 && room[0] != '"' { // a number, in a program in JavaScript
			rooms[i], changed = append(append([]byte{'"'}, room...), '"'), true
		}
	}
	if !changed {
		return data, nil
	}
	if members["rooms"], err = json.Marshal(rooms); err != nil {
		return nil, fmt.Errorf("%w: %w", errSession, err)
	}
	return json.Marshal(members)
}

// maxSessionAttachments limits the binary values in a session of an official server.
const maxSessionAttachments = 1000
