// Package api lets a backend in any language send to the clients of a server, over HTTP.
//
// [New] returns the handler. Programs mount it at /api/; `socketio serve -api-addr` serves it.
//
//	POST /api/emit        sends an event, and waits for the acknowledgements if it is told to
//	POST /api/join        makes sockets join rooms
//	POST /api/leave       makes sockets leave rooms
//	POST /api/disconnect  disconnects sockets
//	GET  /api/sockets     lists sockets
//	GET  /api/openapi.yaml describes all of this (OpenAPI 3.1), without a token
//
// A call to any server of a cluster reaches the sockets on all of them. Each request has the token:
// "Authorization: Bearer TOKEN". Who has it may do everything: serve the handler where only backends
// reach it. There is no CORS: pages cannot call it.
//
// Package api/client is a client in Go.
//
// # Ownership
//
// The package starts no goroutine and has no lock: everything happens in the goroutine of a request.
// Its memory is bounded by Config.MaxRequests and Config.MaxBody; answers are written as they come.
package api
