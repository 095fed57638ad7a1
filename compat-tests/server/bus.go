package main

import (
	"bufio"
	"encoding/base64"
	"net"
	"sync"
	"time"

	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/adapter/clusterwire"
)

// busAdapter makes adapters for the bus of ../lib/bus.mjs: one message a line, in base64.
func busAdapter(addr string) adapter.Factory {
	return func(h adapter.Host) (adapter.Adapter, error) {
		conn, err := net.DialTimeout("tcp", addr, 5*time.Second)
		if err != nil {
			return nil, err
		}
		b := &bus{conn: conn}
		b.Cluster, err = adapter.NewCluster(h, b, adapter.ClusterConfig{})
		if err != nil {
			return nil, err
		}
		go b.read()
		return b, b.Start()
	}
}

// bus is the adapter of one namespace, and its transport.
type bus struct {
	*adapter.Cluster
	conn net.Conn
	mu   sync.Mutex // one line at a time
}

// Publish sends a message to everybody.
func (b *bus) Publish(m *adapter.Message) error {
	data, _, err := clusterwire.Encode(m)
	if err != nil {
		return err
	}
	line := append(base64.StdEncoding.AppendEncode(nil, data), '\n')
	b.mu.Lock()
	defer b.mu.Unlock()
	_, err = b.conn.Write(line)
	return err
}

// PublishResponse sends to everybody, too: there is no private way.
func (b *bus) PublishResponse(_ string, m *adapter.Message) error { return b.Publish(m) }

// read hands on what comes until the connection ends.
func (b *bus) read() {
	lines := bufio.NewScanner(b.conn)
	lines.Buffer(nil, 10<<20)
	for lines.Scan() {
		data, err := base64.StdEncoding.DecodeString(lines.Text())
		if err != nil {
			continue
		}
		if m, err := clusterwire.Decode(data); err == nil {
			b.Receive(m)
		}
	}
}

// Close leaves the bus.
func (b *bus) Close() error {
	defer b.conn.Close()
	return b.Cluster.Close()
}
