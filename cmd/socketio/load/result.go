package load

import (
	"fmt"
	"strings"
	"time"
)

// Result is what a scenario measured.
type Result struct {
	Scenario    string  `json:"scenario"`
	URL         string  `json:"url"`
	EIO         int     `json:"eio"`
	Conns       int     `json:"conns"`
	Outstanding int     `json:"outstanding,omitempty"`
	Size        int     `json:"size,omitempty"`
	Seconds     float64 `json:"seconds"`
	// Ops are the operations within Seconds: messages that came back, deliveries, connections or heartbeats.
	Ops       int64   `json:"ops"`
	OpsPerSec float64 `json:"ops_per_s"`
	// Latency is from sending a message to its answer, or to each delivery; of a connection, from dialling to having joined.
	Latency *Latency `json:"latency_us,omitempty"`
	// First and Last are from sending a message to the first and to the last of its deliveries.
	First *Latency `json:"first_us,omitempty"`
	Last  *Latency `json:"last_us,omitempty"`
	// ConnectsPerSec is how fast the connections were made before the measurement.
	ConnectsPerSec float64 `json:"connects_per_s,omitempty"`
	// Bad are messages that were not what they should be, Lost connections that ended by themselves.
	Bad        int64  `json:"bad"`
	Lost       int64  `json:"lost"`
	FirstError string `json:"first_error,omitempty"`

	Server    *ServerUsage `json:"server,omitempty"`
	Stalled   *Stalled     `json:"stalled,omitempty"`
	Jitter    *Jitter      `json:"jitter,omitempty"`
	Avalanche *Avalanche   `json:"avalanche,omitempty"`
	Drain     *Drain       `json:"drain,omitempty"`
}

// ServerUsage is what the server's process took.
type ServerUsage struct {
	PID         int     `json:"pid"`
	CPUPercent  float64 `json:"cpu_pct"`       // of one core, within Seconds
	CPUPerOp    float64 `json:"cpu_us_per_op"` // microseconds
	CPUPerConn  float64 `json:"cpu_us_per_connect,omitempty"`
	RSSStart    int64   `json:"rss_start"` // bytes, before the first connection
	RSSEnd      int64   `json:"rss_end"`
	RSSPeak     int64   `json:"rss_peak"`
	RSSPerConn  int64   `json:"rss_per_conn,omitempty"`
	unavailable error
}

// Failed tells whether anything went wrong.
func (r *Result) Failed() bool {
	return r.Bad > 0 || r.Lost > 0 || r.FirstError != "" || r.Jitter != nil && r.Jitter.failed() || r.Avalanche != nil && r.Avalanche.Recovered < r.Conns ||
		r.Drain != nil && r.Drain.Moved < r.Conns
}

// String is the result for people.
func (r *Result) String() string {
	var b strings.Builder
	row := func(name, format string, args ...any) {
		fmt.Fprintf(&b, "  %-22s %s\n", name, fmt.Sprintf(format, args...))
	}
	fmt.Fprintf(&b, "%s, %s connections to %s (Engine.IO %d)\n", r.Scenario, thousands(int64(r.Conns)), r.URL, r.EIO)
	if r.ConnectsPerSec > 0 {
		row("connected", "%s a second", thousands(int64(r.ConnectsPerSec)))
	}
	row("operations", "%s in %.1f s, %s a second", thousands(r.Ops), r.Seconds, thousands(int64(r.OpsPerSec)))
	for _, l := range []struct {
		name string
		l    *Latency
	}{{"latency", r.Latency}, {"first delivery", r.First}, {"last delivery", r.Last}} {
		if l.l != nil {
			row(l.name, "p50 %s   p90 %s   p99 %s   p99.9 %s   max %s", micros(l.l.P50), micros(l.l.P90), micros(l.l.P99), micros(l.l.P999), micros(l.l.Max))
		}
	}
	if s := r.Server; s != nil {
		if s.unavailable != nil {
			row("server", "%v", s.unavailable)
		} else {
			row("server CPU", "%.0f %% of a core, %.2f µs an operation", s.CPUPercent, s.CPUPerOp)
			row("server memory", "%s at first, %s now, %s at most", megabytes(s.RSSStart), megabytes(s.RSSEnd), megabytes(s.RSSPeak))
			if s.RSSPerConn > 0 {
				row("memory per connection", "%s bytes", thousands(s.RSSPerConn))
			}
		}
	}
	if r.Stalled != nil {
		r.Stalled.rows(row)
	}
	if r.Jitter != nil {
		r.Jitter.rows(row)
	}
	if r.Avalanche != nil {
		r.Avalanche.rows(row)
	}
	if r.Drain != nil {
		r.Drain.rows(row)
	}
	if r.Bad > 0 {
		row("WRONG", "%s messages were not what they should be", thousands(r.Bad))
	}
	if r.Lost > 0 {
		row("LOST", "%s connections ended by themselves", thousands(r.Lost))
	}
	if r.FirstError != "" {
		row("first error", "%s", r.FirstError)
	}
	return b.String()
}

func micros(us int64) string {
	d := time.Duration(us) * time.Microsecond
	switch {
	case d < 10*time.Millisecond:
		return fmt.Sprintf("%d µs", us)
	case d < 10*time.Second:
		return fmt.Sprintf("%.1f ms", float64(us)/1e3)
	}
	return fmt.Sprintf("%.1f s", float64(us)/1e6)
}

func megabytes(n int64) string { return fmt.Sprintf("%.1f MB", float64(n)/1e6) }

// thousands writes a number with commas.
func thousands(n int64) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
