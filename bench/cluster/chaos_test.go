package main

import (
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// parseTrace reads what happened to a client of the target "t" on S2.1, or on S1.1 after "own". Numbers
// are events of S1.1. Words are 10 ms apart. Events are emitted after them, unless "later" comes first.
func parseTrace(text string) *trace {
	t := &trace{targets: []string{"t"}}
	now := time.Unix(0, 0)
	for word := range strings.FieldsSeq(text) {
		now = now.Add(10 * time.Millisecond)
		m := moment{at: now, what: word, server: "S2.1", publisher: "S1.1"}
		switch word {
		case "later":
			now = time.Unix(1000, 0)
			continue
		case "own":
			m.what, m.server = joined, "S1.1"
		case "recovered":
			m.what, m.server, m.recovered = joined, "S3.1", true
		case "foreign":
			m.what, m.target, m.seq = received, "u", 1
		default:
			if seq, err := strconv.Atoi(word); err == nil {
				m.what, m.target, m.seq = received, "t", seq
			}
		}
		t.moments = append(t.moments, m)
	}
	return t
}

// Each trace of four events has the violation that it should have, and what is missing its name.
func TestChaosCheck(t *testing.T) {
	failures := func(from, to, n int) func(p *publisher) {
		return func(p *publisher) { p.failures = []failures{{from, to, n, make(map[int]bool)}} }
	}
	refused := func(p *publisher) { p.events[1].refused = true }
	killed := func(mark int) func(p *publisher) {
		return func(p *publisher) { p.killed, p.marks[3] = true, mark }
	}
	for _, c := range []struct {
		name     string
		recovery bool
		trace    string
		change   func(p *publisher)
		want     string // the violation
		missing  account
	}{
		{name: "all", trace: "joined ready 1 2 3 4"},
		{name: "doubled", trace: "joined ready 1 2 2 3 4", want: "S1.1#2 to t came twice"},
		{name: "reordered", trace: "joined ready 1 3 2 4", want: "S1.1#2 to t came after #3"},
		{name: "lost", trace: "joined ready 1 2 4", want: "S1.1#3 to t was lost"},
		{name: "lost at the end", trace: "joined ready 1 2 3", want: "S1.1#4 to t was lost"},
		{name: "lost at the start", trace: "joined ready 2 3 4", want: "S1.1#1 to t was lost"},
		{name: "nothing came", trace: "joined ready", want: "S1.1#1 to t was lost"},
		{name: "not ready", trace: "joined 3 4 later ready"},
		{name: "lost before it was ready", trace: "joined 2 4 later ready"},
		{name: "lost before it was ready, with recovery", recovery: true, trace: "joined 2 4 later ready",
			want: "S1.1#3 to t was lost"},
		{name: "of another room", trace: "joined ready 1 2 3 4 foreign", want: "S1.1#1 to u was for others"},

		{name: "gap", trace: "joined ready 1 gap 4", missing: account{inGaps: 2}},
		{name: "gap named a little later", trace: "joined ready 1 4 gap", missing: account{inGaps: 2}},
		{name: "gap named much later", trace: "joined ready 1 4 later gap", want: "S1.1#2 to t was lost"},
		{name: "gap before", trace: "joined ready gap 1 4", want: "S1.1#2 to t was lost"},
		{name: "gap at the end", trace: "joined ready 1 2 gap", missing: account{inGaps: 2}},
		{name: "gap on its own server", trace: "own ready 1 gap 4", want: "S1.1#2 to t was lost on its own"},
		{name: "gap, and doubled", trace: "joined ready 1 2 3 4 gap 4", want: "S1.1#4 to t came twice"},
		{name: "gap with recovery", recovery: true, trace: "joined ready 1 gap 4", want: "S1.1#2 to t was lost"},

		{name: "recovered", recovery: true, trace: "joined ready 1 2 ended recovered 3 ready 4"},
		{name: "lost by recovery", recovery: true, trace: "joined ready 1 2 ended recovered ready 4",
			want: "S1.1#3 to t was lost"},
		{name: "doubled by recovery", recovery: true, trace: "joined ready 1 2 ended recovered 2 3 ready 4",
			want: "S1.1#2 to t came twice"},
		{name: "another session", trace: "joined ready 1 2 ended later joined 2 ready 3 4"},
		{name: "gone", trace: "joined ready 1 2 ended"},
		{name: "gone and lost before", trace: "joined ready 1 3 ended", want: "S1.1#2 to t was lost"},

		{name: "refused", trace: "joined ready 1 3 4", change: refused, missing: account{refused: 1}},
		{name: "refused on its own server", trace: "own ready 1 3 4", change: refused,
			want: "S1.1#2 to t was lost on its own"},
		{name: "refused and early", recovery: true, trace: "joined ready 2 1 3 4", change: refused},
		{name: "early without a reason", recovery: true, trace: "joined ready 2 1 3 4", want: "S1.1#1 to t came after #2"},
		{name: "failed", recovery: true, trace: "joined ready 1 3 4", change: failures(0, 3, 1), missing: account{failed: 1}},
		{name: "more than failed", trace: "joined ready 1 4", change: failures(0, 3, 1), want: "S1.1#3 to t was lost",
			missing: account{failed: 1}},
		{name: "failed later", trace: "joined ready 1 3 4", change: failures(2, 4, 2), want: "S1.1#2 to t was lost"},
		{name: "killed", recovery: true, trace: "joined ready 1 2", change: killed(2), missing: account{buried: 2}},
		{name: "killed and sent", trace: "joined ready 1 2", change: killed(3), want: "S1.1#3 to t was lost",
			missing: account{buried: 1}},
		{name: "killed, and later ones came", trace: "joined ready 1 2 4", change: killed(2), want: "S1.1#3 to t was lost"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := &publisher{}
			for i := range 4 {
				p.note("t", time.Unix(int64(100+i), 0), false, i+1, 0)
			}
			if c.change != nil {
				c.change(p)
			}
			h := &history{
				recovery: c.recovery, publishers: map[string]*publisher{"S1.1": p},
				clients: map[string]*trace{"c": parseTrace(c.trace)},
			}
			a := h.check()
			named := slices.ContainsFunc(a.breaches, func(b string) bool { return strings.Contains(b, c.want) })
			if c.want == "" && len(a.breaches) > 0 || c.want != "" && !named {
				t.Errorf("violations are %q, want %q", a.breaches, c.want)
			}
			missing := account{refused: a.refused, failed: a.failed, buried: a.buried, inGaps: a.inGaps}
			if !reflect.DeepEqual(missing, c.missing) {
				t.Errorf("missing are %+v, want %+v", missing, c.missing)
			}
		})
	}
}

// A failure that is counted with an event may concern events up to the last mark but one.
func TestChaosFailures(t *testing.T) {
	p := &publisher{}
	for i, failed := range []int{0, 0, 0, 2} {
		p.note("t", time.Time{}, false, i+1, failed)
	}
	for seq, want := range []bool{1: false, 2: false, 3: true, 4: true} {
		if got := p.failed(seq); seq > 0 && got != want {
			t.Errorf("#%d failed: %v", seq, got)
		}
	}
}

// The same seed has the same faults, and another one has others, of every kind.
func TestChaosPlan(t *testing.T) {
	if !slices.Equal(plan(7, true), plan(7, true)) || slices.Equal(plan(7, true), plan(8, true)) {
		t.Error("a seed must be one plan")
	}
	var all []strike
	for seed := range uint64(20) {
		all = append(all, plan(seed, true)...)
	}
	for _, what := range slices.Concat(nodeFaults, brokerFaults, clientFaults) {
		if !slices.ContainsFunc(all, func(s strike) bool { return s.what == what }) {
			t.Errorf("no %s", what)
		}
	}
	if slices.ContainsFunc(plan(7, false), func(s strike) bool { return slices.Contains(brokerFaults, s.what) }) {
		t.Error("a fault of a broker without one")
	}
}
