package embedded

import (
	"context"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// logger passes what the server logs to the logger of the process: warnings and errors that an operator
// can act on, each once a minute. All else is a debug line.
type logger struct {
	slog  *slog.Logger
	fatal atomic.Pointer[string] // the first one; the server does not work

	mu    sync.Mutex
	since time.Time
	said  map[string]struct{} // since then
}

var _ server.Logger = (*logger)(nil)

const (
	repeatAfter = time.Minute
	maxSaid     = 20 // different lines in that time
)

// varying is what differs in lines that say the same.
var varying = regexp.MustCompile(`^\S+ - [a-z]id:\d+ - | \(attempt \d+\)`)

// routine begins the warnings that need no operator.
var routine = []string{
	"Metalayer blocking snapshot", "Waiting for routing to be established",
	"JetStream has not established contact with a meta leader", // Start says for what it waits
	"Error flushing: ", // to a node that has just ended
}

// warn logs a warning, unless it has just done so.
func (l *logger) warn(format string, v []any) {
	text := varying.ReplaceAllString(fmt.Sprintf(format, v...), "")
	level := slog.LevelWarn
	for _, begin := range routine {
		if strings.HasPrefix(text, begin) {
			level = slog.LevelDebug
		}
	}
	if level == slog.LevelWarn && !l.first(text) {
		level = slog.LevelDebug
	}
	l.write(level, text)
}

// first tells whether a text is to be logged now.
func (l *logger) first(text string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now := time.Now(); now.Sub(l.since) > repeatAfter {
		l.since, l.said = now, make(map[string]struct{})
	}
	if _, twice := l.said[text]; twice || len(l.said) >= maxSaid {
		return false
	}
	l.said[text] = struct{}{}
	return true
}

func (l *logger) write(level slog.Level, text string) {
	l.slog.Log(context.Background(), level, "socketio: embedded NATS server: "+text)
}

// Noticef, Warnf, Errorf, Fatalf, Debugf and Tracef implement server.Logger.
func (l *logger) Noticef(format string, v ...any) {
	l.write(slog.LevelDebug, fmt.Sprintf(format, v...))
}
func (l *logger) Warnf(format string, v ...any)  { l.warn(format, v) }
func (l *logger) Errorf(format string, v ...any) { l.warn(format, v) } // it goes on
func (l *logger) Debugf(string, ...any)          {}
func (l *logger) Tracef(string, ...any)          {}
func (l *logger) Fatalf(format string, v ...any) {
	text := fmt.Sprintf(format, v...)
	l.fatal.CompareAndSwap(nil, &text)
}
