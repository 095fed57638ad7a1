package engineio

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

const (
	// dialTimeout bounds how long it takes to connect to another server. Where nobody listens, that
	// fails at once.
	dialTimeout = 2 * time.Second
	// idlePings is after how many pings a connection without requests is closed.
	idlePings = 6
)

// nodes has the connections to the other servers of the cluster, and those from them. mu guards what
// can change.
type nodes struct {
	limit int            // of requests
	every time.Duration  // pingEvery; tests have less
	work  sync.WaitGroup // all of its goroutines; mu orders additions before the wait of Shutdown

	mu     sync.Mutex
	active int // requests that are being relayed
	out    map[string]*outMux
	in     map[*inMux]struct{}
	alone  map[net.Conn]struct{} // connections of one request or WebSocket, at both ends
	closed bool

	sockets   map[*relayedSocket]struct{}
	draining  bool
	noSockets chan struct{} // closed when there are none; nil while nobody waits
}

func newNodes(limit int) *nodes {
	return &nodes{
		limit: limit, every: pingEvery, out: make(map[string]*outMux), in: make(map[*inMux]struct{}),
		alone: make(map[net.Conn]struct{}), sockets: make(map[*relayedSocket]struct{}),
	}
}

// begin counts a goroutine in work; false when the server is shut down.
func (g *nodes) begin() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return false
	}
	g.work.Add(1)
	return true
}

// enter counts a request. It returns false when there are too many.
func (g *nodes) enter() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.active >= g.limit {
		return false
	}
	g.active++
	return true
}

func (g *nodes) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.active--
}

// outMux is a mux to another server, with the answers that are awaited.
type outMux struct {
	dialed  chan struct{} // closed when mux is set, or dialErr
	dialErr error

	*mux
	// mux.mu guards these.
	answers map[uint32]*answer
	last    uint32
	idle    int // pings since there was a request
	ping    *time.Timer
}

// answer is what has arrived of the answer to a request. mux.mu guards its fields.
type answer struct {
	ready   chan struct{} // has a token when there is something new
	isHead  bool          // status and header have arrived, and were not taken
	status  int
	header  http.Header
	body    []byte
	ended   bool
	aborted bool
}

// connect returns the mux to the server at an address, and makes it if there is none.
func (e *Server) connect(ctx context.Context, address, path string) (*outMux, error) {
	g := e.nodes
	g.mu.Lock()
	if g.closed {
		g.mu.Unlock()
		return nil, errNodesClosed
	}
	o := g.out[address]
	if o == nil || o.hasEnded() {
		g.work.Add(1)
		o = &outMux{dialed: make(chan struct{}), answers: make(map[uint32]*answer)}
		g.out[address] = o
		go e.runOut(o, address, path)
	}
	g.mu.Unlock()
	select {
	case <-o.dialed:
		return o, o.dialErr
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// hasEnded tells whether a mux was made and has ended.
func (o *outMux) hasEnded() bool {
	select {
	case <-o.dialed:
	default:
		return false
	}
	if o.dialErr != nil {
		return true
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.err != nil
}

// runOut makes a mux and reads it until it ends.
func (e *Server) runOut(o *outMux, address, path string) {
	defer e.nodes.work.Done()
	m, err := e.dialMux(address, path)
	g := e.nodes
	if err == nil {
		g.mu.Lock()
		if g.closed {
			m.fail(errNodesClosed)
		}
		o.mux = m
		g.mu.Unlock()
		o.mu.Lock()
		o.ping = time.AfterFunc(o.every, o.check)
		o.mu.Unlock()
		close(o.dialed)
		m.read(2*o.every, o.receive)
		o.ping.Stop()
	}
	g.mu.Lock()
	if g.out[address] == o {
		delete(g.out, address)
	}
	g.mu.Unlock()
	if err != nil {
		o.dialErr = err
		close(o.dialed)
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, a := range o.answers {
		a.wake()
	}
}

// dialMux connects to another server and proves to it that this one knows the secret.
func (e *Server) dialMux(address, path string) (m *mux, err error) {
	conn, err := (&net.Dialer{Timeout: dialTimeout}).Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = conn.Close()
		}
	}()
	if err = conn.SetDeadline(time.Now().Add(dialTimeout)); err != nil {
		return nil, err
	}
	client := relayClient{remote: conn.LocalAddr().String()}.String()
	_, err = fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: %s\r\n%s: %s\r\n\r\n",
		path, address, muxProtocol, relayHeader, e.stamp(http.MethodGet, path, address, client))
	if err != nil {
		return nil, err
	}
	limited := &io.LimitedReader{R: conn, N: maxAnswerHead}
	in := bufio.NewReaderSize(limited, maxInlineBody)
	res, err := http.ReadResponse(in, nil) //nolint:bodyclose // it has none
	if err != nil {
		return nil, err
	}
	nonce := res.Header.Get(relayHeader)
	if res.StatusCode != http.StatusSwitchingProtocols || nonce == "" {
		return nil, fmt.Errorf("engineio: it answers %s", res.Status)
	}
	limited.N = 1<<63 - 1
	if _, err = conn.Write(e.proof(nonce)); err != nil {
		return nil, err
	}
	return e.nodes.newMux(conn, in), conn.SetDeadline(time.Time{})
}

// check sends a ping, and ends a mux whose server is silent or that has no requests.
func (o *outMux) check() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.answers) > 0 {
		o.idle = 0
	}
	switch o.idle++; {
	case o.err != nil:
		return
	case o.idle > idlePings:
		o.failLocked(errIdle)
		return
	}
	o.controlLocked(framePing, 0)
	o.ping.Reset(o.every)
}

// receive handles a frame.
func (o *outMux) receive(kind byte, id uint32, payload []byte) error {
	if kind == framePing {
		return nil
	}
	if kind != frameAnswer || len(payload) == 0 {
		return errFrame
	}
	flags, piece := payload[0], payload[1:]
	var status uint64
	var header http.Header
	if flags&answerHead != 0 {
		f := fields{rest: string(piece)}
		status, header = f.number(), f.headers()
		if f.bad || status < 200 || status > 999 {
			return errFrame
		}
		piece = piece[len(piece)-len(f.rest):]
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	a := o.answers[id]
	if a == nil {
		return nil // the client has gone
	}
	if flags&answerHead != 0 {
		a.isHead, a.status, a.header = true, int(status), header
	}
	if len(a.body)+len(piece) > answerWindow+answerPiece {
		return fmt.Errorf("%w: it ignores the window", errFrame)
	}
	a.body = append(a.body, piece...)
	a.ended = flags&answerEnd != 0
	a.aborted = flags&answerAbort != 0
	if a.ended || a.aborted {
		delete(o.answers, id)
		o.endIfDoneLocked()
	}
	a.wake()
	return nil
}

// endIfDoneLocked ends the mux after the last answer of a server that is shutting down. The caller
// must hold o.mu.
func (o *outMux) endIfDoneLocked() {
	if o.stops && len(o.answers) == 0 {
		o.failLocked(errNodesClosed)
	}
}

// wake makes the waiting request look.
func (a *answer) wake() {
	select {
	case a.ready <- struct{}{}:
	default:
	}
}

// request sends a request.
func (o *outMux) request(r *http.Request, body []byte) (a *answer, id uint32, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if err := o.awaitRoomLocked(nil); err != nil {
		return nil, 0, err
	}
	if o.stops {
		return nil, 0, errNodesClosed
	}
	for o.last++; o.answers[o.last] != nil; o.last++ { // it wraps around
	}
	a, id = &answer{ready: make(chan struct{}, 1)}, o.last
	o.answers[id] = a
	o.queueLocked(func(dst []byte) []byte {
		return endFrame(appendRequest(beginFrame(dst, frameRequest, id), r, body), len(dst))
	})
	return a, id, nil
}

// request sends a request to the server at an address. If the mux ended before, which happens when it
// is idle, nothing was sent, and another one is made.
func (e *Server) request(r *http.Request, address string, body []byte) (o *outMux, a *answer, id uint32, err error) {
	for range 2 {
		if o, err = e.connect(r.Context(), address, pathOf(r)); err != nil {
			return nil, nil, 0, err
		}
		if a, id, err = o.request(r, body); err == nil {
			break
		}
	}
	return o, a, id, err
}

// cancel tells the other server that the client has gone.
func (o *outMux) cancel(id uint32) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.answers[id] == nil {
		return
	}
	delete(o.answers, id)
	o.controlLocked(frameCancel, id)
	o.endIfDoneLocked()
}

// credit tells the other server how much of an answer the client has taken.
func (o *outMux) credit(id uint32, n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.answers[id] != nil {
		o.queueLocked(func(dst []byte) []byte {
			return endFrame(binary.AppendUvarint(beginFrame(dst, frameCredit, id), uint64(n)), len(dst))
		})
	}
}

// relayTogether relays a request over the connection that carries many.
func (e *Server) relayTogether(w http.ResponseWriter, r *http.Request, address string) (answered bool) {
	var body []byte
	rc := http.NewResponseController(w)
	if r.ContentLength > 0 {
		_ = rc.SetReadDeadline(time.Now().Add(e.cfg.ReadTimeout)) // not every ResponseWriter can
		body = make([]byte, r.ContentLength)
		if _, err := io.ReadFull(r.Body, body); err != nil {
			return e.relayFailed(w, r, address, bodyError{err})
		}
	}
	_ = rc.SetReadDeadline(time.Time{}) // as for a parked GET
	o, a, id, err := e.request(r, address, body)
	if err != nil {
		return e.relayFailed(w, r, address, err)
	}
	out := relayedAnswer{e: e, w: w, r: r, rc: rc}
	for {
		select {
		case <-a.ready:
		case <-r.Context().Done():
			o.cancel(id)
			return true
		}
		o.mu.Lock()
		isHead, piece, ended, aborted, err := a.isHead, a.body, a.ended, a.aborted, o.err
		a.isHead, a.body = false, nil
		o.mu.Unlock()
		if isHead {
			out.head(a.status, a.header)
		}
		switch {
		case aborted || !ended && err != nil && out.begun:
			panic(http.ErrAbortHandler) // the client must not take the part for the whole
		case !ended && err != nil:
			return e.relayFailed(w, r, address, err)
		case !out.begun:
			continue
		}
		if out.piece(piece, !ended) != nil {
			o.cancel(id)
			panic(http.ErrAbortHandler)
		}
		if ended {
			return true
		}
		o.credit(id, len(piece))
	}
}

// relayedAnswer writes the answer of another server to the client.
type relayedAnswer struct {
	e     *Server
	w     http.ResponseWriter
	r     *http.Request
	rc    *http.ResponseController
	begun bool
}

// head writes status and headers.
func (a *relayedAnswer) head(status int, from http.Header) {
	h := a.w.Header()
	for k, v := range from {
		switch {
		case k == "Connection" && headerHas(v, "close"):
			endConnection(h, a.r)
		case k == "Content-Length" || !hopHeaders[k]:
			h[k] = v
		}
	}
	a.w.WriteHeader(status)
	a.begun = true
}

// piece writes a piece of the body; more means that another one follows.
func (a *relayedAnswer) piece(b []byte, more bool) error {
	_ = a.rc.SetWriteDeadline(time.Now().Add(a.e.cfg.WriteTimeout)) // not every ResponseWriter can
	if _, err := a.w.Write(b); err != nil && !errors.Is(err, http.ErrBodyNotAllowed) {
		return err
	}
	if f, direct := a.w.(flusher); direct {
		if err := f.FlushError(); err != nil && !errors.Is(err, http.ErrNotSupported) {
			return err
		}
	}
	if !more {
		_ = a.rc.SetWriteDeadline(time.Time{}) // the connection will serve other requests
	}
	return nil
}

// stop lets the requests between servers end: parked GETs are answered, others are waited for.
func (g *nodes) stop() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = true
	for c := range g.alone {
		closeNow(c)
	}
	for _, o := range g.out {
		if o.mux == nil {
			continue // runOut sees that g is closed
		}
		o.mu.Lock()
		o.stops = true
		for id := range o.answers {
			o.controlLocked(frameRelease, id)
		}
		o.endIfDoneLocked()
		o.mu.Unlock()
	}
	for i := range g.in {
		i.stop()
	}
}

// close ends the connections that stop has left.
func (g *nodes) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, o := range g.out {
		if o.mux != nil {
			o.fail(errNodesClosed)
		}
	}
	for i := range g.in {
		i.fail(errNodesClosed)
	}
}

// add records the connections of one request, and drop forgets and closes them. add returns false
// when the server is shut down.
func (g *nodes) add(conns ...net.Conn) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, c := range conns {
		g.alone[c] = struct{}{}
		if g.closed {
			closeNow(c)
		}
	}
	return !g.closed
}

func (g *nodes) drop(conns ...net.Conn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, c := range conns {
		closeNow(c)
		delete(g.alone, c)
	}
}

// closeNow closes a connection. It does not tell the peer over TLS, which may wait for five seconds.
func closeNow(c net.Conn) {
	if t, ok := c.(interface{ NetConn() net.Conn }); ok {
		c = t.NetConn()
	}
	_ = c.Close()
}
