package socketio

import "sync/atomic"

// load is what waits for the handlers of one connection. Over its budget the connection is not read from, so that
// TCP makes the client wait; at half of it reading goes on.
type load struct {
	bytes  atomic.Int64
	events atomic.Int64
	paused atomic.Bool
}

// eventOverhead is what an event costs besides its payload and the places of its arguments, in bytes.
const eventOverhead = 256

// charge adds an event with bytes of payload. Only the goroutine that delivers messages calls it.
func (c *client) charge(bytes int) (cost int64) {
	cost = int64(bytes) + eventOverhead
	l := &c.load
	over := l.bytes.Add(cost) > int64(c.server.cfg.MaxInboxBytes)
	over = l.events.Add(1) > int64(c.server.cfg.MaxInboxEvents) || over
	if over && !l.paused.Load() {
		c.batched(false) // what waits for its end could keep the load where it is
		// The flag goes up after the fact and the load is looked at again: whichever of this goroutine and the last
		// refund comes second sees what the other did, and reading goes on.
		c.session.PauseReading()
		c.paused(true)
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
	c.load.events.Add(-int64(events))
	c.resume()
}

func (c *client) resume() {
	l := &c.load
	if l.paused.Load() && l.bytes.Load() <= int64(c.server.cfg.MaxInboxBytes/2) &&
		l.events.Load() <= int64(c.server.cfg.MaxInboxEvents/2) && l.paused.CompareAndSwap(true, false) {
		c.session.ResumeReading()
		c.paused(false)
	}
}

func (c *client) paused(yes bool) {
	hook(c.server, c.server.cfg.Hooks.Pause, PauseInfo{Conn: c.session, Paused: yes})
}
