package hooks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/internal/refusal"
)

// MaxTimeout limits Config.Timeout. It is less than how long a client may take to connect.
const MaxTimeout = 30 * time.Second

// minQueueBytes is the smallest Config.QueueBytes.
const minQueueBytes = 1 << 20

// Config says where the backend is, and what waiting for it may cost.
type Config struct {
	// URL is the backend's, http or https.
	URL string
	// Secrets sign the requests: one, or several while they are being replaced.
	Secrets []string
	// Timeout limits the time from the arrival of an event or a connect to the backend's answer.
	// Default 10 s; at most MaxTimeout.
	Timeout time.Duration
	// Parallel limits the requests at a time: so many connects, and so many others. Default 64.
	Parallel int
	// QueueBytes limits all queues for the backend together, in bytes. Default 64 MiB, at least 1 MiB.
	QueueBytes int
	// Claims returns the claims of a socket's token, or nil. Default nil: none.
	Claims func(*socketio.Socket) json.RawMessage
	// Observe is called with the type and the duration of each request, whatever its outcome. It must
	// not block. Default nil.
	Observe func(kind string, took time.Duration)
	// Logger gets the failures. Default slog.Default.
	Logger *slog.Logger
}

// Hooks sends the requests. Make it with New, end it with Close.
type Hooks struct {
	cfg         Config
	keys        [][]byte
	client      *http.Client
	log         *refusal.Log
	connections *socketio.Key[*connection]
	connects    chan struct{} // one token for each connect that is being asked about
	ctx         context.Context
	stop        context.CancelFunc // ends requests of events and disconnects
	queues      scheduler

	answered [3]atomic.Uint64 // by kind
	retries  atomic.Uint64
}

// New returns Hooks for no namespace yet. The error names the field of c whose value cannot work.
func New(c Config) (*Hooks, error) {
	if u, err := url.Parse(c.URL); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, errors.New("hooks: Config.URL must be a URL, such as https://backend.example/hooks")
	}
	if len(c.Secrets) == 0 {
		return nil, errors.New("hooks: Config.Secrets is empty")
	}
	keys := make([][]byte, len(c.Secrets))
	for i, secret := range c.Secrets {
		var err error
		if keys[i], err = parseSecret(secret); err != nil {
			return nil, err
		}
	}
	setDefault(&c.Timeout, 10*time.Second)
	setDefault(&c.Parallel, 64)
	setDefault(&c.QueueBytes, 64<<20)
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	switch {
	case c.Timeout < 0 || c.Timeout > MaxTimeout:
		return nil, fmt.Errorf("hooks: Config.Timeout is %v, it must be positive and at most %v", c.Timeout, MaxTimeout)
	case c.Parallel < 0:
		return nil, fmt.Errorf("hooks: Config.Parallel is %d, it must be positive", c.Parallel)
	case c.QueueBytes < minQueueBytes:
		return nil, fmt.Errorf("hooks: Config.QueueBytes is %d, it must be at least %d", c.QueueBytes, minQueueBytes)
	}
	ctx, stop := context.WithCancel(context.Background()) //nolint:gosec // Close calls it
	h := &Hooks{
		cfg: c, keys: keys, client: newClient(c), log: refusal.NewLog(c.Logger), ctx: ctx, stop: stop,
		connections: socketio.NewKey[*connection]("hooks"), connects: make(chan struct{}, c.Parallel),
	}
	h.queues.init(h.attempt, c.Parallel, c.QueueBytes)
	return h, nil
}

func setDefault[T int | time.Duration](v *T, to T) {
	if *v == 0 {
		*v = to
	}
}

// Install sends what happens in a namespace to the backend. It must be called once for a namespace,
// after all its middlewares have been registered and before clients connect. The namespace should
// have no other handlers: an event that one of them acknowledges has its answer.
func (h *Hooks) Install(n *socketio.Namespace) {
	n.Use(h.connect)
	n.OnConnection(func(s *socketio.Socket) {
		if c, ok := h.connections.Get(s); ok {
			c.connected()
		}
	})
	n.OnAny(h.event)
	n.OnDisconnect(func(s *socketio.Socket, reason socketio.Reason) {
		if c, ok := h.connections.Get(s); ok {
			h.disconnect(s, c, string(reason))
		}
	})
}

// Close sends the queued requests until ctx ends, and ends the goroutines. Call it when the server has been shut
// down. It returns an error if something was not sent.
func (h *Hooks) Close(ctx context.Context) error {
	left := h.queues.close(ctx, h.stop)
	h.client.CloseIdleConnections()
	if left > 0 {
		return fmt.Errorf("hooks: %d requests were not sent to the backend in time", left)
	}
	return nil
}

// Stats has the size of the queues, and counts since the start.
type Stats struct {
	// Waiting are the events and disconnects that wait or are being sent, WaitingBytes their size.
	Waiting, WaitingBytes int
	// Answered are the requests that the backend answered, by their type.
	Answered map[string]uint64
	// Failed are the connects refused, and the events and disconnects dropped, because the backend did
	// not answer: by type, and by the rule that the log names.
	Failed map[string]map[string]uint64
	// Retries are the requests that were sent again.
	Retries uint64
}

// Stats returns the numbers.
func (h *Hooks) Stats() Stats {
	s := Stats{
		Answered: make(map[string]uint64), Failed: make(map[string]map[string]uint64), Retries: h.retries.Load(),
	}
	s.Waiting, s.WaitingBytes = h.queues.waiting()
	for k := range h.answered {
		s.Answered[kind(k).String()] = h.answered[k].Load()
		s.Failed[kind(k).String()] = h.log.Counts(kind(k).dropped())
	}
	return s
}
