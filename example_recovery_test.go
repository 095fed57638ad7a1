package socketio_test

import (
	"fmt"
	"log"
	"strings"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/internal/rawclient"
)

// A client loses its connection and comes back: it is the same socket, and has what it missed.
func ExampleConnectionStateRecovery() {
	io := socketio.New(socketio.Config{ConnectionStateRecovery: &socketio.ConnectionStateRecovery{}})
	name := socketio.NewKey[string]("name")
	joined, left := make(chan string, 2), make(chan bool, 1)
	io.OnConnection(func(s *socketio.Socket) {
		if !s.Recovered() {
			name.Set(s, "Ann")
			s.Join("tea")
		}
		n, _ := name.Get(s)
		joined <- fmt.Sprintf("%s is there, recovered: %v", n, s.Recovered())
	})
	io.OnDisconnect(func(*socketio.Socket, socketio.Reason) { left <- true })

	v := rawclient.Arrive(io)
	defer v.Leave()
	v.Send("40")
	_, pid, _ := strings.Cut(v.Read(), `"pid":`) // the client library keeps it
	fmt.Println(<-joined)
	v.Close()
	<-left
	if err := io.To("tea").Emit("ready", "pot"); err != nil {
		log.Print(err)
	}

	v.Again()
	v.Send(`40{"pid":` + pid)
	fmt.Println(v.Read()[:18]) // the offset follows, which the library keeps too
	fmt.Println(<-joined)
	stats, _ := io.Of("/").RecoveryStats() // or io.Stats().Recovery["/"]
	fmt.Println(stats.Recovered, "recovered,", stats.Events, "event kept,", io.Stats().Recovery["/"].Waiting, "away")
	// Output:
	// Ann is there, recovered: false
	// 42["ready","pot","
	// Ann is there, recovered: true
	// 1 recovered, 1 event kept, 0 away
}
