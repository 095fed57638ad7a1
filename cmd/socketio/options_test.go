package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

var update = flag.Bool("update", false, "write the table of options in docs/serve.md anew")

func serveOptions(t *testing.T) []*kong.Flag {
	t.Helper()
	parser, err := newParser(new(commands), new(configFile))
	if err != nil {
		t.Fatal(err)
	}
	return options(parser)
}

// The table of docs/serve.md is what the flags say.
func TestOptionsTable(t *testing.T) {
	table := "| option | environment | default | meaning |\n| --- | --- | --- | --- |\n"
	for _, f := range serveOptions(t) {
		code := func(s string) string {
			if s == "" {
				return ""
			}
			return "`" + s + "`"
		}
		environment, _ := environmentOf(f)
		help := strings.NewReplacer(" ("+f.Default+")", "", "|", `\|`, "*", `\*`, "<", `\<`).Replace(f.Help)
		table += fmt.Sprintf("| %s | %s | %s | %s |\n", code(f.Name), code(environment), code(f.Default), help)
	}
	const page, begin, end = "../../docs/serve.md", "<!-- options: made by `go generate` in cmd/socketio -->\n", "<!-- options end -->"
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(text), begin)
	_, after, closed := strings.Cut(rest, end)
	if !ok || !closed {
		t.Fatalf("%s has no place for the table", page)
	}
	want := before + begin + table + end + after
	if *update {
		writeFile(t, page, want)
	} else if string(text) != want {
		t.Errorf("%s is stale: run `go generate` in cmd/socketio", page)
	}
}

// Each option has its environment variable, and only -config and -config-check are no options of a file.
func TestNames(t *testing.T) {
	var noEnvironment, notInFile []string
	for _, f := range serveOptions(t) {
		if name, _ := environmentOf(f); name == "" {
			noEnvironment = append(noEnvironment, f.Name)
		} else if name != "SOCKETIO_"+strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_")) {
			t.Errorf("%s is %s in the environment", f.Name, name)
		}
		if !inFile(f) {
			notInFile = append(notInFile, f.Name)
		}
	}
	if !slices.Equal(noEnvironment, []string{"config-check"}) || !slices.Equal(notInFile, []string{"config", "config-check"}) {
		t.Errorf("not in the environment: %q; not in a file: %q", noEnvironment, notInFile)
	}
}

// What the documentation, the compose file and the unit name is an option.
func TestDocumentedOptions(t *testing.T) {
	names := make(map[string]bool)
	for _, f := range serveOptions(t) {
		environment, _ := environmentOf(f)
		names["-"+f.Name], names[environment] = true, true
	}
	var pages []string
	for _, pattern := range []string{"*.md", "docs/*.md", "docker-compose.yml", "Dockerfile", "Makefile", "examples/deploy/socketio.*", "cmd/socketio/status.html"} {
		found, err := filepath.Glob("../../" + pattern)
		if err != nil || len(found) == 0 {
			t.Fatalf("%s: %v", pattern, err)
		}
		pages = append(pages, found...)
	}
	checked := 0
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		used := regexp.MustCompile(`\bSOCKETIO_[A-Z0-9_]+`).FindAllString(string(text), -1)
		for _, m := range regexp.MustCompile("socketio serve((?: -[^`\n]*)?)").FindAllStringSubmatch(string(text), -1) {
			for _, flag := range regexp.MustCompile(` (-[a-z][a-z0-9-]*)`).FindAllStringSubmatch(m[1], -1) {
				used = append(used, flag[1])
			}
		}
		for _, name := range used {
			if checked++; !names[name] {
				t.Errorf("%s has %s, which is no option", page, name)
			}
		}
	}
	if checked < 20 {
		t.Errorf("only %d options were found", checked)
	}
}
