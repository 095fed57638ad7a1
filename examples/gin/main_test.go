package main

import (
	"testing"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/examples/chat"
	"github.com/gosocketio/socketio/examples/internal/talk"
)

func TestRecipe(t *testing.T) {
	io := chat.New(socketio.Config{})
	talk.Check(t, routes(io), io)
}
