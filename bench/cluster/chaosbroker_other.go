//go:build !linux

package main

// chaosWire is an adapter of make chaos, which needs Linux.
type chaosWire struct {
	name     string
	recovery bool
	start    func(t *trial)
}

var chaosWires []chaosWire
