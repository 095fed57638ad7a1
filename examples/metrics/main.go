// Command metrics shows on /metrics, for Prometheus, what a server does: its hooks feed counters and histograms, its Stats gauges that
// are read when somebody asks.
package main

import (
	"log"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/examples/chat"
)

// metrics is what is counted.
type metrics struct {
	connects    prometheus.Counter
	refusals    prometheus.Counter
	disconnects *prometheus.CounterVec
	events      *prometheus.HistogramVec
	sent        prometheus.Counter
	failed      prometheus.Counter
	bytes       prometheus.Counter
}

func newMetrics(r *prometheus.Registry) *metrics {
	counter := func(name, help string) prometheus.CounterOpts {
		return prometheus.CounterOpts{Namespace: "socketio", Name: name, Help: help}
	}
	m := &metrics{
		connects:    prometheus.NewCounter(counter("connects_total", "Sockets that connected.")),
		refusals:    prometheus.NewCounter(counter("refusals_total", "Sockets that were refused.")),
		disconnects: prometheus.NewCounterVec(counter("disconnects_total", "Sockets that disconnected."), []string{"reason"}),
		events: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: "socketio", Name: "event_seconds", Help: "How long the handlers of an event ran.", Buckets: prometheus.ExponentialBuckets(0.0001, 10, 6),
		}, []string{"event", "outcome"}),
		sent:   prometheus.NewCounter(counter("sent_total", "Events sent, once for each recipient.")),
		failed: prometheus.NewCounter(counter("unsent_total", "Events that a recipient could not take.")),
		bytes:  prometheus.NewCounter(counter("sent_bytes_total", "Bytes of the events sent.")),
	}
	r.MustRegister(m.connects, m.refusals, m.disconnects, m.events, m.sent, m.failed, m.bytes)
	return m
}

func (m *metrics) hooks() socketio.Hooks {
	return socketio.Hooks{
		Connect:    func(socketio.ConnectInfo) { m.connects.Inc() },
		Refuse:     func(socketio.RefuseInfo) { m.refusals.Inc() },
		Disconnect: func(i socketio.DisconnectInfo) { m.disconnects.WithLabelValues(string(i.Reason)).Inc() },
		Handle: func(i socketio.HandleInfo) {
			name, outcome := i.Event.Name(), "ok"
			if i.Handlers == 0 {
				name = "unhandled" // clients choose names; each would be a time series of its own
			}
			if i.Err != nil {
				outcome = "error"
			}
			m.events.WithLabelValues(name, outcome).Observe(i.Took.Seconds())
		},
		Emit: func(i socketio.EmitInfo) {
			m.sent.Add(float64(i.Recipients))
			m.failed.Add(float64(i.Failed))
			m.bytes.Add(float64(i.Bytes * i.Recipients))
		},
	}
}

// gauges are read from a server when somebody asks.
func gauges(r *prometheus.Registry, io *socketio.Server) {
	gauge := func(name, help string, read func(socketio.Stats) int) {
		r.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: "socketio", Name: name, Help: help},
			func() float64 { return float64(read(io.Stats())) }))
	}
	gauge("connections", "Connections.", func(s socketio.Stats) int { return s.Connections.Polling + s.Connections.WebSocket })
	gauge("buffered_bytes", "Bytes that wait to be sent.", func(s socketio.Stats) int { return s.Connections.BufferedBytes })
	gauge("sockets", "Sockets of all namespaces.", func(s socketio.Stats) (n int) {
		for _, sockets := range s.Sockets {
			n += sockets
		}
		return n
	})
}

func newServer() (*socketio.Server, http.Handler) {
	r := prometheus.NewRegistry()
	io := chat.New(socketio.Config{Hooks: newMetrics(r).hooks()})
	gauges(r, io)
	mux := http.NewServeMux()
	mux.Handle("/socket.io/", io)
	mux.Handle("/metrics", promhttp.HandlerFor(r, promhttp.HandlerOpts{})) // on an address that only operators reach
	return io, mux
}

func main() {
	_, handler := newServer()
	server := &http.Server{Addr: "127.0.0.1:3000", Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	log.Fatal(server.ListenAndServe())
}
