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

// At most 200 clients a second, 400 at once: after a restart the others are told to come back later.
func ExampleAdmission() {
	io := socketio.New(socketio.Config{Admission: socketio.Admission{Rate: 200, Burst: 400, MaxSessions: 50_000}})
	fmt.Println(io.Engine().Stats().TurnedAway)
	// Output: 0
}
