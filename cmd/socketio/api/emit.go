package api

import (
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/internal/binaryjson"
	"github.com/gosocketio/socketio/internal/refusal"
)

// emit is POST /api/emit.
func (h *handler) emit(w http.ResponseWriter, r *http.Request, body []byte) *problem {
	var (
		t        target
		event    *string
		args     = json.RawMessage("[]")
		volatile bool
		compress = true
		ack      json.RawMessage
	)
	f := t.fields()
	f["event"], f["args"], f["volatile"], f["compress"], f["ack"] = &event, &args, &volatile, &compress, &ack
	if p := f.decode(body, ""); p != nil {
		return p
	}
	if event == nil {
		return invalid("missing field", "event", nil, "a string")
	}
	values, err := binaryjson.Unmarshal(args)
	if r, ok := errors.AsType[*refusal.Refusal](err); ok {
		return invalid(r.Rule, "args", r.Value, r.Limit)
	}
	op, p := h.operator(&t)
	if p != nil {
		return p
	}
	op = op.Compress(compress)
	if volatile {
		op = op.Volatile()
	}
	if ack == nil {
		return done(w, op.Emit(*event, values...))
	}
	timeout, p := h.ackTimeout(ack)
	if p != nil {
		return p
	}
	leave, p := h.wait(w, timeout)
	if p != nil {
		return p
	}
	defer leave()
	return acks(w, r, op.Timeout(timeout), *event, values)
}

// ackTimeout returns the time for acknowledgements that the field ack of a request asks for.
func (h *handler) ackTimeout(ack json.RawMessage) (time.Duration, *problem) {
	var ms int64
	if p := (fields{"timeout": &ms}).decode(ack, "ack."); p != nil {
		return 0, p
	}
	limit := h.cfg.MaxAckTimeout.Milliseconds()
	if ms < 1 || ms > limit {
		return 0, invalid("timeout out of range", "ack.timeout", ms, limit)
	}
	return time.Duration(ms) * time.Millisecond, nil
}

// acks sends an event, and writes the answers of the clients as they come.
func acks(w http.ResponseWriter, r *http.Request, op socketio.Operator, event string, args []any) *problem {
	list, left := newStream(w, "answers"), newTally()
	for reply, err := range op.EmitWithAck(r.Context(), event, args...) {
		switch missing, many := errors.AsType[*socketio.MissingError](err); {
		case errors.Is(err, socketio.ErrReservedEvent), errors.Is(err, socketio.ErrEncode):
			return failed(err) // nothing was sent
		case many:
			left.add(missing.Missing, err)
		case err != nil && reply.SocketID() == "" && errors.Is(err, socketio.ErrBroker):
			left.add(-1, err)
		case err != nil:
			left.add(1, err)
		default:
			values, err := binaryjson.Marshal(reply)
			if err != nil {
				left.add(1, err)
				continue
			}
			list.add(struct {
				ID   string          `json:"id"`
				Args json.RawMessage `json:"args"`
			}{reply.SocketID(), values})
		}
	}
	list.end(map[string]any{"missing": left.missing, "errors": left.errors})
	return nil
}
