// Package observe shows operators what a server does, over HTTP on an address of their own.
//
// [Handler] is mounted by the program, as `socketio serve -admin-addr` does. It answers GET and HEAD
// and changes nothing, but it shows who is connected from where: only operators may reach it.
//
//	/healthz      200 while the process answers
//	/readyz       200 while new clients may come, otherwise 503 and why not
//	/metrics      Config.Metrics, such as that of package observe/prometheus
//	/debug/pprof/ Config.Pprof
//	/sockets      the sockets on this server as JSON: address, rooms, queue
//	/rooms        the rooms on this server as JSON, with the number of their sockets
//	/slow         the sockets whose clients read too slowly, those with the longest queue first
//
// The package owns no goroutine and no lock: everything is read from the server for each request.
// An answer is bounded (limit, at most 1,000); where there is more it has the member next, for the
// parameter cursor of the next request.
package observe
