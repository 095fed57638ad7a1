package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/internal/refusal"
)

// maxValue limits the text of a request in an answer, in bytes.
const maxValue = 100

// problem is an answer that is no success.
type problem struct {
	refusal.Refusal
	status int
	name   string
}

// write writes the problem as JSON.
func (p *problem) write(w http.ResponseWriter) {
	v := p.Value
	if text, ok := v.(string); ok {
		v = clip(text)
	}
	p.Field = clip(p.Field)                    // a request names unknown ones
	if strings.HasPrefix(p.Field, "Config.") { // which is for the log: the backend may not be in Go
		p.Field = ""
	}
	data, err := json.Marshal(struct {
		Name    string `json:"name"`
		Message string `json:"message"`
		Rule    string `json:"rule"`
		Value   any    `json:"value,omitempty"`
		Limit   any    `json:"limit,omitempty"`
		Field   string `json:"field,omitempty"`
	}{p.name, p.message(v), p.Rule, v, p.Limit, p.Field})
	if err != nil {
		panic(err) // values and limits are texts, numbers and lists of texts
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(p.status)
	_, _ = w.Write(append(data, '\n')) // best effort: the backend may have gone
}

// clip bounds a text of a request.
func clip(text string) string {
	if len(text) <= maxValue {
		return text
	}
	return strings.ToValidUTF8(text[:maxValue], "") + "..."
}

// message says in one sentence what is wrong.
func (p *problem) message(value any) string {
	var b strings.Builder
	b.WriteString(p.Rule)
	if p.Field != "" {
		b.WriteString(": " + p.Field)
		if value != nil {
			fmt.Fprintf(&b, " is %v", value)
		}
	} else if value != nil {
		fmt.Fprintf(&b, ": %v", value)
	}
	if p.Limit != nil {
		fmt.Fprintf(&b, ", allowed: %v", p.Limit)
	}
	return b.String()
}

func unauthorized() *problem {
	return &problem{refusal.Refusal{
		Rule: "missing or wrong token", Field: "Authorization", Limit: "Bearer TOKEN",
		Remedy: "a backend has another token than the server, or somebody else tries to send",
	}, http.StatusUnauthorized, "Unauthorized"}
}

func notFound(rule, value, field string) *problem {
	return &problem{refusal.Refusal{
		Rule: rule, Value: value, Field: field, Remedy: "correct the backend",
	}, http.StatusNotFound, "NotFound"}
}

func methodNotAllowed(value, limit string) *problem {
	return &problem{refusal.Refusal{
		Rule: "wrong method", Value: value, Limit: limit, Remedy: "correct the backend",
	}, http.StatusMethodNotAllowed, "MethodNotAllowed"}
}

func unsupported(value string) *problem {
	return &problem{refusal.Refusal{
		Rule: "wrong type of the body", Value: value, Limit: "application/json", Field: "Content-Type",
		Remedy: "correct the backend",
	}, http.StatusUnsupportedMediaType, "UnsupportedMediaType"}
}

func tooLarge(value any, limit int64) *problem {
	return &problem{refusal.Refusal{
		Rule: "body too large", Value: value, Limit: limit, Field: "Config.MaxBody",
		Remedy: "send less at once, or raise Config.MaxBody",
	}, http.StatusRequestEntityTooLarge, "TooLarge"}
}

func incomplete(read int) *problem {
	return &problem{refusal.Refusal{
		Rule: "body did not arrive", Value: fmt.Sprintf("%d bytes", read), Limit: ioTimeout.String(),
	}, http.StatusRequestTimeout, "Timeout"}
}

func busy(what string, limit int) *problem {
	return &problem{refusal.Refusal{
		Rule: "too many " + what, Limit: limit, Field: "Config.MaxRequests",
		Remedy: "raise Config.MaxRequests, or have the backend send less at once",
	}, http.StatusTooManyRequests, "Busy"}
}

// invalid returns the problem that a field of a request is wrong.
func invalid(rule, field string, value, limit any) *problem {
	return &problem{refusal.Refusal{
		Rule: rule, Value: value, Limit: limit, Field: field, Remedy: "correct the backend",
	}, http.StatusBadRequest, "Invalid"}
}

// failed returns the problem that an error of the server is, nil for none.
func failed(err error) *problem {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, socketio.ErrReservedEvent):
		return invalid("reserved event name", "event", plain(err), nil)
	case errors.Is(err, socketio.ErrEncode):
		return invalid("arguments that cannot be sent", "args", plain(err), nil)
	}
	p := &problem{refusal.Refusal{Value: plain(err)}, http.StatusServiceUnavailable, "Unavailable"}
	switch {
	case errors.Is(err, socketio.ErrTooLarge):
		p.Rule, p.Remedy = "too large for the other servers", "send less at once"
		p.status, p.name = http.StatusRequestEntityTooLarge, "TooLarge"
	case errors.Is(err, socketio.ErrBroker):
		p.Rule, p.Remedy = "other servers not reached", "see to the broker; the sockets on this server were reached"
	default:
		p.Rule, p.Remedy = "failure of the server", "see the error"
		p.status, p.name = http.StatusInternalServerError, "Internal"
	}
	return p
}

// plain returns the text of an error without the name of a package.
func plain(err error) string { return refusal.Inner(err).Error() }
