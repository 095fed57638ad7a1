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
// [Files] owns their bytes, at most the eight of the official server, and never changes
// them. There is no lock and no goroutine.
package clientjs
