package redis

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/gosocketio/socketio/adapter"
)

// joinError returns the error of a Join. One that was waited for in vain is why the last attempt to
// connect failed.
func (c *connection) joinError(namespace string, err error) error {
	if why := c.feedErr.Load(); why != nil && errors.Is(err, context.DeadlineExceeded) {
		err = *why
	}
	return fmt.Errorf("%w: redis at %s: namespace %s: %s", adapter.ErrBroker, c.cfg.where(), namespace, oneLine(err))
}

// link is what the links of all wires share: the way to the Member.
type link struct {
	c      *connection
	member adapter.Member

	mu     sync.Mutex // held while the member receives, so that it gets one message at a time
	closed bool
}

// deliver passes a message to the member. It is called for one subscription at a time.
func (l *link) deliver(m *adapter.Message) {
	l.c.received.Add(1)
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.closed {
		l.member.Receive(m)
	}
}

// reject counts a message that cannot be read. What others publish is not logged: it may be much.
func (l *link) reject() { l.c.invalid.Add(1) }

// gap implements receiver.
func (l *link) gap(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.closed {
		l.member.Gap(fmt.Errorf("%w: %s", adapter.ErrBrokerDown, oneLine(err)))
	}
}

// close stops delivery. None is under way when it returns.
func (l *link) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
}

// escapeGlob returns the pattern that matches a name.
func escapeGlob(name string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`, `]`, `\]`).Replace(name)
}
