package embedded_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/gosocketio/socketio/internal/brokertest"
)

// Of three nodes with JetStream one may die: sessions and events are still there. When two are dead what
// is sent waits, for a reason that has a name, and arrives once when they are back.
func TestQuorum(t *testing.T) {
	t.Parallel() // it waits most of the time: nodes elect a leader within 4 to 9 s
	var routes, urls []string
	for _, port := range brokertest.FreePorts(t, 3) {
		routes = append(routes, fmt.Sprintf("127.0.0.1:%d", port))
	}
	for _, address := range routes {
		urls = append(urls, fmt.Sprintf("nats+embedded://secret@%s?jetstream=true&store=%s&routes=%s",
			address, t.TempDir(), strings.Join(routes, ",")))
	}
	nodes := startNodes(t, urls...)
	if !strings.Contains(nodes[0].Log, "state=/") {
		t.Errorf("the log does not name the folder: %s", nodes[0].Log)
	}
	ann, ben, cat := connect(t, nodes[0]), connect(t, nodes[1]), connect(t, nodes[2])
	emitted := 0
	emit := func(from *client, n int) (numbers []int) {
		for range n {
			emitted++
			from.conn.Send(fmt.Sprintf(`42["emit",%d]`, emitted))
			numbers = append(numbers, emitted)
		}
		return numbers
	}
	arrive := func(numbers []int, clients ...*client) {
		t.Helper()
		for _, c := range clients {
			for _, want := range numbers {
				if got := c.number(); got != want {
					t.Fatalf("got %d, want %d", got, want)
				}
			}
		}
	}
	returns := func(to *brokertest.Process, was *client, missed []int) *client {
		t.Helper()
		c := comeBack(t, to, was)
		if c.sid != was.sid || !slices.Equal(c.before, missed) {
			t.Errorf("came back as %s with %v, was %s and missed %v", c.sid, c.before, was.sid, missed)
		}
		return c
	}
	arrive(emit(ben, 5), ann, ben, cat)
	stored := fmt.Sprintf(`"stored",%q`, ann.pid)
	ben.ask(stored, "true")
	for i := range 300 { // each takes it, and puts it back: the next one finds it at once
		c := []*client{ann, ben, cat}[i%3]
		if got := c.answer(stored); !strings.Contains(got, "true") {
			t.Fatalf("node %d, round %d: got %s", i%3, i, got)
		}
	}

	nodes[0].Kill()
	missed := emit(ben, 5)
	arrive(missed, ben, cat)
	cat.ask(stored, "true") // the sessions have a leader again, too
	ann = returns(nodes[2], ann, missed)
	arrive(emit(cat, 5), ann, ben, cat)
	cat.ask(fmt.Sprintf(`"stored",%q`, ben.pid), "true")

	nodes[1].Kill()
	missed = emit(cat, 5)
	cat.ask(`"problem"`, "the majority of its servers must run and reach each other")
	nodes = append(startNodes(t, urls[:2]...), nodes[2])
	arrive(missed, ann, cat)
	cat.ask(fmt.Sprintf(`"stored",%q`, ben.pid), "true")
	ben = returns(nodes[0], ben, missed)
	arrive(emit(ben, 5), ann, ben, cat)
	arrive(emit(ann, 5), ann, ben, cat)
}
