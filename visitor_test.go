package socketio_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/gosocketio/socketio/internal/rawclient"
)

// visitor is the client that the examples talk to: it sends packets as they go over the wire and prints what comes back.
type visitor struct {
	*rawclient.Conn
	tb *exampleTB
}

// enter serves h for one client, which joins the namespaces, "/" if none is given.
func enter(h http.Handler, namespaces ...string) *visitor {
	tb := &exampleTB{}
	v := &visitor{rawclient.Serve(tb, h).WebSocket("name=ann"), tb}
	if len(namespaces) == 0 {
		namespaces = []string{"/"}
	}
	for _, name := range namespaces {
		v.Join(name, "")
	}
	return v
}

// print prints the next n packets, without the engine's packet type "4".
func (v *visitor) print(n int) {
	for range n {
		text, binary, err := v.Next()
		switch {
		case err != nil:
			fmt.Println("the connection was closed")
		case binary != nil:
			fmt.Println("binary:", binary)
		default:
			fmt.Println(strings.TrimPrefix(text, "4"))
		}
	}
}

// leave ends the connection.
func (v *visitor) leave() { v.tb.end() }

// visit is a client that sends packets to "/", prints the n packets that come back, and leaves.
func visit(h http.Handler, n int, packets ...string) {
	v := enter(h)
	defer v.leave()
	v.Send(packets...)
	v.print(n)
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
