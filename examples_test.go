package socketio_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Everything that a program can call of this package, the methods of the types included that it
// takes from the packages below, is called in an example.
func TestEveryVerbHasAnExample(t *testing.T) {
	verbs := make(map[string]string) // "name" or ".method" to where it is declared
	shown := make(map[string]bool)
	for _, dir := range []string{".", "engineio"} {
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range files {
			src, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			f, err := parser.ParseFile(token.NewFileSet(), name, src, 0)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range f.Decls {
				fn, ok := d.(*ast.FuncDecl)
				if !ok {
					continue
				}
				switch {
				case strings.HasSuffix(name, "_test.go"):
					if strings.HasPrefix(fn.Name.Name, "Example") {
						calls(fn.Body, shown)
					}
				case dir == "." && fn.Recv == nil && fn.Name.IsExported():
					verbs[fn.Name.Name] = name
				case fn.Recv != nil && fn.Name.IsExported() && offered(dir, typeOf(fn)):
					verbs["."+fn.Name.Name] = name
				}
			}
		}
	}
	if len(verbs) < 80 {
		t.Fatalf("only %d verbs were found", len(verbs))
	}
	for verb, where := range verbs {
		if !shown[verb] &&
			!strings.Contains(" .Error .Unwrap .Is .String .MarshalJSON .UnmarshalJSON .ServeHTTP ", " "+verb+" ") {
			t.Errorf("no example calls %s of %s", verb, where)
		}
	}
}

// offered tells whether package socketio gives users this type, embeds it in one that it gives
// them, or shows it.
func offered(dir, typ string) bool {
	if dir == "engineio" {
		return typ == "Handshake"
	}
	return ast.IsExported(typ) ||
		slices.Contains([]string{"core", "operator", "handlerSet", "namespaceHandlers", "parentOperator"}, typ)
}

// typeOf returns the name of a method's type.
func typeOf(fn *ast.FuncDecl) string {
	typ := fn.Recv.List[0].Type
	for {
		switch x := typ.(type) {
		case *ast.StarExpr:
			typ = x.X
		case *ast.IndexExpr:
			typ = x.X
		case *ast.Ident:
			return x.Name
		default:
			return ""
		}
	}
}

// calls adds the names that are called in a body: functions of a package by their name, and methods
// with a dot before it.
func calls(body ast.Node, names map[string]bool) {
	ast.Inspect(body, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		fun := call.Fun
		if generic, ok := fun.(*ast.IndexExpr); ok {
			fun = generic.X
		}
		if x, ok := fun.(*ast.SelectorExpr); ok {
			names["."+x.Sel.Name] = true
			if pkg, ok := x.X.(*ast.Ident); ok && pkg.Name == "socketio" {
				names[x.Sel.Name] = true
			}
		}
		return true
	})
}
