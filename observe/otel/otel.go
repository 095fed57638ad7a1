package otel

import (
	"context"
	"strings"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/gosocketio/socketio"
)

// Config configures [Hooks]. The zero value uses OpenTelemetry's global TracerProvider and W3C trace
// contexts.
type Config struct {
	// TracerProvider makes the tracer. Default: otel.GetTracerProvider().
	TracerProvider trace.TracerProvider
	// Propagator reads the client's trace context. Default: propagation.TraceContext, which reads the
	// headers traceparent and tracestate.
	Propagator propagation.TextMapPropagator
	// PublicEndpoint makes the client's span a link of a new trace, not the parent: the sampler then
	// decides without the client.
	PublicEndpoint bool
	// Hooks are the program's own. They are called too.
	Hooks socketio.Hooks
}

const (
	scope = "github.com/gosocketio/socketio/observe/otel"
	// maxText limits what clients choose, in bytes; maxRooms the rooms in one span.
	maxText, maxRooms = 100, 20
)

// Attributes as the official instrumentation has them.
var (
	system    = attribute.String("messaging.system", "socket.io")
	receive   = attribute.String("messaging.operation", "receive")
	topic     = attribute.String("messaging.destination_kind", "topic")
	keyTo     = attribute.Key("messaging.destination")
	keyEvent  = attribute.Key("messaging.socket.io.event_name")
	keyWithin = attribute.Key("messaging.socket.io.namespace")
	keyRooms  = attribute.Key("messaging.socket.io.rooms")
)

// Hooks returns hooks that trace the events of one server.
func Hooks(c Config) socketio.Hooks {
	if c.TracerProvider == nil {
		c.TracerProvider = otel.GetTracerProvider()
	}
	if c.Propagator == nil {
		c.Propagator = propagation.TraceContext{}
	}
	t := &tracing{Config: c, tracer: c.TracerProvider.Tracer(scope)}
	hooks := c.Hooks
	hooks.Connect, hooks.Begin, hooks.Handle, hooks.Emit = t.connect, t.begin, t.handle, t.emit
	return hooks
}

type tracing struct {
	Config

	tracer trace.Tracer
}

// remote is the client's span, of sockets whose client sent one.
var remote = socketio.NewKey[trace.SpanContext]("trace context of the handshake")

// connect keeps the client's trace context: reading all headers for each event would be slow.
func (t *tracing) connect(i socketio.ConnectInfo) {
	header := propagation.HeaderCarrier(i.Socket.Handshake().Header())
	if client := trace.SpanContextFromContext(t.Propagator.Extract(context.Background(), header)); client.IsValid() {
		remote.Set(i.Socket, client)
	}
	if t.Hooks.Connect != nil {
		t.Hooks.Connect(i)
	}
}

// start starts a span below the client's, if there is one.
func (t *tracing) start(
	ctx context.Context, s *socketio.Socket, name string, options ...trace.SpanStartOption,
) (context.Context, trace.Span) {
	if s != nil {
		if client, ok := remote.Get(s); ok && t.PublicEndpoint {
			options = append(options, trace.WithLinks(trace.Link{SpanContext: client}))
		} else if ok {
			ctx = trace.ContextWithRemoteSpanContext(ctx, client)
		}
	}
	return t.tracer.Start(ctx, name, options...)
}

// begin starts the span of an event.
func (t *tracing) begin(e *socketio.Event) context.Context {
	ctx := e.Context()
	if t.Hooks.Begin != nil {
		if own := t.Hooks.Begin(e); own != nil {
			ctx = own
		}
	}
	namespace := clip(e.Socket().Namespace().Name())
	ctx, span := t.start(ctx, e.Socket(), "receive "+namespace, trace.WithSpanKind(trace.SpanKindConsumer),
		trace.WithAttributes(system, receive, keyTo.String(namespace), keyEvent.String(clip(e.Name()))))
	return context.WithValue(ctx, spanKey{}, span)
}

// spanKey is the key of the span of an event: handlers may put others into contexts of their own, but
// not the program's Begin into this one.
type spanKey struct{}

// handle ends the span of an event.
func (t *tracing) handle(i socketio.HandleInfo) {
	if t.Hooks.Handle != nil {
		t.Hooks.Handle(i)
	}
	span, ok := i.Event.Context().Value(spanKey{}).(trace.Span)
	if !ok { // it had no handler
		return
	}
	fail(span, i.Err)
	span.End()
}

// emit records the span of an event that was sent.
func (t *tracing) emit(i socketio.EmitInfo) {
	if t.Hooks.Emit != nil {
		t.Hooks.Emit(i)
	}
	namespace, rooms := clip(i.Namespace.Name()), i.Rooms
	if i.Socket != nil {
		rooms = i.Socket.Rooms()
	}
	attributes := []attribute.KeyValue{
		system, topic, keyTo.String(namespace), keyWithin.String(namespace), keyEvent.String(clip(i.Event)),
	}
	if len(rooms) > 0 {
		shown := make([]string, min(len(rooms), maxRooms))
		for n := range shown {
			shown[n] = clip(rooms[n])
		}
		attributes = append(attributes, keyRooms.StringSlice(shown))
	}
	_, span := t.start(context.Background(), i.Socket, "send "+namespace,
		trace.WithSpanKind(trace.SpanKindProducer), trace.WithAttributes(attributes...))
	fail(span, i.Err)
	span.End()
}

func fail(span trace.Span, err error) {
	if err != nil {
		span.RecordError(err)
		span.SetStatus(codes.Error, clip(err.Error()))
	}
}

// clip bounds a text that a client may have chosen, and makes it valid UTF-8, as OTLP requires.
func clip(text string) string {
	return strings.ToValidUTF8(text[:min(len(text), maxText)], "\uFFFD")
}
