package adminui

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/gosocketio/socketio"
)

// handleCommands lets admins act on sockets of all servers.
func (a *admin) handleCommands() {
	a.command("emit", 3, func(e *socketio.Event) error {
		to, err := a.target(e, 1)
		if err != nil {
			return err
		}
		event, err := text(e, 2)
		if err != nil {
			return err
		}
		return to.Emit(event, e.Args()[3:]...)
	})
	a.command("join", 2, func(e *socketio.Event) error {
		return a.room(e, socketio.Operator.SocketsJoin)
	})
	a.command("leave", 2, func(e *socketio.Event) error {
		return a.room(e, socketio.Operator.SocketsLeave)
	})
	a.command("_disconnect", 2, func(e *socketio.Event) error {
		to, err := a.target(e, 2)
		if err != nil {
			return err
		}
		var closes any
		if err := argument(e, 1, &closes); err != nil {
			return err
		}
		return to.DisconnectSockets(closes == true)
	})
}

// room has the targeted sockets join or leave a room.
func (a *admin) room(e *socketio.Event, do func(o socketio.Operator, rooms ...string) error) error {
	to, err := a.target(e, 2)
	if err != nil {
		return err
	}
	room, err := text(e, 1)
	if err != nil {
		return err
	}
	return do(to, room)
}

// command registers a command with at least so many arguments. It is logged, as is its error.
func (a *admin) command(name string, arguments int, do func(*socketio.Event) error) {
	a.ns.Handle(name, func(e *socketio.Event) error {
		err := fmt.Errorf("%d arguments, at least %d expected", e.Len(), arguments)
		if e.Len() >= arguments {
			err = do(e)
		}
		from := []any{"command", name, "admin", e.Socket().ID(), "address", e.Socket().Handshake().RemoteAddr}
		if err != nil {
			a.Logger.Warn("adminui: a command failed", append(from, "error", err)...)
			return nil
		}
		for i := range min(e.Len(), 3) {
			var raw json.RawMessage
			_ = argument(e, i, &raw) // JSON as it came always decodes
			from = append(from, fmt.Sprintf("arg%d", i+1), string(raw[:min(len(raw), maxName)]))
		}
		a.Logger.Info("adminui: command", from...)
		return nil
	})
}

// target returns the sockets that a command is for: those of the namespace that is its first
// argument, or those in the room that is the given one.
func (a *admin) target(e *socketio.Event, filter int) (o socketio.Operator, err error) {
	name, err := text(e, 0)
	if err != nil {
		return o, err
	}
	ns := a.find(name)
	if ns == nil { // Server.Of would make one for good
		return o, errors.New("no such namespace on this server")
	}
	var room any
	if filter < e.Len() {
		if err := argument(e, filter, &room); err != nil {
			return o, err
		}
	}
	switch room := room.(type) {
	case nil, bool:
		if room == nil || room == false {
			return ns.Except(), nil
		}
	case string:
		if room == "" {
			return ns.Except(), nil
		}
		return ns.In(room), nil
	}
	return o, errors.New("the room is no text")
}

// find returns a namespace of this server.
func (a *admin) find(name string) *socketio.Namespace {
	for _, ns := range a.io.Namespaces() {
		if ns.Name() == name {
			return ns
		}
	}
	return nil
}

// text returns an argument that must be a string.
func text(e *socketio.Event, i int) (s string, err error) {
	var v any
	if err := argument(e, i, &v); err != nil {
		return "", err
	}
	s, ok := v.(string)
	if !ok {
		return "", fmt.Errorf("argument %d is no text", i+1)
	}
	return s, nil
}

// argument decodes the i-th argument.
func argument(e *socketio.Event, i int, v any) error {
	pointers := make([]any, i+1)
	for j := range pointers {
		pointers[j] = new(json.RawMessage)
	}
	pointers[i] = v
	return e.Decode(pointers...)
}
