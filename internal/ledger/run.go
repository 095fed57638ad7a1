package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// module is what the names of packages begin with; the tests' names in the ledger do not.
const module = "github.com/gosocketio/socketio"

// An event is a line that `go test -json` prints (go doc test2json).
type event struct {
	Action, Package, Test, Output, Key, Value string
}

// runTests runs args, a `go test -json`, and writes to file what the labelled tests say. It prints what go test
// prints without -json. Tests that failed are run once more, alone, and that is said: a busy machine may let a
// deadline pass. So is a package whose tests did not end within go test's -timeout, or one of which ended before
// its goroutines. Nothing is run again after a data race, another panic or a build that failed. When anything fails
// for good there is no file afterwards.
func runTests(file string, args []string) error {
	if err := os.Remove(file); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	first, err := runOnce(args)
	if err != nil && !first.again() {
		return err
	}
	for len(args) > 0 && strings.HasPrefix(args[len(args)-1], ".") { // the packages
		args = args[: len(args)-1 : len(args)-1]
	}
	for pkg, tests := range first.failed {
		again := append(args, pkg)
		if tests != nil {
			again = append(args, "-run", "^("+strings.Join(tests, "|")+")$", pkg)
		} else {
			tests = []string{"(a test that did not end when it should)"}
		}
		second, err := runOnce(again)
		if err != nil {
			return err
		}
		for _, test := range tests {
			line := fmt.Sprintf("FLAKY: %s %s failed, and passed when it was run again: mend it\n", pkg, test)
			if err := note(line); err != nil {
				return err
			}
		}
		first.results = append(first.results, second.results...)
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o750); err != nil {
		return err
	}
	slices.SortFunc(first.results, func(a, b result) int { return strings.Compare(a.Test, b.Test) })
	return writeResults(file, first.results)
}

// flaky is the file that `make test` shows at its end.
const flaky = "artifacts/flaky.txt"

// note prints the line and adds it to the file flaky.
func note(line string) (err error) {
	fmt.Print(line)
	if err := os.MkdirAll(filepath.Dir(flaky), 0o750); err != nil {
		return err
	}
	file, err := os.OpenFile(flaky, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	_, err = file.WriteString(line)
	return err
}

// runOnce runs args, a `go test -json`.
func runOnce(args []string) (outcome, error) {
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stderr = os.Stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return outcome{}, err
	}
	if err := cmd.Start(); err != nil {
		return outcome{}, err
	}
	o, err := readEvents(stdout, os.Stdout)
	if err := errors.Join(err, cmd.Wait()); err != nil {
		return o, fmt.Errorf("%s: %w", strings.Join(args, " "), err)
	}
	return o, nil
}

// An outcome is what a run of `go test -json` said.
type outcome struct {
	results []result            // of labelled tests, without those of a test in failed
	failed  map[string][]string // tests that failed, by package; nil is all tests of a package
	broken  bool                // something failed that is no matter of time
}

// again tells whether what failed may be run again.
func (o outcome) again() bool { return !o.broken && len(o.failed) > 0 }

// testingPanic is a panic of package testing: a test took too long, or its goroutine failed when it had ended.
var testingPanic = regexp.MustCompile("^panic: (test timed out|(Log|Fail) in goroutine after )")

// readEvents reads the output of `go test -json` and prints what go test would print.
func readEvents(in io.Reader, out io.Writer) (outcome, error) {
	type test struct {
		output strings.Builder
		covers []string
	}
	tests := map[string]*test{}
	late := map[string]bool{} // packages whose tests did not end when they should
	o := outcome{failed: map[string][]string{}}
	scanner := bufio.NewScanner(in)
	scanner.Buffer(nil, 16<<20)
	for scanner.Scan() {
		var e event
		if json.Unmarshal(scanner.Bytes(), &e) != nil {
			fmt.Fprintln(out, scanner.Text())
			continue
		}
		name := testName(e)
		t := tests[name]
		if t == nil {
			t = &test{}
			tests[name] = t
		}
		switch e.Action {
		case "build-output":
			fmt.Fprint(out, e.Output)
		case "build-fail":
			o.broken = true
		case "output":
			if testingPanic.MatchString(e.Output) {
				late[e.Package] = true
			} else if strings.HasPrefix(e.Output, "WARNING: DATA RACE") || strings.HasPrefix(e.Output, "panic: ") {
				o.broken = true
			}
			if e.Test != "" {
				t.output.WriteString(e.Output)
			} else if e.Output != "PASS\n" {
				fmt.Fprint(out, e.Output)
			}
		case "attr":
			if e.Key == "covers" {
				t.covers = append(t.covers, strings.Fields(e.Value)...)
			}
		case "pass", "fail", "skip":
			if e.Action == "fail" {
				fmt.Fprint(out, t.output.String())
			}
			if len(t.covers) > 0 {
				o.results = append(o.results, result{name, e.Action, t.covers})
			}
			delete(tests, name)
			if e.Action != "fail" {
				break
			}
			if e.Test != "" {
				if !strings.Contains(e.Test, "/") {
					o.failed[e.Package] = append(o.failed[e.Package], e.Test)
				}
				break
			}
			if late[e.Package] {
				o.failed[e.Package] = nil
			} else if len(o.failed[e.Package]) == 0 {
				o.broken = true
			}
			for unended, t := range tests { // a test that did not end, of a process that did, is why
				if strings.HasPrefix(unended, name) {
					fmt.Fprint(out, t.output.String())
					delete(tests, unended)
					o.broken = o.broken || !late[e.Package]
				}
			}
		}
	}
	o.results = slices.DeleteFunc(o.results, o.ofFailed)
	return o, scanner.Err()
}

// ofFailed tells whether the result is that of a test that failed, or of a part of it.
func (o outcome) ofFailed(r result) bool {
	for pkg, tests := range o.failed {
		if tests == nil && strings.HasPrefix(r.Test, testName(event{Package: pkg})) {
			return true
		}
		for _, test := range tests {
			whole := testName(event{Package: pkg, Test: test})
			if r.Test == whole || strings.HasPrefix(r.Test, whole+"/") {
				return true
			}
		}
	}
	return false
}

// testName is how the ledger calls a test: its package as seen from the root of the repository, and its name.
func testName(e event) string {
	pkg := strings.TrimPrefix(strings.TrimPrefix(e.Package, module), "/")
	if pkg == "" {
		pkg = "socketio"
	}
	return pkg + ": " + e.Test
}
