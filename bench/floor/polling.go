package main

import (
	"bytes"
	"crypto/rand"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
)

// servePolling serves long-polling on net/http.
func servePolling(l net.Listener) error {
	var mu sync.Mutex
	sessions := make(map[string]chan []byte)
	return http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { //nolint:gosec // a floor has no timeouts
		_, sid, known := strings.Cut(r.URL.RawQuery, "sid=")
		w.Header().Set("Content-Type", "text/plain; charset=UTF-8")
		if !known {
			sid = rand.Text()
			mu.Lock()
			sessions[sid] = make(chan []byte, 64)
			mu.Unlock()
			_, _ = io.WriteString(w, strings.Replace(openPacket, "lv_VI97HAXpY6yYWAAAC", sid, 1))
			return
		}
		mu.Lock()
		queue := sessions[sid]
		mu.Unlock()
		if r.Method == http.MethodGet {
			select {
			case b := <-queue:
				_, _ = w.Write(b)
			case <-r.Context().Done():
			}
			return
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		for p := range bytes.SplitSeq(body, []byte("\x1e")) {
			if bytes.HasPrefix(p, []byte("40")) {
				p = []byte(connectPacket)
			}
			queue <- p
		}
		_, _ = io.WriteString(w, "ok")
	}))
}
