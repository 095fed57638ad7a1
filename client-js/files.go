package clientjs

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
)

// ErrFiles is wrapped by every error of [New].
var ErrFiles = errors.New("clientjs: unusable client files")

// names are the bundles that the official server serves.
var names = []string{
	"socket.io.js",
	"socket.io.js.map",
	"socket.io.min.js",
	"socket.io.min.js.map",
	"socket.io.msgpack.min.js",
	"socket.io.msgpack.min.js.map",
	"socket.io.esm.min.js",
	"socket.io.esm.min.js.map",
}

// Files holds the bundles of one version of the client. It is immutable and safe for concurrent
// use.
type Files struct {
	etag    string
	bundles map[string][]byte
}

// New reads the client's files from the npm package or from its dist directory.
//
// Of the eight names that the official server has, any may be missing, but not all. The version
// becomes the files' entity tag. If it is empty, package.json has it, which the dist directory
// lacks.
//
//	clientjs.New(bundle.FS(), "") // or os.DirFS("node_modules/socket.io-client")
//
// The error wraps [ErrFiles], and the error of files if reading failed.
func New(files fs.FS, version string) (*Files, error) {
	if files == nil {
		return nil, fmt.Errorf("%w: nil fs.FS", ErrFiles)
	}
	if version == "" {
		var err error
		if version, err = packageVersion(files); err != nil {
			return nil, err
		}
	}
	if !validTag(version) {
		return nil, fmt.Errorf("%w: version %q cannot be an entity tag", ErrFiles, version)
	}
	f := &Files{etag: `"` + version + `"`, bundles: make(map[string][]byte, len(names))}
	for _, name := range names {
		data, err := readBundle(files, name)
		switch {
		case err == nil:
			f.bundles[name] = data
		case !errors.Is(err, fs.ErrNotExist):
			return nil, fmt.Errorf("%w: %w", ErrFiles, err)
		}
	}
	if len(f.bundles) == 0 {
		return nil, fmt.Errorf("%w: no %s, neither here nor in dist: %w", ErrFiles, names[0], fs.ErrNotExist)
	}
	return f, nil
}

func readBundle(files fs.FS, name string) ([]byte, error) {
	data, err := fs.ReadFile(files, name)
	if errors.Is(err, fs.ErrNotExist) {
		return fs.ReadFile(files, path.Join("dist", name))
	}
	return data, err
}

func packageVersion(files fs.FS) (string, error) {
	data, err := fs.ReadFile(files, "package.json")
	if err != nil {
		return "", fmt.Errorf("%w: no version was given: %w", ErrFiles, err)
	}
	var manifest struct {
		Version string `json:"version"`
	}
	if err := json.Unmarshal(data, &manifest); err != nil {
		return "", fmt.Errorf("%w: package.json: %w", ErrFiles, err)
	}
	if manifest.Version == "" {
		return "", fmt.Errorf("%w: package.json has no version", ErrFiles)
	}
	return manifest.Version, nil
}

// validTag reports whether s may stand in the quotes of an entity tag (RFC 9110, section 8.8.3).
// Only ASCII is allowed here.
func validTag(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] == '"' || s[i] >= 0x7f {
			return false
		}
	}
	return s != ""
}
