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

// writer adds messages to the stream, neither losing, nor doubling, nor reordering one when the
// connection is lost or the stream gets another leader while an acknowledgement is awaited. It numbers
// its messages, and sends several as a batch: JetStream stores no message of it without those before,
// so that the newest one in the stream tells which were stored. It drops one with a known Nats-Msg-Id.
//
// It is used by one goroutine at a time.
type writer struct {
	x        *stream
	acks     chan *nats.Msg
	inbox    string // begins the subjects of acks
	number   uint64 // of the last message
	attempts uint64
}

func newWriter(x *stream) (*writer, error) {
	w := &writer{x: x, inbox: x.nc.NewInbox() + ".", acks: make(chan *nats.Msg, 8*adapter.DefaultBatchItems)}
	_, err := x.nc.ChanSubscribe(w.inbox+">", w.acks)
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
	tries, reported := 0, false
	again := func() {
		tries++
		if !reported && w.x.connected.Load() {
			reported = true
			w.x.report(fmt.Errorf("%w: nats at %s: messages wait: %s",
				adapter.ErrBrokerDown, w.x.where, oneLine(noAnswer(err))))
		}
	}
	for len(left) > 0 {
		if tries > 0 {
			if brokers.Backoff(ctx, tries) != nil {
				break
			}
			if left, err = w.look(ctx, left, &refused); err != nil {
				again()
			}
			if err != nil || len(left) == 0 {
				continue
			}
		}
		n := len(left)
		if tries > 0 || !w.x.batches { // the first one shows that there is a leader, or that it is refused
			n = 1
		}
		copies := n > 1 && !left[0].sent.IsZero()
		var stored int
		stored, err = w.attempt(ctx, left[:n])
		switch {
		case err == nil && copies:
			// Of a batch JetStream acknowledges also copies of what it is about to store: look.
			tries, err = 1, errNoAnswer
		case err == nil:
			left, tries = left[stored:], 0
		case n == 1 && permanent(err):
			refused = append(refused, fmt.Errorf("%w: nats at %s: %s", adapter.ErrBroker, w.x.where, oneLine(err)))
			left, tries = left[1:], 0
		case permanent(err):
			tries = 1 // one of the batch is refused: alone it gets its own answer
		default:
			again()
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

// attempt adds messages and waits for the answer. stored of them are in the stream. When the others
// were sent is noted, unless it is certain that they are not and will not be there.
func (w *writer) attempt(ctx context.Context, list []unsent) (stored int, err error) {
	c := &w.x.connection
	c.subs.apply()
	before := c.nc.Stats().Reconnects
	if !c.nc.IsConnected() {
		return 0, errNoConnection
	}
	w.attempts++
	prefix := w.inbox + token(c.uid) + "-" + strconv.FormatUint(w.attempts, 10) + batchFlow
	began := time.Now()
	for i, u := range list {
		m := &nats.Msg{Subject: u.item.Key, Data: u.item.Data, Header: nats.Header{
			nats.MsgIdHdr: {c.uid + "." + strconv.FormatUint(u.number, 10)},
		}}
		switch {
		case len(list) == 1:
			m.Reply = prefix + "1"
		case i == 0:
			m.Reply = prefix + "1" + batchBegins
		case i < len(list)-1:
			m.Reply = prefix + strconv.Itoa(i+1) + batchContinues
		default:
			m.Reply = prefix + strconv.Itoa(i+1) + batchEnds
		}
		if err = c.nc.PublishMsg(m); err != nil {
			break
		}
	}
	known := false
	if err == nil {
		stored, known, err = w.answer(ctx, prefix, len(list), before)
	}
	for i := range list[stored:] {
		if u := &list[stored+i]; !known && u.sent.IsZero() {
			u.sent = began
		}
	}
	return stored, err
}

// Parts of the reply subjects of a batch, from which JetStream knows it.
const (
	batchFlow      = ".512.fail." // behind its id: how often to say how far it is, and to refuse it after a gap
	batchBegins    = ".0.$FI"     // behind the number of a message in it
	batchContinues = ".1.$FI"
	batchEnds      = ".2.$FI"
)

// ackSlice is how often a waiting writer looks whether the connection is lost.
const ackSlice = 100 * time.Millisecond

// answer waits for the answer to an attempt with n messages. known means that the others are not and
// will not be in the stream.
func (w *writer) answer(
	ctx context.Context, prefix string, n int, reconnects uint64,
) (stored int, known bool, err error) {
	slice := time.NewTicker(ackSlice)
	defer slice.Stop()
	for deadline := time.Now().Add(apiTimeout); time.Now().Before(deadline); {
		select {
		case m := <-w.acks:
			number, ours := strings.CutPrefix(m.Subject, prefix)
			if !ours { // of an attempt before
				continue
			}
			switch a, err := parseAck(m); {
			case errors.Is(err, errNoAnswer) && strings.HasPrefix(number+".", "1."): // nor the rest of the batch
				return 0, true, err
			case err != nil:
				return 0, false, err
			case a.Type != "": // how far it is
			case n == 1:
				return 1, true, nil
			case a.Count > 0:
				stored = int(min(a.Count, uint(n)))
				return stored, stored == n, nil
			default:
				return 0, false, errNoAnswer
			}
		case <-slice.C:
			if !w.x.nc.IsConnected() || w.x.nc.Stats().Reconnects != reconnects {
				return 0, false, errNoConnection
			}
		case <-ctx.Done():
			return 0, false, context.Cause(ctx)
		}
	}
	return 0, false, errNoAnswer
}

// ack is JetStream's answer to a message, or to a batch.
type ack struct {
	Type  string              `json:"type"` // empty at the end
	Count uint                `json:"count"`
	Error *jetstream.APIError `json:"error"`
}

// parseAck returns why a message was not stored.
func parseAck(m *nats.Msg) (a ack, err error) {
	if noResponders(m) {
		return a, errNoAnswer
	}
	if err = json.Unmarshal(m.Data, &a); err == nil && a.Error != nil && a.Type == "" {
		err = a.Error
	}
	return a, err
}

// look removes the messages that are in the stream: all up to the newest one. If it has none of this
// server any more, those that were sent longer ago than JetStream remembers are given up: they may
// have been there.
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
		case u.number <= newest:
			return true
		case newest > 0, u.sent.IsZero(), time.Since(u.sent) < w.x.cfg.doubtTime()-apiTimeout:
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
