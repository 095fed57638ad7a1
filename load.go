package socketio

import (
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"
)

// load is what waits for the handlers of one connection. Over its budget the connection is not read from, so that
// TCP makes the client wait; at half of it reading goes on.
type load struct {
	bytes  atomic.Int64
	events atomic.Int32
	paused atomic.Bool
	stall  *stall // nil until the first pause; client.mu guards the pointer
}

// stall notices handlers that do not end while they keep their client waiting.
type stall struct {
	timer    *time.Timer
	began    time.Time
	progress atomic.Int64 // the time since began at the pause, or when a handler ended after it
}

// watch starts, or restarts, the limit on handlers that do not end.
func (c *client) watch() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing {
		return
	}
	limit := c.server.cfg.HandlerStallTimeout
	w := c.load.stall
	if w == nil {
		w = &stall{began: time.Now()}
		w.timer = time.AfterFunc(limit, c.checkStall)
		c.load.stall = w
		return
	}
	w.progress.Store(int64(time.Since(w.began)))
	w.timer.Reset(limit)
}

// stopWatchLocked ends the limit with the connection. The caller must hold c.mu.
func (c *client) stopWatchLocked() {
	if c.load.stall != nil {
		c.load.stall.timer.Stop()
	}
}

// checkStall ends a connection whose handlers have not made progress for HandlerStallTimeout. A timer
// that a pause left behind finds that reading goes on.
func (c *client) checkStall() {
	c.server.workers.begin()
	defer c.server.workers.end()
	limit := c.server.cfg.HandlerStallTimeout
	c.mu.Lock()
	w, left := c.load.stall, time.Duration(0)
	over := c.closing || !c.load.paused.Load()
	if !over {
		left = limit - (time.Since(w.began) - time.Duration(w.progress.Load()))
	}
	if left > 0 {
		w.timer.Reset(left)
	}
	c.mu.Unlock()
	if over || left > 0 {
		return
	}
	c.server.cfg.Logger.Warn("socketio: no event handler of a client ended in time while its events waited: "+
		"make the handlers shorter, start goroutines, or raise Config.HandlerStallTimeout",
		slog.Duration("limit", limit), slog.String("session", c.session.ID()))
	c.shut(ReasonForcedServerClose, fmt.Errorf("%w: none in %v (Config.HandlerStallTimeout)", ErrHandlerStalled, limit))
}

// eventOverhead is what an event costs besides its payload and the places of its arguments, in bytes.
const eventOverhead = 256

// charge adds an event with bytes of payload. Only the goroutine that delivers messages calls it.
func (c *client) charge(bytes int) (cost int64) {
	cost = int64(bytes) + eventOverhead
	l := &c.load
	over := l.bytes.Add(cost) > int64(c.server.cfg.MaxInboxBytes)
	over = int(l.events.Add(1)) > c.server.cfg.MaxInboxEvents || over
	if over && !l.paused.Load() {
		c.batched(false) // what waits for its end could keep the load where it is
		// The flag goes up after the fact and the load is looked at again: whichever of this goroutine and the last
		// refund comes second sees what the other did, and reading goes on.
		c.session.PauseReading()
		c.paused(true)
		c.watch()
		l.paused.Store(true)
		c.resume()
	}
	return cost
}

// refund takes away what charge added, for one event or several.
func (c *client) refund(events int, cost int64) {
	if events == 0 {
		return
	}
	c.load.bytes.Add(-cost)
	c.load.events.Add(-int32(events))
	// It was set before paused was, and not at all for a client that is gone.
	if w := c.stallOf(); w != nil {
		w.progress.Store(int64(time.Since(w.began)))
	}
	c.resume()
}

// stallOf returns the watch of a client that is not read from, or nil.
func (c *client) stallOf() *stall {
	if !c.load.paused.Load() {
		return nil
	}
	return c.load.stall
}

func (c *client) resume() {
	l := &c.load
	if l.paused.Load() && l.bytes.Load() <= int64(c.server.cfg.MaxInboxBytes/2) &&
		int(l.events.Load()) <= c.server.cfg.MaxInboxEvents/2 && l.paused.CompareAndSwap(true, false) {
		c.session.ResumeReading()
		c.paused(false)
	}
}

func (c *client) paused(yes bool) {
	hook(c.server, c.server.cfg.Hooks.Pause, PauseInfo{Conn: c.session, Paused: yes})
}
