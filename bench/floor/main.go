// Command floor moves the bytes of a Socket.IO echo, acknowledgement, broadcast or room with none of its semantics: no
// heartbeat of each connection, no limits, no validation, no back-pressure. What it costs is what the kernel and the runtime
// cost: the limit that a real server can come near, but not pass.
//
//	floor -mode raw    a goroutine for each connection, a 4 KiB buffer, one write for all that one read brought
//	floor -mode epoll  one loop on one thread, plain read and write calls (Linux)
//	floor -mode poll   long-polling on net/http, a queue of bytes for each session
package main

import (
	"flag"
	"fmt"
	"net"
	"os"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:3000", "address to listen on")
	mode := flag.String("mode", "raw", "raw, epoll or poll")
	flag.Parse()
	l, err := net.Listen("tcp", *addr)
	if err == nil {
		switch *mode {
		case "raw":
			err = serveRaw(l)
		case "epoll":
			err = serveEpoll(l)
		case "poll":
			err = servePolling(l)
		default:
			err = fmt.Errorf("there is no mode %q", *mode)
		}
	}
	fmt.Fprintln(os.Stderr, "floor:", err)
	os.Exit(1)
}
