package observe

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/gosocketio/socketio"
)

// DefaultBrokerAway is the default of Config.BrokerAway.
const DefaultBrokerAway = 30 * time.Second

// Config configures a [Handler]. The zero value has neither metrics nor profiles.
type Config struct {
	// BrokerAway is how long the broker may be away before the server is not ready. Default 30 s; a
	// negative value means for ever. Without the broker clients here still reach each other.
	BrokerAway time.Duration
	// Metrics serves /metrics; nil: 404.
	Metrics http.Handler
	// Pprof serves /debug/pprof/; nil: 404. http.DefaultServeMux does so in a program that imports
	// net/http/pprof; it must then not serve clients.
	Pprof http.Handler
}

// Handler returns the operators' pages of a server.
func Handler(io *socketio.Server, c Config) http.Handler {
	if c.BrokerAway == 0 {
		c.BrokerAway = DefaultBrokerAway
	}
	h := &handler{io: io, away: c.BrokerAway}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { text(w, http.StatusOK, "ok") })
	mux.HandleFunc("GET /readyz", h.ready)
	mux.HandleFunc("GET /sockets", h.sockets)
	mux.HandleFunc("GET /rooms", h.rooms)
	mux.HandleFunc("GET /slow", h.slow)
	index := "/healthz\n/readyz\n/sockets\n/rooms\n/slow"
	if c.Metrics != nil {
		mux.Handle("GET /metrics", c.Metrics)
		index += "\n/metrics"
	}
	if c.Pprof != nil {
		mux.Handle("GET /debug/pprof/", c.Pprof)
		index += "\n/debug/pprof/"
	}
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { text(w, http.StatusOK, index) })
	return mux
}

type handler struct {
	io   *socketio.Server
	away time.Duration
}

// ready answers whether new clients may come.
func (h *handler) ready(w http.ResponseWriter, _ *http.Request) {
	if h.io.Draining() {
		text(w, http.StatusServiceUnavailable, "draining")
		return
	}
	if b, ok := h.io.BrokerStats(); ok && h.away > 0 && b.Away > h.away {
		text(w, http.StatusServiceUnavailable,
			fmt.Sprintf("the broker (%s) has been away for %v, %v are allowed", b.Broker, b.Away.Round(time.Second), h.away))
		return
	}
	text(w, http.StatusOK, "ready")
}

func text(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = fmt.Fprintln(w, body) // best effort: the operator may have gone
}

// The number of entries in an answer.
const (
	defaultLimit = 100
	maxLimit     = 1000
)

// limitOf returns the parameter limit, or answers the request itself.
func limitOf(w http.ResponseWriter, r *http.Request) (limit int, ok bool) {
	given := r.URL.Query().Get("limit")
	if given == "" {
		return defaultLimit, true
	}
	limit, err := strconv.Atoi(given)
	if err != nil || limit < 1 || limit > maxLimit {
		text(w, http.StatusBadRequest, fmt.Sprintf("limit is %.20q, it must be 1 to %d", given, maxLimit))
		return 0, false
	}
	return limit, true
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(v) // strings and numbers always encode; the operator may have gone
}
