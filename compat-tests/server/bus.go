package main

import (
	"bufio"
	"context"
	"encoding/base64"
	"errors"
	"net"
	"sync"

	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/adapter/clusterwire"
)

// busAdapter makes adapters for the bus of ../lib/bus.mjs: one message a line, in base64.
func busAdapter(addr string) adapter.Factory {
	return adapter.NewNode(&bus{addr: addr}, adapter.ClusterConfig{}).Adapter
}

// bus is the connection to the bus.
type bus struct {
	addr string
	conn net.Conn

	mu      sync.Mutex // also: one line at a time
	members map[string]adapter.Member
	reading sync.WaitGroup
}

// Start connects.
func (b *bus) Start(ctx context.Context, _ string, report func(error)) (err error) {
	b.members = make(map[string]adapter.Member)
	if b.conn, err = new(net.Dialer).DialContext(ctx, "tcp", b.addr); err != nil {
		return err
	}
	b.reading.Go(func() { b.read(report) })
	return nil
}

// Join adds a namespace. The other servers are official ones, whose heartbeats are in each.
func (b *bus) Join(_ context.Context, m adapter.Member) (adapter.Link, error) {
	if m.Namespace() == "" {
		return nil, errors.ErrUnsupported
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.members[m.Namespace()] = m
	return &busLink{b, m.Namespace()}, nil
}

// Stats has nothing to tell.
func (b *bus) Stats() adapter.BrokerStats { return adapter.BrokerStats{Broker: "bus", Connected: true} }

// Close disconnects.
func (b *bus) Close(context.Context) error {
	err := b.conn.Close()
	b.reading.Wait()
	return err
}

// read hands on what comes until the connection ends.
func (b *bus) read(report func(error)) {
	lines := bufio.NewScanner(b.conn)
	lines.Buffer(nil, 10<<20)
	for lines.Scan() {
		data, err := base64.StdEncoding.DecodeString(lines.Text())
		if err != nil {
			continue
		}
		m, err := clusterwire.Decode(data)
		if err != nil {
			report(err)
			continue
		}
		b.mu.Lock()
		member := b.members[m.Namespace]
		b.mu.Unlock()
		if member != nil {
			member.Receive(m)
		}
	}
}

// busLink is one namespace on the bus.
type busLink struct {
	bus       *bus
	namespace string
}

// Publish sends a message to everybody.
func (l *busLink) Publish(m *adapter.Message) error {
	data, _, err := clusterwire.Encode(m)
	if err != nil {
		return err
	}
	line := append(base64.StdEncoding.AppendEncode(nil, data), '\n')
	l.bus.mu.Lock()
	defer l.bus.mu.Unlock()
	_, err = l.bus.conn.Write(line)
	return err
}

// Reply sends to everybody, too: there is no private way.
func (l *busLink) Reply(_, m *adapter.Message) error { return l.Publish(m) }

// Close leaves the namespace.
func (l *busLink) Close() error {
	l.bus.mu.Lock()
	defer l.bus.mu.Unlock()
	delete(l.bus.members, l.namespace)
	return nil
}
