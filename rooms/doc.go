// Package rooms keeps which members are in which rooms, and selects members by rooms.
//
// It does not broadcast and knows no sockets: a member is any value M under an id. It runs no user
// code under its lock: hooks run after that is released.
//
// # Own rooms
//
// A new member is in the room named after its own id, until it leaves that room. This membership is
// a flag on the member, so that a server whose sockets join nothing has one map entry per socket
// and not two. Another member may join such a room like any other. A member that left its own room
// still belongs to the whole set.
//
// # Order
//
// [Index.Select] lists the rooms as they were given, the members of one room in the order in which
// they joined it (the owner of an own room first), and everyone in the order of [Index.Add]. Each
// member is listed once.
//
// # Cost
//
// Join, leave, add and remove are O(1) amortised. A room is a slice in join order, whose holes are
// closed when they outnumber the members; members and rooms point at each other's positions. Select
// copies under a read lock and looks up rooms, never members. It allocates only for dst to grow.
//
// # Locking
//
// One RWMutex in [Index] guards everything that the index points to. Only the function of
// [Index.Watch] is called under it.
package rooms
