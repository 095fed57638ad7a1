package engineio

import (
	"slices"

	"github.com/gosocketio/socketio/internal/bufpool"
)

// entry is one or more indivisible units in an outbox: messages, or a message with its attachments.
type entry struct {
	frames   []byte    // complete WebSocket frames; immutable once they have left the outbox
	prepared *Prepared // those frames when they go to many; otherwise nil
	pooled   *[]byte   // what holds frames, when others may join them while they are in the outbox; to be given back
	units    int32     // how many there are; 0 is one
	plain    bool      // not worth compressing
	formed   bool      // the rest of what the connection's form made, to be written as it is
}

// count returns how many units the entry is.
func (e *entry) count() int32 { return max(e.units, 1) }

// outbox is a bounded queue of entries. Session.mu guards it.
type outbox struct {
	ring  []entry
	bytes int   // queued, and taken but not yet written
	head  int32 // in ring
	used  int32 // of ring
	peak  int32 // highest used since the last trim
	count int32 // units queued
	taken int32 // units taken but not yet written
}

// keepRing is how many slots an idle outbox may keep.
const keepRing = 4

func (o *outbox) push(e entry) {
	if int(o.used) == len(o.ring) {
		o.grow(max(keepRing, 2*len(o.ring)))
	}
	o.ring[int(o.head+o.used)%len(o.ring)] = e
	o.used++
	o.peak = max(o.peak, o.used)
	o.count += e.count()
	o.bytes += len(e.frames)
}

// pushFront is push ahead of all that waits.
func (o *outbox) pushFront(e entry) {
	o.push(entry{frames: e.frames})
	last := int(o.head+o.used-1) % len(o.ring)
	o.ring[last] = entry{}
	o.head = (o.head + int32(len(o.ring)) - 1) % int32(len(o.ring))
	o.ring[o.head] = e
}

// pushCopy is push of a copy of e's frames. It joins the last entry where there is room; with more,
// which says that the outbox will be written soon and others will come before, it makes room for
// them.
func (o *outbox) pushCopy(e entry, more bool) {
	if o.used > 0 {
		last := &o.ring[int(o.head+o.used-1)%len(o.ring)]
		if last.pooled != nil && last.plain == e.plain && len(last.frames)+len(e.frames) <= cap(last.frames) {
			last.frames = append(last.frames, e.frames...)
			last.units = last.count() + 1
			o.count++
			o.bytes += len(e.frames)
			return
		}
	}
	if more && len(e.frames) <= bufpool.Small/2 {
		e.pooled = bufpool.Get(bufpool.Small)
		e.frames = append((*e.pooled)[:0], e.frames...)
	} else {
		e.frames = slices.Clone(e.frames)
	}
	o.push(e)
}

// release gives back what held the frames of entries that have been written.
func release(batch []entry) {
	for i := range batch {
		if batch[i].pooled != nil {
			bufpool.Put(batch[i].pooled)
		}
	}
}

func (o *outbox) grow(n int) {
	ring := make([]entry, n)
	for i := range int(o.used) {
		ring[i] = o.ring[(int(o.head)+i)%len(o.ring)]
	}
	o.ring, o.head = ring, 0
}

// take moves entries of up to maxBytes (at least one) to dst. They stay counted until wrote.
func (o *outbox) take(dst []entry, maxBytes int) []entry {
	size := 0
	for o.used > 0 {
		e := &o.ring[o.head]
		if size > 0 && size+len(e.frames) > maxBytes {
			break
		}
		size += len(e.frames)
		dst = append(dst, *e)
		o.count -= e.count()
		o.taken += e.count()
		*e = entry{}
		o.head = (o.head + 1) % int32(len(o.ring))
		o.used--
	}
	return dst
}

// wrote uncounts units that were taken.
func (o *outbox) wrote(units int32, bytes int) {
	o.taken -= units
	o.bytes -= bytes
}

// units counts those of entries.
func units(batch []entry) (n int32) {
	for i := range batch {
		n += batch[i].count()
	}
	return n
}

// counted returns how many bytes wait when no entry counts for more than most, nor all that is
// being written.
func (o *outbox) counted(most int) (n int) {
	taken := o.bytes
	for i := range int(o.used) {
		size := len(o.ring[(int(o.head)+i)%len(o.ring)].frames)
		taken -= size
		n += min(size, most)
	}
	return n + min(taken, most)
}

// idle tells whether nothing waits and nothing is being written.
func (o *outbox) idle() bool { return o.count == 0 && o.taken == 0 }

// trim gives back a ring that traffic since the last trim did not need. Called at each heartbeat,
// so that a session that bursts regularly does not build its ring anew each time.
func (o *outbox) trim() {
	if o.used == 0 && int(o.peak) < len(o.ring)/2 {
		o.ring, o.head = nil, 0
		if o.peak > 0 {
			o.grow(int(o.peak))
		}
	}
	o.peak = o.used
}

// clear drops what is queued. What was taken is counted until it is wrote.
func (o *outbox) clear() {
	taken := o.bytes
	for i := range int(o.used) {
		taken -= len(o.ring[(int(o.head)+i)%len(o.ring)].frames)
	}
	*o = outbox{bytes: taken, taken: o.taken}
}
