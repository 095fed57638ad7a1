package main

import (
	"fmt"
	"strconv"
	"strings"
)

// A section is a heading of the list of cases with the cases below it.
type section struct {
	title string
	cases []*entry
}

// An entry is one case and what accounts for it: tests, or the reason why it cannot apply.
type entry struct {
	id, title string
	tests     []string
	reason    string
}

// ledger is the whole list, in its order and by id.
type ledger struct {
	sections []*section
	byID     map[string]*entry
}

// lines yields what is neither empty nor a comment in a list, with its line number.
func lines(text string) func(func(int, string) bool) {
	return func(yield func(int, string) bool) {
		n := 0
		for line := range strings.Lines(text) {
			n++
			line = strings.TrimSpace(line)
			if line != "" && !strings.HasPrefix(line, "//") && !yield(n, line) {
				return
			}
		}
	}
}

// parseCases reads the list of cases: "# HEADING" and "ID TITLE" lines.
func parseCases(text string) (*ledger, error) {
	l := &ledger{byID: map[string]*entry{}}
	for n, line := range lines(text) {
		if title, ok := strings.CutPrefix(line, "# "); ok {
			l.sections = append(l.sections, &section{title: title})
			continue
		}
		id, title, _ := strings.Cut(line, " ")
		if title == "" || len(l.sections) == 0 || l.byID[id] != nil {
			return nil, fmt.Errorf("cases, line %d: no heading above it, no title, or an id twice: %s", n, line)
		}
		last := l.sections[len(l.sections)-1]
		last.cases = append(last.cases, &entry{id: id, title: title})
		l.byID[id] = last.cases[len(last.cases)-1]
	}
	return l, nil
}

// exclude reads the reasons why cases do not apply: "ID REASON" or "ID-N REASON" lines, the latter for a range.
func (l *ledger) exclude(text string) error {
	for n, line := range lines(text) {
		ids, reason, _ := strings.Cut(line, " ")
		entries, err := l.find(ids)
		if err != nil || reason == "" {
			return fmt.Errorf("not applicable, line %d: unknown id, or no reason: %s", n, line)
		}
		for _, e := range entries {
			e.reason = reason
		}
	}
	return nil
}

// find returns the entries that pattern names: ID, PREFIX/* for all below a prefix, or PREFIX/N-M for a range.
func (l *ledger) find(pattern string) ([]*entry, error) {
	var found []*entry
	if e := l.byID[pattern]; e != nil {
		return []*entry{e}, nil
	}
	if prefix, ok := strings.CutSuffix(pattern, "*"); ok {
		for _, s := range l.sections {
			for _, e := range s.cases {
				if strings.HasPrefix(e.id, prefix) {
					found = append(found, e)
				}
			}
		}
	} else {
		slash := strings.LastIndexByte(pattern, '/') + 1
		first, last, _ := strings.Cut(pattern[slash:], "-")
		from, errFrom := strconv.Atoi(first)
		to, errTo := strconv.Atoi(last)
		for n := from; errFrom == nil && errTo == nil && n <= to; n++ {
			e := l.byID[pattern[:slash]+strconv.Itoa(n)]
			if e == nil {
				return nil, fmt.Errorf("no case %s%d", pattern[:slash], n)
			}
			found = append(found, e)
		}
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("no case %s", pattern)
	}
	return found, nil
}
