package clientjs

import "slices"

// names are the bundles that the official server answers for.
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

// Names returns the eight file names that a server answers for below its path:
// the four bundles of the client, and the source map of each.
func Names() []string { return slices.Clone(names) }
