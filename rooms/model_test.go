package rooms_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gosocketio/socketio/rooms"
)

// model is the index as one would write it first: maps and slices, everything searched.
type model struct {
	ids   []string            // in order of Add
	rooms map[string][]string // members in join order; a member's own room starts with its owner
}

func (m *model) add(id string) {
	if slices.Contains(m.ids, id) {
		return
	}
	m.ids = append(m.ids, id)
	m.join(id, id)
}

func (m *model) join(id, room string) {
	if !slices.Contains(m.ids, id) || slices.Contains(m.rooms[room], id) {
		return
	}
	if id == room {
		m.rooms[room] = append([]string{id}, m.rooms[room]...)
	} else {
		m.rooms[room] = append(m.rooms[room], id)
	}
}

func (m *model) leave(id, room string) {
	if i := slices.Index(m.rooms[room], id); i >= 0 {
		m.rooms[room] = slices.Delete(m.rooms[room], i, i+1)
		if len(m.rooms[room]) == 0 {
			delete(m.rooms, room)
		}
	}
}

func (m *model) remove(id string) {
	for room := range m.rooms {
		m.leave(id, room)
	}
	m.ids = slices.DeleteFunc(m.ids, func(x string) bool { return x == id })
}

func (m *model) sel(in, except []string) []string {
	lists := [][]string{m.ids}
	if len(in) > 0 {
		lists = nil
		for _, room := range in {
			lists = append(lists, m.rooms[room])
		}
	}
	var got []string
	for _, list := range lists {
		for _, id := range list {
			out := slices.Contains(got, id)
			for _, room := range except {
				out = out || slices.Contains(m.rooms[room], id)
			}
			if !out {
				got = append(got, id)
			}
		}
	}
	return got
}

func (m *model) roomsOf(id string) []string {
	var names []string
	for room, ids := range m.rooms {
		if slices.Contains(ids, id) {
			names = append(names, room)
		}
	}
	slices.Sort(names)
	return names
}

// Random operations on the index and on the model give the same answers, order included.
func TestAgainstModel(t *testing.T) {
	for seed := range uint64(40) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			run(t, rand.New(rand.NewPCG(seed, 1)), 3000, 4+int(seed)*3, 3+int(seed)*2)
		})
	}
}

func run(t *testing.T, r *rand.Rand, steps, ids, names int) {
	t.Helper()
	x := rooms.New[string](nil)
	m := &model{rooms: map[string][]string{}}
	id := func() string { return fmt.Sprint("id", r.IntN(ids)) }
	room := func() string {
		if r.IntN(8) == 0 { // a room that is also somebody's own room
			return id()
		}
		return fmt.Sprint("room", r.IntN(names))
	}
	some := func() []string {
		var list []string
		for range r.IntN(4) {
			list = append(list, room())
		}
		return list
	}
	for step := range steps {
		switch r.IntN(10) {
		case 0, 1:
			who := id()
			x.Add(who, who)
			m.add(who)
		case 2:
			who := id()
			x.Remove(who)
			m.remove(who)
		case 3, 4, 5:
			who, list := id(), some()
			x.Join(who, list...)
			for _, name := range list {
				m.join(who, name)
			}
		case 6, 7:
			who, name := id(), room()
			x.Leave(who, name)
			m.leave(who, name)
		default:
			in, except := some(), some()
			if want, got := m.sel(in, except), x.Select(nil, in, except); !slices.Equal(want, got) {
				t.Fatalf("step %d, select %q except %q (-want +got):\n%s", step, in, except, cmp.Diff(want, got))
			}
			who, name := id(), room()
			got := x.Rooms(who)
			slices.Sort(got)
			if d := cmp.Diff(m.roomsOf(who), got); d != "" && len(m.roomsOf(who))+len(got) > 0 {
				t.Fatalf("step %d, rooms of %s:\n%s", step, who, d)
			}
			if got, want := x.In(who, name), slices.Contains(m.rooms[name], who); got != want {
				t.Fatalf("step %d, In(%s, %s) = %v", step, who, name, got)
			}
			if got, want := x.RoomLen(name), len(m.rooms[name]); got != want {
				t.Fatalf("step %d, RoomLen(%s) = %d, want %d", step, name, got, want)
			}
			if d := cmp.Diff(m.rooms[name], x.Members(name)); d != "" && len(m.rooms[name]) > 0 {
				t.Fatalf("step %d, members of %s:\n%s", step, name, d)
			}
			if got, want := len(x.AllRooms()), len(m.rooms); got != want {
				t.Fatalf("step %d, %d rooms, want %d", step, got, want)
			}
			if x.Len() != len(m.ids) {
				t.Fatalf("step %d, Len = %d, want %d", step, x.Len(), len(m.ids))
			}
		}
	}
}
