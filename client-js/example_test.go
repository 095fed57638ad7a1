package clientjs_test

import (
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"testing/fstest"

	clientjs "github.com/gosocketio/socketio/client-js"
)

// A program passes bundle.FS(), or os.DirFS("node_modules/socket.io-client").
var npmPackage = fstest.MapFS{
	"package.json":      {Data: []byte(`{"version": "4.8.4"}`)},
	"dist/socket.io.js": {Data: []byte("/* the client */")},
}

func ExampleFiles_Handler() {
	files, err := clientjs.New(npmPackage, "")
	if err != nil {
		log.Fatal(err)
	}
	var engine http.Handler = http.NotFoundHandler() // the Socket.IO server

	server := httptest.NewServer(files.Handler("/socket.io/", engine))
	defer server.Close()

	for _, name := range []string{"socket.io.js", "unknown.js"} {
		res, err := http.Get(server.URL + "/socket.io/" + name)
		if err != nil {
			log.Fatal(err)
		}
		_ = res.Body.Close()
		fmt.Println(name, res.StatusCode, res.Header.Get("ETag"))
	}
	http.DefaultClient.CloseIdleConnections()
	// Output:
	// socket.io.js 200 "4.8.4"
	// unknown.js 404
}
