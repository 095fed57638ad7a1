package bundle_test

import (
	"fmt"
	"log"

	clientjs "github.com/gosocketio/socketio/client-js"
	"github.com/gosocketio/socketio/client-js/bundle"
)

func ExampleFS() {
	if _, err := clientjs.New(bundle.FS(), ""); err != nil {
		log.Fatal(err)
	}
	fmt.Println("/socket.io/socket.io.js can be served")
	// Output: /socket.io/socket.io.js can be served
}
