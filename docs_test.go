package socketio_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The guide for programs of the official server names only what there is, and its program compiles.
func TestMigrationGuide(t *testing.T) {
	guide, err := os.ReadFile("docs/migrating-from-node.md")
	if err != nil {
		t.Fatal(err)
	}
	there := exported(t, ".", "engineio", "rooms", "protocol/msgpack")
	for _, others := range []string{"Second", "RawMessage", "FS", "MustCompile", "Handler", "Context", "Name", "Time",
		"Server", "User", "Item"} {
		there[others] = true
	}
	code, word := regexp.MustCompile("`[^`]+`"), regexp.MustCompile(`\b[A-Z][A-Za-z0-9]*[a-z][A-Za-z0-9]*\b`)
	checked := 0
	for line := range strings.Lines(string(guide)) {
		columns := strings.Split(strings.ReplaceAll(line, `\|`, ""), "|")
		if len(columns) < 4 || strings.HasPrefix(columns[1], " ---") {
			continue
		}
		for _, span := range code.FindAllString(columns[2], -1) {
			for _, name := range word.FindAllString(span, -1) {
				checked++
				if !there[name] {
					t.Errorf("there is no %s: %s", name, strings.TrimSpace(line))
				}
			}
		}
	}
	if checked < 120 {
		t.Errorf("only %d names were found", checked)
	}

	_, after, _ := strings.Cut(string(guide), "```go\n")
	program, _, _ := strings.Cut(after, "```")
	program = "package main\n\nimport (\n\t\"log\"\n\t\"net/http\"\n\n" +
		"\t\"github.com/gosocketio/socketio\"\n)\n\nfunc main() {\n" + program + "}\n"
	file := filepath.Join(t.TempDir(), "main.go")
	if err := os.WriteFile(file, []byte(program), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", os.DevNull, file).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// exported returns the exported names of packages: of functions, methods, types, fields, constants
// and variables.
func exported(t *testing.T, dirs ...string) map[string]bool {
	t.Helper()
	names := make(map[string]bool)
	for _, dir := range dirs {
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range files {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			f, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(f, func(n ast.Node) bool {
				switch x := n.(type) {
				case *ast.FuncDecl:
					names[x.Name.Name] = true
					return false
				case *ast.TypeSpec:
					names[x.Name.Name] = true
				case *ast.ValueSpec:
					for _, v := range x.Names {
						names[v.Name] = true
					}
				case *ast.Field:
					for _, v := range x.Names {
						names[v.Name] = true
					}
				}
				return true
			})
		}
	}
	return names
}

// Each relative link of a page leads to a file.
func TestLinks(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)\s#"]+)(?:#[^)]*)?\)`)
	links := 0
	for _, page := range pages(t) {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range link.FindAllStringSubmatch(string(text), -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			links++
			if _, err := os.Stat(filepath.Join(filepath.Dir(page), m[1])); err != nil {
				t.Errorf("%s links to %s: %v", page, m[1], err)
			}
		}
	}
	if links < 20 {
		t.Errorf("only %d links were found", links)
	}
}

// pages returns every Markdown file that is written by hand or by a tool, but for what npm
// installs.
func pages(t *testing.T) []string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(".", func(path string, d os.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "node_modules" || d.Name() == "artifacts" || d.Name() == ".git"):
			return filepath.SkipDir
		case strings.HasSuffix(path, ".md"):
			all = append(all, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}
