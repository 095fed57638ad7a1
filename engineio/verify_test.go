package engineio

import (
	"strings"
	"testing"
)

// A query costs one look at it, whatever is in it: only the parameters that the engine knows are unescaped, and none is kept.
func TestAbuse_CVE_2025_61726_ManyParameters(t *testing.T) {
	t.Attr("covers", "abuse/CVE-2025-61726")
	raw := strings.Repeat("a=b&c=d%20e&", 50_000) + "EIO=4&transport=polling&sid=x"
	if n := testing.AllocsPerRun(10, func() {
		if q := parseQuery(raw); q.eio != "4" || q.transport != "polling" || q.sid != "x" {
			t.Errorf("%+v", q)
		}
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
