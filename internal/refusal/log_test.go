package refusal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func newLog(level slog.Level) (*Log, *bytes.Buffer) {
	var b bytes.Buffer
	return NewLog(slog.New(slog.NewTextHandler(&b, &slog.HandlerOptions{Level: level}))), &b
}

func origin(key string) *Refusal {
	return &Refusal{Rule: "foreign origin", Value: key, Field: "Config.X", Key: key, Remedy: "set Config.X to {value}"}
}

// A warning comes once a minute for each rule and key. Between, and with more keys than fit, lines are at level DEBUG.
func TestWarnings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, b := newLog(slog.LevelDebug)
		want := func(level, what string, r *Refusal) {
			t.Helper()
			b.Reset()
			l.Write(t.Context(), "x", Peer{Addr: "127.0.0.1:1"}, r, nil)
			if strings.Count(b.String(), "\n") != 1 || !strings.Contains(b.String(), "level="+level) {
				t.Errorf("%s: %s, want level %s", what, b, level)
			}
		}
		want("WARN", "first", origin("a"))
		want("DEBUG", "again", origin("a"))
		want("WARN", "other key", origin("b"))
		want("WARN", "other rule", &Refusal{Rule: "other", Key: "a", Remedy: "do"})
		time.Sleep(warnEvery - time.Nanosecond)
		want("DEBUG", "within a minute", origin("a"))
		time.Sleep(time.Nanosecond)
		want("WARN", "a minute later", origin("a"))
		if !strings.Contains(b.String(), " omitted=2\n") {
			t.Errorf("%s does not say that 2 were omitted", b)
		}

		for i := range maxKeys - 2 {
			want("WARN", "key", origin(fmt.Sprint(i)))
		}
		for i := range 10_000 {
			want("WARN", "expired key makes room", origin(strings.Repeat("z", 1000)+fmt.Sprint(i)))
			want("DEBUG", "one too many", origin(fmt.Sprint("more", i)))
			if n := len(l.warned["foreign origin"]); n > maxKeys {
				t.Fatalf("%d keys", n)
			}
			time.Sleep(warnEvery)
			for k := range maxKeys - 1 {
				want("WARN", "all have expired", origin(fmt.Sprint("k", k)))
			}
			if i == 2 {
				break
			}
		}
	})
}

// Texts of clients are bounded, and an id is not shown whole.
func TestLineIsBounded(t *testing.T) {
	l, b := newLog(slog.LevelDebug)
	long := strings.Repeat("x", 1<<20)
	l.Write(t.Context(), "x", Peer{Addr: "127.0.0.1:1", ID: "abcdefghijklmnopqrst", Namespace: long}, origin(long), errors.New(long))
	if b.Len() > 6*maxText {
		t.Errorf("%d bytes", b.Len())
	}
	if got := b.String(); !strings.Contains(got, " id=abcdefgh ") {
		t.Errorf("%s", got)
	}
}

// A refusal that nobody reads about formats nothing.
func TestDisabledLevelAllocatesNothing(t *testing.T) {
	l, b := newLog(slog.LevelWarn)
	r := origin("a")
	cause := &Refusal{Err: errors.New("e"), Format: "%v of %v", Value: 1, Limit: 2}
	l.Write(t.Context(), "x", Peer{}, r, cause)
	b.Reset()
	ctx := context.Background()
	if n := testing.AllocsPerRun(100, func() { l.Write(ctx, "x", Peer{Addr: "127.0.0.1:1", ID: "abc"}, r, cause) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if b.Len() > 0 {
		t.Errorf("%s", b)
	}
	if n := l.Counts("x", "y")["foreign origin"]; n < 100 {
		t.Errorf("%d were counted", n)
	}
	if n := len(l.Counts("y")); n > 0 {
		t.Errorf("%d rules of another consequence", n)
	}
}

func TestError(t *testing.T) {
	sentinel := errors.New("pkg: too large")
	r := &Refusal{Err: sentinel, Value: 3, Limit: 2, Field: "Config.Max", Format: "%d bytes, the limit is %d"}
	if got, want := r.Error(), "pkg: too large: 3 bytes, the limit is 2 (Config.Max)"; got != want || !errors.Is(r, sentinel) {
		t.Errorf("%q, want %q", got, want)
	}
}
