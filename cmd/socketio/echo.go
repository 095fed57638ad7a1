package main

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
)

// chatPath is where a plain WebSocket, without Socket.IO, is answered.
const chatPath = "/chat"

// Limits of a plain WebSocket.
const (
	echoLimit = 64 << 10 // bytes of a message
	echoIdle  = 5 * time.Minute
	echoWrite = 10 * time.Second
)

// echo sends back what a plain WebSocket sends. mu guards conns.
type echo struct {
	log   *slog.Logger
	work  sync.WaitGroup
	mu    sync.Mutex
	conns map[net.Conn]struct{} // nil once shut down
}

func newEcho(log *slog.Logger) *echo { return &echo{log: log, conns: make(map[net.Conn]struct{})} }

// ServeHTTP upgrades a request and answers its messages until it ends.
func (e *echo) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if o := r.Header.Get("Origin"); o != "" {
		if u, err := url.Parse(o); err != nil || !strings.EqualFold(u.Host, r.Host) {
			http.Error(w, "this origin is not allowed", http.StatusForbidden)
			return
		}
	}
	conn, _, _, err := ws.UpgradeHTTP(r, w)
	if err != nil {
		return // it has been answered
	}
	defer func() { _ = conn.Close() }()
	if !e.add(conn) {
		return
	}
	defer e.remove(conn)
	err = answer(conn)
	e.log.Debug("plain WebSocket ended", "error", err)
}

// answer sends messages back.
func answer(conn net.Conn) error {
	control := wsutil.ControlFrameHandler(conn, ws.StateServerSide)
	reader := &wsutil.Reader{Source: conn, State: ws.StateServerSide, CheckUTF8: true, MaxFrameSize: echoLimit, OnIntermediate: control}
	buf := make([]byte, 0, 512)
	for {
		if err := conn.SetReadDeadline(time.Now().Add(echoIdle)); err != nil {
			return err
		}
		header, err := reader.NextFrame()
		if err != nil {
			return err
		}
		if header.OpCode.IsControl() {
			if err := control(header, reader); err != nil {
				return err
			}
			continue
		}
		if buf, err = readMessage(reader, buf[:0]); err != nil {
			return err
		}
		if err := conn.SetWriteDeadline(time.Now().Add(echoWrite)); err != nil {
			return err
		}
		if err := wsutil.WriteServerMessage(conn, header.OpCode, buf); err != nil {
			return err
		}
	}
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

// Shutdown ends all connections and waits for their handlers.
func (e *echo) Shutdown(ctx context.Context) error {
	e.mu.Lock()
	for conn := range e.conns {
		_ = conn.Close()
	}
	e.conns = nil
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
		return ctx.Err()
	}
}
