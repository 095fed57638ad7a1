package main

import (
	"bytes"
	"io/fs"
	"net/http"

	"github.com/gosocketio/socketio"
	clientjs "github.com/gosocketio/socketio/client-js"
)

// page serves the chat page, told where the Socket.IO server is.
func page(path string) http.Handler {
	files := clientjs.Chat()
	index, err := fs.ReadFile(files, "index.html")
	if err != nil { // it is embedded
		panic(err)
	}
	index = bytes.ReplaceAll(index, []byte(socketio.DefaultPath), []byte(path))
	others := http.FileServerFS(files)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/" {
			others.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Cache-Control", "no-cache")
		_, _ = w.Write(index)
	})
}
