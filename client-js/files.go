package clientjs

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"sync"

	"github.com/gosocketio/socketio/internal/accept"
)

// ErrFiles is wrapped by every error of [New].
var ErrFiles = errors.New("clientjs: unusable client files")

// Files holds the bundles of one version of the client. It is immutable and
// safe for concurrent use.
type Files struct {
	version string
	etag    string
	bundles map[string]*bundle
}

// bundle is one file in every encoding it can be sent in.
type bundle struct {
	contentType string
	plain       []byte
	brotli      func() []byte
	gzip        func() []byte
	deflate     func() []byte
}

// New reads the client's files: either those of the npm package's dist
// directory, or the package itself, where they are in "dist". Of the eight names
// in [Names] any may be missing, but not all.
//
// The version becomes the files' entity tag. If it is empty it is taken from
// package.json in files, which the package has and its dist directory has not.
//
//	clientjs.New(os.DirFS("node_modules/socket.io-client"), "")
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
	f := &Files{version: version, etag: `"` + version + `"`, bundles: make(map[string]*bundle, len(names))}
	for _, name := range names {
		data, err := readBundle(files, name)
		switch {
		case err == nil:
			f.bundles[name] = newBundle(name, data)
		case !errors.Is(err, fs.ErrNotExist):
			return nil, fmt.Errorf("%w: %w", ErrFiles, err)
		}
	}
	if len(f.bundles) == 0 {
		return nil, fmt.Errorf("%w: no %s, neither here nor in dist: %w", ErrFiles, names[0], fs.ErrNotExist)
	}
	return f, nil
}

// Version returns the version that the entity tag is made of.
func (f *Files) Version() string { return f.version }

func readBundle(files fs.FS, name string) ([]byte, error) {
	data, err := fs.ReadFile(files, name)
	if errors.Is(err, fs.ErrNotExist) {
		return fs.ReadFile(files, path.Join("dist", name))
	}
	return data, err
}

func newBundle(name string, data []byte) *bundle {
	b := &bundle{
		contentType: "application/javascript; charset=utf-8",
		plain:       data,
		brotli:      sync.OnceValue(func() []byte { return compress(accept.Brotli, data) }),
		gzip:        sync.OnceValue(func() []byte { return compress(accept.Gzip, data) }),
		deflate:     sync.OnceValue(func() []byte { return compress(accept.Deflate, data) }),
	}
	if strings.HasSuffix(name, ".map") {
		b.contentType = "application/json; charset=utf-8"
	}
	return b
}

// body returns the file in an encoding that accept.Encoding chose.
func (b *bundle) body(encoding string) []byte {
	switch encoding {
	case accept.Brotli:
		return b.brotli()
	case accept.Gzip:
		return b.gzip()
	case accept.Deflate:
		return b.deflate()
	}
	return b.plain
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

// validTag says whether s may stand in the quotes of an entity tag (RFC 9110,
// section 8.8.3), of which only the ASCII part is allowed here.
func validTag(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] == '"' || s[i] >= 0x7f {
			return false
		}
	}
	return s != ""
}
