package main

import (
	"fmt"
	"strings"
)

// The README's table stands between these.
const (
	tableBegin = "<!-- features: made by `make ledger-write` from docs/evidence/ledger/features.txt and the tests -->\n"
	tableEnd   = "<!-- features end -->\n"
)

// readme returns text with the table of features brought up to date. A line of features is "FEATURE | CASES | REMARK"; cases
// are ids, ranges and prefixes (see find). A remark that begins with "not" replaces the state. A feature without cases is one
// that no other server has: its tests are its own.
func (l *ledger) readme(text, features string) (string, error) {
	before, rest, ok := strings.Cut(text, tableBegin)
	_, after, ok2 := strings.Cut(rest, tableEnd)
	if !ok || !ok2 {
		return "", fmt.Errorf("%s has no place for the table of features: %s", readmeFile, tableBegin)
	}
	var b strings.Builder
	b.WriteString("| feature | state | cases held |\n| --- | --- | --- |\n")
	for n, line := range lines(features) {
		columns := strings.Split(line, "|")
		if len(columns) != 3 {
			return "", fmt.Errorf("features, line %d: not three columns: %s", n, line)
		}
		held, applicable := 0, 0
		for pattern := range strings.FieldsSeq(columns[1]) {
			entries, err := l.find(pattern)
			if err != nil {
				return "", fmt.Errorf("features, line %d: %w", n, err)
			}
			for _, e := range entries {
				if e.reason == "" {
					applicable++
				}
				if len(e.tests) > 0 {
					held++
				}
			}
		}
		state, count := "yes", fmt.Sprint(held)
		switch {
		case applicable == 0:
			count = "–"
		case held == 0:
			state, count = "not yet", fmt.Sprintf("0 of %d", applicable)
		case held < applicable:
			state, count = "not all of it yet", fmt.Sprintf("%d of %d", held, applicable)
		}
		switch remark := strings.TrimSpace(columns[2]); {
		case strings.HasPrefix(remark, "not "): // tests prove less than what the feature's name promises
			state = remark
		case remark != "":
			state += ", " + remark
		}
		fmt.Fprintf(&b, "| %s | %s | %s |\n", strings.TrimSpace(columns[0]), state, count)
	}
	return before + tableBegin + b.String() + tableEnd + after, nil
}
