package engineio

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/gosocketio/socketio/internal/refusal"
)

// DrainOptions are the options of Drain.
type DrainOptions struct {
	// Over is the time over which the connections are closed: one after another in a random order,
	// at even distances with jitter. Default 0: all at once.
	Over time.Duration
}

// errDraining is the cause for which Drain closes a session.
var errDraining = &refusal.Refusal{Err: ErrServerClosed, Rule: "draining"}

// Drain moves the clients to other servers: it refuses new sessions with status 503 and closes the
// existing ones over a time. Call Shutdown afterwards.
//
// A session is closed when its outbox has been sent, so that clients reconnect at once by
// themselves. What a client sent before it knew is still received: on a WebSocket until the client
// has closed too, from a polling client for a second. Then the session ends with ReasonForcedClose
// and cause ErrServerClosed.
//
// WebSockets that this server relays (Config.Relay) are closed too, by the servers of their sessions.
//
// Drain returns when all sessions and connections have ended. It returns ctx's error when that
// comes first; the sessions that are left stay open then. The server refuses new sessions for good.
func (e *Server) Drain(ctx context.Context, o DrainOptions) error {
	e.mu.Lock()
	e.draining = true
	e.mu.Unlock()
	began := time.Now()
	timer := time.NewTimer(0)
	defer timer.Stop()
	var list []func()
	for _, s := range e.sessions.all() { // in random order: new sessions come to a random shard
		list = append(list, func() { s.closeGracefully(errDraining) })
	}
	if e.nodes != nil {
		for _, x := range e.nodes.drain() {
			list = append(list, func() { e.drainSocket(x) })
		}
		rand.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] }) // #nosec G404 -- an order
	}
	for i, closeNext := range list {
		due := time.Duration((float64(i) + rand.Float64()) / float64(len(list)) * float64(o.Over)) // #nosec G404 -- jitter
		if wait := due - time.Since(began); wait > 0 {
			timer.Reset(wait)
			select {
			case <-timer.C:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		closeNext()
	}
	select {
	case <-e.idle():
	case <-ctx.Done():
		return ctx.Err()
	}
	if e.nodes == nil {
		return nil
	}
	return e.nodes.awaitSockets(ctx)
}

// Draining tells whether Drain or Shutdown has been called: the server takes no new sessions.
func (e *Server) Draining() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.draining
}

// idle returns a channel that is closed when all sessions and readers have ended.
func (e *Server) idle() <-chan struct{} {
	done := make(chan struct{})
	go func() {
		e.work.Wait()
		close(done)
	}()
	return done
}

// shutdownWait is how long Shutdown waits for peers to answer its close frames.
const shutdownWait = time.Second

// Shutdown refuses new sessions with status 503, ends all sessions with ReasonForcedClose and cause
// ErrServerClosed, dropping what they have queued, and waits until every goroutine of the server
// has ended. It returns ctx's error when that comes first; the rest then ends in the background.
// The http.Server is the caller's to shut down.
func (e *Server) Shutdown(ctx context.Context) error {
	e.mu.Lock()
	e.draining, e.closed = true, true
	e.mu.Unlock()
	for _, s := range e.sessions.all() {
		s.Discard(ErrServerClosed)
	}
	if e.nodes != nil {
		e.nodes.stop()
	}
	done := make(chan struct{})
	go func() {
		<-e.idle()
		if e.nodes != nil {
			e.nodes.work.Wait()
		}
		e.loops.close()
		close(done)
	}()
	timer := time.NewTimer(shutdownWait)
	defer timer.Stop()
	var err error
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		err = ctx.Err()
	case <-timer.C:
	}
	e.mu.Lock()
	conns := make([]*wsConn, 0, len(e.deadlines))
	for c := range e.deadlines {
		conns = append(conns, c)
	}
	e.mu.Unlock()
	for _, c := range conns {
		c.stream.close()
	}
	if e.nodes != nil {
		e.nodes.close()
	}
	if err != nil {
		return err
	}
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
