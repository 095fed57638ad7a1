package engineio

import (
	"net/http"
	"strings"

	"github.com/gosocketio/socketio/internal/httploop"
)

// defaultTakeover is what Config.PollingTakeover is as well, for tests of it:
// go test -ldflags "-X github.com/gosocketio/socketio/engineio.defaultTakeover=on".
var defaultTakeover string

// newTakeover returns what answers polling requests on connections that were taken from net/http; nil when none are.
func (e *Server) newTakeover() *httploop.Server {
	if !e.cfg.PollingTakeover && defaultTakeover != "on" || len(e.loops.all) == 0 {
		return nil
	}
	return &httploop.Server{
		Handler:       http.HandlerFunc(e.answer),
		Plain:         e.polls,
		MaxBody:       int64(e.cfg.MaxPayload),
		HeaderTimeout: e.cfg.ReadTimeout,
		WriteTimeout:  e.cfg.WriteTimeout,
		Wheel:         e.wheel,
	}
}

// takeOver takes the connection of a request of a polling session from net/http and returns true. It does that before anything
// else has been done for the request, which is then served from the beginning.
func (e *Server) takeOver(w http.ResponseWriter, r *http.Request) bool {
	if e.polling == nil || r.Method != http.MethodGet && r.Method != http.MethodPost || !strings.HasPrefix(r.RequestURI, e.cfg.Path) || !e.polls(r) {
		return false
	}
	return e.polling.Take(w, r, e.loops.next())
}

// polls tells whether a request is one of a polling session that exists.
func (e *Server) polls(r *http.Request) bool {
	if !strings.HasPrefix(r.URL.Path, e.cfg.Path) || r.Header["Upgrade"] != nil {
		return false
	}
	q := parseQuery(r.URL.RawQuery)
	if q.sid == "" || q.transport != Polling.String() {
		return false
	}
	s := e.sessions.get(q.sid)
	return s != nil && s.Transport() == Polling
}
