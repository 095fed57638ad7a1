package engineio_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/gosocketio/socketio/engineio"
	"github.com/gosocketio/socketio/engineio/wire"
)

// A server that sends every message back, for the engine.io client.
func ExampleNew() {
	e, err := engineio.New(engineio.Config{Events: engineio.Events{
		Message: func(s *engineio.Session, data []byte, binary bool) { _ = s.Send(data, binary) },
		Close: func(s *engineio.Session, reason engineio.Reason, cause error) {
			slog.Info("gone", "id", s.ID(), "reason", reason, "cause", cause)
		},
	}})
	if err != nil {
		fmt.Println(err)
		return
	}
	mux := http.NewServeMux()
	mux.Handle(engineio.DefaultPath, e)
	_ = mux // http.ListenAndServe(":3000", mux)
	fmt.Println(e.Shutdown(context.Background()))
	// Output: <nil>
}

func ExampleServer_ServeHTTP() {
	e, _ := engineio.New(engineio.Config{})
	defer func() { _ = e.Shutdown(context.Background()) }()
	w := httptest.NewRecorder()
	e.ServeHTTP(w, httptest.NewRequest("GET", "/engine.io/?EIO=4&transport=tcp", nil))
	fmt.Println(w.Code, w.Body)
	// Output: 400 {"code":0,"message":"Transport unknown"}
}

// sessionOf opens a polling session on e.
func sessionOf(e *engineio.Server) *engineio.Session {
	w := httptest.NewRecorder()
	e.ServeHTTP(w, httptest.NewRequest("GET", "/engine.io/?EIO=4&transport=polling&user=ann", nil))
	s, _ := e.Session(w.Body.String()[len(`0{"sid":"`):][:20])
	return s
}

func ExampleSession() {
	e, _ := engineio.New(engineio.Config{})
	defer func() { _ = e.Shutdown(context.Background()) }()
	s := sessionOf(e)
	s.SetValue("mine")
	fmt.Println(s.Transport(), s.Protocol(), s.Handshake().Query().Get("user"), s.Value(), s.Writable(), e.Sessions())
	// Output: polling 4 ann mine false 1
}

func ExampleSession_Send() {
	e, _ := engineio.New(engineio.Config{MaxBufferedPackets: 1})
	defer func() { _ = e.Shutdown(context.Background()) }()
	s := sessionOf(e)
	fmt.Println(s.Send([]byte("one"), false))
	fmt.Println(s.Buffered())
	err := s.Send([]byte("two"), false) // nobody polls
	fmt.Println(errors.Is(err, engineio.ErrQueueFull), s.Closed())
	// Output:
	// <nil>
	// 6 1
	// true true
}

// upper is a protocol above the engine: it sends every message back in capitals, in one write for each POST.
type upper struct{ engineio.Link }

func (upper) Open()                        {}
func (upper) TooLarge([]byte, string)      {}
func (upper) Close(engineio.Reason, error) {}

func (h upper) Batch(begins bool) {
	if begins {
		h.Cork()
	} else {
		h.Uncork()
	}
}

func (h upper) Message(data []byte, _ bool) {
	frames := wire.AppendText(nil, wire.Message, bytes.ToUpper(data))
	_ = h.Write(engineio.Now, engineio.Message{Frames: frames}) // Close tells of the end
}

func ExampleHandler() {
	e, _ := engineio.New(engineio.Config{NewHandler: func(l engineio.Link) engineio.Handler { return upper{l} }})
	s := sessionOf(e)
	post(e, s, "4hello\x1e4world")
	w := httptest.NewRecorder()
	e.ServeHTTP(w, httptest.NewRequest("GET", "/engine.io/?EIO=4&transport=polling&sid="+s.ID(), nil))
	fmt.Printf("%q\n", w.Body)
	_ = e.Shutdown(context.Background())
	// Output:
	// 200
	// "4HELLO\x1e4WORLD"
}

// post sends packets and prints the status of the answer.
func post(e *engineio.Server, s *engineio.Session, packets string) {
	w := httptest.NewRecorder()
	e.ServeHTTP(w, httptest.NewRequest("POST", "/engine.io/?EIO=4&transport=polling&sid="+s.ID(), strings.NewReader(packets)))
	fmt.Println(w.Code)
}

// login trusts a client once it has sent the password.
type login struct{ upper }

func (h login) Message(data []byte, _ bool) {
	if string(data) == "password" {
		h.Trust()
	}
}

// Who has not logged in may send 100 bytes at once. A larger message ends the session.
func ExampleLink_Trust() {
	e, _ := engineio.New(engineio.Config{MaxUntrustedPayload: 100, NewHandler: func(l engineio.Link) engineio.Handler {
		return login{upper{l}}
	}})
	defer func() { _ = e.Shutdown(context.Background()) }()
	large := "4" + strings.Repeat("x", 1000)
	s := sessionOf(e)
	post(e, s, "4password")
	post(e, s, large)
	post(e, sessionOf(e), large)
	// Output:
	// 200
	// 200
	// 413
}

func ExampleSession_Close() {
	e, _ := engineio.New(engineio.Config{})
	defer func() { _ = e.Shutdown(context.Background()) }()
	s := sessionOf(e)
	s.Close() // the client is told with its next GET
	fmt.Println(s.Send([]byte("too late"), false))
	// Output: engineio: session is closed
}

func ExampleServer_Drain() {
	e, err := engineio.New(engineio.Config{})
	if err != nil {
		panic(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	err = e.Drain(ctx, engineio.DrainOptions{Over: 30 * time.Second}) // returns at once: there are no sessions
	fmt.Println(err, e.Draining(), e.Shutdown(ctx))
	// Output: <nil> true <nil>
}

func ExampleServer_Shutdown() {
	e, _ := engineio.New(engineio.Config{Events: engineio.Events{
		Close: func(_ *engineio.Session, reason engineio.Reason, cause error) { fmt.Println(reason, "-", cause) },
	}})
	sessionOf(e)
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	fmt.Println(e.Shutdown(ctx))
	// Output:
	// forced close - engineio: server is closed
	// <nil>
}

func ExampleDefaultCookie() {
	fmt.Println(engineio.DefaultCookie())
	// Output: io=; Path=/; HttpOnly; SameSite=Lax
}

// One message to many sessions: it is encoded once, and compressed once for those that agreed to PerMessageDeflate.
func ExamplePrepare() {
	e, err := engineio.New(engineio.Config{PerMessageDeflate: &engineio.PerMessageDeflate{}})
	if err != nil {
		fmt.Println(err)
		return
	}
	var links []engineio.Link // those of Config.NewHandler
	p := engineio.Prepare(wire.AppendText(nil, wire.Message, []byte("to all")))
	for _, l := range links {
		_ = l.Write(engineio.Now, engineio.Message{Prepared: p}) // its own end, not the others'
	}
	fmt.Println(p.Len(), "bytes", e.Stats().Deflated, "times")
	// Output: 9 bytes 0 times
}

// Middleware written for net/http sees every request. What it sets is sent with the 101 of a WebSocket too.
func ExampleConfig_middleware() {
	secure := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Content-Type-Options", "nosniff")
			next.ServeHTTP(w, r)
		})
	}
	e, err := engineio.New(engineio.Config{Middleware: []func(http.Handler) http.Handler{secure}})
	if err != nil {
		fmt.Println(err)
		return
	}
	w := httptest.NewRecorder()
	e.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/engine.io/?EIO=4&transport=polling", nil))
	fmt.Println(w.Code, w.Header().Get("X-Content-Type-Options"))
	_ = e.Shutdown(context.Background())
	// Output: 200 nosniff
}
