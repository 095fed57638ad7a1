package main

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// house returns the files that the ledger reads, with three cases of which the last does not apply.
func house() fstest.MapFS {
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
	return fstest.MapFS{
		casesFile:         file("// a comment\n\n# one | heading\na/1 first <case>\na/2 second\n# other\nb/1 third\n"),
		notApplicableFile: file("b/1 Go has no such thing\n"),
		featuresFile:      file("it works | a/1-2 b/* | really\nso does this | |\nthis does not | a/1 | not yet: soon\n"),
		readmeFile:        file("before\n" + tableBegin + "old\n" + tableEnd + "after\n"),
	}
}

// accounts enters results into root; it returns the documents that were made and the error.
func accounts(t *testing.T, root fs.FS, results ...result) (map[string]string, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "results")
	if err := writeResults(file, results); err != nil {
		t.Fatal(err)
	}
	made := map[string]string{}
	return made, account(root, []string{file}, func(name string, text []byte, _ fs.FileMode) error {
		made[name] = string(text)
		return nil
	})
}

func TestEveryCaseIsAccountedFor(t *testing.T) {
	made, err := accounts(t, house(), result{"p: TestOne", "pass", []string{"a/1", "a/2"}}, result{"p: TestTwo", "pass", []string{"a/2"}})
	if err != nil {
		t.Fatal(err)
	}
	want := "before\n" + tableBegin + "| feature | state | cases held |\n| --- | --- | --- |\n" +
		"| it works | yes, really | 2 |\n| so does this | yes | – |\n| this does not | not yet: soon | 1 |\n" + tableEnd + "after\n"
	if made[readmeFile] != want {
		t.Errorf("the README is\n%s, want\n%s", made[readmeFile], want)
	}
	for _, line := range []string{
		"Covered 2, not applicable 1, missing 0.",
		`## one \| heading`,
		"| a/1 | first &lt;case> | p: TestOne |",
		"| a/2 | second | p: TestOne; p: TestTwo |",
		"| b/1 | third | not applicable: Go has no such thing |",
	} {
		if !strings.Contains(made[compatibilityFile], line+"\n") {
			t.Errorf("the document lacks %q:\n%s", line, made[compatibilityFile])
		}
	}
}

func TestScenariosAreNamedOnce(t *testing.T) {
	got := together([]string{"compat-tests: a: alone > 2.5.0", "compat-tests: b: many > 2.5.0", "compat-tests: b: many > 4.8.4", "p: TestOne", "p: TestOne/sub"})
	if want := []string{"compat-tests: a: alone > 2.5.0", "compat-tests: b: many", "p: TestOne", "p: TestOne/sub"}; !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

func TestWhatDoesNotAddUp(t *testing.T) {
	all := result{"p: TestOne", "pass", []string{"a/1", "a/2"}}
	for name, test := range map[string]struct {
		results []result
		edit    map[string]string
	}{
		"a missing case":                       {results: []result{{"p: TestOne", "pass", []string{"a/1"}}}},
		"an unknown id":                        {results: []result{all, {"p: TestTwo", "pass", []string{"a/3"}}}},
		"a skipped test":                       {results: []result{all, {"p: TestTwo", "skip", []string{"a/1"}}}},
		"a failed test":                        {results: []result{all, {"p: TestTwo", "fail", []string{"a/1"}}}},
		"a test that passed and failed":        {results: []result{all, {"p: TestOne", "fail", []string{"a/1"}}}},
		"covered and not applicable":           {results: []result{all, {"p: TestTwo", "pass", []string{"b/1"}}}},
		"an unknown id that is not applicable": {results: []result{all}, edit: map[string]string{notApplicableFile: "b/1-2 none"}},
		"no reason":                            {results: []result{all}, edit: map[string]string{notApplicableFile: "b/1"}},
		"an id twice":                          {results: []result{all}, edit: map[string]string{casesFile: "# h\na/1 x\na/1 y\n"}},
		"a case without a heading":             {results: []result{all}, edit: map[string]string{casesFile: "a/1 x\n"}},
		"a feature of unknown cases":           {results: []result{all}, edit: map[string]string{featuresFile: "it | c/* |"}},
		"a feature without columns":            {results: []result{all}, edit: map[string]string{featuresFile: "it | a/1"}},
		"no place in the README":               {results: []result{all}, edit: map[string]string{readmeFile: "nothing"}},
	} {
		t.Run(name, func(t *testing.T) {
			root := maps.Clone(house())
			for name, text := range test.edit {
				root[name] = &fstest.MapFile{Data: []byte(text)}
			}
			if _, err := accounts(t, root, test.results...); err == nil {
				t.Error("it adds up")
			}
		})
	}
}

// A test that is skipped in one of several runs has passed when it passes in another.
func TestPassingOnceIsEnough(t *testing.T) {
	one := []string{"a/1", "a/2"}
	if _, err := accounts(t, house(), result{"p: TestOne", "skip", one}, result{"p: TestOne", "pass", one}); err != nil {
		t.Error(err)
	}
}

func TestOutdatedDocument(t *testing.T) {
	file := filepath.Join(t.TempDir(), "document")
	if err := compare(file, []byte("new"), 0); err == nil {
		t.Error("a document that does not exist is up to date")
	}
	if err := os.WriteFile(file, []byte("new"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := compare(file, []byte("new"), 0); err != nil {
		t.Error(err)
	}
	if err := compare(file, []byte("newer"), 0); err == nil {
		t.Error("an old document is up to date")
	}
}

const events = `{"Action":"start","Package":"github.com/gosocketio/socketio/rooms"}
{"Action":"run","Package":"github.com/gosocketio/socketio/rooms","Test":"TestA"}
{"Action":"output","Package":"github.com/gosocketio/socketio/rooms","Test":"TestA","Output":"=== RUN   TestA\n"}
{"Action":"attr","Package":"github.com/gosocketio/socketio/rooms","Test":"TestA","Key":"covers","Value":"a/1 a/2"}
{"Action":"attr","Package":"github.com/gosocketio/socketio/rooms","Test":"TestA","Key":"owner","Value":"nobody"}
{"Action":"attr","Package":"github.com/gosocketio/socketio/rooms","Test":"TestA/sub","Key":"covers","Value":"b/1"}
{"Action":"output","Package":"github.com/gosocketio/socketio/rooms","Test":"TestA/sub","Output":"it broke\n"}
{"Action":"fail","Package":"github.com/gosocketio/socketio/rooms","Test":"TestA/sub"}
{"Action":"pass","Package":"github.com/gosocketio/socketio/rooms","Test":"TestA"}
{"Action":"output","Package":"github.com/gosocketio/socketio/rooms","Output":"PASS\n"}
{"Action":"output","Package":"github.com/gosocketio/socketio/rooms","Output":"ok  \trooms\t0.1s\n"}
{"Action":"build-output","ImportPath":"x","Output":"does not compile\n"}
{"Action":"pass","Package":"github.com/gosocketio/socketio","Test":"TestPlain"}
{"Action":"output","Package":"github.com/gosocketio/socketio","Test":"TestHangs","Output":"timed out\n"}
{"Action":"fail","Package":"github.com/gosocketio/socketio"}
no JSON
`

func TestEvents(t *testing.T) {
	var out strings.Builder
	o, err := readEvents(strings.NewReader(events), &out)
	if err != nil {
		t.Fatal(err)
	}
	results := o.results
	if o.again() {
		t.Error("a test that did not end is run again")
	}
	if len(results) != 2 || results[1].Test != "rooms: TestA" || len(results[1].Covers) != 2 || results[0].Test != "rooms: TestA/sub" ||
		results[0].Outcome != "fail" {
		t.Errorf("results are %v", results)
	}
	if want := "it broke\nok  \trooms\t0.1s\ndoes not compile\ntimed out\nno JSON\n"; out.String() != want {
		t.Errorf("printed %q, want %q", out.String(), want)
	}
}

func TestRun(t *testing.T) {
	file := filepath.Join(t.TempDir(), "some", "results")
	if err := runTests(file, []string{"go", "version"}); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(file); err != nil {
		t.Error(err)
	}
	if err := runTests(file, []string{"go", "no-such-command"}); err == nil {
		t.Error("a failed run has no error")
	}
	if _, err := os.Stat(file); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a failed run leaves results: %v", err)
	}
}

// Tests that failed are run once more, but for one that is wrong whenever it runs.
func TestFlaky(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("go.mod", "module example.com/flaky\n")
	tests := `package flaky
import ("os"; "testing")
var hangs bool
var failing = make(chan bool)
func TestSure(t *testing.T) { t.Attr("covers", "a/1") }
func TestFlaky(t *testing.T) {
	t.Attr("covers", "a/2")
	t.Run("sub", func(t *testing.T) { t.Attr("covers", "a/3") })
	if _, err := os.Stat("ran"); err != nil { t.Error(os.WriteFile("ran", nil, 0o600)) }
}
func TestNext(t *testing.T) { if hangs { <-failing; select {} } }
`
	write("flaky_test.go", tests)
	file := filepath.Join(dir, "results")
	args := []string{"go", "-C", dir, "test", "-json", "./..."}
	t.Setenv("GOWORK", "off")
	t.Chdir(t.TempDir())
	passes := func(note string) {
		t.Helper()
		if err := runTests(file, args); err != nil {
			t.Fatal(err)
		}
		if text, err := os.ReadFile(flaky); err != nil || !strings.Contains(string(text), "example.com/flaky "+note) {
			t.Errorf("noted %q, %v", text, err)
		}
		results, err := readResults([]string{file})
		if err != nil || len(results) != 3 {
			t.Errorf("%v, %v", results, err)
		}
		for _, r := range results {
			if r.Outcome != "pass" {
				t.Errorf("%v", r)
			}
		}
	}
	passes("TestFlaky failed")
	args = slices.Insert(args, 4, "-timeout=5s")
	for _, text := range []string{"; select {}", "; hangs = true; go func() { failing <- true; t.Error() }()"} {
		text = strings.Replace(tests, "0o600))", "0o600))"+text, 1)
		write("flaky_test.go", text)
		if err := os.Remove(filepath.Join(dir, "ran")); err != nil {
			t.Fatal(err)
		}
		passes("(a test that did not end when it should) failed")
	}
	for _, text := range []string{
		`t.Error("always")`, `panic("x")`, `println("WARNING: DATA RACE"); t.Error(os.Remove("ran"))`, `undefined()`,
	} {
		write("flaky_test.go", strings.Replace(tests, `t.Attr("covers", "a/1")`, text, 1))
		if err := os.Remove(filepath.Join(dir, "ran")); err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		if err := runTests(file, args); err == nil {
			t.Errorf("%s passes", text)
		}
	}
}

func TestUsage(t *testing.T) {
	for _, args := range [][]string{nil, {"run"}, {"run", "file"}, {"check"}, {"write"}, {"count", "file"}} {
		if command(args) == nil {
			t.Errorf("%v is a command", args)
		}
	}
}
