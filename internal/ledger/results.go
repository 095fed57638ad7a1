package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
)

// A result is one line of a file of results: a test with labels, and how it ended ("pass", "skip" or "fail").
type result struct {
	Test    string   `json:"test"`
	Outcome string   `json:"outcome"`
	Covers  []string `json:"covers"`
}

// readResults reads files of results, one JSON object a line.
func readResults(files []string) ([]result, error) {
	var all []result
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		for line := range bytes.Lines(text) {
			var r result
			if err := json.Unmarshal(line, &r); err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			all = append(all, r)
		}
	}
	return all, nil
}

// writeResults writes what readResults reads.
func writeResults(name string, results []result) (err error) {
	file, err := os.Create(name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	out := bufio.NewWriter(file)
	for _, r := range results {
		if err := json.NewEncoder(out).Encode(r); err != nil {
			return err
		}
	}
	return out.Flush()
}

// apply enters the results and returns what is wrong with them, one line each. A test that ran several times, because it is
// skipped under the race detector for example, has to pass once and must never fail.
func (l *ledger) apply(results []result) (wrong []string) {
	passed := map[string]bool{}
	for _, r := range results {
		if r.Outcome == "pass" {
			passed[r.Test] = true
		}
	}
	for _, r := range results {
		if r.Outcome == "fail" || r.Outcome != "pass" && !passed[r.Test] {
			wrong = append(wrong, fmt.Sprintf("%s covers %v and ended with: %s", r.Test, r.Covers, r.Outcome))
			continue
		}
		for _, id := range r.Covers {
			e := l.byID[id]
			if e == nil {
				wrong = append(wrong, fmt.Sprintf("%s covers %s, which is no case", r.Test, id))
			} else if !slices.Contains(e.tests, r.Test) {
				e.tests = append(e.tests, r.Test)
			}
		}
	}
	for _, s := range l.sections {
		for _, e := range s.cases {
			slices.Sort(e.tests)
			if e.reason != "" && len(e.tests) > 0 {
				wrong = append(wrong, fmt.Sprintf("%s is not applicable, and covered by %s", e.id, e.tests[0]))
			}
		}
	}
	return wrong
}
