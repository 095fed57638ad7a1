package socketio_test

import (
	"fmt"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/internal/rawclient"
)

func ExampleServer_Stats() {
	io := socketio.New(socketio.Config{})
	io.Of("/chat")
	v := rawclient.Enter(io, "/", "/chat")
	defer v.Leave()
	s := io.Stats()
	fmt.Println(s.Connections.WebSocket, s.Connections.Polling, s.Sockets["/"], s.Sockets["/chat"])
	for _, socket := range io.Of("/chat").Sockets() {
		fmt.Println(socket.Conn().Stats().Transport, socket.Handshake().ClientIP())
	}
	// Output:
	// 1 0 1 1
	// websocket 127.0.0.1
}
