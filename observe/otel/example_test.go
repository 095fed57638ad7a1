package otel_test

import (
	"context"

	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/trace"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/observe/otel"
)

// Spans go to the collector that OTEL_EXPORTER_OTLP_ENDPOINT names, one trace in ten.
func ExampleHooks() {
	exporter, err := otlptracehttp.New(context.Background())
	if err != nil {
		panic(err)
	}
	provider := trace.NewTracerProvider(trace.WithBatcher(exporter), trace.WithSampler(trace.TraceIDRatioBased(0.1)))
	defer func() { _ = provider.Shutdown(context.Background()) }()

	io := socketio.New(socketio.Config{Hooks: otel.Hooks(otel.Config{TracerProvider: provider, PublicEndpoint: true})})
	io.Handle("order", func(e *socketio.Event) error {
		return save(e.Context()) // its span is below that of the event
	})
	// Output:
}

func save(context.Context) error { return nil }
