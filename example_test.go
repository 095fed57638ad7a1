package socketio_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"strings"
	"time"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/adapter/adaptertest"
	"github.com/gosocketio/socketio/client-js/bundle"
	"github.com/gosocketio/socketio/internal/rawclient"
	"github.com/gosocketio/socketio/protocol"
)

// In the examples, package rawclient stands for a client: packets are shown as they go over the
// wire, where 2 is an event, 3 an acknowledgement and 1 a disconnect.

func ExampleNew() {
	io := socketio.New(socketio.Config{
		CORS: socketio.CORS{Origins: []string{"https://app.example.com"}},
	})
	io.OnConnection(func(s *socketio.Socket) { s.Join("lobby") })
	socketio.On(io, "message", func(_ *socketio.Event, text string) error {
		return io.To("lobby").Emit("message", text)
	})
	http.Handle("/socket.io/", io)
	// log.Fatal(http.ListenAndServe("127.0.0.1:3000", nil))
	rawclient.Visit(io, 1, `42["message","hi"]`)
	// Output: 2["message","hi"]
}

func ExampleNewServer() {
	_, err := socketio.NewServer(socketio.Config{MaxPayload: -1}) // from a flag, say
	fmt.Println(errors.Is(err, socketio.ErrConfig))
	// Output: true
}

func ExampleConfig_clientFiles() {
	// A page loads <script src="/socket.io/socket.io.js"></script>. For another version of the client:
	// os.DirFS("node_modules/socket.io-client").
	io := socketio.New(socketio.Config{ClientFiles: bundle.FS()})

	w := httptest.NewRecorder()
	io.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/socket.io/socket.io.js", nil))
	fmt.Println(w.Code, w.Header().Get("Content-Type"))
	// Output: 200 application/javascript; charset=utf-8
}

func ExampleServer_Drain() {
	io := socketio.New(socketio.Config{})
	ready := func(w http.ResponseWriter, _ *http.Request) { // what a load balancer asks for
		if io.Draining() {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	err := io.Drain(ctx, socketio.DrainOptions{Over: 30 * time.Second}) // clients reconnect to other servers
	fmt.Println(err, io.Shutdown(ctx))

	answer := httptest.NewRecorder()
	ready(answer, nil)
	fmt.Println(answer.Code)
	// Output:
	// <nil> <nil>
	// 503
}

func ExampleServer_Shutdown() {
	io := socketio.New(socketio.Config{})
	server := &http.Server{Handler: io, ReadHeaderTimeout: 10 * time.Second}
	v := rawclient.Enter(server.Handler)
	defer v.Leave()

	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := io.Shutdown(ctx); err != nil { // first: the http.Server does not see WebSocket connections
		log.Print(err)
	}
	if err := server.Shutdown(ctx); err != nil {
		log.Print(err)
	}
	v.Print(1)
	// Output: the connection was closed
}

// The broker is away: clients of other servers are not reached.
func ExampleServer_BrokerStats() {
	io := socketio.New(socketio.Config{})
	if broker, ok := io.BrokerStats(); ok && !broker.Connected {
		fmt.Println(broker.Broker, "has been away for", broker.Away)
	}
	// Output:
}

// Hooks feed what counts and measures: a Prometheus histogram, a trace, a log.
func ExampleHooks() {
	handled := make(chan string, 1)
	io := socketio.New(socketio.Config{Hooks: socketio.Hooks{
		Handle: func(i socketio.HandleInfo) {
			handled <- fmt.Sprintf("handled %s with %d handler, error: %v", i.Event.Name(), i.Handlers, i.Err)
		},
		Emit: func(i socketio.EmitInfo) {
			fmt.Println("sent", i.Event, "of", i.Bytes, "bytes to", i.Recipients)
		},
	}})
	io.Handle("hello", func(*socketio.Event) error { return io.Emit("hi", "everybody") })
	rawclient.Visit(io, 1, `42["hello"]`)
	fmt.Println(<-handled)
	// Unordered output:
	// sent hi of 22 bytes to 1
	// 2["hi","everybody"]
	// handled hello with 1 handler, error: <nil>
}

func ExampleServer_Stats() {
	io := socketio.New(socketio.Config{})
	io.Of("/chat")
	v := rawclient.Enter(io, "/", "/chat")
	defer v.Leave()
	s := io.Stats()
	fmt.Println(s.Connections.WebSocket, s.Connections.Polling, s.Sockets["/"], s.Sockets["/chat"])
	var chat socketio.NamespaceStats = s.Namespaces["/chat"]
	fmt.Println(chat.Sockets, "there,", chat.Received, "events in,", chat.Sent, "out")
	for _, socket := range io.Of("/chat").Sockets() {
		fmt.Println(socket.Conn().Stats().Transport, socket.Handshake().ClientIP())
	}
	// Output:
	// 1 0 1 1
	// 1 there, 0 events in, 0 out
	// websocket 127.0.0.1
}

// At most 200 clients a second, 400 at once: after a restart the others are told to come back
// later.
func ExampleAdmission() {
	io := socketio.New(socketio.Config{
		Admission:      socketio.Admission{Rate: 200, Burst: 400, MaxSessions: 50_000, MaxPerAddress: 100},
		TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, // else all clients have the proxy's address
	})
	fmt.Println(io.Engine().Stats().Rejected)
	// Output: 0
}

// A parser of one's own; what handlers see stays the same.
func ExampleConfig_parser() {
	io := socketio.New(socketio.Config{Parser: upsideDown{}})
	socketio.On(io, "hello", func(e *socketio.Event, name string) error {
		if err := e.Socket().Emit("picture", []byte{1}); err != nil {
			fmt.Println(err)
		}
		return e.Socket().Emit("hello", name)
	})
	v := rawclient.Arrive(io)
	defer v.Leave()
	v.Send("40") // its own mirror image
	v.Read()     // the answer
	v.Send(`4]"nna","olleh"[2`)
	v.Print(1)
	// Output:
	// socketio: Config.Parser: upside down: no binary, please
	// ]"nna","olleh"[2
}

// A client loses its connection and comes back: it is the same socket, and has what it missed.
func ExampleConnectionStateRecovery() {
	io := socketio.New(socketio.Config{ConnectionStateRecovery: &socketio.ConnectionStateRecovery{}})
	name := socketio.NewKey[string]("name")
	joined, left := make(chan string, 2), make(chan bool, 1)
	io.OnConnection(func(s *socketio.Socket) {
		if !s.Recovered() {
			name.Set(s, "Ann")
			s.Join("tea")
		}
		n, _ := name.Get(s)
		joined <- fmt.Sprintf("%s is there, recovered: %v", n, s.Recovered())
	})
	io.OnDisconnect(func(*socketio.Socket, socketio.Reason) { left <- true })

	v := rawclient.Arrive(io)
	defer v.Leave()
	v.Send("40")
	_, pid, _ := strings.Cut(v.Read(), `"pid":`) // the client library keeps it
	fmt.Println(<-joined)
	v.Close()
	<-left
	if err := io.To("tea").Emit("ready", "pot"); err != nil {
		log.Print(err)
	}

	v.Again()
	v.Send(`40{"pid":` + pid)
	fmt.Println(v.Read()[:18]) // the offset follows, which the library keeps too
	fmt.Println(<-joined)
	stats, _ := io.Of("/").RecoveryStats() // or io.Stats().Recovery["/"]
	fmt.Println(stats.Recovered, "recovered,", stats.Events, "event kept,", io.Stats().Recovery["/"].Waiting, "away")
	// Output:
	// Ann is there, recovered: false
	// 42["ready","pot","
	// Ann is there, recovered: true
	// 1 recovered, 1 event kept, 0 away
}

func ExampleServer_OnConnection() {
	io := socketio.New(socketio.Config{})
	io.OnConnection(func(s *socketio.Socket) {
		_ = s.Emit("welcome", s.Handshake().Query().Get("name"))
	})
	rawclient.Visit(io, 1)
	// Output: 2["welcome","ann"]
}

func ExampleServer_OnDisconnect() {
	io := socketio.New(socketio.Config{})
	done := make(chan struct{})
	joined := make(chan struct{})
	io.OnConnection(func(s *socketio.Socket) {
		s.Join("lobby")
		close(joined)
	})
	io.OnDisconnecting(func(s *socketio.Socket, _ socketio.Reason) { fmt.Println("leaves", len(s.Rooms()), "rooms") })
	io.OnDisconnect(func(s *socketio.Socket, reason socketio.Reason) {
		fmt.Println("left:", reason)
		close(done)
	})
	v := rawclient.Enter(io)
	defer v.Leave()
	<-joined
	v.Send(`41`)
	<-done
	// Output:
	// leaves 2 rooms
	// left: client namespace disconnect
}

func ExampleServer_Use() {
	io := socketio.New(socketio.Config{})
	user := socketio.NewKey[string]("user")
	io.Use(func(s *socketio.Socket) error {
		var auth struct{ Token string }
		if err := s.Handshake().DecodeAuth(&auth); err != nil || auth.Token != "secret" {
			return &socketio.Error{Message: "unauthorized", Data: map[string]int{"code": 401}}
		}
		user.Set(s, "ann")
		return nil
	})
	io.Of("/open")
	v := rawclient.Enter(io, "/open")
	defer v.Leave()
	v.Send(`40{"token":"wrong"}`)
	v.Print(1)
	id := v.Join("/", `{"token":"secret"}`)
	s, _ := io.Socket(id)
	fmt.Println(user.Get(s))
	// Output:
	// 4{"message":"unauthorized","data":{"code":401}}
	// ann true
}

func ExampleSocket_Err() {
	io := socketio.New(socketio.Config{})
	ended := make(chan string, 1)
	io.Handle("work", func(e *socketio.Event) error {
		_ = e.Ack("begun")
		<-e.Context().Done() // the work is given up when the client goes
		gone := (*socketio.DisconnectError)(nil)
		if err := e.Socket().Err(); errors.As(err, &gone) {
			ended <- string(gone.Reason) + ", " + fmt.Sprint(errors.Is(context.Cause(e.Context()), gone))
		}
		return nil
	})
	v := rawclient.Enter(io)
	defer v.Leave()
	v.Send(`420["work"]`)
	v.Print(1)
	v.Send(`41`)
	fmt.Println(<-ended)
	// Output:
	// 30["begun"]
	// client namespace disconnect, true
}

// upsideDown sends packets in their default form, with the payload's bytes from last to first.
type upsideDown struct{}

func (upsideDown) Encode(text []byte, attachments [][]byte) ([]protocol.Message, error) {
	if len(attachments) > 0 {
		return nil, fmt.Errorf("upside down: no binary, please")
	}
	return []protocol.Message{{Data: flip(text)}}, nil
}

func (upsideDown) NewDecoder(maxAttachments int) protocol.PacketDecoder {
	return &flipper{protocol.Decoder{MaxAttachments: maxAttachments}}
}

// flipper is the default decoder behind a mirror.
type flipper struct{ protocol.Decoder }

func (f *flipper) AddText(data []byte) (*protocol.Packet, error) {
	return f.Decoder.AddText(flip(data))
}

func flip(b []byte) []byte {
	b = bytes.Clone(b)
	for i, j := 0, len(b)-1; i < j; i, j = i+1, j-1 {
		b[i], b[j] = b[j], b[i]
	}
	return b
}

func ExampleConfig() {
	c := socketio.Config{
		Path:              socketio.DefaultPath,
		Transports:        []socketio.Transport{socketio.Polling, socketio.WebSocket, socketio.WebTransport},
		PerMessageDeflate: &socketio.PerMessageDeflate{},
	}
	for _, mode := range []socketio.ConnectionMode{socketio.AutoMode, socketio.PortableMode} { // or socketio.EventLoopMode
		c.ConnectionMode = mode
		if _, err := socketio.NewServer(c); err != nil {
			fmt.Println(err)
		}
	}
	c.ConnectionMode = socketio.EventLoopMode + 1
	_, err := socketio.NewServer(c)
	fmt.Println(errors.Is(err, socketio.ErrConfig))
	// Output: true
}

// A line in the log for everything that a client does.
func ExampleHooks_log() {
	lines := make(chan string, 100)
	note := func(args ...any) { lines <- fmt.Sprintln(args...) }
	io := socketio.New(socketio.Config{Hooks: socketio.Hooks{
		Connect:    func(i socketio.ConnectInfo) { note("connected to", i.Socket.Namespace().Name()) },
		Refuse:     func(i socketio.RefuseInfo) { note("refused from", i.Namespace, i.Err) },
		Receive:    func(i socketio.ReceiveInfo) { note("received", i.Bytes, "bytes") },
		Ack:        func(i socketio.AckInfo) { note("waited", i.Took, "for", i.Event) },
		Pause:      func(i socketio.PauseInfo) { note("reads no more of this client:", i.Paused) },
		Disconnect: func(i socketio.DisconnectInfo) { note(i.Reason) },
	}})
	v := rawclient.Enter(io)
	defer v.Leave()
	v.Send(`40/nowhere,`, `42["hi"]`, `41`)
	for range 4 {
		fmt.Print(<-lines)
	}
	// Output:
	// connected to /
	// refused from /nowhere Invalid namespace
	// received 6 bytes
	// client namespace disconnect
}

// A function of one's own that takes parts of a server.
func ExampleServer() {
	watch := func(io *socketio.Server) (string, string) {
		var s socketio.Stats = io.Stats()
		var r socketio.RecoveryStats = s.Recovery["/"] // the zero value without ConnectionStateRecovery
		var h socketio.Handshake
		for _, socket := range io.Sockets() {
			h = socket.Handshake()
		}
		return h.Query().Get("name"), fmt.Sprint(s.Sockets["/"], " there, ", r.Waiting, " away")
	}
	io := socketio.New(socketio.Config{})
	v := rawclient.Enter(io)
	defer v.Leave()
	fmt.Println(watch(io))
	// Output: ann 1 there, 0 away
}

// These are the defaults of ConnectionStateRecovery.
func ExampleConnectionStateRecovery_defaults() {
	r := socketio.ConnectionStateRecovery{
		MaxDisconnectionDuration: socketio.DefaultMaxDisconnectionDuration,
		MaxEventBytes:            socketio.DefaultMaxEventBytes,
		MaxSessionBytes:          socketio.DefaultMaxSessionBytes,
	}
	fmt.Println(r.MaxDisconnectionDuration)
	// Output: 2m0s
}

// Servers of a cluster relay requests to each other: the load balancer needs no sticky sessions.
func ExampleRelay() {
	cluster := adaptertest.NewBus().Adapter(adapter.ClusterConfig{}) // in a program redis.New(redis.Config{URL: "redis://..."})
	_, err := socketio.NewServer(socketio.Config{
		Adapter: cluster,
		Relay:   &socketio.Relay{Address: "10.0.0.5:3000", Secret: os.Getenv("NO_SUCH_SECRET")},
	})
	fmt.Println(err)
	// Output: socketio: invalid configuration: Relay.Secret has 0 bytes, it must have at least 16
}
