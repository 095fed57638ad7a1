package rawclient

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// Visitor is a client for examples: it prints what comes back. Where a test would fail, it panics.
type Visitor struct {
	*Conn
	e  *Endpoint
	tb *exampleTB
}

// Arrive serves h for one client, which joins nothing yet.
func Arrive(h http.Handler) *Visitor {
	tb := &exampleTB{}
	v := &Visitor{e: Serve(tb, h), tb: tb}
	v.Again()
	return v
}

// Again opens a new connection, in place of the one before.
func (v *Visitor) Again() { v.Conn = v.e.WebSocket("name=ann") }

// Enter is [Arrive], after which the client joins the namespaces, "/" if none is given.
func Enter(h http.Handler, namespaces ...string) *Visitor {
	v := Arrive(h)
	if len(namespaces) == 0 {
		namespaces = []string{"/"}
	}
	for _, name := range namespaces {
		v.Join(name, "")
	}
	return v
}

// Print prints the next n packets, without the engine's packet type "4".
func (v *Visitor) Print(n int) {
	for range n {
		text, binary, err := v.Next()
		switch {
		case err != nil:
			fmt.Println("the connection was closed")
		case binary != nil:
			fmt.Printf("binary: %v\n", binary)
		default:
			fmt.Println(strings.TrimPrefix(text, "4"))
		}
	}
}

// Leave ends the connection and the serving.
func (v *Visitor) Leave() { v.tb.end() }

// Visit is a client that sends packets to "/", prints the n packets that come back, and leaves.
func Visit(h http.Handler, n int, packets ...string) {
	v := Enter(h)
	defer v.Leave()
	v.Send(packets...)
	v.Print(n)
}

// exampleTB is what a testing.TB is where there is no test.
type exampleTB struct {
	testing.TB
	cleanups []func()
}

func (*exampleTB) Helper()                           {}
func (*exampleTB) Fatal(args ...any)                 { panic(fmt.Sprint(args...)) }
func (*exampleTB) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }
func (tb *exampleTB) Cleanup(f func())               { tb.cleanups = append(tb.cleanups, f) }

func (tb *exampleTB) end() {
	for i := len(tb.cleanups) - 1; i >= 0; i-- {
		tb.cleanups[i]()
	}
}
