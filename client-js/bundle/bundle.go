// Package bundle has the official browser client, so that a program serves it without npm:
//
//	socketio.Config{ClientFiles: bundle.FS()}
//
// The files are those of the npm package socket.io-client in the version that package-lock.json
// beside this folder has, copied by `make client-files`. They have a license of their own: MIT.
//
// # Ownership
//
// The files are read-only. There is no lock and no goroutine.
package bundle

import (
	"embed"
	"io/fs"
)

//go:embed package.json LICENSE dist
var files embed.FS

// FS returns the files: package.json, and below dist the bundles that browsers load and their
// source maps.
func FS() fs.FS { return files }
