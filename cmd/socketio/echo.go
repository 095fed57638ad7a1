package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"

	"github.com/gosocketio/socketio/internal/origin"
)

// Limits of a plain WebSocket.
const (
	echoLimit   = 1_000_000        // bytes of a message
	echoIdle    = 30 * time.Second // without a frame, after which the peer is pinged, and once more until it is given up
	echoMessage = 30 * time.Second // for a message to arrive once it has begun
	echoWrite   = 10 * time.Second
)

// echo sends back what a plain WebSocket, without any Socket.IO, sends. The goroutine that serves the request is the only
// one that reads and writes its connection, and ends with it.
type echo struct {
	origins origin.Policy
	work    sync.WaitGroup
	mu      sync.Mutex
	conns   map[net.Conn]struct{} // nil once shut down
}

// newEcho returns an echo for the server's own pages and those of origins, which are as in socketio.CORS and valid.
func newEcho(origins []string) *echo {
	e := &echo{conns: make(map[net.Conn]struct{})}
	for _, text := range origins {
		pattern, _ := origin.ParsePattern(text)
		e.origins.Patterns = append(e.origins.Patterns, pattern)
	}
	return e
}

// ServeHTTP upgrades a request and answers its messages until it ends.
func (e *echo) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !strings.EqualFold(r.Header.Get("Upgrade"), "websocket") {
		w.Header().Set("Upgrade", "websocket")
		http.Error(w, "this is a WebSocket; the chat page is at /", http.StatusUpgradeRequired)
		return
	}
	if e.origins.Check(r) != nil {
		http.Error(w, "this origin is not allowed", http.StatusForbidden)
		return
	}
	conn, rw, _, err := ws.HTTPUpgrader{Timeout: echoWrite}.Upgrade(r, w)
	if conn != nil {
		defer func() { _ = conn.Close() }()
	}
	if err != nil || !e.add(conn) {
		return // a bad handshake has been answered
	}
	defer e.remove(conn)
	closeWith(conn, e.serve(conn, rw.Reader))
}

// serve sends messages back and returns the status to close with, 0 if there is nobody left to tell.
func (e *echo) serve(conn net.Conn, in *bufio.Reader) ws.StatusCode {
	out := deadlined{conn}
	control := wsutil.ControlFrameHandler(out, ws.StateServerSide)
	reader := &wsutil.Reader{
		Source: in, State: ws.StateServerSide, CheckUTF8: true,
		MaxFrameSize: echoLimit, MaxMessageSize: echoLimit, OnIntermediate: control,
	}
	for {
		if err := e.await(out, in); err != nil {
			return ws.StatusGoingAway
		}
		header, err := reader.NextFrame()
		switch {
		case err != nil:
		case header.OpCode.IsControl():
			err = control(header, reader)
		default:
			var message []byte
			if message, err = io.ReadAll(reader); err == nil {
				err = wsutil.WriteServerMessage(out, header.OpCode, message)
			}
		}
		if err != nil {
			return statusOf(err)
		}
	}
}

// await waits for the first byte of a frame. A silent peer is pinged once before it is given up.
func (e *echo) await(conn deadlined, in *bufio.Reader) error {
	for pinged := false; ; pinged = true {
		if err := e.deadline(conn, echoIdle); err != nil {
			return err
		}
		if pinged {
			if _, err := conn.Write(ws.CompiledPing); err != nil {
				return err
			}
		}
		_, err := in.Peek(1)
		if err == nil {
			return e.deadline(conn, echoMessage)
		}
		if pinged || !errors.Is(err, os.ErrDeadlineExceeded) {
			return err
		}
	}
}

// deadline sets the read deadline. After Shutdown it leaves the one that Shutdown has set.
func (e *echo) deadline(conn net.Conn, d time.Duration) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.conns == nil {
		return net.ErrClosed
	}
	return conn.SetReadDeadline(time.Now().Add(d))
}

func statusOf(err error) ws.StatusCode {
	var protocol ws.ProtocolError
	switch {
	case errors.Is(err, wsutil.ErrFrameTooLarge), errors.Is(err, wsutil.ErrMessageTooLarge):
		return ws.StatusMessageTooBig
	case errors.Is(err, wsutil.ErrInvalidUTF8):
		return ws.StatusInvalidFramePayloadData
	case errors.As(err, &protocol):
		return ws.StatusProtocolError
	}
	return 0
}

// closeWith says goodbye. What the peer is still sending is thrown away for a moment: closing with it unread would reset
// the connection, and the goodbye with it.
func closeWith(conn net.Conn, status ws.StatusCode) {
	if status == 0 {
		return
	}
	goodbye := ws.MustCompileFrame(ws.NewCloseFrame(ws.NewCloseFrameBody(status, "")))
	if _, err := (deadlined{conn}).Write(goodbye); err != nil {
		return
	}
	if half, ok := conn.(interface{ CloseWrite() error }); ok && half.CloseWrite() == nil {
		_ = conn.SetReadDeadline(time.Now().Add(time.Second))
		_, _ = io.CopyN(io.Discard, conn, 2*echoLimit)
	}
}

// deadlined gives each write a deadline of its own.
type deadlined struct{ net.Conn }

func (d deadlined) Write(p []byte) (int, error) {
	if err := d.SetWriteDeadline(time.Now().Add(echoWrite)); err != nil {
		return 0, err
	}
	return d.Conn.Write(p)
}

func (e *echo) add(conn net.Conn) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.conns == nil {
		return false
	}
	e.conns[conn] = struct{}{}
	e.work.Add(1)
	return true
}

func (e *echo) remove(conn net.Conn) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.conns, conn)
	e.work.Done()
}

// Shutdown says goodbye on all connections and waits until they have ended. If ctx ends first it closes them and returns
// the context's cause.
func (e *echo) Shutdown(ctx context.Context) error {
	e.mu.Lock()
	conns := slices.Collect(maps.Keys(e.conns))
	e.conns = nil
	for _, conn := range conns {
		_ = conn.SetReadDeadline(time.Unix(1, 0)) // wakes its goroutine
	}
	e.mu.Unlock()
	done := make(chan struct{})
	go func() {
		e.work.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
	}
	for _, conn := range conns {
		_ = conn.Close()
	}
	<-done
	return context.Cause(ctx)
}
