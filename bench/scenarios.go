package main

import "fmt"

// scenario is one line of the table.
type scenario struct {
	name   string
	args   []string // of `socketio bench`
	floors []string // the servers that are its floors, the one that ratios are against first
	polls  bool
	idle   bool // what counts is memory, not CPU time
	goals  map[string]float64
}

// scenarios are measured in this order, once a round for each server.
var scenarios = []scenario{
	{name: "echo 32 B, 1 outstanding", args: echo(32, 1), floors: sockets, goals: goals(1.25, .68, .45)},
	{name: "echo 1 KiB, 1 outstanding", args: echo(1024, 1), floors: sockets, goals: goals(1.35, .55, .20)},
	{name: "echo 32 B, 16 outstanding", args: echo(32, 16), floors: loops, goals: goals(2.5, .10, .07)},
	{name: "echo 1 KiB, 16 outstanding", args: echo(1024, 16), floors: loops, goals: goals(2.5, .12, .07)},
	{name: "ack 32 B", args: append(echo(32, 1), "-ack"), floors: sockets, goals: goals(1.3, .68, .40)},
	{name: "binary echo 1 KiB", args: append(echo(1024, 1), "-binary"), floors: sockets, goals: goals(1.35, .38, .20)},
	{name: "broadcast to 1,000", args: []string{"broadcast", "-conns", "1000"}, floors: sockets, goals: goals(1.15, .68, .37)},
	{name: "broadcast to 10,000", args: []string{"broadcast", "-conns", "10000"}, floors: sockets, goals: goals(1.15, .60, .37)},
	{name: "100 rooms of 10", args: []string{"rooms", "-conns", "1000", "-rooms", "100"}, floors: sockets, goals: goals(1.15, .65, .37)},
	{name: "long-polling echo 32 B", args: []string{"echo", "-polling"}, floors: []string{"poll"}, polls: true, goals: goals(.95, .68, .42)},
	{name: "connect, join, close", args: []string{"churn"}, floors: sockets, goals: goals(1.4, .33, .68)},
	{name: "memory of an idle connection", args: []string{"idle", "-conns", "10000"}, floors: sockets, idle: true, goals: goals(0, .36, .14)},
}

var (
	sockets = []string{"raw", "epoll"}
	loops   = []string{"epoll", "raw"}
)

func echo(size, outstanding int) []string {
	return []string{"echo", "-size", fmt.Sprint(size), "-outstanding", fmt.Sprint(outstanding)}
}

// goals are the ratios to the floor, to Node and to the peer that we want to stay below; 0: none.
func goals(floor, node, peer float64) map[string]float64 {
	return map[string]float64{"floor": floor, "node": node, "peer": peer}
}

// has tells whether a scenario is measured with a server.
func (s *scenario) has(v server) bool {
	if !v.floor {
		return true
	}
	for _, f := range s.floors {
		if f == v.name {
			return true
		}
	}
	return false
}
