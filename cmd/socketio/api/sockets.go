package api

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/gosocketio/socketio"
)

// The number of sockets in an answer.
const (
	defaultLimit = 1000
	maxLimit     = 10_000
)

// listTimeout is how long other servers may take to list their sockets.
const listTimeout = 5 * time.Second

// socketInfo describes a socket.
type socketInfo struct {
	ID    string          `json:"id"`
	Rooms []string        `json:"rooms"`
	Data  json.RawMessage `json:"data"` // its shared values
}

// sockets is GET /api/sockets.
func (h *handler) sockets(w http.ResponseWriter, r *http.Request, _ []byte) *problem {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return invalid("malformed query", "query", err.Error(), nil)
	}
	t, most, p := parameters(query)
	if p != nil {
		return p
	}
	op, p := h.operator(t)
	if p != nil {
		return p
	}
	leave, p := h.wait(w, listTimeout)
	if p != nil {
		return p
	}
	defer leave()
	list, left, more := newStream(w, "sockets"), newTally(), false
	ctx, cancel := context.WithTimeout(r.Context(), listTimeout)
	defer cancel()
	for s, err := range op.FetchSockets(ctx) {
		if err != nil {
			missing := -1
			if e, ok := errors.AsType[*socketio.MissingServersError](err); ok {
				missing = e.Missing
			}
			left.add(missing, err)
			continue
		}
		if more = list.count == most; more {
			break
		}
		info := socketInfo{s.ID(), s.Rooms(), s.Data()}
		if !json.Valid(info.Data) { // it may come from another server
			info.Data = json.RawMessage("{}")
		}
		list.add(info)
	}
	list.end(map[string]any{"more": more, "missing": left.missing, "errors": left.errors})
	return nil
}

// parameters returns what the parameters of a query ask for.
func parameters(query url.Values) (t *target, most int, p *problem) {
	t, most = new(target), defaultLimit
	for _, name := range slices.Sorted(maps.Keys(query)) {
		values := query[name]
		value, bad := values[0], false
		switch name {
		case "rooms":
			t.rooms = values
			continue
		case "except":
			t.except = values
			continue
		case "namespace":
			t.namespace = value
		case "local":
			t.local, bad = value == "true", value != "true" && value != "false"
		case "limit":
			var err error
			most, err = strconv.Atoi(value)
			bad = err != nil || most < 1 || most > maxLimit
		default:
			return nil, 0, invalid("unknown parameter", name, nil, []string{"except", "limit", "local", "namespace", "rooms"})
		}
		switch {
		case len(values) > 1:
			return nil, 0, invalid("parameter given twice", name, value, "once")
		case bad && name == "limit":
			return nil, 0, invalid("limit out of range", name, value, maxLimit)
		case bad:
			return nil, 0, invalid("wrong type", name, value, "true or false")
		}
	}
	return t, most, nil
}
