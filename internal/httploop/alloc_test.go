package httploop

import (
	"strings"
	"testing"
)

// The request, its URL, its header (two pieces) and the values in it, and the text of its head: what net/http makes too, and no more. A
// context comes on top.
func TestAllocRequest(t *testing.T) {
	get := []byte(strings.ReplaceAll(`GET /socket.io/?EIO=4&transport=polling&t=abc&sid=lv_VI97HAXpY6yYWAAAC HTTP/1.1
Host: localhost:3000
Accept: */*
Accept-Encoding: gzip, deflate
Connection: keep-alive
User-Agent: a browser

`, "\n", "\r\n"))
	post := append([]byte("POST"), get[len("GET"):]...)
	ctx := t.Context()
	for _, head := range [][]byte{get, post} {
		if got := testing.AllocsPerRun(100, func() {
			n, lines, v := scan(head, maxHead)
			if v != whole || build(string(head[:n]), lines, ctx) == nil {
				t.Fatal("it is not plain")
			}
		}); got > 6 {
			t.Errorf("%.4s: %v allocations", head, got)
		}
	}
}
