package bundle_test

import (
	"encoding/json"
	"io/fs"
	"os"
	"testing"

	"github.com/gosocketio/socketio/client-js/bundle"
	"github.com/gosocketio/socketio/internal/leak"
)

func TestMain(m *testing.M) { leak.Main(m) }

// The version is that of package-lock.json. compat-tests/demo compares the files with those that npm
// installs.
func TestVersion(t *testing.T) {
	lock, err := os.ReadFile("../package-lock.json")
	if err != nil {
		t.Fatal(err)
	}
	var locked struct {
		Packages map[string]struct{ Version string }
	}
	if err := json.Unmarshal(lock, &locked); err != nil {
		t.Fatal(err)
	}
	text, err := fs.ReadFile(bundle.FS(), "package.json")
	if err != nil {
		t.Fatal(err)
	}
	var has struct{ Version, License string }
	if err := json.Unmarshal(text, &has); err != nil {
		t.Fatal(err)
	}
	if want := locked.Packages["node_modules/socket.io-client"].Version; want == "" || has.Version != want {
		t.Errorf("version %s, package-lock.json has %q: make client-files", has.Version, want)
	}
	if _, err := fs.Stat(bundle.FS(), "LICENSE"); err != nil || has.License != "MIT" {
		t.Errorf("license %s: %v", has.License, err)
	}
}
