package load

import (
	"io"
	"net"
	"testing"
)

// A server that cannot be started again is an error, and there is nothing left to stop.
func TestRestartFails(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0") // in the server's place
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	p := &Process{command: []string{"sleep", "60"}, host: l.Addr().String(), output: io.Discard}
	if err := p.start(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.command = []string{"./no-such-server"}
	if _, err := p.Restart(t.Context()); err == nil {
		t.Error("restarted")
	}
	p.Stop()
}
