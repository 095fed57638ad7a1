// Package rooms keeps who is in what: members, rooms, and the set algebra that turns "these rooms, except those"
// into a list of members.
//
// It is not a broadcaster and knows no sockets: a member is any value M under an id. It holds no user code either -
// hooks run after the lock is gone.
//
// # Own rooms
//
// Every member is, from the moment it is added, in the room named after its own id, until it leaves that room. This
// membership is a flag on the member, so that a server whose sockets join nothing pays for one map entry per socket
// and not two. Another member may join such a room as any other; a member that left its own room still belongs to
// the whole set.
//
// # Order
//
// [Index.Select] lists the rooms as they were given, the members of one room in the order in which they joined it
// (the owner of an own-id room first), and everyone in the order in which they were added. Everybody is listed
// once.
//
// # Cost
//
// Join, leave, add and remove are O(1) amortised: a room is a slice in join order whose holes are closed when they
// outnumber the members, and members and rooms point at each other's positions. Select copies under a read lock and
// looks up rooms, never members; it allocates nothing but what dst needs to grow.
//
// # Locking
//
// One RWMutex in [Index] guards everything the index points to. It is a leaf: nothing else is called while it is
// held.
package rooms
