// Package webtransport serves Engine.IO and Socket.IO sessions over WebTransport.
//
// It adds an HTTP/3 server, with your certificate, beside the HTTP server. It is a module of its
// own, so that only its users depend on quic-go.
//
//	io := socketio.New(socketio.Config{
//		Transports: []socketio.Transport{socketio.Polling, socketio.WebSocket, socketio.WebTransport},
//	})
//	mux := http.NewServeMux()
//	mux.Handle("/socket.io/", io)
//	h3 := &http3.Server{Addr: ":443", TLSConfig: tlsConfig, Handler: mux}
//	go func() { log.Print(webtransport.New(h3, io.Engine()).ListenAndServe()) }()
//	log.Fatal(http.ListenAndServeTLS(":443", "cert.pem", "key.pem", mux))
//
// Clients use io({transports: ["polling", "websocket", "webtransport"]}) and connect to the same
// host and port, over UDP.
//
// In operation, the UDP port has to be reachable, the certificate needs TLS 1.3, and a load
// balancer has to keep a QUIC connection with one server. Clients that cannot connect stay on
// WebSocket. An idle session costs about 120 KB, nearly all of it QUIC's, where a WebSocket costs a
// few: offer WebTransport for lossy and changing networks, not to save memory.
//
// It is no WebTransport library and knows no packets: package engineio reads and writes the one
// bidirectional stream of a client. That stream is its only state. It belongs to the session's
// reading goroutine until the session is open; there are no locks.
package webtransport
