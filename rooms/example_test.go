package rooms_test

import (
	"fmt"

	"github.com/gosocketio/socketio/rooms"
)

func newIndex() *rooms.Index[string] {
	x := rooms.New[string](nil)
	x.Add("id1", "Ann")
	x.Add("id2", "Bob")
	x.Add("id3", "Cleo")
	x.Join("id1", "chess", "tea")
	x.Join("id2", "tea")
	return x
}

func ExampleIndex_Select() {
	x := newIndex()
	fmt.Println(x.Select(nil, nil, nil))
	fmt.Println(x.Select(nil, []string{"tea", "chess"}, nil))
	fmt.Println(x.Select(nil, nil, []string{"chess"}))
	fmt.Println(x.Select(nil, []string{"id3"}, nil))
	// Output:
	// [Ann Bob Cleo]
	// [Ann Bob]
	// [Bob Cleo]
	// [Cleo]
}

func ExampleIndex_Join() {
	x := newIndex()
	x.Join("id3", "tea")
	fmt.Println(x.Members("tea"), x.RoomLen("tea"), x.In("id3", "chess"))
	// Output: [id1 id2 id3] 3 false
}

func ExampleIndex_Leave() {
	x := newIndex()
	x.Leave("id2", "tea")
	fmt.Println(x.Members("tea"))
	// Output: [id1]
}

func ExampleIndex_Remove() {
	x := newIndex()
	x.Remove("id1")
	fmt.Println(x.Len(), x.Members("tea"), x.Rooms("id1") == nil)
	// Output: 2 [id2] true
}

func ExampleIndex_Rooms() {
	x := newIndex()
	fmt.Println(x.Rooms("id2"))
	// Output: [id2 tea]
}

func ExampleNew() {
	hooks := []*rooms.Hooks{{
		Create: func(room string) { fmt.Println("new room", room) },
		Join:   func(room, id string) { fmt.Println(id, "joins", room) },
	}}
	x := rooms.New[int](func() []*rooms.Hooks { return hooks })
	x.Add("id1", 1)
	x.Join("id1", "tea")
	// Output:
	// new room id1
	// id1 joins id1
	// new room tea
	// id1 joins tea
}

func ExampleIndex_Watch() {
	x := rooms.New[int](nil)
	x.Watch(func(room string, exists bool) { fmt.Println(room, exists) })
	x.Add("id1", 1)
	x.Join("id1", "tea")
	x.Leave("id1", "tea")
	// Output:
	// id1 true
	// tea true
	// tea false
}
