package adminui

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"github.com/gosocketio/socketio"
)

// interval is the time between two reports to admins, as in the official server.
const interval = 2 * time.Second

// The features that the page asks for.
var (
	commands = []string{"EMIT", "JOIN", "LEAVE", "DISCONNECT", "MJOIN", "MLEAVE", "MDISCONNECT"}
	always   = "AGGREGATED_EVENTS"
	inDetail = "ALL_EVENTS" // in development mode
)

// admin is the admin UI of a server.
type admin struct {
	Options

	io        *socketio.Server
	ns        *socketio.Namespace // of the admins
	features  []string
	clustered bool

	stats    stats // the statistics goroutine's own
	upgrades upgrades
	lists    chan struct{} // wakes the goroutine that lists sockets

	watched        atomic.Bool // an admin is connected to some server
	stale          atomic.Bool // what admins see is out of date: list all sockets again
	hidden         atomic.Int64
	events, states *rate.Limiter

	mu        sync.Mutex
	stopped   bool
	here      int                // admins connected to this server
	elsewhere bool               // an admin is connected to another server
	waiting   []*socketio.Socket // admins who have no list of sockets yet
	listeners map[*socketio.Namespace]*listeners
}

// Instrument adds the admin UI to a server. stop ends what it does; call it before Shutdown, and
// again if that is easier. Sockets and namespaces that exist are seen too.
//
// The error (ErrOptions) names the field of o whose value cannot work.
func Instrument(io *socketio.Server, o Options) (stop func(), err error) {
	o, err = o.withDefaults()
	if err != nil {
		return nil, err
	}
	_, clustered := io.BrokerStats()
	a := &admin{
		Options: o, io: io, ns: io.Of(o.NamespaceName), clustered: clustered, lists: make(chan struct{}, 1),
		events:    rate.NewLimiter(rate.Limit(o.MaxEventsPerSecond), o.MaxEventsPerSecond),
		states:    rate.NewLimiter(rate.Limit(o.MaxEventsPerSecond), o.MaxEventsPerSecond),
		listeners: make(map[*socketio.Namespace]*listeners),
	}
	if !o.Readonly {
		a.features = append(a.features, commands...)
		a.handleCommands()
	}
	a.features = append(a.features, always)
	if o.Auth != nil {
		a.ns.Use(newLogin(o).check)
	} else {
		o.Logger.Warn("adminui: everybody who reaches the server is an admin", "field", "Options.NoAuth")
	}
	a.ns.OnConnection(a.enter)
	a.ns.OnDisconnect(func(*socketio.Socket, socketio.Reason) { a.leave() })
	if o.Mode == Development {
		a.features = append(a.features, inDetail)
		io.OnNewNamespace(a.add)
		for _, ns := range io.Namespaces() {
			a.add(ns)
		}
	}
	return a.start(), nil
}

// start runs the goroutines until stop is called.
func (a *admin) start() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { a.reportLoop(ctx) })
	running.Go(func() { a.listLoop(ctx) })
	return func() {
		cancel()
		running.Wait()
		a.mu.Lock()
		defer a.mu.Unlock()
		a.stopped = true
		a.updateLocked()
	}
}

// enter welcomes an admin.
func (a *admin) enter(s *socketio.Socket) {
	a.mu.Lock()
	a.here++
	if a.Mode == Development && len(a.waiting) < a.MaxSockets {
		a.waiting = append(a.waiting, s)
	}
	a.updateLocked()
	a.mu.Unlock()
	// Errors mean that the admin has gone.
	if id, ok := newSession.Get(s); ok {
		_ = s.Emit("session", id)
	}
	_ = s.Emit("config", map[string]any{"supportedFeatures": a.features})
	a.wake()
}

func (a *admin) leave() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.here--
	a.updateLocked()
}

// setElsewhere says whether other servers have admins.
func (a *admin) setElsewhere(yes bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.elsewhere = yes
	a.updateLocked()
}

// updateLocked adds the listeners that are needed now and removes the others.
func (a *admin) updateLocked() {
	a.watched.Store(!a.stopped && (a.here > 0 || a.elsewhere))
	for _, l := range a.listeners {
		a.listen(l)
	}
}

// wake makes the goroutine that lists sockets look at what is to be done.
func (a *admin) wake() {
	select {
	case a.lists <- struct{}{}:
	default:
	}
}

// send shows admins on all servers an event.
func (a *admin) send(event string, args ...any) {
	if err := a.ns.Emit(event, args...); err != nil {
		a.Logger.Debug("adminui: admins were not sent an event", "event", event, "error", err)
	}
}
