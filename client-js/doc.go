// Package clientjs serves the JavaScript side of a Socket.IO server: the
// bundles of the official browser client below the server's path, and the chat
// page of the demo.
//
// It is not the client: the bundles are those of the npm package
// socket.io-client, and whoever serves them passes them as an [fs.FS]. It knows
// nothing of Engine.IO or Socket.IO either and imports nothing of this module;
// [Files.Handler] goes in front of whatever answers the other requests.
//
// # Ownership
//
// [New] reads the files once, so the [fs.FS] is not needed afterwards. A
// [Files] owns their bytes and, from the first request that asks for it, one
// compressed copy per encoding. That is bounded by the eight names of [Names];
// nothing that a request says can make it grow. A compressed copy is made under
// its own sync.Once and immutable from then on; there is no other lock, and no
// goroutine.
package clientjs
