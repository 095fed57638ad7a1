package socketio_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"regexp"
	"strings"
	"testing"
)

// sources returns the files of a directory whose names the function accepts.
func sources(t *testing.T, dir string, accept func(name string) bool) (files []*ast.File) {
	t.Helper()
	names, err := fs.Glob(os.DirFS(dir), "*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if !accept(name) {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), dir+"/"+name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	return files
}

func isSource(name string) bool  { return !strings.HasSuffix(name, "_test.go") }
func isExample(name string) bool { return regexp.MustCompile(`example.*_test\.go$`).MatchString(name) }

// declared returns the exported identifiers that files declare at the top, methods not.
func declared(files []*ast.File) (names []string) {
	add := func(id *ast.Ident) {
		if id.IsExported() {
			names = append(names, id.Name)
		}
	}
	for _, f := range files {
		for _, d := range f.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Recv == nil {
					add(d.Name)
				}
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					switch spec := spec.(type) {
					case *ast.TypeSpec:
						add(spec.Name)
					case *ast.ValueSpec:
						for _, id := range spec.Names {
							add(id)
						}
					}
				}
			}
		}
	}
	return names
}

// Whatever may be the cause of a disconnect or of an error that a program gets can be told apart
// with this package alone.
func TestErrorsAreInThisPackage(t *testing.T) {
	here := make(map[string]bool)
	for _, name := range declared(sources(t, ".", isSource)) {
		here[name] = true
	}
	for _, name := range []string{"ErrParse",
		"ErrEncode"} { // what else package protocol has matches one of them, or ErrArguments
		if !here[name] {
			t.Errorf("protocol.%s is not in package socketio", name)
		}
	}
	found := 0
	for _, dir := range []string{"engineio", "engineio/wire", "adapter"} {
		for _, name := range declared(sources(t, dir, isSource)) {
			if !strings.HasPrefix(name, "Err") {
				continue
			}
			found++
			if !here[name] && name != "ErrPosition" { // that is for brokers
				t.Errorf("%s.%s is not in package socketio", dir, name)
			}
		}
	}
	if found < 8 {
		t.Errorf("only %d errors were found", found)
	}
}

// Every exported identifier of this package is used in an example.
func TestEveryNameIsInAnExample(t *testing.T) {
	used := make(map[string]bool)
	for _, f := range sources(t, ".", isExample) {
		for _, d := range f.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || !strings.HasPrefix(fn.Name.Name, "Example") {
				continue
			}
			ast.Inspect(fn, func(n ast.Node) bool {
				if x, ok := n.(*ast.SelectorExpr); ok {
					if pkg, ok := x.X.(*ast.Ident); ok && pkg.Name == "socketio" {
						used[x.Sel.Name] = true
					}
				}
				return true
			})
		}
	}
	for _, name := range declared(sources(t, ".", isSource)) {
		if !used[name] {
			t.Errorf("no example uses %s", name)
		}
	}
}
