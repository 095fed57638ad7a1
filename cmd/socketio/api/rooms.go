package api

import (
	"net/http"

	"github.com/gosocketio/socketio"
)

// chosen is [handler.operator] for requests that change sockets: they must name rooms, or all.
func (h *handler) chosen(t *target, all bool) (socketio.Operator, *problem) {
	switch {
	case t.rooms == nil && !all:
		return socketio.Operator{}, invalid("missing field", "rooms", nil, "an array of rooms, or all: true")
	case t.rooms != nil && all:
		return socketio.Operator{}, invalid("fields that exclude each other", "all", true, "rooms or all")
	}
	return h.operator(t)
}

// join is POST /api/join.
func (h *handler) join(w http.ResponseWriter, _ *http.Request, body []byte) *problem {
	return h.move(w, body, "join", socketio.Operator.SocketsJoin)
}

// leave is POST /api/leave.
func (h *handler) leave(w http.ResponseWriter, _ *http.Request, body []byte) *problem {
	return h.move(w, body, "leave", socketio.Operator.SocketsLeave)
}

// move has sockets join or leave the rooms that a field of the request lists.
func (h *handler) move(
	w http.ResponseWriter, body []byte, field string, verb func(socketio.Operator, ...string) error,
) *problem {
	var t target
	var rooms names
	var all bool
	f := t.fields()
	f[field], f["all"] = &rooms, &all
	if p := f.decode(body, ""); p != nil {
		return p
	}
	if len(rooms) == 0 {
		return invalid("missing field", field, nil, "at least one room")
	}
	op, p := h.chosen(&t, all)
	if p != nil {
		return p
	}
	return done(w, verb(op, rooms...))
}

// disconnect is POST /api/disconnect.
func (h *handler) disconnect(w http.ResponseWriter, _ *http.Request, body []byte) *problem {
	var t target
	var all, connection bool
	f := t.fields()
	f["all"], f["close"] = &all, &connection
	if p := f.decode(body, ""); p != nil {
		return p
	}
	op, p := h.chosen(&t, all)
	if p != nil {
		return p
	}
	return done(w, op.DisconnectSockets(connection))
}

// done answers a request that has no result, unless err says that it failed.
func done(w http.ResponseWriter, err error) *problem {
	if err == nil {
		w.WriteHeader(http.StatusNoContent)
	}
	return failed(err)
}
