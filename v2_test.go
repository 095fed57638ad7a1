package socketio

import (
	"testing"

	"github.com/gosocketio/socketio/protocol"
)

func TestSplitQuery(t *testing.T) {
	for _, c := range []struct {
		t                protocol.Type
		nsp, data        string
		wantNsp, wantDat string
	}{
		{protocol.Connect, "/chat", "", "/chat", ""},
		{protocol.Connect, "/chat?token=abc&x=1&x=2", "", "/chat", `{"token":"abc","x":"2"}`},
		{protocol.Connect, "?a=%zz&b=1", "", "/", `{"b":"1"}`},
		{protocol.Connect, "/chat", `{"word":"please"}`, "/chat", ""},
		{protocol.Connect, "/chat?token=abc", `{"word":"please"}`, "/chat", `{"token":"abc"}`},
		{protocol.Event, "/chat?token=abc", `["x"]`, "/chat", `["x"]`},
		{protocol.Event, "/chat", `["x"]`, "/chat", `["x"]`},
	} {
		p := &protocol.Packet{Type: c.t, Namespace: c.nsp, Data: []byte(c.data)}
		splitQuery(p)
		if p.Namespace != c.wantNsp || string(p.Data) != c.wantDat {
			t.Errorf("%v %s %s: got %s %s, want %s %s", c.t, c.nsp, c.data, p.Namespace, p.Data, c.wantNsp, c.wantDat)
		}
	}
}
