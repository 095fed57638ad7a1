package prometheus

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/adapter"
)

// NewCollector returns a collector of what the server counts. Register it once.
func NewCollector(io *socketio.Server) prometheus.Collector { return collector{io} }

type collector struct{ io *socketio.Server }

// Describe implements prometheus.Collector.
func (c collector) Describe(ch chan<- *prometheus.Desc) {
	for _, m := range metrics {
		ch <- m.desc
	}
}

// Collect implements prometheus.Collector.
func (c collector) Collect(ch chan<- prometheus.Metric) {
	s := c.io.Stats()
	for _, m := range metrics {
		m.collect(m.desc, &s, ch)
	}
}

// metric is one line of the table in docs/observability.md.
type metric struct {
	name, kind, help string
	labels           []string

	desc    *prometheus.Desc
	collect func(*prometheus.Desc, *socketio.Stats, chan<- prometheus.Metric)
}

// describe returns a metric without its collect.
func describe(name, kind, help string, labels []string) metric {
	name = "socketio_" + name
	return metric{name: name, kind: kind, help: help, labels: labels, desc: prometheus.NewDesc(name, help, labels, nil)}
}

// send sends one value.
type send func(v float64, labels ...string)

func newMetric(kind prometheus.ValueType, name, help string, labels []string, read func(*socketio.Stats, send)) metric {
	m := describe(name, map[prometheus.ValueType]string{counts: "counter", gauges: "gauge"}[kind], help, labels)
	m.collect = func(d *prometheus.Desc, s *socketio.Stats, ch chan<- prometheus.Metric) {
		read(s, func(v float64, labels ...string) { ch <- prometheus.MustNewConstMetric(d, kind, v, labels...) })
	}
	return m
}

// number is what a counter or a gauge is read from.
type number interface{ int | uint64 }

// gauge and counter are one number of the server.
func gauge[N number](name, help string, read func(*socketio.Stats) N) metric {
	return newMetric(gauges, name, help, nil, one(read))
}

func counter[N number](name, help string, read func(*socketio.Stats) N) metric {
	return newMetric(counts, name, help, nil, one(read))
}

func one[N number](read func(*socketio.Stats) N) func(*socketio.Stats, send) {
	return func(s *socketio.Stats, send send) { send(float64(read(s))) }
}

// byRule is a counter for each rule.
func byRule(name, help string, read func(*socketio.Stats) map[string]uint64) metric {
	return newMetric(counts, name, help, []string{"rule"}, func(s *socketio.Stats, send send) {
		for rule, n := range read(s) {
			send(float64(n), rule)
		}
	})
}

// inNamespace is one number of each namespace.
func inNamespace[N number](
	kind prometheus.ValueType, name, help string, read func(*socketio.NamespaceStats) N,
) metric {
	return newMetric(kind, name, help, []string{"namespace"}, func(s *socketio.Stats, send send) {
		for label, n := range s.Namespaces {
			send(float64(read(&n)), label)
		}
	})
}

// perNamespace is a counter for each namespace and value of another label.
func perNamespace(name, by, help string, read func(*socketio.NamespaceStats) map[string]uint64) metric {
	labels := []string{"namespace", by}
	return newMetric(counts, name, help, labels, func(s *socketio.Stats, send send) {
		for label, n := range s.Namespaces {
			for value, count := range read(&n) {
				send(float64(count), label, value)
			}
		}
	})
}

// handlerSeconds is the histogram of a namespace's handlers.
func handlerSeconds(name, help string) metric {
	m := describe(name, "histogram", help, []string{"namespace"})
	m.collect = func(d *prometheus.Desc, s *socketio.Stats, ch chan<- prometheus.Metric) {
		for label, n := range s.Namespaces {
			buckets := make(map[float64]uint64, len(n.HandledWithin))
			for bound, count := range n.HandledWithin {
				buckets[bound.Seconds()] = count
			}
			ch <- prometheus.MustNewConstHistogram(d, n.Handled, n.HandlerTime.Seconds(), buckets, label)
		}
	}
	return m
}

// ofBroker is one number of the broker, if there is one.
func ofBroker(
	kind prometheus.ValueType, name, help string, read func(*adapter.BrokerStats) float64,
) metric {
	return newMetric(kind, name, help, nil, func(s *socketio.Stats, send send) {
		if s.Broker != nil {
			send(read(s.Broker))
		}
	})
}
