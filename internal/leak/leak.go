package leak

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
)

// Grace is how long goroutines that are already on their way out may take to
// end after the last test returned.
const Grace = 30 * time.Second

// Main runs the tests of m and exits the process. When they passed but
// goroutines that they started are still alive after [Grace], it prints the
// stacks of those goroutines and exits with status 1.
func Main(m *testing.M) {
	before := ids(stacks())
	code := m.Run()
	if code == 0 {
		if left := Left(before, Grace); len(left) > 0 {
			fmt.Fprintf(os.Stderr, "leak: %d goroutine(s) still run after the tests:\n\n%s\n",
				len(left), strings.Join(left, "\n\n"))
			code = 1
		}
	}
	os.Exit(code)
}

// Left returns the stacks of the goroutines whose ids are not in before (as
// [IDs] gave them) and that do not end within grace.
func Left(before map[string]bool, grace time.Duration) []string {
	const longest = 50 * time.Millisecond
	deadline := time.Now().Add(grace)
	for pause := 100 * time.Microsecond; ; pause = min(2*pause, longest) {
		var left []string
		for _, s := range stacks() {
			if !before[id(s)] && !harmless(s) {
				left = append(left, s)
			}
		}
		if len(left) == 0 || time.Now().After(deadline) {
			return left
		}
		// There is no event that says "a goroutine ended": poll.
		time.Sleep(pause)
	}
}

// IDs names the goroutines that run now, for [Left].
func IDs() map[string]bool { return ids(stacks()) }

func ids(stacks []string) map[string]bool {
	set := make(map[string]bool, len(stacks))
	for _, s := range stacks {
		set[id(s)] = true
	}
	return set
}

// id cuts "goroutine 12" out of "goroutine 12 [select]:\n...".
func id(stack string) string {
	head, _, _ := strings.Cut(stack, " [")
	return head
}

// stacks returns one text per goroutine, the caller's excepted.
func stacks() []string {
	for size := 64 << 10; ; size *= 2 {
		buf := make([]byte, size)
		n := runtime.Stack(buf, true)
		if n < size {
			// The caller's stack comes first.
			return strings.Split(strings.TrimSpace(string(buf[:n])), "\n\n")[1:]
		}
	}
}

// harmless tells the goroutines that the runtime and the testing package keep
// for the life of the process: they belong to nobody's test.
func harmless(stack string) bool {
	for _, f := range []string{
		"os/signal.loop(",
		"os/signal.signal_recv(",
		"runtime.ensureSigM(",
		"testing.(*M).startAlarm",
		"testing.runFuzzing(",
		"testing.(*F).Fuzz",
		"internal/fuzz.",
	} {
		if strings.Contains(stack, f) {
			return true
		}
	}
	return false
}
