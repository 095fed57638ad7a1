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

// After implements adapter.Log.
func (l *streamLink) After(ctx context.Context, from string) iter.Seq2[*adapter.Message, error] {
	return func(yield func(*adapter.Message, error) bool) {
		p, ok := parsePosition(from)
		if !ok {
			yield(nil, adapter.ErrPosition)
			return
		}
		var seen seen
		began := time.Now()
		for end := false; !end; {
			var at logEntry
			var list []logEntry
			var err error
			if at, list, end, err = l.reader.recent.after(ctx, p, began); err != nil {
				yield(nil, err)
				return
			}
			seen.again(at.sequence)
			for i := range list {
				e := &list[i]
				p = e.position
				if seen.again(e.sequence) || e.message == nil || e.namespace != l.namespace {
					continue
				}
				if m := *e.message; !yield(&m, nil) {
					return
				}
			}
		}
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
