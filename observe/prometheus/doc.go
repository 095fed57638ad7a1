// Package prometheus exports what a [socketio.Server] counts to Prometheus.
//
// [NewCollector] returns the collector. The server counts anyway, next to each event; the collector
// reads [socketio.Server.Stats] when Prometheus asks, and keeps nothing. A scrape takes time
// proportional to the number of connections: about 5 ms for 9,000, on two busy cores.
//
// Clients cannot add time series. The label namespace is a name that the program gave to Server.Of,
// or the pattern of a Parent for all of its children; rule is one of the constants that the log
// names; transport, outcome and limit have at most three values.
//
// For several servers in one process register each with a label of its own:
// client_golang's WrapRegistererWith.
package prometheus
