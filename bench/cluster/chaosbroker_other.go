//go:build !linux

package main

var chaosWires []chaosWire // make chaos needs Linux
