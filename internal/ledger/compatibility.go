package main

import (
	"fmt"
	"strings"
)

const preamble = `# Compatibility, case by case

Made by ` + "`make ledger-write`" + ` from what the tests say of themselves (see CONTRIBUTING.md); do not edit it. ` + "`make ledger`" + ` fails when it is out of date,
or when a case is neither held by a test that ran and passed nor excluded for a reason.

Each case of the official test suites and of the protocols' conformance suites is here, in our words, beside the Go test
(package: test) or the scenario against real clients (compat-tests: file: test) that holds it, or the reason why it cannot apply to Go. Behind them: rules that
implementations of these protocols get wrong, and published vulnerabilities of their kind.
`

// shown is how many tests of a case are named; the number of the others follows.
const shown = 3

// cell makes text fit into a cell of a table.
var cell = strings.NewReplacer("|", `\|`, "<", "&lt;", "\n", " ")

// compatibility is the document that maps every case to what accounts for it.
func (l *ledger) compatibility(sum string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n%s.\n", preamble, strings.ToUpper(sum[:1])+sum[1:])
	for _, s := range l.sections {
		fmt.Fprintf(&b, "\n## %s\n\n| id | case | held by |\n| --- | --- | --- |\n", cell.Replace(s.title))
		for _, e := range s.cases {
			fmt.Fprintf(&b, "| %s | %s | %s |\n", e.id, cell.Replace(e.title), cell.Replace(e.heldBy()))
		}
	}
	return b.String()
}

func (e *entry) heldBy() string {
	tests := together(e.tests)
	switch n := len(tests); {
	case n > shown:
		return fmt.Sprintf("%s; and %d more", strings.Join(tests[:shown], "; "), n-shown)
	case n > 0:
		return strings.Join(tests, "; ")
	case e.reason != "":
		return "not applicable: " + e.reason
	}
	return "missing"
}

// together names the tests of a scenario once that differ in the client and the transport only: what is behind the last " > ".
func together(tests []string) []string {
	group := func(test string) string {
		if i := strings.LastIndex(test, " > "); i >= 0 {
			return test[:i]
		}
		return test
	}
	members := map[string]int{}
	for _, test := range tests {
		members[group(test)]++
	}
	var named []string
	for _, test := range tests {
		if g := group(test); members[g] > 1 {
			test = g
		}
		if len(named) == 0 || named[len(named)-1] != test {
			named = append(named, test)
		}
	}
	return named
}
