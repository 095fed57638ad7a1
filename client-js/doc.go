// Package clientjs serves the bundles of the official browser client.
//
// The bundles are those of the npm package socket.io-client, passed as an [fs.FS]. The package knows
// nothing of Engine.IO or Socket.IO; [Files.Handler] wraps the handler of all other requests. Package
// bundle below it has the bundles of one version, and package chat the page of the demo.
//
// # Ownership
//
// [New] reads the files once. A [Files] owns their bytes, at most the eight files of the official
// server, and never changes them. There is no lock and no goroutine.
package clientjs
