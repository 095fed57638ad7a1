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

// What one QUIC connection may make the server hold, unless http3.Server.QUICConfig says otherwise.
const (
	// maxWindow is how many bytes may arrive without being read.
	maxWindow = 1 << 20
	// maxUniStreams are those of HTTP/3 itself and a few to spare: clients of the engine open none.
	maxUniStreams = 8
)

// answerTimeout is how long a client may take to accept the answer to its request.
var answerTimeout = 10 * time.Second

// New returns a WebTransport server on h3 whose sessions are those of engines. It changes h3, which has not been started:
// requests for a WebTransport session below the path of an engine go to that engine, where Config.Middleware, CORS and
// AllowRequest judge them as any other; everything else goes to the Handler that h3 had, or to http.DefaultServeMux. If
// h3.QUICConfig is nil, it is set to one that limits what a connection may hold to 1 MiB; its MaxIdleTimeout, which is 30 s by
// default, should be longer than Config.PingInterval.
//
// The server is started with its ListenAndServe, ListenAndServeTLS or Serve. To end it, call Shutdown of the engines, or of
// the socketio.Servers above them, and then Close.
func New(h3 *http3.Server, engines ...*engineio.Server) *webtransport.Server {
	// The engine has judged the request's Origin before it is accepted.
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
		i := slices.IndexFunc(engines, func(e *engineio.Server) bool { return strings.HasPrefix(r.URL.Path, e.Path()) })
		if i < 0 || r.Method != http.MethodConnect || !strings.HasPrefix(r.Proto, "webtransport") {
			next.ServeHTTP(w, r)
			return
		}
		// Middleware may wrap w, which quic-go would not recognise any more.
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
