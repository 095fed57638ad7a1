package main

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"
)

// What is lost, arrives twice, or after a later event is counted, each once.
func TestCount(t *testing.T) {
	for _, c := range []struct {
		name    string
		numbers []int32
		want    tally
	}{
		{"all", []int32{0, 1, 2, 3, 4}, tally{}},
		{"nothing", nil, tally{lost: 5}},
		{"a gap and no end", []int32{0, 1, 3}, tally{lost: 2}},
		{"twice", []int32{0, 1, 1, 2, 3, 4, 0}, tally{doubled: 2}},
		{"late", []int32{0, 2, 1, 3, 4}, tally{disorder: 1}},
		{"never sent", []int32{0, 1, 2, 3, 4, 5}, tally{doubled: 1}},
	} {
		if got := count(c.numbers, 5); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
}

// The silence begins with the fault, and ends with the next event.
func TestSilence(t *testing.T) {
	start := time.Now()
	at := func(s float64) time.Time { return start.Add(time.Duration(s * float64(time.Second))) }
	c := &client{numbers: []int32{0, 1, 2, 3}, arrivals: []time.Time{at(0), at(10), at(12), at(12.5)}}
	if got := c.tally(4, at(9.5)).silence; got != 2*time.Second {
		t.Errorf("silence %v, want 2s", got)
	}
}

func TestMessages(t *testing.T) {
	for _, c := range []struct {
		message string
		number  int32
		numbers bool
		ack     string
	}{
		{`2["n",17,"xx"]`, 17, true, ""},
		{`2["n",0]`, 0, true, ""},
		{`2["n","a"]`, 0, false, ""},
		{`2["n",1`, 0, false, ""},
		{`212["q"]`, 0, false, "12"},
		{`40{}`, 0, false, ""},
		{``, 0, false, ""},
	} {
		n, ok := number([]byte(c.message))
		if ok != c.numbers || ok && n != c.number {
			t.Errorf("%s: number %d, %v", c.message, n, ok)
		}
		if id := ackID([]byte(c.message)); string(id) != c.ack {
			t.Errorf("%s: acknowledgement %q, want %q", c.message, id, c.ack)
		}
	}
	if f := string(ackFrame([]byte("12"))); f != "\x81\x87\x00\x00\x00\x00"+"4312[1]" {
		t.Errorf("frame %q", f)
	}
}

// good is a run in which our server keeps its promises.
func good(wire string) *group {
	g := &group{wire: wire, kind: "ours"}
	g.sent, g.after, g.want = 1000, 2, 2
	g.fetch = answer{Result: 2, Error: "one is missing", TookMs: 400}
	g.ask = g.fetch
	return g
}

// Each promise is broken by its own run, and named.
func TestBreaches(t *testing.T) {
	var usual, third, stop fault
	for _, f := range faults {
		switch {
		case f.third:
			third = f
		case f.names:
			stop = f
		default:
			usual = f
		}
	}
	for _, c := range []struct {
		wire  string
		fault fault
		spoil func(g *group)
		want  string // "": no promise is broken
	}{
		{"streams", third, func(*group) {}, ""},
		{"pubsub", usual, func(g *group) { g.remote.lost, g.named = 9, true }, ""},
		{"pubsub", usual, func(g *group) { g.remote.lost = 9 }, "9 lost without a word"},
		{"streams", usual, func(g *group) { g.remote.lost, g.named = 9, true }, "9 lost"},
		{"sharded", third, func(g *group) { g.remote.lost, g.named = 9, true }, "9 lost between nodes that live"},
		{"sharded", usual, func(g *group) { g.remote.doubled = 1 }, "1 doubled"},
		{"sharded", usual, func(g *group) { g.remote.disorder = 1 }, "1 out of order"},
		{"sharded", usual, func(g *group) { g.local.lost = 3 }, "on the node itself 3 lost"},
		{"sharded", usual, func(g *group) { g.longest = 300_000 }, "an emit took 300000 µs"},
		{"sharded", usual, func(g *group) { g.after = 1 }, "afterwards fetchSockets found 1 of 2"},
		{"sharded", third, func(g *group) { g.fetch.Error = "" }, ""},
		{"sharded", stop, func(g *group) { g.fetch.Result, g.ask.Result = 1, 1 }, ""},
		{"sharded", stop, func(g *group) { g.fetch.Result, g.ask.Result, g.ask.Error = 1, 1, "" }, "a request under way"},
		{"sharded", third, func(g *group) { g.ask.TookMs = 7000 }, "a request under way"},
		{"sharded", third, func(g *group) { g.ask.Result = 1 }, "a request under way"},
	} {
		g := good(c.wire)
		c.spoil(g)
		got := g.breaches(c.fault)
		named := slices.ContainsFunc(got, func(s string) bool { return strings.HasPrefix(s, c.want) })
		if c.want == "" && len(got) > 0 || c.want != "" && !named {
			t.Errorf("%s: %q, want %q", c.wire, got, c.want)
		}
	}
	node := good("pubsub")
	node.kind, node.remote.lost = "node", 5
	if err := broken(map[string][]*group{faults[0].name: {good("pubsub"), node}}); err != nil {
		t.Errorf("the official server promises nothing: %v", err)
	}
	ours := good("pubsub")
	ours.remote.lost = 5
	if err := broken(map[string][]*group{faults[0].name: {ours}}); err == nil {
		t.Error("no error for a promise that was broken")
	}
}

// The pages have a row for each wire and server, with the values of all runs.
func TestReports(t *testing.T) {
	b := &bench{rounds: 2}
	second := good("pubsub")
	second.remote.lost, second.named = 7, true
	page := b.faultReport(t.Context(), map[string][]*group{faults[0].name: {good("pubsub"), second}})
	want := "| connections of Redis killed | pubsub | ours | 0, 7 | 0 | 0 | –, yes | 0 | 0.0 | 0 | 0.0 | 2 |"
	if !strings.Contains(page, want) {
		t.Errorf("%q is not in\n%s", want, page)
	}
	l := loads[0]
	page = b.speedReport(t.Context(), speeds{
		{"pubsub", "ours", l}: {1, 3, 2}, {"pubsub", "node", l}: {8, 10, 9}, {"pubsub", "peer", l}: {3},
	}, map[rateKey][]rate{{"streams", 32}: {{90, 100}, {70, 100}, {81, 90}}})
	want = "| pubsub | delivered, 32 B | 2.0 <sub>1.0–3.0</sub> | 9.0 <sub>8.0–10.0</sub> | 3.0 <sub>3.0–3.0</sub> |" +
		" **0.22** | 0.67 |"
	if !strings.Contains(page, want) {
		t.Errorf("%q is not in\n%s", want, page)
	}
	if want := "| streams | 32 B | 81 | 100 | **0.90** |"; !strings.Contains(page, want) {
		t.Errorf("%q is not in\n%s", want, page)
	}
}

func TestMonitored(t *testing.T) {
	got, err := monitored(`1339518083.107412 [0 127.0.0.1:60866] "PUBLISH" "bench#/#nobody#" "\x93\xa1\"\\a\n"`)
	if want := "PUBLISH|bench#/#nobody#|\x93\xa1\"\\a\n"; err != nil || string(bytes.Join(got, []byte("|"))) != want {
		t.Errorf("%q, %v, want %q", got, err, want)
	}
	for _, line := range []string{
		`1339518083.1 [0 127.0.0.1:60866] "GET" "nobody"`, `1339518083.1 [0 127.0.0.1:60866] "PUBLISH" "other" "x"`,
		`1339518083.1 [0 127.0.0.1:60866] "PUBLISH" "nobody`, "OK", "",
	} {
		if got, err := monitored(line); err == nil {
			t.Errorf("%s: %q", line, got)
		}
	}
}
