package brokers

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

func TestJoins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var j Joins
		j.Add([]string{"a", "b"})
		if !j.Any([]string{"a"}) || !j.Any([]string{"b"}) || j.Any([]string{"c"}) {
			t.Error("a or b is not new, or c is")
		}
		time.Sleep(joinGrace + 1)
		if j.Any([]string{"a"}) || j.Any([]string{"b"}) || j.used.Load() {
			t.Error("a or b is still new")
		}
		for i := range maxJoins + 1 {
			j.Add([]string{fmt.Sprint(i)})
		}
		if !j.Any([]string{"0"}) || !j.Any([]string{"any"}) || len(j.rooms) > maxJoins {
			t.Error("after too many joins a room is not new")
		}
		time.Sleep(joinGrace + 1)
		if j.Any([]string{"any"}) || j.Any([]string{"0"}) {
			t.Error("a room is still new")
		}
	})
}
