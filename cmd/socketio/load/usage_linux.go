package load

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// usage is what a process has taken so far.
type usage struct {
	cpu       time.Duration
	rss, peak int64 // bytes
}

// usageOf reads what a process has taken. Its CPU time is that of the scheduler's clock where the kernel offers it.
func usageOf(pid int) (u usage, err error) {
	dir := "/proc/" + strconv.Itoa(pid)
	status, err := os.ReadFile(dir + "/status") //nolint:gosec // below /proc, the directory is a number
	if err != nil {
		return u, fmt.Errorf("load: cannot look at process %d: %w", pid, err)
	}
	for line := range strings.SplitSeq(string(status), "\n") {
		if kb, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			u.rss = kilobytes(kb)
		}
		if kb, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			u.peak = kilobytes(kb)
		}
	}
	tasks, err := os.ReadDir(dir + "/task")
	if err != nil {
		return u, fmt.Errorf("load: cannot look at process %d: %w", pid, err)
	}
	for _, t := range tasks {
		b, err := os.ReadFile(dir + "/task/" + t.Name() + "/schedstat") //nolint:gosec // as above
		if err != nil {
			continue // the thread has just ended
		}
		first, _, _ := bytes.Cut(b, []byte(" "))
		ns, _ := strconv.ParseInt(string(first), 10, 64)
		u.cpu += time.Duration(ns)
	}
	return u, nil
}

func kilobytes(s string) int64 {
	n, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(s), " kB"), 10, 64)
	return n << 10
}
