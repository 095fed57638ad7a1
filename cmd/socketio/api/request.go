package api

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/gosocketio/socketio"
)

// fields are the members that an object may have, and where their values go.
type fields map[string]any

// decode stores the members of a JSON object. prefix is the name of the object in a problem, with a
// dot, or "".
//
// It is stricter than encoding/json: names match exactly, none is unknown, and null is no value. A
// backend that forgot to set a variable must not send to everybody.
func (f fields) decode(data []byte, prefix string) *problem {
	name := strings.TrimSuffix(prefix, ".")
	if name == "" {
		name = "body"
	}
	if !utf8.Valid(data) {
		return invalid("text that is not UTF-8", name, nil, nil)
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(data, &members) != nil || members == nil {
		return invalid("not a JSON object", name, string(data), nil)
	}
	for _, name := range slices.Sorted(maps.Keys(members)) {
		to, known := f[name]
		if !known {
			return invalid("unknown field", prefix+name, nil, slices.Sorted(maps.Keys(f)))
		}
		value := members[name]
		if p, raw := to.(*json.RawMessage); raw {
			*p = value
		} else if err := json.Unmarshal(value, to); err != nil || string(value) == "null" {
			return invalid("wrong type", prefix+name, string(value), kindOf(to))
		}
	}
	return nil
}

// kindOf names the JSON that a field takes.
func kindOf(to any) string {
	switch to.(type) {
	case *string, **string:
		return "a string"
	case *bool, **bool:
		return "true or false"
	case *names:
		return "an array of strings"
	}
	return "an integer"
}

// names are the names of rooms. null is none.
type names []string

// UnmarshalJSON implements json.Unmarshaler.
func (n *names) UnmarshalJSON(data []byte) error {
	var list []*string
	if err := json.Unmarshal(data, &list); err != nil {
		return err
	}
	*n = make(names, len(list))
	for i, name := range list {
		if name == nil {
			return errors.New("null is no name")
		}
		(*n)[i] = *name
	}
	return nil
}

// target says which sockets a request is about.
type target struct {
	namespace string
	rooms     names // nil: everybody
	except    names
	local     bool
}

// fields returns the members that select the target.
func (t *target) fields() fields {
	return fields{"namespace": &t.namespace, "rooms": &t.rooms, "except": &t.except, "local": &t.local}
}

// operator returns the operator for the target.
func (h *handler) operator(t *target) (socketio.Operator, *problem) {
	name := "/" + strings.TrimPrefix(t.namespace, "/")
	if strings.Contains(name, ",") { // which ends the name on the wire
		return socketio.Operator{}, notFound("unknown namespace", name, "namespace")
	}
	ns, ok := h.cfg.Namespace(name)
	if !ok {
		return socketio.Operator{}, notFound("unknown namespace", name, "namespace")
	}
	op := ns.Except(t.except...)
	if t.rooms != nil {
		op = op.To(t.rooms...)
	}
	if t.local {
		op = op.Local()
	}
	return op, nil
}
