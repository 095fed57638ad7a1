// Command natsserver is a NATS server for the tests, on a port of the loopback interface. It prints "ready" when it
// accepts connections, and runs until it is killed.
package main

import (
	"flag"
	"fmt"
	"os"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

func main() {
	o := &server.Options{Host: "127.0.0.1", NoLog: true, NoSigs: true, JetStream: true}
	flag.IntVar(&o.Port, "port", 4222, "port to listen on")
	flag.StringVar(&o.StoreDir, "store", "", "folder for the state of JetStream")
	flag.Parse()
	s, err := server.NewServer(o)
	if err != nil {
		fail(err)
	}
	s.Start()
	if !s.ReadyForConnections(10 * time.Second) {
		fail("it does not start")
	}
	fmt.Println("ready")
	s.WaitForShutdown()
}

func fail(why any) {
	fmt.Fprintln(os.Stderr, "natsserver:", why)
	os.Exit(1)
}
