package redis

import (
	"bytes"
	"strconv"
	"sync"

	"github.com/gosocketio/socketio/adapter"
)

// inlineBuffers replaces the placeholders in JSON by the bytes, as JSON.stringify writes a Buffer.
func inlineBuffers(text []byte, attachments [][]byte) []byte {
	if len(attachments) == 0 {
		return text
	}
	const placeholder = `{"_placeholder":true,"num":` // cannot be in a string, where quotes are escaped
	var out []byte
	for {
		before, after, found := bytes.Cut(text, []byte(placeholder))
		out = append(out, before...)
		if !found {
			return out
		}
		end := bytes.IndexByte(after, '}')
		num, err := strconv.Atoi(string(after[:max(end, 0)]))
		if err != nil || num < 0 || num >= len(attachments) {
			out, text = append(out, placeholder...), after
			continue
		}
		out = append(out, `{"type":"Buffer","data":[`...)
		for i, b := range attachments[num] {
			if i > 0 {
				out = append(out, ',')
			}
			out = strconv.AppendUint(out, uint64(b), 10)
		}
		out, text = append(out, `]}`...), after[end+1:]
	}
}

// spareBuffers are the memory of messages that have been sent, for the next ones.
type spareBuffers struct {
	mu   sync.Mutex
	list [][]byte
}

// Bounds of spareBuffers.
const (
	maxSpare     = 512
	maxSpareSize = 16 << 10
)

// get returns an empty buffer, which may have memory.
func (b *spareBuffers) get() []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	last := len(b.list) - 1
	if last < 0 {
		return nil
	}
	buffer := b.list[last]
	b.list[last] = nil
	b.list = b.list[:last]
	return buffer
}

// put takes the data of a batch.
func (b *spareBuffers) put(batch []adapter.Item) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, it := range batch {
		if len(b.list) < maxSpare && cap(it.Data) <= maxSpareSize {
			b.list = append(b.list, it.Data[:0])
		}
	}
}
