package refusal

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"
)

const (
	// warnEvery is how often a rule and key may be warned about.
	warnEvery = time.Minute
	// maxKeys limits the keys of one rule within warnEvery, which the client may choose. Lines of
	// further keys are not warnings.
	maxKeys = 32
	// maxText limits a text of a client in a line, in bytes.
	maxText = 200
)

// Log writes the lines. It is safe for concurrent use.
type Log struct {
	logger *slog.Logger

	mu     sync.Mutex
	warned map[string]*warnings // by rule; rules are constants
}

// warnings holds the latest warnings of one rule.
type warnings struct {
	at   map[string]time.Time // by key
	full time.Time            // until then all keys are in use
}

// NewLog returns a Log that writes to logger.
func NewLog(logger *slog.Logger) *Log {
	return &Log{logger: logger, warned: make(map[string]*warnings)}
}

// Write writes the line about r. what says what came of it, such as "engineio: request refused"; the
// zero peer is none; cause, if not nil, tells more than r does. A line is written at level DEBUG, or WARN
// as Refusal.Remedy says.
func (l *Log) Write(ctx context.Context, what string, peer Peer, r *Refusal, cause error) {
	level := slog.LevelDebug
	if r.Remedy != "" && l.logger.Enabled(ctx, slog.LevelWarn) && l.first(r.Rule, r.Key, time.Now()) {
		level = slog.LevelWarn
	}
	if !l.logger.Enabled(ctx, level) {
		return
	}
	if level == slog.LevelWarn {
		what += ": " + r.Rule + ": " + strings.Replace(r.Remedy, "{value}", fmt.Sprint(printable(r.Value)), 1)
	}
	attrs := make([]slog.Attr, 0, 10)
	if peer != (Peer{}) {
		attrs = append(attrs, slog.String("remote", peer.Addr), slog.String("id", ID(peer.ID).String()))
	}
	if r.Event != "" {
		attrs = append(attrs, slog.String("event", clip(r.Event)))
	}
	if peer.Namespace != "" {
		attrs = append(attrs, slog.String("namespace", clip(peer.Namespace)))
	}
	attrs = append(attrs, slog.String("rule", r.Rule))
	if r.Value != nil {
		attrs = append(attrs, slog.Any("value", printable(r.Value)))
	}
	if r.Limit != nil {
		attrs = append(attrs, slog.Any("limit", printable(r.Limit)))
	}
	if r.Field != "" {
		attrs = append(attrs, slog.String("field", r.Field))
	}
	if cause != nil {
		attrs = append(attrs, slog.String("error", clip(cause.Error())))
	}
	l.logger.LogAttrs(ctx, level, what, attrs...)
}

// Peer is the client that a line is about.
type Peer struct {
	// Addr is its address, "IP:port".
	Addr string
	// ID is the id of its session, "" while it has none. A line shows the beginning of it.
	ID string
	// Namespace is the one that it asked for, if the line is about one.
	Namespace string
}

// ID is the id of a session. It prints as its first characters: whoever knows the whole id can act as the
// client.
type ID string

// String returns at most 8 characters and at most half of them.
func (id ID) String() string { return string(id[:min(8, len(id)/2)]) }

// printable bounds a text. Other values keep their types.
func printable(v any) any {
	switch v := v.(type) {
	case string:
		return clip(v)
	case error:
		return clip(v.Error())
	case fmt.Stringer:
		return clip(v.String())
	}
	return v
}

func clip(s string) string {
	if len(s) > maxText {
		return s[:maxText] + "..."
	}
	return s
}

// first reports whether a warning of this rule and key is due.
func (l *Log) first(rule, key string, now time.Time) bool {
	key = clip(key)
	l.mu.Lock()
	defer l.mu.Unlock()
	w := l.warned[rule]
	if w == nil {
		w = &warnings{at: make(map[string]time.Time)}
		l.warned[rule] = w
	}
	if at, ok := w.at[key]; ok && now.Sub(at) < warnEvery {
		return false
	}
	if len(w.at) >= maxKeys && !w.sweep(now) {
		return false
	}
	w.at[strings.Clone(key)] = now // a text of a request holds all of it in memory
	return true
}

// sweep forgets warnings that may be repeated, and reports whether there is room for another key.
func (w *warnings) sweep(now time.Time) bool {
	if now.Before(w.full) {
		return false
	}
	w.full = now.Add(warnEvery)
	for key, at := range w.at {
		due := at.Add(warnEvery)
		switch {
		case !now.Before(due):
			delete(w.at, key)
		case due.Before(w.full):
			w.full = due
		}
	}
	if len(w.at) < maxKeys {
		w.full = time.Time{}
		return true
	}
	return false
}
