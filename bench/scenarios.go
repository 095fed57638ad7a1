package main

import (
	"fmt"
	"slices"
)

// scenario is one line of the table.
type scenario struct {
	name    string
	args    []string // of `socketio bench`; nil: nothing is run, the figure is another one of the runs of like
	like    string   // the scenario whose runs of other servers this is compared with; "" is this one
	subject string   // which server of ours it is about; "" is "ours"
	floors  []string // its floors, if any; ratios are against the first
	pair    bool     // only ours and Node's can do that
	secure  bool     // over TLS
	idle    bool     // nothing is sent but heartbeats: one long run of each server
	unit    string   // of its figure; "" is µs of CPU time an operation
	figure  func(sample) float64
	goals   map[string]float64
}

// beat is long enough for a heartbeat of each connection, which comes every 25 s.
const beat = "26s"

// scenarios are measured in this order, once a round for each server.
var scenarios = []scenario{
	{name: "echo 32 B, 1 outstanding", args: echo(32, 1), floors: sockets, goals: goals(1.25, .68, .45)},
	{name: "echo 1 KiB, 1 outstanding", args: echo(1024, 1), floors: sockets, goals: goals(1.35, .55, .20)},
	{name: "echo 32 B, 16 outstanding", args: echo(32, 16), floors: loops, goals: goals(2.5, .10, .07)},
	{name: "echo 1 KiB, 16 outstanding", args: echo(1024, 16), floors: loops, goals: goals(2.5, .12, .07)},
	{name: "ack 32 B", args: append(echo(32, 1), "-ack"), floors: sockets, goals: goals(1.3, .68, .40)},
	{name: "binary echo 1 KiB", args: append(echo(1024, 1), "-binary"), floors: sockets, goals: goals(1.35, .38, .20)},
	{name: "binary echo 256 KiB", args: append(echo(256<<10, 1), "-binary"), goals: most(250, goals(0, 0, 0))},
	{name: "TLS echo 32 B, 16 outstanding", args: echo(32, 16), pair: true, secure: true, goals: goals(0, .4, 0)},
	{name: "compressed JSON object 2 KiB, echo", args: append(echo(2<<10, 1), "-object", "-deflate"), pair: true,
		goals: goals(0, .4, 0)},
	{name: "JSON object 1 KiB, echo", args: append(echo(1<<10, 1), "-object"), floors: sockets, goals: goals(0, 1, 0)},
	{name: "JSON object 16 KiB, echo", args: append(echo(16<<10, 1), "-object"), floors: sockets, goals: goals(0, 1, 0)},
	{name: "JSON object 16 KiB, ack", args: append(echo(16<<10, 1), "-object", "-ack"), goals: most(150, goals(0, 0, 0))},
	{name: "broadcast to 1,000", args: []string{"broadcast", "-conns", "1000"}, floors: sockets, goals: goals(1.15, .68, .37)},
	{name: "asking 10,000, an answer", args: []string{"ask", "-conns", "10000"}, pair: true, goals: goals(0, .6, 0)},
	{name: "broadcast to 10,000", args: []string{"broadcast", "-conns", "10000"}, floors: sockets, goals: goals(1.15, .60, .37)},
	{name: "100 rooms of 10", args: []string{"rooms", "-conns", "1000", "-rooms", "100"}, floors: sockets, goals: goals(1.15, .65, .37)},
	{name: "long-polling echo 32 B", args: []string{"echo", "-polling"}, floors: []string{"poll"}, goals: goals(0, .68, .42)},
	{name: "connect, join, close", args: []string{"churn"}, floors: sockets, goals: goals(1.4, .33, .68)},
	{name: idling, args: idle(), floors: sockets, idle: true, unit: "bytes", figure: memory, goals: most(2500, goals(0, .15, .06))},
	{name: "the same in portable mode", args: idle(), like: idling, subject: "portable", floors: sockets, idle: true, unit: "bytes", figure: memory, goals: most(6000, goals(0, .36, .14))},
	{name: "CPU of 10,000 idle connections", like: idling, floors: sockets, unit: "% of a core", figure: busy, goals: goals(1.3, .6, .7)},
	{name: "p99 of 32 B, 16 outstanding", like: "echo 32 B, 16 outstanding", floors: loops, unit: "µs", figure: slowest, goals: goals(3, .3, .2)},
	{name: "p99 of 1 KiB, 16 outstanding", like: "echo 1 KiB, 16 outstanding", floors: loops, unit: "µs", figure: slowest, goals: goals(3, .3, .2)},
}

const idling = "memory of an idle connection"

func idle() []string { return []string{"idle", "-conns", "10000", "-duration", beat} }

// What a scenario is about.
func cost(s sample) float64    { return s.cost }
func memory(s sample) float64  { return s.memory }
func busy(s sample) float64    { return s.busy }
func slowest(s sample) float64 { return s.p99 }

var (
	sockets = []string{"raw", "epoll"}
	loops   = []string{"epoll", "raw"}
)

func echo(size, outstanding int) []string {
	return []string{"echo", "-size", fmt.Sprint(size), "-outstanding", fmt.Sprint(outstanding)}
}

// most adds a goal for the figure itself.
func most(figure float64, g map[string]float64) map[string]float64 {
	g["most"] = figure
	return g
}

// goals are the ratios to the floor, to Node and to the peer that we want to stay below; 0: none.
func goals(floor, node, peer float64) map[string]float64 {
	return map[string]float64{"floor": floor, "node": node, "peer": peer}
}

// of returns what a scenario is about.
func (s *scenario) of(x sample) float64 {
	if s.figure == nil {
		return x.cost
	}
	return s.figure(x)
}

// ours is the name of the server that a scenario is about.
func (s *scenario) ours() string {
	if s.subject == "" {
		return "ours"
	}
	return s.subject
}

// runs is the name of the scenario whose runs a server's figure comes from.
func (s *scenario) runs(server string) string {
	if s.like != "" && (s.args == nil || server != s.ours()) {
		return s.like
	}
	return s.name
}

// has tells whether a scenario is run with a server.
func (s *scenario) has(v server) bool {
	switch {
	case s.args == nil:
		return false
	case v.variant || s.subject != "":
		return v.name == s.ours()
	case s.pair:
		return v.name == "ours" || v.name == "node"
	}
	return !v.floor || slices.Contains(s.floors, v.name)
}
