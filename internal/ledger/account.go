package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

// What the ledger reads and makes, from the root of the repository.
const (
	casesFile         = "docs/evidence/ledger/cases.txt"
	notApplicableFile = "docs/evidence/ledger/not-applicable.txt"
	featuresFile      = "docs/evidence/ledger/features.txt"
	compatibilityFile = "docs/evidence/compatibility.md"
	readmeFile        = "README.md"
)

// account enters the results into the ledger of root, passes each generated document to put (its name, its text), and returns
// an error unless every case is accounted for. The last line that it prints is the sum.
func account(root fs.FS, results []string, put func(string, []byte, fs.FileMode) error) error {
	texts := map[string]string{}
	for _, name := range []string{casesFile, notApplicableFile, featuresFile, readmeFile} {
		text, err := fs.ReadFile(root, name)
		if err != nil {
			return err
		}
		texts[name] = string(text)
	}
	l, err := parseCases(texts[casesFile])
	if err != nil {
		return err
	}
	if err := l.exclude(texts[notApplicableFile]); err != nil {
		return err
	}
	all, err := readResults(results)
	if err != nil {
		return err
	}
	wrong := l.apply(all)
	readme, err := l.readme(texts[readmeFile], texts[featuresFile])
	if err != nil {
		return err
	}
	var covered, notApplicable, missing int
	for _, s := range l.sections {
		for _, e := range s.cases {
			switch {
			case len(e.tests) > 0:
				covered++
			case e.reason != "":
				notApplicable++
			default:
				missing++
				wrong = append(wrong, "missing: "+e.id+" "+e.title)
			}
		}
	}
	sum := fmt.Sprintf("covered %d, not applicable %d, missing %d", covered, notApplicable, missing)
	for name, text := range map[string]string{compatibilityFile: l.compatibility(sum), readmeFile: readme} {
		if err := put(name, []byte(text), 0o644); err != nil {
			wrong = append(wrong, err.Error())
		}
	}
	if len(wrong) > 0 {
		fmt.Println(strings.Join(wrong, "\n"))
	}
	fmt.Println(sum)
	if len(wrong) > 0 {
		return errors.New("the ledger does not add up")
	}
	return nil
}

// compare fails when the file that text is meant for says something else.
func compare(name string, text []byte, _ fs.FileMode) error {
	if committed, err := os.ReadFile(name); err != nil || !bytes.Equal(committed, text) {
		return fmt.Errorf("%s is not what the tests say: make ledger-write, and commit it", name)
	}
	return nil
}
