package postgres

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/internal/brokers"
)

// logWriter is what the sender needs to neither lose nor double a transaction when the connection is lost
// while its answer is awaited. The first row of a transaction has its number. Before it is sent again
// the sender looks whether it is in the log; if it commits after that look, the second one violates a
// constraint.
type logWriter struct {
	id      string   // of the writer
	number  uint64   // of the transaction
	doubt   bool     // it was sent and no answer came
	after   position // what was read when it was sent for the first time; it is behind that
	waiting bool     // it was reported that messages wait
}

// logBell ends the name of the channel that tells the end of the log. No namespace has it: theirs are
// empty or begin with a slash.
const logBell = "#log"

func (s *sender) batchID() string { return s.log.id + "." + strconv.FormatUint(s.log.number, 10) }

// queueLog adds the messages of a transaction that are in the log. It reports whether there are any.
func (s *sender) queueLog(batch *pgx.Batch, items []adapter.Item) bool {
	if !s.b.cfg.Recovery {
		return false
	}
	var namespaces []string
	var payloads [][]byte
	for i := range items {
		if m := items[i].Message; brokers.InLog(m) {
			namespaces, payloads = append(namespaces, m.Namespace), append(payloads, items[i].Data)
		}
	}
	if len(payloads) > 0 {
		batch.Queue(s.b.sql(appendLog), s.b.cfg.Prefix, len(payloads), s.batchID(), namespaces, payloads,
			s.b.cfg.Prefix+logBell)
	}
	return len(payloads) > 0
}

// errTrimmed means that it cannot be known whether a transaction was committed.
var errTrimmed = errors.New("they may have been sent, and the log does not reach back that far")

// committed tells whether a transaction that was sent before is in the log.
func (s *sender) committed(ctx context.Context) (found bool, err error) {
	if !s.log.doubt {
		s.log.after = *s.b.reader.reached.Load()
		return false, nil
	}
	var complete bool
	err = s.conn.QueryRow(ctx, s.b.sql(findBatch), s.b.cfg.Prefix, s.log.after.made, s.log.after.seq, s.batchID()).
		Scan(&found, &complete)
	if err == nil && !found && !complete {
		err = errTrimmed
	}
	if err == nil && found || errors.Is(err, errTrimmed) {
		s.log.number++
		s.log.doubt = false
	}
	return found, err
}

// settle notes what became of a transaction with messages in the log.
func (s *sender) settle(err error) error {
	switch e, answered := errors.AsType[*pgconn.PgError](err); {
	case err == nil, answered && e.SeverityUnlocalized == "ERROR":
		if s.log.doubt && answered && e.Code == uniqueViolation && strings.Contains(e.ConstraintName, "batch") {
			err = nil // the one before was committed after all
		}
		s.log.number++
		s.log.doubt = false
	case !pgconn.SafeToRetry(err):
		s.log.doubt = true
	}
	return err
}

const uniqueViolation = "23505"

// transient tells whether PostgreSQL may soon do what it has refused: it is short of something, shuts
// down, is no primary any more, or somebody holds a lock for long.
func transient(err error) bool {
	e, ok := errors.AsType[*pgconn.PgError](err)
	if !ok || len(e.Code) < 2 {
		return false
	}
	switch e.Code[:2] {
	case "40", "53", "55", "57":
		return true
	}
	return e.Code == "25006"
}

// again waits before what has failed is sent once more, and reports whether it is to be.
func (s *sender) again(ctx context.Context, err error, tries int) bool {
	busy := s.b.cfg.Recovery && isRefused(err) && transient(err)
	if !busy && !s.log.doubt && !pgconn.SafeToRetry(err) {
		return false
	}
	if busy && s.conn != nil { // another server may be the primary now
		s.drop()
	}
	if busy || s.log.doubt && tries > 2 {
		s.reportWaiting(err)
	}
	return brokers.Sleep(ctx, min(minDelay<<min(tries, 10), time.Second)) == nil
}

// reportWaiting reports, once, that messages wait for as long as it takes.
func (s *sender) reportWaiting(err error) {
	if !s.log.waiting {
		s.log.waiting = true
		s.b.report(s.b.lost("messages wait: %s", oneLine(err)))
	}
}
