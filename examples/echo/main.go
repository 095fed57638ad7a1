// Command echo mounts Socket.IO in an echo server, behind its middlewares.
package main

import (
	"log"
	"net/http"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/examples/chat"
)

func routes(io *socketio.Server) http.Handler {
	e := echo.New()
	e.Use(middleware.Recover())
	e.Any("/socket.io/*", echo.WrapHandler(io))
	e.GET("/", func(c echo.Context) error { return c.String(http.StatusOK, "home") })
	return e
}

func main() {
	log.Fatal(http.ListenAndServe("127.0.0.1:3000", routes(chat.New(socketio.Config{})))) //nolint:gosec // a recipe; see nethttp for timeouts
}
