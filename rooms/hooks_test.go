package rooms_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gosocketio/socketio/rooms"
)

// to makes hooks the only ones.
func to(hooks rooms.Hooks) func() []*rooms.Hooks {
	return func() []*rooms.Hooks { return []*rooms.Hooks{&hooks} }
}

// told returns an index and the list of what its hooks were told.
func told() (*rooms.Index[int], *[]string) {
	var list []string
	x := rooms.New[int](to(rooms.Hooks{
		Create: func(room string) { list = append(list, "create "+room) },
		Join:   func(room, id string) { list = append(list, id+" joins "+room) },
		Leave:  func(room, id string) { list = append(list, id+" leaves "+room) },
		Delete: func(room string) { list = append(list, "delete "+room) },
	}))
	return x, &list
}

func TestHooks(t *testing.T) {
	for _, c := range []struct {
		name   string
		covers string
		before func(*rooms.Index[int])
		do     func(*rooms.Index[int])
		want   []string
	}{
		{
			"a member creates and joins its own room",
			"",
			func(*rooms.Index[int]) {},
			func(x *rooms.Index[int]) { x.Add("a", 1) },
			[]string{"create a", "a joins a"},
		}, {
			"create precedes join",
			"adapter/index/9 adapter/index/11 easy/46",
			func(x *rooms.Index[int]) { x.Add("a", 1) },
			func(x *rooms.Index[int]) { x.Join("a", "r") },
			[]string{"create r", "a joins r"},
		}, {
			"no create for a room that exists",
			"adapter/index/10",
			func(x *rooms.Index[int]) { x.Add("a", 1); x.Add("b", 2); x.Join("a", "r") },
			func(x *rooms.Index[int]) { x.Join("b", "r") },
			[]string{"b joins r"},
		}, {
			"nothing when it is in the room already",
			"adapter/index/12",
			func(x *rooms.Index[int]) { x.Add("a", 1); x.Join("a", "r") },
			func(x *rooms.Index[int]) { x.Join("a", "r", "a") },
			nil,
		}, {
			"leave precedes delete",
			"adapter/index/13 adapter/index/16 easy/46",
			func(x *rooms.Index[int]) { x.Add("a", 1); x.Join("a", "r") },
			func(x *rooms.Index[int]) { x.Leave("a", "r") },
			[]string{"a leaves r", "delete r"},
		}, {
			"no delete while members remain",
			"adapter/index/17",
			func(x *rooms.Index[int]) { x.Add("a", 1); x.Add("b", 2); x.Join("a", "r"); x.Join("b", "r") },
			func(x *rooms.Index[int]) { x.Leave("a", "r") },
			[]string{"a leaves r"},
		}, {
			"nothing when it is not in the room",
			"",
			func(x *rooms.Index[int]) { x.Add("a", 1); x.Add("b", 2); x.Join("b", "r") },
			func(x *rooms.Index[int]) { x.Leave("a", "r"); x.Leave("a", "no"); x.Leave("no", "r") },
			nil,
		}, {
			"remove leaves everything",
			"adapter/index/15",
			func(x *rooms.Index[int]) { x.Add("a", 1); x.Join("a", "r") },
			func(x *rooms.Index[int]) { x.Remove("a") },
			[]string{"a leaves a", "delete a", "a leaves r", "delete r"},
		}, {
			"somebody else keeps an own room alive",
			"",
			func(x *rooms.Index[int]) { x.Add("a", 1); x.Add("b", 2); x.Join("b", "a") },
			func(x *rooms.Index[int]) { x.Leave("a", "a"); x.Leave("b", "a") },
			[]string{"a leaves a", "b leaves a", "delete a"},
		}, {
			"the owner keeps its room alive",
			"",
			func(x *rooms.Index[int]) { x.Add("a", 1); x.Add("b", 2); x.Join("b", "a") },
			func(x *rooms.Index[int]) { x.Leave("b", "a"); x.Leave("a", "a") },
			[]string{"b leaves a", "a leaves a", "delete a"},
		}, {
			"coming back",
			"",
			func(x *rooms.Index[int]) { x.Add("a", 1); x.Leave("a", "a") },
			func(x *rooms.Index[int]) { x.Join("a", "a") },
			[]string{"create a", "a joins a"},
		}, {
			"unknown and double ids",
			"",
			func(x *rooms.Index[int]) { x.Add("a", 1) },
			func(x *rooms.Index[int]) { x.Add("a", 2); x.Join("no", "r"); x.Remove("no") },
			nil,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Attr("covers", c.covers)
			x, list := told()
			c.before(x)
			*list = nil
			c.do(x)
			if d := cmp.Diff(c.want, *list); d != "" {
				t.Error(d)
			}
		})
	}
}

// A hook may use the index: the lock is not held.
func TestHookUsesIndex(t *testing.T) {
	t.Attr("covers", "adapter/index/14")
	var x *rooms.Index[int]
	x = rooms.New[int](to(rooms.Hooks{
		Leave: func(room, id string) {
			x.Leave(id, room)
			x.Leave(id, "other")
			x.Join(id, "third")
		},
	}))
	x.Add("a", 1)
	x.Join("a", "r", "other")
	x.Leave("a", "r")
	if x.In("a", "r") || x.In("a", "other") || !x.In("a", "third") {
		t.Errorf("rooms are %q", x.Rooms("a"))
	}
}

// Hooks may come and go: each change is told to those of its moment, all of it to each in the order
// of registration.
func TestHooksComeAndGo(t *testing.T) {
	var log []string
	var hooks []*rooms.Hooks
	x := rooms.New[int](func() []*rooms.Hooks { return hooks })
	note := func(who string) *rooms.Hooks {
		return &rooms.Hooks{
			Create: func(room string) { log = append(log, who+" create "+room) },
			Join:   func(room, _ string) { log = append(log, who+" join "+room) },
		}
	}
	x.Add("a", 1)
	hooks = []*rooms.Hooks{note("1"), note("2")}
	x.Join("a", "r")
	hooks = hooks[1:]
	x.Join("a", "s")
	hooks = nil
	x.Join("a", "t")
	want := []string{"1 create r", "2 create r", "1 join r", "2 join r", "2 create s", "2 join s"}
	if d := cmp.Diff(want, log); d != "" {
		t.Error(d)
	}
}

// Whoever watches is told of each room alternately that it is there and that it is gone, even when
// many members come and go at once.
func TestWatch(t *testing.T) {
	x := rooms.New[int](nil)
	exists := make(map[string]bool) // guarded by the lock of the index
	x.Watch(func(room string, is bool) {
		if exists[room] == is {
			t.Errorf("%s exists: %v, twice", room, is)
		}
		exists[room] = is
	})
	var members sync.WaitGroup
	for i := range 4 {
		members.Go(func() {
			for n := range 300 {
				id := fmt.Sprint("m", i)
				x.Add(id, n)
				x.Join(id, "r", "m0")
				x.Leave(id, "r")
				x.Remove(id)
			}
		})
	}
	members.Wait()
	x.Add("last", 1)
	x.Join("last", "r")
	want := map[string]bool{"r": true, "last": true, "m0": false, "m1": false, "m2": false, "m3": false}
	if d := cmp.Diff(want, exists); d != "" {
		t.Error(d)
	}
}

// WatchCounts is told of each number that Counts has. Members in their own rooms are not in either.
func TestWatchCounts(t *testing.T) {
	x := rooms.New[int](nil)
	told := make(map[string]int)
	x.WatchCounts(func(room string, members int) {
		if told[room] == members {
			t.Errorf("%s has %d, twice", room, members)
		}
		if told[room] = members; members == 0 {
			delete(told, room)
		}
	})
	want := func(want map[string]int) {
		t.Helper()
		counts := make(map[string]int)
		x.Counts(func(room string, members int) { counts[room] = members })
		if d := cmp.Diff(want, told) + cmp.Diff(want, counts); d != "" || x.RoomCount() != len(want) {
			t.Errorf("%d rooms, %s", x.RoomCount(), d)
		}
	}
	x.Add("a", 1)
	x.Add("b", 2)
	want(map[string]int{})
	x.Join("a", "r", "b", "r")
	x.Join("b", "r")
	want(map[string]int{"r": 2, "b": 1})
	x.Leave("b", "b")
	x.Remove("b")
	want(map[string]int{"r": 1, "b": 1})
	x.Remove("a")
	want(map[string]int{})
}
