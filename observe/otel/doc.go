// Package otel traces the events of a [socketio.Server] with OpenTelemetry.
//
// [Hooks] returns hooks for socketio.Config. They start a span for each event that has a handler,
// and one for each event sent, with the names and attributes of the official
// @opentelemetry/instrumentation-socket.io 0.70:
//
//	receive /chat   consumer   messaging.system, messaging.destination, messaging.operation,
//	                           messaging.socket.io.event_name
//	send /chat      producer   messaging.system, messaging.destination, messaging.destination_kind,
//	                           messaging.socket.io.event_name, .namespace and .rooms
//
// A handler finds its span in [socketio.Event.Context]: pass that on, and what the handler asks of
// databases and other services is below the span. The span has the handler's error.
//
// The client's trace context is taken from the header traceparent of its handshake: its spans, and
// those of what is sent to it alone, are then below the client's. As a client may ask for each of its
// traces to be recorded, set Config.PublicEndpoint where clients are not trusted: the client's span is
// then a link.
//
// A broadcast has a span of its own on each server that it reaches, with no parent. Clients choose
// the names of events: only their first 100 bytes are in a span.
//
// The package owns no goroutine and no lock.
package otel
