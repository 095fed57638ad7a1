package socketio_test

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/gosocketio/socketio"

// Who does not use WebTransport does not get the vulnerabilities of a QUIC stack: only its own
// module depends on one.
func TestNoQUIC(t *testing.T) {
	t.Attr("covers", "abuse/CVE-2026-21434")
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "-test", "./...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	for dep := range strings.FieldsSeq(string(out)) {
		if strings.Contains(dep, "quic") {
			t.Errorf("the core module imports %s", dep)
		}
	}
}

// These modules, and no others, are downloaded for the library and its tests: none for command
// lines, none for brotli.
func TestRequiredModules(t *testing.T) {
	sums, err := os.ReadFile("go.sum")
	if err != nil {
		t.Fatal(err)
	}
	may := strings.Fields(
		"github.com/go-json-experiment/json github.com/gobwas/httphead github.com/gobwas/ws github.com/google/go-cmp " +
			"github.com/klauspost/compress github.com/philhofer/fwd github.com/tinylib/msgp golang.org/x/time",
	)
	for line := range strings.Lines(string(sums)) {
		fields := strings.Fields(line)
		if !strings.HasSuffix(fields[1], "/go.mod") && !slices.Contains(may, fields[0]) {
			t.Errorf("go.sum has %s", fields[0])
		}
	}
}

// Imports point downwards only: what each package may reach of this module, directly or not.
func TestImportsPointDownwards(t *testing.T) {
	for pkg, may := range map[string]string{
		"engineio/wire":       "",
		"internal/bucket":     "",
		"internal/bufpool":    "",
		"internal/netloop":    "",
		"internal/refusal":    "",
		"internal/origin":     "internal/refusal",
		"internal/binaryjson": "internal/refusal protocol",
		"protocol":            "",
		"rooms":               "",
		"namespace":           "",
		"protocol/msgpack":    "protocol",
		"engineio": "engineio/wire internal/refusal internal/origin internal/bufpool " +
			"internal/netloop internal/accept internal/bucket",
		"adapter":          "rooms protocol internal/gather",
		"internal/brokers": "adapter rooms protocol internal/gather",
		"client-js":        "internal/accept",
		"client-js/bundle": "",
		"siotest": "internal/rawclient protocol engineio engineio/wire internal/refusal " +
			"internal/origin internal/bufpool internal/netloop internal/accept internal/bucket",
	} {
		out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "./"+pkg).Output()
		if err != nil {
			t.Fatalf("go list %s: %v", pkg, err)
		}
		allowed := map[string]bool{pkg: true}
		for a := range strings.FieldsSeq(may) {
			allowed[a] = true
		}
		for dep := range strings.FieldsSeq(string(out)) {
			if ours, ok := strings.CutPrefix(dep, module+"/"); dep == module || ok && !allowed[ours] {
				t.Errorf("%s imports %s", pkg, dep)
			}
		}
	}
}
