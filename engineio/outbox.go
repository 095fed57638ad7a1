package engineio

import "slices"

// entry is one indivisible unit in an outbox: a message, or a message with its attachments.
type entry struct {
	frames   []byte    // complete WebSocket frames; immutable from here on
	prepared *Prepared // those frames when they go to many; otherwise nil
	done     func()    // called when the transport has written it; may be nil
	plain    bool      // not worth compressing
	formed   bool      // the rest of what the connection's form made, to be written as it is
}

// outbox is a bounded queue of entries. Session.mu guards it.
type outbox struct {
	ring  []entry
	head  int
	count int
	bytes int // queued, and taken but not yet written
	taken int // entries taken but not yet written
	peak  int // highest count since the last trim
}

// keepRing is how many slots an idle outbox may keep.
const keepRing = 4

func (o *outbox) push(e entry) {
	if o.count == len(o.ring) {
		o.grow(max(keepRing, 2*len(o.ring)))
	}
	o.ring[(o.head+o.count)%len(o.ring)] = e
	o.count++
	o.bytes += len(e.frames)
	o.peak = max(o.peak, o.count)
}

func (o *outbox) grow(n int) {
	ring := make([]entry, n)
	for i := range o.count {
		ring[i] = o.ring[(o.head+i)%len(o.ring)]
	}
	o.ring, o.head = ring, 0
}

// take moves entries of up to maxBytes (at least one) to dst. Their bytes stay counted until wrote.
func (o *outbox) take(dst []entry, maxBytes int) []entry {
	size := 0
	for o.count > 0 {
		e := &o.ring[o.head]
		if size > 0 && size+len(e.frames) > maxBytes {
			break
		}
		size += len(e.frames)
		dst = append(dst, *e)
		*e = entry{}
		o.head = (o.head + 1) % len(o.ring)
		o.count--
		o.taken++
	}
	return dst
}

// wrote uncounts entries that were taken.
func (o *outbox) wrote(entries, bytes int) {
	o.taken -= entries
	o.bytes -= bytes
}

// idle tells whether nothing waits and nothing is being written.
func (o *outbox) idle() bool { return o.count == 0 && o.taken == 0 }

// trim gives back a ring that a burst made larger than traffic since the last trim needed. Called at each heartbeat, so
// that a session that bursts regularly does not build its ring anew each time.
func (o *outbox) trim() {
	if o.count == 0 && len(o.ring) > keepRing && o.peak < len(o.ring)/2 {
		o.ring, o.head = nil, 0
		if o.peak > keepRing {
			o.grow(o.peak)
		}
	}
	o.peak = o.count
}

// clear drops what is queued.
func (o *outbox) clear() { *o = outbox{taken: o.taken} }

// clone keeps frames that the caller may change after Write returned.
func clone(frames []byte, shared bool) []byte {
	if shared {
		return frames
	}
	return slices.Clone(frames)
}
