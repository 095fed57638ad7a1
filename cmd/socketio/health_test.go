package main

import (
	"strings"
	"testing"

	"github.com/gosocketio/socketio/internal/lockedbuffer"
)

func TestHealth(t *testing.T) {
	p := start(t)
	ask := func(url ...string) (code int, says string) {
		var stdout, stderr lockedbuffer.Buffer
		code = run(t.Context(), append([]string{"health"}, url...), &stdout, &stderr)
		return code, stdout.String() + stderr.String()
	}
	if code, says := ask(p.url + "/"); code != 0 || says != "" {
		t.Errorf("a server that runs: exit code %d, %q", code, says)
	}
	t.Setenv("SOCKETIO_ADDR", ":"+p.url[strings.LastIndexByte(p.url, ':')+1:])
	if code, says := ask(); code != 0 || says != "" {
		t.Errorf("the server of SOCKETIO_ADDR: exit code %d, %q", code, says)
	}
	if code, says := ask(p.url + "/nothing"); code != exitFailed || !strings.Contains(says, "404") {
		t.Errorf("a page that is not there: exit code %d, %q", code, says)
	}
	p.end(t)
	if code, says := ask(p.url + "/"); code != exitFailed || strings.Count(says, "\n") != 1 {
		t.Errorf("a server that has ended: exit code %d, %q", code, says)
	}
}
