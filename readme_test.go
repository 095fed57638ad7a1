package socketio_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The README's program compiles, and is as short as it says.
func TestReadmeProgram(t *testing.T) {
	b, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(b), "```go\n")
	program, _, ok := strings.Cut(after, "```")
	if !ok {
		t.Fatal("no program in README.md")
	}
	file := filepath.Join(t.TempDir(), "main.go")
	if err := os.WriteFile(file, []byte(program), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), "go", "build", "-o", filepath.Join(t.TempDir(), "program"), file).
		CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	if _, out, _ := strings.Cut(program, "type Message"); strings.Count(out, "\n") > 20 {
		t.Errorf("the program has %d lines, the README promises about 20", strings.Count(out, "\n"))
	}
}
