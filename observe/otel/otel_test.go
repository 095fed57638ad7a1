package otel_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/trace"
	api "go.opentelemetry.io/otel/trace"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	wire "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/internal/leak"
	"github.com/gosocketio/socketio/internal/rawclient"
	"github.com/gosocketio/socketio/observe/otel"
)

func TestMain(m *testing.M) { leak.Main(m) }

// receiver is an OTLP receiver over HTTP.
type receiver struct {
	mu    sync.Mutex
	spans []*wire.Span
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	var m collector.ExportTraceServiceRequest
	if err != nil || req.URL.Path != "/v1/traces" || proto.Unmarshal(body, &m) != nil {
		http.Error(w, "no OTLP", http.StatusBadRequest)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, resource := range m.GetResourceSpans() {
		for _, scope := range resource.GetScopeSpans() {
			r.spans = append(r.spans, scope.GetSpans()...)
		}
	}
	answer, _ := proto.Marshal(&collector.ExportTraceServiceResponse{})
	w.Header().Set("Content-Type", "application/x-protobuf")
	_, _ = w.Write(answer)
}

// span is what a test looks at.
type span struct {
	Name, Kind, Parent, Status string
	Attributes                 map[string]string
}

// traced starts a server whose spans go to a receiver. spans ends the server and returns them by
// their event and name.
func traced(t *testing.T, c otel.Config) (sio *socketio.Server, spans func() (map[string]span, []*wire.Span)) {
	t.Helper()
	r := new(receiver)
	to := httptest.NewServer(r)
	t.Cleanup(to.Close)
	exporter, err := otlptracehttp.New(t.Context(), otlptracehttp.WithEndpointURL(to.URL+"/v1/traces"))
	if err != nil {
		t.Fatal(err)
	}
	provider := trace.NewTracerProvider(trace.WithBatcher(exporter))
	c.TracerProvider = provider
	sio = socketio.New(socketio.Config{Hooks: otel.Hooks(c), Logger: slog.New(slog.DiscardHandler)})
	return sio, func() (map[string]span, []*wire.Span) {
		if err := errors.Join(sio.Shutdown(context.Background()), provider.Shutdown(context.Background())); err != nil {
			t.Error(err)
		}
		http.DefaultTransport.(*http.Transport).CloseIdleConnections()
		r.mu.Lock()
		defer r.mu.Unlock()
		all := make(map[string]span)
		for _, s := range r.spans {
			x := span{Name: s.GetName(), Kind: s.GetKind().String(), Attributes: make(map[string]string)}
			x.Parent = string(s.GetTraceId())
			if len(s.GetParentSpanId()) == 0 {
				x.Parent = ""
			}
			x.Status = s.GetStatus().GetMessage()
			for _, a := range s.GetAttributes() {
				text := a.GetValue().GetStringValue()
				for _, v := range a.GetValue().GetArrayValue().GetValues() {
					text += "[" + v.GetStringValue() + "]"
				}
				x.Attributes[a.GetKey()] = text
			}
			all[x.Name+" "+x.Attributes["messaging.socket.io.event_name"]] = x
		}
		return all, slices.Clone(r.spans)
	}
}

const (
	traceID     = "0123456789abcdef0123456789abcdef"
	traceparent = "00-" + traceID + "-0123456789abcdef-01"
	rawTraceID  = "\x01\x23\x45\x67\x89\xab\xcd\xef\x01\x23\x45\x67\x89\xab\xcd\xef"
)

// converse has a client with a trace context talk to a server.
func converse(t *testing.T, sio *socketio.Server) (id string) {
	t.Helper()
	chat := sio.Of("/chat")
	chat.OnConnection(func(s *socketio.Socket) { s.Join("lobby") })
	chat.Handle("hello", func(e *socketio.Event) error { return e.Socket().Emit("welcome") })
	chat.Handle("wrong", func(*socketio.Event) error { return errors.New("it went wrong") })
	chat.Handle("all", func(*socketio.Event) error { return chat.To("lobby").Emit("news") })
	e := rawclient.Serve(t, sio)
	conn, err := e.Dial(t.Context(), "EIO=4&transport=websocket", http.Header{"Traceparent": {traceparent}})
	if err != nil {
		t.Fatal(err)
	}
	conn.Read() // the open packet
	id = conn.Join("/chat", "")
	conn.Send(`42/chat,["hello"]`, `42/chat,["wrong"]`, `42/chat,["nobody handles this"]`, `42/chat,["all"]`)
	conn.Want(`42/chat,["welcome"]`, `42/chat,["news"]`)
	return id
}

// An OTLP receiver gets the spans of what a client sends and gets, with the names and attributes of the
// official instrumentation, in the client's trace.
func TestSpans(t *testing.T) {
	sio, spans := traced(t, otel.Config{})
	id := converse(t, sio)
	received := func(event, status string) span {
		return span{"receive /chat", "SPAN_KIND_CONSUMER", rawTraceID, status, map[string]string{
			"messaging.system": "socket.io", "messaging.destination": "/chat", "messaging.operation": "receive",
			"messaging.socket.io.event_name": event,
		}}
	}
	sent := func(event, parent, rooms string) span {
		return span{"send /chat", "SPAN_KIND_PRODUCER", parent, "", map[string]string{
			"messaging.system": "socket.io", "messaging.destination": "/chat", "messaging.destination_kind": "topic",
			"messaging.socket.io.event_name": event, "messaging.socket.io.namespace": "/chat",
			"messaging.socket.io.rooms": rooms,
		}}
	}
	got, _ := spans()
	welcome := got["send /chat welcome"].Attributes
	if rooms := welcome["messaging.socket.io.rooms"]; rooms == "[lobby]["+id+"]" {
		welcome["messaging.socket.io.rooms"] = "[" + id + "][lobby]" // in no particular order
	}
	if d := cmp.Diff(map[string]span{
		"receive /chat hello": received("hello", ""), "receive /chat wrong": received("wrong", "it went wrong"),
		"receive /chat all": received("all", ""), "send /chat welcome": sent("welcome", rawTraceID, "["+id+"][lobby]"),
		"send /chat news": sent("news", "", "[lobby]"),
	}, got); d != "" {
		t.Error(d)
	}
}

// At a public endpoint the client's span is a link, and its decision to record does not count.
func TestPublicEndpoint(t *testing.T) {
	sio, spans := traced(t, otel.Config{PublicEndpoint: true})
	converse(t, sio)
	_, all := spans()
	if len(all) != 5 {
		t.Errorf("%d spans", len(all))
	}
	for _, s := range all {
		linked := len(s.GetLinks()) == 1 && string(s.GetLinks()[0].GetTraceId()) == rawTraceID
		broadcast := s.GetName() == "send /chat" && len(s.GetLinks()) == 0
		if string(s.GetTraceId()) == rawTraceID || len(s.GetParentSpanId()) > 0 || !linked && !broadcast {
			t.Errorf("%s: %v", s.GetName(), s)
		}
	}
}

// The program's hooks are called too, handlers have the span in their context, and what clients choose
// is bounded.
func TestHooksOfTheProgram(t *testing.T) {
	var mu sync.Mutex
	var called []string
	note := func(what string) {
		mu.Lock()
		defer mu.Unlock()
		called = append(called, what)
	}
	type key struct{}
	sio, spans := traced(t, otel.Config{Hooks: socketio.Hooks{
		Connect: func(socketio.ConnectInfo) { note("connect") },
		Begin: func(e *socketio.Event) context.Context {
			note("begin")
			return context.WithValue(e.Context(), key{}, "own")
		},
		Handle:  func(socketio.HandleInfo) { note("handle") },
		Emit:    func(socketio.EmitInfo) { note("emit") },
		Receive: func(socketio.ReceiveInfo) { note("receive") },
	}})
	long := strings.Repeat("x", 1000)
	sio.Handle(long, func(e *socketio.Event) error {
		if api.SpanFromContext(e.Context()).SpanContext().IsSampled() {
			note("span")
		}
		if e.Context().Value(key{}) != "own" {
			note("no context of the program")
		}
		return e.Ack()
	})
	e := rawclient.Serve(t, sio)
	conn := e.WebSocket()
	conn.Join("/", "")
	conn.Send(`420["` + long + `"]`)
	conn.Want(`430[]`)
	got, _ := spans()
	if want := []string{"connect", "receive", "begin", "span", "handle"}; !slices.Equal(called, want) {
		t.Errorf("called %q, want %q", called, want)
	}
	if s := got["receive / "+long[:100]]; s.Parent != "" || len(got) != 1 {
		t.Errorf("got %+v", got)
	}
}
