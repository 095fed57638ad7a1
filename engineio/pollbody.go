package engineio

import (
	"net/http"
	"slices"

	"github.com/gosocketio/socketio/engineio/wire"
	"github.com/gosocketio/socketio/internal/bufpool"
)

// pollBody is the body of the response to a GET.
type pollBody struct {
	bytes       []byte
	contentType string
	pooled      *[]byte
}

const (
	textBody   = "text/plain; charset=UTF-8"
	binaryBody = "application/octet-stream"
)

// newPollBody encodes a batch in the form that the session's client understands. release must be called.
func (s *Session) newPollBody(r *http.Request, batch []entry) pollBody {
	callback, jsonp := jsonpCallback(r)
	size := 0
	for _, b := range batch {
		if s.protocol == 3 {
			size += wire.PayloadBound3(b.frames)
		} else {
			size += wire.PayloadLen(b.frames) + 1
		}
	}
	p := pollBody{contentType: textBody, pooled: bufpool.Get(size)}
	body := (*p.pooled)[:0]
	switch binary := func(e entry) bool { return wire.HasBinary(e.frames) }; {
	case s.protocol != 3:
		for i, b := range batch {
			body = wire.AppendPayload(body, b.frames, i == 0)
		}
	case s.b64 || jsonp || !slices.ContainsFunc(batch, binary):
		for _, b := range batch {
			body = wire.AppendPayloadText3(body, b.frames)
		}
	default:
		p.contentType = binaryBody
		for _, b := range batch {
			body = wire.AppendPayloadBinary3(body, b.frames)
		}
	}
	if jsonp {
		body = wrapJSONP(callback, body)
	}
	p.bytes = body
	return p
}

func (p *pollBody) release() { bufpool.Put(p.pooled) }
