package webtransport

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
	"github.com/quic-go/webtransport-go"

	"github.com/gosocketio/socketio/engineio"
)

// The limits of a QUIC connection, unless http3.Server.QUICConfig is set.
const (
	maxWindow     = 1 << 20 // unread bytes
	maxUniStreams = 8       // those of HTTP/3 and a few to spare: engine.io clients open none
)

// answerTimeout is how long a client may take to accept the answer to its request.
var answerTimeout = 10 * time.Second

// New returns a WebTransport server on h3 for the sessions of engines.
//
// It changes h3, which must not have been started. Requests for a WebTransport session below the path
// of an engine go to that engine, where Config.Middleware, CORS and AllowRequest apply. All others go to
// the Handler that h3 had, or to http.DefaultServeMux. A nil h3.QUICConfig is replaced by one that
// limits the unread bytes of a connection to 1 MiB. Its MaxIdleTimeout, by default 30 s, should exceed
// Config.PingInterval.
//
// Start the server with ListenAndServe, ListenAndServeTLS or Serve. To end it, call Shutdown of the
// engines, or of the socketio.Servers above them, and then Close.
func New(h3 *http3.Server, engines ...*engineio.Server) *webtransport.Server {
	// The engine checks the Origin.
	s := &webtransport.Server{H3: h3, CheckOrigin: func(*http.Request) bool { return true }}
	if h3.QUICConfig == nil {
		h3.QUICConfig = &quic.Config{
			MaxStreamReceiveWindow:     maxWindow,
			MaxConnectionReceiveWindow: maxWindow,
			MaxIncomingUniStreams:      maxUniStreams,
		}
	}
	next := h3.Handler
	if next == nil {
		next = http.DefaultServeMux
	}
	h3.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		below := func(e *engineio.Server) bool { return strings.HasPrefix(r.URL.Path, e.Path()) }
		i := slices.IndexFunc(engines, below)
		if i < 0 || r.Method != http.MethodConnect || !strings.HasPrefix(r.Proto, "webtransport") {
			next.ServeHTTP(w, r)
			return
		}
		// Upgrade needs this w: it does not recognise one that middleware wraps.
		engines[i].ServeWebTransport(w, r, func() (io.ReadWriteCloser, error) {
			answer := http.NewResponseController(w)
			if err := answer.SetWriteDeadline(time.Now().Add(answerTimeout)); err != nil {
				return nil, err
			}
			session, err := s.Upgrade(w, r)
			if err != nil {
				return nil, err
			}
			if err := answer.SetWriteDeadline(time.Time{}); err != nil {
				return nil, err
			}
			return &stream{session: session}, nil
		})
	})
	return s
}

// stream is the first bidirectional stream of a session. Others are never accepted; QUIC limits them.
type stream struct {
	session *webtransport.Session
	first   *webtransport.Stream // nil until Read has accepted it
}

// Read accepts the stream first. The engine calls Write only after a Read.
func (s *stream) Read(b []byte) (int, error) {
	if s.first == nil {
		first, err := s.session.AcceptStream(s.session.Context())
		if err != nil {
			return 0, err
		}
		s.first = first
	}
	return s.first.Read(b)
}

func (s *stream) Write(b []byte) (int, error) { return s.first.Write(b) }

// Close closes the session in the background: sending the frame may take a few milliseconds.
func (s *stream) Close() error {
	go func() { _ = s.session.CloseWithError(0, "") }() // its error is always nil
	return nil
}
