package rooms_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/gosocketio/socketio/rooms"
)

func TestUnknown(t *testing.T) {
	x := rooms.New[string](nil)
	if _, ok := x.Get("no"); ok {
		t.Error("Get found somebody")
	}
	if x.Rooms("no") != nil || x.In("no", "no") || x.RoomLen("no") != 0 || x.Members("no") != nil {
		t.Error("an unknown id is somewhere")
	}
	if got := x.Select(nil, []string{"no"}, []string{"no"}); len(got) != 0 {
		t.Errorf("selected %q", got)
	}
	if x.Remove("no") {
		t.Error("removed somebody")
	}
}

func TestAddTwice(t *testing.T) {
	x := rooms.New[string](nil)
	if !x.Add("a", "first") || x.Add("a", "second") {
		t.Error("want the first Add only to succeed")
	}
	if m, _ := x.Get("a"); m != "first" {
		t.Errorf("member is %q", m)
	}
	if !x.Remove("a") || x.Remove("a") {
		t.Error("want the first Remove only to succeed")
	}
}

// A member that left its own room is still one of everybody, but naming its id does not mean it any
// more.
func TestLeaveOwnRoom(t *testing.T) {
	x := rooms.New[string](nil)
	x.Add("a", "a")
	x.Add("b", "b")
	x.Leave("a", "a")
	if got := x.Select(nil, nil, []string{"a"}); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("everybody but a: %q", got)
	}
	if got := x.Select(nil, []string{"a"}, nil); len(got) != 0 {
		t.Errorf("a's room: %q", got)
	}
	if got := x.Rooms("a"); got == nil || len(got) != 0 {
		t.Errorf("a's rooms: %#v, want an empty list", got)
	}
}

// One member in very many rooms, and one room that loses almost all of its very many members.
func TestMany(t *testing.T) {
	const n = 10_000
	x := rooms.New[int](nil)
	x.Add("a", -1)
	for i := range n {
		x.Join("a", fmt.Sprint("r", i))
	}
	if got := len(x.Rooms("a")); got != n+1 {
		t.Errorf("%d rooms", got)
	}
	for i := range n / 2 {
		x.Leave("a", fmt.Sprint("r", i))
	}
	if got := len(x.Rooms("a")); got != n/2+1 {
		t.Errorf("%d rooms after leaving half", got)
	}
	x.Remove("a")

	for i := range n {
		id := fmt.Sprint("m", i)
		x.Add(id, i)
		x.Join(id, "big")
	}
	for i := range n {
		if i%1000 != 0 {
			x.Leave(fmt.Sprint("m", i), "big")
		}
	}
	want := []int{0, 1000, 2000, 3000, 4000, 5000, 6000, 7000, 8000, 9000}
	if got := x.Select(nil, []string{"big"}, nil); !slices.Equal(got, want) {
		t.Errorf("left are %v", got)
	}
	if got := x.AllRooms(); len(got) != n+1 {
		t.Errorf("%d rooms at the end", len(got))
	}
}

// Everybody joins, leaves, comes, goes and selects at once; at the end the index is empty.
func TestConcurrent(t *testing.T) {
	x := rooms.New[int](to(rooms.Hooks{Join: func(string, string) {}}))
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			var dst []int
			for i := range 500 {
				id := fmt.Sprint(g, "-", i%20)
				x.Add(id, g)
				x.Join(id, "all", fmt.Sprint("r", i%7))
				dst = x.Select(dst[:0], []string{"all", "r1"}, []string{id})
				x.Rooms(id)
				x.Leave(id, "all")
				x.RoomLen("all")
				if i%3 == 0 {
					x.Remove(id)
				}
			}
			for i := range 20 {
				x.Remove(fmt.Sprint(g, "-", i))
			}
		})
	}
	wg.Wait()
	if x.Len() != 0 || len(x.AllRooms()) != 0 {
		t.Errorf("%d members and rooms %q are left", x.Len(), x.AllRooms())
	}
}

func crowd(n int) *rooms.Index[int] {
	x := rooms.New[int](nil)
	for i := range n {
		id := fmt.Sprint("m", i)
		x.Add(id, i)
		x.Join(id, "all", fmt.Sprint("mod", i%10))
	}
	return x
}

func TestSelectAllocatesNothing(t *testing.T) {
	x := crowd(5000)
	dst := make([]int, 0, 5000)
	for _, c := range []struct{ in, except []string }{
		{nil, nil},
		{nil, []string{"m1"}},
		{[]string{"all"}, nil},
		{[]string{"all"}, []string{"m7"}},
		{[]string{"all", "mod1"}, []string{"mod2", "mod3"}},
	} {
		if n := testing.AllocsPerRun(100, func() { dst = x.Select(dst[:0], c.in, c.except) }); n >= 1 {
			t.Errorf("select %q except %q: %v allocations", c.in, c.except, n)
		}
	}
}
