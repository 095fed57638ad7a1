package nats

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/internal/brokers"
)

// writer adds messages to the stream, neither losing nor doubling one when the connection is lost
// while its acknowledgement is awaited. It numbers its messages. Before it sends again it looks which
// one of its messages is the newest in the stream; JetStream drops one with a known Nats-Msg-Id.
//
// It is used by one goroutine at a time.
type writer struct {
	x        *stream
	acks     *nats.Subscription
	inbox    string // begins the subjects of acks
	number   uint64 // of the last message
	attempts uint64
}

func newWriter(x *stream) (*writer, error) {
	w := &writer{x: x, inbox: x.nc.NewInbox() + "."}
	var err error
	w.acks, err = x.nc.SubscribeSync(w.inbox + "*.*")
	return w, err
}

// unsent is a message that is not known to be in the stream.
type unsent struct {
	item   *adapter.Item
	number uint64
	sent   time.Time // when it was sent and no answer came; zero if it cannot be there
}

// write adds the items, in order. It waits as long as NATS is away, until ctx ends. failed is the
// number of those that were refused or given up, for the reasons in err.
func (w *writer) write(ctx context.Context, items []*adapter.Item) (failed int, err error) {
	left := make([]unsent, len(items))
	for i, item := range items {
		w.number++
		left[i] = unsent{item: item, number: w.number}
	}
	var refused []error
	for tries := 0; len(left) > 0; tries++ {
		size := len(left)
		if tries > 0 {
			if brokers.Backoff(ctx, tries) != nil {
				break
			}
			if left, err = w.look(ctx, left, &refused); err != nil || len(left) == 0 {
				continue
			}
			size = 1 // so that those behind it do not overtake it
		}
		var again []unsent
		if again, err = w.attempt(ctx, left[:size], &refused); len(again) == 0 && size < len(left) {
			left = left[size:]
			again, err = w.attempt(ctx, left, &refused)
			left = again
		} else {
			left = append(again, left[size:]...)
		}
		if err != nil && tries == 0 && w.x.connected.Load() {
			w.x.report(fmt.Errorf("%w: nats at %s: messages wait: %s", adapter.ErrBrokerDown, w.x.where, oneLine(noAnswer(err))))
		}
	}
	failed = len(left) + len(refused)
	if len(left) > 0 {
		refused = append(refused, fmt.Errorf("%w: nats at %s: %d messages may not have been sent: %s",
			adapter.ErrBrokerDown, w.x.where, len(left), oneLine(err)))
	}
	return failed, errors.Join(refused...)
}

var (
	errNoConnection = errors.New("there is no connection")
	errNoAnswer     = errors.New("no answer, the majority of its servers must run and reach each other")
)

// attempt sends messages and waits for their acknowledgements. It returns those to be sent again, and
// why.
func (w *writer) attempt(ctx context.Context, list []unsent, refused *[]error) (again []unsent, err error) {
	c := &w.x.connection
	c.subs.apply()
	before := c.nc.Stats().Reconnects
	if !c.nc.IsConnected() {
		return list, errNoConnection
	}
	w.attempts++
	prefix := w.inbox + strconv.FormatUint(w.attempts, 10) + "."
	now, sent := time.Now(), 0
	for i := range list {
		u := &list[i]
		err = c.nc.PublishMsg(&nats.Msg{
			Subject: u.item.Key, Reply: prefix + strconv.Itoa(i), Data: u.item.Data,
			Header: nats.Header{nats.MsgIdHdr: {c.uid + "." + strconv.FormatUint(u.number, 10)}},
		})
		if err != nil {
			break
		}
		if u.sent.IsZero() {
			u.sent = now
		}
		sent++
	}
	done := make([]bool, len(list))
	for left := sent; left > 0; {
		m, ackErr := w.nextAck(ctx, before)
		if ackErr != nil {
			err = ackErr
			break
		}
		number, ok := strings.CutPrefix(m.Subject, prefix)
		i, bad := strconv.Atoi(number)
		if !ok || bad != nil || i < 0 || i >= sent || done[i] {
			continue // of an attempt before
		}
		left--
		switch ackErr := ackError(m); {
		case ackErr == nil:
			done[i] = true
		case permanent(ackErr):
			done[i] = true
			*refused = append(*refused, fmt.Errorf("%w: nats at %s: %s", adapter.ErrBroker, c.where, oneLine(ackErr)))
		default:
			list[i].sent = time.Time{} // it was not stored
			err = ackErr
		}
	}
	for i, u := range list {
		if !done[i] {
			again = append(again, u)
		}
	}
	return again, err
}

// ackSlice is how often a waiting writer looks whether the connection is lost.
const ackSlice = 100 * time.Millisecond

// nextAck returns the next acknowledgement, unless the connection is lost.
func (w *writer) nextAck(ctx context.Context, reconnects uint64) (*nats.Msg, error) {
	for deadline := time.Now().Add(apiTimeout); time.Now().Before(deadline); {
		slice, cancel := context.WithTimeout(ctx, ackSlice)
		m, err := w.acks.NextMsgWithContext(slice)
		cancel()
		switch {
		case err == nil:
			return m, nil
		case !errors.Is(err, context.DeadlineExceeded):
			return nil, err
		case ctx.Err() != nil:
			return nil, context.Cause(ctx)
		case !w.x.nc.IsConnected() || w.x.nc.Stats().Reconnects != reconnects:
			return nil, errNoConnection
		}
	}
	return nil, errNoAnswer
}

// ackError returns why a message was not stored.
func ackError(m *nats.Msg) error {
	if noResponders(m) {
		return errNoAnswer
	}
	var ack struct {
		Seq   uint64              `json:"seq"`
		Error *jetstream.APIError `json:"error"`
	}
	if err := json.Unmarshal(m.Data, &ack); err != nil {
		return err
	}
	if ack.Error != nil {
		return ack.Error
	}
	return nil
}

// look removes the messages that are in the stream. If it has none of this server any more, those that
// were sent longer ago than JetStream remembers are given up: they may have been there.
func (w *writer) look(ctx context.Context, list []unsent, refused *[]error) ([]unsent, error) {
	if !slices.ContainsFunc(list, func(u unsent) bool { return !u.sent.IsZero() }) {
		return list, nil
	}
	newest, err := w.newest(ctx)
	if err != nil {
		return list, err
	}
	return slices.DeleteFunc(list, func(u unsent) bool {
		switch {
		case u.sent.IsZero():
			return false
		case newest > 0:
			return u.number <= newest
		case time.Since(u.sent) < w.x.cfg.doubtTime()-apiTimeout:
			return false
		}
		*refused = append(*refused, fmt.Errorf("%w: nats at %s: a message may have been lost: %s",
			adapter.ErrBrokerDown, w.x.where, oneLine(errNoConnection)))
		return true
	}), nil
}

// newest returns the number of the newest message of this server in the stream, 0 if there is none.
func (w *writer) newest(ctx context.Context) (uint64, error) {
	m, err := w.x.lastOf(ctx, w.x.cfg.Stream, w.x.cfg.Prefix+".*.log."+token(w.x.uid))
	if m == nil || err != nil {
		return 0, err
	}
	number, _ := strings.CutPrefix(m.header.Get(nats.MsgIdHdr), w.x.uid+".")
	return strconv.ParseUint(number, 10, 64)
}
