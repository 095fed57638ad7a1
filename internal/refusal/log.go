package refusal

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"sync"
	"time"
)

const (
	// warnEvery is the interval between warnings of one rule and key.
	warnEvery = time.Minute
	// maxKeys limits the keys of one rule within warnEvery, because clients may choose them. Lines of
	// further keys are not warnings.
	maxKeys = 32
	// maxText limits the texts of clients in a line, in bytes.
	maxText = 200
)

// Log writes the lines. It is safe for concurrent use.
type Log struct {
	logger *slog.Logger

	mu     sync.Mutex
	warned map[string]map[string]time.Time // the last warning by rule, which is a constant, and key
}

// NewLog returns a Log that writes to logger.
func NewLog(logger *slog.Logger) *Log {
	return &Log{logger: logger, warned: make(map[string]map[string]time.Time)}
}

// Write writes a line about r at level DEBUG, or WARN if r has a Remedy.
//
// what is the consequence, such as "engineio: request refused". The zero peer is none. cause, if
// not nil, has more details than r.
func (l *Log) Write(ctx context.Context, what string, peer Peer, r *Refusal, cause error) {
	level := slog.LevelDebug
	if r.Remedy != "" && l.logger.Enabled(ctx, slog.LevelWarn) && l.warns(r.Rule, r.Key, time.Now()) {
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
	// Addr is the client's address, "IP:port".
	Addr string
	// ID is the id of the client's session, or "". A line shows only its beginning.
	ID string
	// Namespace is the namespace that the line is about, or "".
	Namespace string
}

// ID is the id of a session. It prints as its beginning, because the whole id is a credential.
type ID string

// String returns the first 8 characters, or half of them if there are fewer than 16.
func (id ID) String() string { return string(id[:min(8, len(id)/2)]) }

// printable bounds texts. Other values keep their types.
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

// warns reports whether a warning of this rule and key is due, and remembers it.
func (l *Log) warns(rule, key string, now time.Time) bool {
	key = clip(key)
	l.mu.Lock()
	defer l.mu.Unlock()
	last := l.warned[rule]
	if last == nil {
		last = make(map[string]time.Time)
		l.warned[rule] = last
	}
	if at, ok := last[key]; ok && now.Sub(at) < warnEvery {
		return false
	}
	if len(last) >= maxKeys {
		maps.DeleteFunc(last, func(_ string, at time.Time) bool { return now.Sub(at) >= warnEvery })
		if len(last) >= maxKeys {
			return false
		}
	}
	last[strings.Clone(key)] = now // a part of a request keeps all of it in memory
	return true
}
