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
	"slices"
	"strings"
)

// module is what the names of packages begin with; the tests' names in the ledger do not.
const module = "github.com/gosocketio/socketio"

// An event is a line that `go test -json` prints (go doc test2json).
type event struct {
	Action, Package, Test, Output, Key, Value string
}

// runTests runs args, a `go test -json`, and writes to file what the labelled tests say. It prints what go test prints without
// -json. When anything fails there is no file afterwards.
func runTests(file string, args []string) error {
	if err := os.Remove(file); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stderr = os.Stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	results, err := readEvents(stdout, os.Stdout)
	if err := errors.Join(err, cmd.Wait()); err != nil {
		return fmt.Errorf("%s: %w", strings.Join(args, " "), err)
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o750); err != nil {
		return err
	}
	return writeResults(file, results)
}

// readEvents reads the output of `go test -json`, prints what go test would print, and returns the labelled tests.
func readEvents(in io.Reader, out io.Writer) ([]result, error) {
	type test struct {
		output strings.Builder
		covers []string
	}
	tests := map[string]*test{}
	var results []result
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
		case "output":
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
				results = append(results, result{name, e.Action, t.covers})
			}
			delete(tests, name)
			if e.Test == "" && e.Action == "fail" { // a test that did not end, of a process that did, is why
				for unended, t := range tests {
					if strings.HasPrefix(unended, name) {
						fmt.Fprint(out, t.output.String())
						delete(tests, unended)
					}
				}
			}
		}
	}
	slices.SortFunc(results, func(a, b result) int { return strings.Compare(a.Test, b.Test) })
	return results, scanner.Err()
}

// testName is how the ledger calls a test: its package as seen from the root of the repository, and its name.
func testName(e event) string {
	pkg := strings.TrimPrefix(strings.TrimPrefix(e.Package, module), "/")
	if pkg == "" {
		pkg = "socketio"
	}
	return pkg + ": " + e.Test
}
