package redis

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/rueidis"

	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/internal/brokers"
)

// streamWriter appends to streams, neither losing nor doubling an entry when the connection is lost
// while its reply is awaited: before it sends again it looks which entries are there.
//
// It is used by one goroutine at a time.
type streamWriter struct {
	client    rueidis.Client
	id        string // begins the field seq of its entries
	number    uint64 // of the last entry
	maxLen    int64
	retention time.Duration
	lost      func(error) // called when a batch could not be sent, and is tried again
	streams   map[string]*trimming
}

// trimming is when a stream is to be trimmed.
type trimming struct {
	last   time.Time
	newest position // of the newest entry of this writer: it has the time of Redis
}

// Bounds of the writer.
const (
	trimInterval = 5 * time.Second
	lookPage     = 500    // entries to look at in one step
	lookMax      = 20_000 // entries to look at for one of ours
)

func newStreamWriter(client rueidis.Client, c *Config, lost func(error)) *streamWriter {
	var raw [8]byte
	_, _ = rand.Read(raw[:]) // never fails
	return &streamWriter{
		client: client, id: hex.EncodeToString(raw[:]), maxLen: int64(c.MaxLen), retention: c.Retention,
		lost: lost, streams: make(map[string]*trimming),
	}
}

// unsent is an entry that is not known to be in its stream.
type unsent struct {
	item   *adapter.Item
	number uint64
	maybe  bool // it was sent and no reply came
}

// batch is what remains to be sent, and how many entries Redis has refused for good, and why.
type batch struct {
	left    []unsent
	refused int
	reason  error
}

// write appends the items to their streams, in order. It waits as long as Redis is away, until ctx
// ends. failed is the number of those that were refused or given up, for the reasons in err.
func (w *streamWriter) write(ctx context.Context, items []*adapter.Item) (failed int, err error) {
	b := batch{left: make([]unsent, len(items))}
	for i, item := range items {
		w.number++
		b.left[i] = unsent{item: item, number: w.number}
	}
	for tries := 0; len(b.left) > 0; tries++ {
		if tries > 0 {
			if brokers.Backoff(ctx, tries) != nil {
				break
			}
			if err = w.look(ctx, &b); err != nil {
				continue
			}
		}
		if err = w.attempt(ctx, &b); tries > 0 {
			continue
		}
		if err != nil {
			w.lost(err)
			continue
		}
		for _, item := range items { // all have been answered
			putBuffer(item.Data)
		}
	}
	var givenUp error
	if len(b.left) > 0 {
		givenUp = fmt.Errorf("%w: %d messages may not have been sent: %w", adapter.ErrBrokerDown, len(b.left), err)
	}
	return len(b.left) + b.refused, errors.Join(b.reason, givenUp)
}

// attempt sends what is left. The error is why some of it must be sent again.
func (w *streamWriter) attempt(ctx context.Context, b *batch) (away error) {
	ids, errs := w.send(ctx, b.left)
	again := b.left[:0]
	for i, err := range errs {
		u := b.left[i]
		switch redisErr, isReply := rueidis.IsRedisErr(err); {
		case err == nil:
			w.sent(u.item.Key, ids[i])
			continue
		case !isReply:
			u.maybe = true
		case transient(redisErr.Error()):
			u.maybe = false
		default:
			b.refused++
			b.reason = fmt.Errorf("%w: %d messages are refused, XADD %s: %w", adapter.ErrBroker, b.refused, u.item.Key, err)
			continue
		}
		again, away = append(again, u), err
	}
	b.left = again
	return away
}

// send sends entries and returns the id of each, or an error. If there are several it sends a
// transaction, so that readers are not woken up by the first one; in a Redis Cluster, where the
// streams may be on several nodes, it does not.
func (w *streamWriter) send(ctx context.Context, entries []unsent) (ids []string, errs []error) {
	n := len(entries)
	commands := make(rueidis.Commands, 0, n+3)
	first := 0
	if n > 1 && w.client.Mode() != rueidis.ClientModeCluster {
		commands = append(commands, w.client.B().Multi().Build())
		first = 1
	}
	for _, u := range entries {
		commands = append(commands, w.xadd(u))
	}
	commands = append(commands, w.trims(entries)...)
	if first > 0 {
		commands = append(commands, w.client.B().Exec().Build())
	}
	replies := w.client.DoMulti(ctx, commands...)
	ids, errs = make([]string, n), make([]error, n)
	var executed []rueidis.RedisMessage
	var failed error
	if first > 0 {
		executed, failed = replies[len(replies)-1].ToArray()
	}
	queued := 0
	for i, reply := range replies[first : first+n] {
		ids[i], errs[i] = reply.ToString()
		if first == 0 || errs[i] != nil || ids[i] != "QUEUED" {
			continue
		}
		if errs[i] = failed; queued < len(executed) {
			ids[i], errs[i] = executed[queued].ToString()
		}
		queued++
	}
	return ids, errs
}

// transient tells whether a reply says that the command was not run, and may be soon.
func transient(reply string) bool {
	code, _, _ := strings.Cut(reply, " ")
	switch code {
	case "LOADING", "READONLY", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "MOVED", "ASK", "BUSY", "OOM", "MISCONF",
		"NOREPLICAS", "EXECABORT":
		return true
	default:
		return false
	}
}

func (w *streamWriter) xadd(u unsent) rueidis.Completed {
	m := u.item.Message
	return w.client.B().Xadd().Key(u.item.Key).Maxlen().Almost().Threshold(strconv.FormatInt(w.maxLen, 10)).Id("*").
		FieldValue().FieldValue("uid", m.UID).FieldValue("nsp", m.Namespace).
		FieldValue("type", strconv.Itoa(int(m.Type))).FieldValue("data", rueidis.BinaryString(u.item.Data)).
		FieldValue("seq", w.id+"."+strconv.FormatUint(u.number, 10)).Build()
}

// trims returns commands that remove old entries of the streams, now and then. One XADD cannot
// limit both the number and the age. The newest entry stays: it is where a client's recovery starts.
func (w *streamWriter) trims(batch []unsent) (commands rueidis.Commands) {
	now := time.Now()
	for _, u := range batch {
		t := w.streams[u.item.Key]
		if t == nil || now.Sub(t.last) < trimInterval {
			continue
		}
		t.last = now
		oldest := position{ms: t.newest.ms - min(t.newest.ms, uint64(w.retention.Milliseconds()))}
		commands = append(commands,
			w.client.B().Xtrim().Key(u.item.Key).Minid().Almost().Threshold(oldest.String()).Build())
	}
	return commands
}

// sent notes the id of a new entry.
func (w *streamWriter) sent(stream, id string) {
	t := w.streams[stream]
	if t == nil {
		t = new(trimming)
		w.streams[stream] = t
	}
	t.newest, _ = parsePosition(id)
}

// look removes the entries that are in their streams. Those of one writer arrive in order, so that
// the newest one of a stream tells.
func (w *streamWriter) look(ctx context.Context, b *batch) (err error) {
	newest := make(map[string]uint64)
	for _, u := range b.left {
		if _, known := newest[u.item.Key]; !known && u.maybe {
			if newest[u.item.Key], err = w.newest(ctx, u.item.Key); err != nil {
				return err
			}
		}
	}
	b.left = slices.DeleteFunc(b.left, func(u unsent) bool { return u.maybe && u.number <= newest[u.item.Key] })
	return nil
}

// newest returns the number of the newest entry of this writer in a stream, 0 if there is none
// among the last ones. Then the entries are sent again, and a server that has got them drops them.
func (w *streamWriter) newest(ctx context.Context, stream string) (uint64, error) {
	end := "+"
	for range lookMax / lookPage {
		back := w.client.B().Xrevrange().Key(stream).End(end).Start("-").Count(lookPage).Build()
		reply, err := w.client.Do(ctx, back).ToMessage()
		if err != nil {
			return 0, err
		}
		entries, err := readEntries(reply)
		if err != nil || len(entries) == 0 {
			return 0, err
		}
		for _, e := range entries {
			if number, ok := strings.CutPrefix(e.sequence, w.id+"."); ok {
				return strconv.ParseUint(number, 10, 64)
			}
		}
		last, ok := parsePosition(entries[len(entries)-1].id)
		if !ok || last == (position{}) {
			return 0, errEntry
		}
		end = last.previous().String()
	}
	return 0, nil
}
