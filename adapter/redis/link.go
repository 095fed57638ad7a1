package redis

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/internal/brokers"
)

// joinError returns the error of a Join. One that was waited for in vain is why the last attempt to
// connect failed.
func (c *connection) joinError(namespace string, err error) error {
	if why := c.feedErr.Load(); why != nil && errors.Is(err, context.DeadlineExceeded) {
		err = *why
	}
	return fmt.Errorf("%w: redis at %s: namespace %s: %s",
		adapter.ErrBroker, c.cfg.where(), namespace, brokers.OneLine(err))
}

// link is what the links of all wires share: the way to the Member.
type link struct {
	c  *connection
	to brokers.Delivery
}

// deliver passes a message to the member. It is called for one subscription at a time.
func (l *link) deliver(m *adapter.Message) {
	l.c.received.Add(1)
	l.to.Receive(m)
}

// reject counts a message that cannot be read. What others publish is not logged: it may be much.
func (l *link) reject() { l.c.invalid.Add(1) }

// gap implements receiver.
func (l *link) gap(err error) {
	if !errors.Is(err, adapter.ErrBroker) {
		err = fmt.Errorf("%w: %s", adapter.ErrBrokerDown, brokers.OneLine(err))
	}
	l.to.Gap(err)
}

// close stops delivery. None is under way when it returns.
func (l *link) close() { l.to.Close() }

// escapeGlob returns the pattern that matches a name.
func escapeGlob(name string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`, `]`, `\]`).Replace(name)
}
