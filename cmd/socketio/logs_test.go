package main

import (
	"encoding/json"
	"strings"
	"testing"
)

// With -log-format json each line of the log is an object.
func TestLogFormat(t *testing.T) {
	p := start(t, "-log-format", "json")
	p.end(t)
	lines := strings.Split(strings.TrimSpace(p.stderr.String()), "\n")
	for _, line := range lines {
		var entry struct{ Time, Level, Msg string }
		if err := json.Unmarshal([]byte(line), &entry); err != nil || entry.Time == "" || entry.Level == "" || entry.Msg == "" {
			t.Errorf("%s: %v", line, err)
		}
	}
	if said := p.stderr.String(); !strings.Contains(said, `"msg":"draining"`) {
		t.Errorf("the log is %q", said)
	}
}
