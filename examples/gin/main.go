// Command gin mounts Socket.IO in a gin engine, behind its middlewares.
package main

import (
	"log"
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/examples/chat"
)

func routes(io *socketio.Server) http.Handler {
	gin.SetMode(gin.ReleaseMode)
	r := gin.New()
	r.Use(gin.Recovery())
	r.Any("/socket.io/*any", gin.WrapH(io))
	r.GET("/", func(c *gin.Context) { c.String(http.StatusOK, "home") })
	return r
}

func main() {
	log.Fatal(http.ListenAndServe("127.0.0.1:3000", routes(chat.New(socketio.Config{})))) //nolint:gosec // a recipe; see nethttp for timeouts
}
