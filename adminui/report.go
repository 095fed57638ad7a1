package adminui

import (
	"context"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/gosocketio/socketio"
)

// maxNamespaces limits the namespaces in a report, which clients may have made.
const maxNamespaces = 1000

// started is when the process did, about.
var started = time.Now()

// report is what admins see of a server every 2 s.
type report struct {
	ServerID       string           `json:"serverId"`
	Hostname       string           `json:"hostname"`
	PID            int              `json:"pid"`
	Uptime         float64          `json:"uptime"` // seconds
	Clients        int              `json:"clientsCount"`
	PollingClients int              `json:"pollingClientsCount"`
	Aggregated     []aggregate      `json:"aggregatedEvents"`
	Namespaces     []namespaceCount `json:"namespaces"`
}

// aggregate counts what happened since the last report.
type aggregate struct {
	Timestamp int64  `json:"timestamp"` // ms, a full second
	Type      string `json:"type"`
	SubType   string `json:"subType,omitempty"`
	Count     uint64 `json:"count"`
}

type namespaceCount struct {
	Name    string `json:"name"`
	Sockets int    `json:"socketsCount"`
}

// stats are the totals of the last report.
type stats struct {
	known bool
	total map[[2]string]uint64 // by type and subtype
}

// reportLoop sends reports while there may be an admin.
func (a *admin) reportLoop(ctx context.Context) {
	ticks := time.NewTicker(interval)
	defer ticks.Stop()
	var told time.Time
	for {
		if a.watched.Load() || a.clustered {
			a.send("server_stats", a.report())
		} else {
			a.stats.known = false
		}
		a.checkUpgrades()
		a.forgetNamespaces()
		if time.Since(told) > time.Minute {
			if n := a.hidden.Swap(0); n > 0 {
				told = time.Now()
				a.Logger.Warn("adminui: events were not shown", "rule", "too many events", "value", n,
					"limit", a.MaxEventsPerSecond, "field", "Options.MaxEventsPerSecond")
			}
		}
		if a.stale.Load() {
			a.wake()
		}
		select {
		case <-ctx.Done():
			return
		case <-ticks.C:
		}
	}
}

// report returns what happened since the last one.
func (a *admin) report() report {
	now := a.io.Stats()
	c := now.Connections
	r := report{
		ServerID: a.ServerID, Hostname: hostname(), PID: os.Getpid(), Uptime: time.Since(started).Seconds(),
		Clients: c.Polling + c.WebSocket + c.WebTransport, PollingClients: c.Polling,
		Aggregated: a.stats.since(now), Namespaces: []namespaceCount{},
	}
	for name, n := range now.Sockets {
		r.Namespaces = append(r.Namespaces, namespaceCount{name, n})
	}
	slices.SortFunc(r.Namespaces, func(x, y namespaceCount) int { return strings.Compare(x.Name, y.Name) })
	r.Namespaces = r.Namespaces[:min(len(r.Namespaces), maxNamespaces)]
	return r
}

// since returns what was counted since the last call: nothing the first time.
func (s *stats) since(now socketio.Stats) []aggregate {
	total := map[[2]string]uint64{{"rawConnection"}: now.Connections.Opened}
	for rule, n := range now.Connections.Ended {
		total[[2]string{"rawDisconnection", rule}] = n
	}
	for _, ns := range now.Namespaces {
		total[[2]string{"packetsIn"}] += ns.Received
		total[[2]string{"packetsOut"}] += ns.Sent
		total[[2]string{"bytesIn"}] += ns.ReceivedBytes
		total[[2]string{"bytesOut"}] += ns.SentBytes
	}
	list := []aggregate{}
	second := time.Now().Unix() * 1000
	for key, n := range total {
		if before := s.total[key]; s.known && n > before {
			list = append(list, aggregate{second, key[0], key[1], n - before})
		}
	}
	s.known, s.total = true, total
	return list
}
