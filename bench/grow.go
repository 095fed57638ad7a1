package main

import (
	"context"
	"fmt"
	"os"
)

// curve is how a cost changes as one thing grows.
type curve struct {
	name, title, x, y string
	servers           []string
	at                []int
	args              func(n int) []string
	figure            func(sample) float64
	log               bool // the y axis too
	points            map[string][]point
}

type point struct{ x, y float64 }

// curves are what is drawn. Cost for each delivery, and memory for each connection, should stay flat.
var curves = []curve{
	{name: "connections", title: "Memory of an idle connection", x: "connections", y: "bytes", figure: memory, servers: []string{"ours", "node", "raw"},
		at: []int{1000, 5000, 10_000, 19_000}, args: func(n int) []string { return []string{"idle", "-conns", fmt.Sprint(n)} }},
	{name: "room-size", title: "Cost of a delivery as the room grows", x: "members of the room", y: "server CPU, µs a delivery", figure: cost, servers: []string{"ours", "node", "raw"},
		at: []int{10, 100, 1000, 5000, 19_000}, args: func(n int) []string { return []string{"broadcast", "-conns", fmt.Sprint(n)} }},
	{name: "rooms-per-socket", title: "Cost of a delivery as sockets are in more rooms", x: "rooms of each socket", y: "server CPU, µs a delivery", figure: cost, servers: []string{"ours", "node"},
		at: []int{1, 10, 100, 1000}, args: func(n int) []string {
			return []string{"rooms", "-conns", "200", "-rooms", "20", "-joins", fmt.Sprint(n - 1)}
		}},
	{name: "message-size", title: "Cost of an echo as messages grow", x: "bytes of a message", y: "server CPU, µs an echo", figure: cost, log: true, servers: []string{"ours", "node", "raw"},
		at: []int{32, 256, 2048, 16_384, 65_536, 262_144}, args: func(n int) []string { return []string{"echo", "-conns", "16", "-size", fmt.Sprint(n)} }},
}

// grow measures the curves, each point once.
func (b *bench) grow(ctx context.Context) error {
	for _, c := range curves {
		c.points = make(map[string][]point)
		for _, n := range c.at {
			for _, name := range c.servers {
				got, err := b.one(ctx, serverNamed(name), scenario{args: c.args(n)})
				if ctx.Err() != nil {
					return ctx.Err()
				}
				if err != nil {
					fmt.Fprintf(os.Stderr, "%s, %d, %s: %v\n", c.title, n, name, err)
					continue
				}
				fmt.Fprintf(os.Stderr, "%s, %d, %s: %.2f\n", c.title, n, name, c.figure(got))
				c.points[name] = append(c.points[name], point{float64(n), c.figure(got)})
			}
		}
		b.curves = append(b.curves, c)
	}
	return nil
}

func serverNamed(name string) server {
	for _, s := range servers {
		if s.name == name {
			return s
		}
	}
	panic("bench: no server is called " + name)
}
