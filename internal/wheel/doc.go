// Package wheel is a hierarchical timing wheel for very many timers that
// mostly never fire: heartbeats, deadlines, acknowledgement timeouts.
//
// Timers are intrusive: a [Timer] is a field of what it watches, and neither
// scheduling nor stopping allocates. Both take constant time under one lock.
//
// It is not a replacement for package time: it is as coarse as its tick, and
// what expires runs on one goroutine, where it must not block. That goroutine
// exists only while timers fire; between two occupied slots there is one
// runtime timer, and an empty wheel has neither.
//
// Everything in a Wheel, and every field of every Timer scheduled on it, is
// guarded by the wheel's lock. The lock is a leaf: nothing is called while it
// is held, and [Expirer.Expired] runs without it.
package wheel
