package refusal

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
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
	warned map[string]map[string]*warning // the last one by rule, which is a constant, and key
	counts map[kind]uint64
}

// kind is a consequence and a rule. Both are constants, so that there are few.
type kind struct{ what, rule string }

// warning is one that was written, and how many of its kind were not since then.
type warning struct {
	at      time.Time
	omitted int
}

// NewLog returns a Log that writes to logger.
func NewLog(logger *slog.Logger) *Log {
	return &Log{logger: logger, warned: make(map[string]map[string]*warning), counts: make(map[kind]uint64)}
}

// Write writes a line about r at level DEBUG, or WARN if r has a Remedy. A warning says how many of
// its kind were omitted since the last one: they had level DEBUG.
//
// what is the consequence, such as "engineio: request refused". The zero peer is none. cause, if
// not nil, has more details than r.
//
// It counts the refusal at any level, see [Log.Counts].
func (l *Log) Write(ctx context.Context, what string, peer Peer, r *Refusal, cause error) {
	l.count(kind{what, r.Rule})
	level, omitted := slog.LevelDebug, 0
	if r.Remedy != "" && l.logger.Enabled(ctx, slog.LevelWarn) {
		var due bool
		if due, omitted = l.warns(r.Rule, r.Key, time.Now()); due {
			level = slog.LevelWarn
		}
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
		attrs = append(attrs, slog.String("field", clip(r.Field)))
	}
	if omitted > 0 {
		attrs = append(attrs, slog.Int("omitted", omitted))
	}
	if cause != nil {
		attrs = append(attrs, slog.String("error", clip(cause.Error())))
	}
	l.logger.LogAttrs(ctx, level, what, attrs...)
}

func (l *Log) count(k kind) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.counts[k]++
}

// Counts returns how many refusals were written so far with any of these consequences, by rule.
func (l *Log) Counts(what ...string) map[string]uint64 {
	byRule := make(map[string]uint64)
	l.mu.Lock()
	defer l.mu.Unlock()
	for k, n := range l.counts {
		if slices.Contains(what, k.what) {
			byRule[k.rule] += n
		}
	}
	return byRule
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
func (l *Log) warns(rule, key string, now time.Time) (due bool, omitted int) {
	key = clip(key)
	l.mu.Lock()
	defer l.mu.Unlock()
	last := l.warned[rule]
	if last == nil {
		last = make(map[string]*warning)
		l.warned[rule] = last
	}
	if w := last[key]; w != nil {
		if now.Sub(w.at) < warnEvery {
			w.omitted++
			return false, 0
		}
		omitted = w.omitted
	}
	if len(last) >= maxKeys {
		maps.DeleteFunc(last, func(_ string, w *warning) bool { return now.Sub(w.at) >= warnEvery })
		if len(last) >= maxKeys {
			return false, 0
		}
	}
	last[strings.Clone(key)] = &warning{at: now} // a part of a request keeps all of it in memory
	return true, omitted
}
