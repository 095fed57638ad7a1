package prometheus

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/adapter"
)

// Kinds of metrics.
const (
	counts = prometheus.CounterValue
	gauges = prometheus.GaugeValue
)

// metrics are all that the collector exports. docs/observability.md has the same table.
var metrics = []metric{
	newMetric(gauges, "connections", "Connections by the transport that they use now.", []string{"transport"},
		func(s *socketio.Stats, send send) {
			send(float64(s.Connections.Polling), socketio.Polling.String())
			send(float64(s.Connections.WebSocket), socketio.WebSocket.String())
			send(float64(s.Connections.WebTransport), socketio.WebTransport.String())
		}),
	counter("connections_opened_total", "Handshakes that were accepted.",
		func(s *socketio.Stats) uint64 { return s.Connections.Opened }),
	byRule("connections_closed_total", "Connections that ended, by the rule that the log names.",
		func(s *socketio.Stats) map[string]uint64 { return s.Connections.Ended }),
	byRule("requests_refused_total", "Handshakes, upgrades and other requests that were refused, by rule.",
		func(s *socketio.Stats) map[string]uint64 { return s.Connections.Refused }),
	byRule("connects_refused_total", "Clients that were refused by a namespace, by rule.",
		func(s *socketio.Stats) map[string]uint64 { return s.Refused }),
	counter("slow_consumers_total", "Connections that ended because the client did not read fast enough.",
		func(s *socketio.Stats) uint64 { return s.Connections.SlowConsumers }),
	gauge("connections_paused", "Connections that are not read: too many events wait for handlers, or ByteLimit.",
		func(s *socketio.Stats) int { return s.Connections.Paused }),
	counter("reads_throttled_total", "Pauses of reading from a connection because of ByteLimit.",
		func(s *socketio.Stats) uint64 { return s.Connections.Throttled }),
	gauge("queue_bytes", "Bytes that wait to be sent to clients.",
		func(s *socketio.Stats) int { return s.Connections.BufferedBytes }),
	gauge("queue_packets", "Packets that wait to be sent to clients.",
		func(s *socketio.Stats) int { return s.Connections.BufferedPackets }),

	inNamespace(gauges, "sockets", "Sockets that are connected.",
		func(n *socketio.NamespaceStats) int { return n.Sockets }),
	inNamespace(counts, "events_received_total", "Events of clients.",
		func(n *socketio.NamespaceStats) uint64 { return n.Received }),
	inNamespace(counts, "events_received_bytes_total", "Payload of the events of clients.",
		func(n *socketio.NamespaceStats) uint64 { return n.ReceivedBytes }),
	perNamespace("events_limited_total", "limit",
		"Events over a limit: EventLimit (connection) or NamespaceEventLimits (namespace).",
		func(n *socketio.NamespaceStats) map[string]uint64 {
			return map[string]uint64{"connection": n.LimitedByConnection, "namespace": n.LimitedByNamespace}
		}),
	inNamespace(counts, "events_sent_total", "Events sent, once for each recipient.",
		func(n *socketio.NamespaceStats) uint64 { return n.Sent }),
	inNamespace(counts, "events_sent_bytes_total", "Size of the events sent, on the wire.",
		func(n *socketio.NamespaceStats) uint64 { return n.SentBytes }),
	inNamespace(counts, "events_unsent_total", "Events that a recipient could not be sent: closed, or its queue full.",
		func(n *socketio.NamespaceStats) uint64 { return n.Unsent }),
	handlerSeconds("handler_duration_seconds", "How long the handlers of an event took."),
	inNamespace(counts, "handler_errors_total", "Events whose handlers, or a middleware of the socket, failed.",
		func(n *socketio.NamespaceStats) uint64 { return n.HandlerErrors }),
	perNamespace("acks_total", "outcome", "Acknowledgements that clients were asked for: answered, timeout or failed.",
		func(n *socketio.NamespaceStats) map[string]uint64 {
			return map[string]uint64{"answered": n.AcksAnswered, "timeout": n.AckTimeouts, "failed": n.AcksFailed}
		}),
	perNamespace("recoveries_total", "outcome", "Clients that asked to be recovered: hit or miss.",
		func(n *socketio.NamespaceStats) map[string]uint64 {
			return map[string]uint64{"hit": n.Recovered, "miss": n.NotRecovered}
		}),
	inNamespace(gauges, "recovery_waiting", "Clients that are away and may be recovered.",
		func(n *socketio.NamespaceStats) int { return n.Waiting }),

	ofBroker(gauges, "broker_connected", "1 while the connection to the broker is there, otherwise 0.",
		func(b *adapter.BrokerStats) float64 {
			if b.Connected {
				return 1
			}
			return 0
		}),
	ofBroker(gauges, "broker_away_seconds", "How long the connection to the broker has been lost.",
		func(b *adapter.BrokerStats) float64 { return b.Away.Seconds() }),
	ofBroker(gauges, "broker_queue_bytes", "Bytes that wait to be sent to the broker.",
		func(b *adapter.BrokerStats) float64 { return float64(b.QueuedBytes) }),
	ofBroker(counts, "broker_messages_sent_total", "Messages to other servers.",
		func(b *adapter.BrokerStats) float64 { return float64(b.Sent) }),
	ofBroker(counts, "broker_messages_received_total", "Messages of other servers.",
		func(b *adapter.BrokerStats) float64 { return float64(b.Received) }),
	ofBroker(counts, "broker_messages_failed_total", "Messages that the broker did not take.",
		func(b *adapter.BrokerStats) float64 { return float64(b.Failed) }),
	ofBroker(counts, "broker_messages_invalid_total", "Messages that could not be read.",
		func(b *adapter.BrokerStats) float64 { return float64(b.Invalid) }),
	ofBroker(counts, "broker_messages_discarded_total", "Messages for rooms or namespaces that nobody here is in.",
		func(b *adapter.BrokerStats) float64 { return float64(b.Discarded) }),
	ofBroker(counts, "broker_gaps_total", "Times at which messages of other servers may have been lost.",
		func(b *adapter.BrokerStats) float64 { return float64(b.Gaps) }),
}
