package redis

import (
	"bytes"
	"strconv"
	"sync"

	"github.com/gosocketio/socketio/internal/bufpool"
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

// spareBuffers are the memory of messages that have been sent, for the next ones: pools of buffers
// of 256 bytes, 512, and so on, so that a message in the queue wastes at most 255.
var spareBuffers [maxSpare/spareStep + 1]sync.Pool // of *[]byte, by capacity

// spareBoxes are the pointers for spareBuffers that have no buffer.
var spareBoxes = sync.Pool{New: func() any { return new([]byte) }}

const (
	spareStep = 256
	maxSpare  = 4 << 10
)

// getBuffer returns an empty buffer with room for n bytes.
func getBuffer(n int) []byte {
	n = max(n+spareStep-1, spareStep) / spareStep * spareStep
	if n > maxSpare {
		return make([]byte, 0, n)
	}
	box, _ := spareBuffers[n/spareStep].Get().(*[]byte)
	if box == nil {
		return make([]byte, 0, n)
	}
	buffer := *box
	*box = nil
	spareBoxes.Put(box)
	return buffer[:0]
}

// putBuffer takes the memory of a message that has been sent, which nobody may read any more: Redis
// has answered, on the connection over which it was sent first.
func putBuffer(buffer []byte) {
	if n := cap(buffer); n > 0 && n <= maxSpare && n%spareStep == 0 {
		bufpool.Poison(buffer)
		box := spareBoxes.Get().(*[]byte)
		*box = buffer
		spareBuffers[n/spareStep].Put(box)
	}
}
