package postgres

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/gosocketio/socketio/adapter/clusterwire"
	"github.com/gosocketio/socketio/internal/brokers"
)

// listener is the connection that is subscribed to the channels of all namespaces. It is made again
// when it is lost.
type listener struct {
	b    *broker
	ctx  context.Context // ends with close
	stop context.CancelFunc
	done chan struct{} // run has returned
	up   atomic.Bool   // it is subscribed to everything
	bell string        // the channel that tells the end of the log, "" without one

	mu      sync.Mutex
	links   map[string]*link    // by channel
	changed map[string]struct{} // channels to subscribe to, or to unsubscribe from
	waiting *pgx.Conn           // run waits for a message on it; nil while it does not

	// Of run.
	listening map[string]struct{} // what the server knows
	alive     time.Time           // when something came
	missing   time.Time           // when a missing row was reported
}

func newListener(b *broker, conn *pgx.Conn) *listener {
	x := &listener{
		b: b, done: make(chan struct{}), links: make(map[string]*link), changed: make(map[string]struct{}),
	}
	x.ctx, x.stop = context.WithCancel(context.Background())
	if b.cfg.Recovery {
		x.bell = b.cfg.Prefix + logBell
		b.reader.x = x
	}
	x.up.Store(true)
	go x.run(conn)
	return x
}

// add subscribes a link. It returns when that is confirmed.
func (x *listener) add(ctx context.Context, l *link) error {
	x.mu.Lock()
	x.links[l.channel] = l
	x.changeLocked(l.channel)
	x.mu.Unlock()
	select {
	case <-l.done:
		return nil
	case <-ctx.Done():
		x.remove(l)
		return context.Cause(ctx)
	}
}

// remove unsubscribes a link, without waiting.
func (x *listener) remove(l *link) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.links[l.channel] == l {
		delete(x.links, l.channel)
		x.changeLocked(l.channel)
	}
}

func (x *listener) changeLocked(channel string) {
	x.changed[channel] = struct{}{}
	x.interruptLocked()
}

// interruptLocked ends the wait of run.
func (x *listener) interruptLocked() {
	if x.waiting != nil {
		_ = x.waiting.PgConn().Conn().SetReadDeadline(time.Unix(1, 0)) // if it fails the connection is lost
	}
}

// close disconnects. No link receives anything when it returns.
func (x *listener) close() {
	x.stop()
	x.mu.Lock()
	x.interruptLocked()
	x.mu.Unlock()
	<-x.done
}

// run keeps the connection until close.
func (x *listener) run(conn *pgx.Conn) {
	defer close(x.done)
	var lost error // why there is no connection
	delay := minDelay
	for {
		var err error
		if conn == nil {
			conn, err = x.b.connect(x.ctx)
		}
		if err == nil {
			err = x.session(conn, lost)
			closeConn(conn)
			conn = nil
		}
		if x.ctx.Err() != nil {
			return
		}
		if x.up.Swap(false) {
			lost, delay = err, minDelay
			x.b.sender.suspect.Store(true)
			x.b.report(x.b.lost("the connection that receives: %s", oneLine(err)))
		}
		if brokers.Sleep(x.ctx, delay/2+rand.N(delay)) != nil { //nolint:gosec // so that not all servers come at once
			return
		}
		delay = min(2*delay, time.Second)
	}
}

// session subscribes and receives until the connection is lost. lost is why the one before was.
func (x *listener) session(conn *pgx.Conn, lost error) error {
	interrupted, err := x.begin(conn)
	if err != nil {
		return err
	}
	for first := true; x.ctx.Err() == nil; first = false {
		if err := x.flush(conn); err != nil {
			return err
		}
		if first {
			if err := x.resume(conn); err != nil {
				return err
			}
			x.subscribed(interrupted, lost)
		}
		if err := x.receive(conn); err != nil {
			return err
		}
	}
	return x.ctx.Err()
}

// begin wants all subscriptions, on a new connection. It returns the links that had one before.
func (x *listener) begin(conn *pgx.Conn) (interrupted []*link, err error) {
	x.alive = time.Now()
	x.listening = make(map[string]struct{})
	if x.bell != "" {
		if err := x.exec(conn, "LISTEN "+pgx.Identifier{x.bell}.Sanitize()); err != nil {
			return nil, err
		}
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	clear(x.changed)
	for channel, l := range x.links {
		x.changed[channel] = struct{}{}
		if l.confirmed {
			interrupted = append(interrupted, l)
		}
	}
	return interrupted, nil
}

// resume reads what was added to the log while there was no connection.
func (x *listener) resume(conn *pgx.Conn) error {
	if x.bell == "" {
		return nil
	}
	return x.b.reader.catchUp(conn)
}

// namespaces returns the links by the names of their namespaces.
func (x *listener) namespaces() map[string]*link {
	x.mu.Lock()
	defer x.mu.Unlock()
	links := make(map[string]*link, len(x.links))
	for _, l := range x.links {
		links[l.to.To.Namespace()] = l
	}
	return links
}

// exec runs SQL without a result.
func (x *listener) exec(conn *pgx.Conn, sql string) error {
	ctx, cancel := context.WithTimeout(x.ctx, commandTimeout)
	defer cancel()
	_, err := conn.PgConn().Exec(ctx, sql).ReadAll()
	return err
}

// subscribed tells links that messages may have been lost meanwhile.
func (x *listener) subscribed(interrupted []*link, lost error) {
	x.up.Store(true)
	if lost == nil {
		return
	}
	x.b.gaps.Add(1)
	err := x.b.lost("%s", oneLine(lost))
	if x.bell != "" {
		err = fmt.Errorf("questions, events with acknowledgements and what official servers send, "+
			"which are not in the log: %w", err)
	}
	for _, l := range interrupted {
		l.gap(err)
	}
}

// Bounds of the wait for the server.
const (
	commandTimeout = 10 * time.Second // for an answer
	idleTime       = 15 * time.Second // without a message, after which the connection is tried
	pingTimeout    = 5 * time.Second
	commandsAtOnce = 512
)

// flush makes the subscriptions what is wanted.
func (x *listener) flush(conn *pgx.Conn) error {
	for {
		var sql strings.Builder
		var added []string
		n := 0
		x.mu.Lock()
		for channel := range x.changed {
			if n++; n > commandsAtOnce {
				break
			}
			delete(x.changed, channel)
			_, is := x.listening[channel]
			_, wanted := x.links[channel]
			switch {
			case wanted && !is:
				sql.WriteString("LISTEN " + pgx.Identifier{channel}.Sanitize() + ";")
			case is && !wanted:
				sql.WriteString("UNLISTEN " + pgx.Identifier{channel}.Sanitize() + ";")
				delete(x.listening, channel)
			}
			if wanted {
				added = append(added, channel)
			}
		}
		x.mu.Unlock()
		if n == 0 {
			return nil
		}
		if sql.Len() > 0 {
			if err := x.exec(conn, sql.String()); err != nil {
				return err
			}
		}
		x.confirm(added)
	}
}

// confirm records that channels are subscribed to.
func (x *listener) confirm(channels []string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, channel := range channels {
		x.listening[channel] = struct{}{}
		if l := x.links[channel]; l != nil && !l.confirmed {
			l.confirmed = true
			close(l.done)
		}
	}
}

// receive waits for a message and passes it on. It also returns when the subscriptions have changed.
func (x *listener) receive(conn *pgx.Conn) error {
	x.mu.Lock()
	err := x.ctx.Err()
	if err != nil || len(x.changed) > 0 {
		x.mu.Unlock()
		return err
	}
	x.waiting = conn
	err = conn.PgConn().Conn().SetReadDeadline(time.Now().Add(idleTime))
	x.mu.Unlock()
	var n *pgconn.Notification
	if err == nil {
		n, err = conn.WaitForNotification(context.Background())
	}
	x.mu.Lock()
	x.waiting = nil
	if err == nil || pgconn.Timeout(err) {
		err = errors.Join(ignoreTimeout(err), conn.PgConn().Conn().SetReadDeadline(time.Time{}))
	}
	var l *link
	if n != nil {
		l = x.links[n.Channel]
	}
	x.mu.Unlock()
	switch {
	case err != nil:
		return err
	case n == nil:
		return x.try(conn)
	}
	x.alive = time.Now()
	switch {
	case x.bell != "" && n.Channel == x.bell:
		return x.b.reader.ring(conn, n.Payload)
	case l == nil || l.own(n.Payload) || x.bell != "" && strings.HasPrefix(n.Payload, copyMark):
		return nil
	}
	id, refers := attachmentID(n.Payload)
	row, err := strconv.ParseInt(id, 10, 64)
	switch {
	case !refers:
		l.receive(n.Payload)
	case err != nil:
		x.b.invalid.Add(1)
	default:
		return x.attachment(conn, l, row)
	}
	return nil
}

func ignoreTimeout(err error) error {
	if pgconn.Timeout(err) {
		return nil
	}
	return err
}

// try finds out whether the connection is dead, when nothing has come for a while.
func (x *listener) try(conn *pgx.Conn) error {
	if time.Since(x.alive) < idleTime {
		return nil // it was interrupted
	}
	ctx, cancel := context.WithTimeout(x.ctx, pingTimeout)
	defer cancel()
	err := conn.Ping(ctx)
	x.alive = time.Now()
	return err
}

// attachmentID returns the row that a notification refers to.
func attachmentID(payload string) (id string, refers bool) {
	const member = `"attachmentId"`
	if !strings.Contains(payload, member) {
		return "", false
	}
	r := clusterwire.NewReader(payload)
	r.Object(func(key string) {
		if key == "attachmentId" {
			id, refers = r.Name(), true
		}
	})
	return id, refers && r.End() == nil
}

// attachment reads a row and passes it on. Messages that follow wait for it.
func (x *listener) attachment(conn *pgx.Conn, l *link, row int64) error {
	ctx, cancel := context.WithTimeout(x.ctx, commandTimeout)
	defer cancel()
	var size int
	var payload []byte
	err := conn.QueryRow(ctx, "SELECT octet_length(payload), CASE WHEN octet_length(payload) <= $2 THEN payload END FROM "+
		x.b.cfg.TableName+" WHERE id = $1 AND payload IS NOT NULL", row, x.b.cfg.MaxQueuedBytes).Scan(&size, &payload)
	switch {
	case err == nil && payload != nil:
		l.receive(string(payload))
		return nil
	case err == nil:
		err = fmt.Errorf("it has %d bytes, the limit is %d", size, x.b.cfg.MaxQueuedBytes)
	case errors.Is(err, pgx.ErrNoRows):
		err = errors.New("it is not there, or not any more")
	case !isRefused(err):
		return err
	}
	x.b.invalid.Add(1)
	if time.Since(x.missing) > time.Minute { // a server that makes up rows must not fill the log
		x.missing = time.Now()
		x.b.gaps.Add(1)
		l.gap(fmt.Errorf("postgres: row %d of %s cannot be read: %s", row, x.b.cfg.TableName, oneLine(err)))
	}
	return nil
}
