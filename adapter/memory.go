package adapter

import (
	"context"
	"iter"
	"sync"

	"github.com/gosocketio/socketio/rooms"
)

// Memory returns the adapter of a server without other servers: everything is in this process.
func Memory(h Host) (Adapter, error) {
	a := newMemory(h, newPresent())
	a.present.p.add(a.present)
	return a, nil
}

func newMemory(h Host, p *present) *memory {
	index := rooms.New[Socket](h.RoomHooks)
	return &memory{host: h, index: index, present: p.space(h.Name(), index)}
}

var _ Factory = Memory

// memory is the in-process adapter.
type memory struct {
	host    Host
	index   *rooms.Index[Socket]
	present *space
	lists   sync.Pool // *[]Socket: targets of a broadcast under way
}

func (a *memory) Add(s Socket)                    { a.index.Add(s.ID(), s) }
func (a *memory) Remove(id string)                { a.index.Remove(id) }
func (a *memory) Join(id string, rooms ...string) { a.index.Join(id, rooms...) }
func (a *memory) Leave(id, room string)           { a.index.Leave(id, room) }
func (a *memory) Rooms(id string) []string        { return a.index.Rooms(id) }
func (a *memory) In(id, room string) bool         { return a.index.In(id, room) }
func (a *memory) Get(id string) (Socket, bool)    { return a.index.Get(id) }
func (a *memory) Len() int                        { return a.index.Len() }
func (a *memory) AllRooms() []string              { return a.index.AllRooms() }
func (a *memory) RoomLen(room string) int         { return a.index.RoomLen(room) }

func (a *memory) Select(dst []Socket, o Options) []Socket {
	return a.index.Select(dst, o.Rooms, o.Except)
}

func (a *memory) Broadcast(p *Packet, o Options) error { return a.host.Deliver(p, o) }

func (a *memory) BroadcastWithAck(p *Packet, o Options, count func(int), answer func(Answer)) (func(), error) {
	list := a.targets(o)
	defer a.release(list)
	return a.host.DeliverWithAck(*list, p, o.Flags, count, answer)
}

func (a *memory) FetchSockets(ctx context.Context, o Options) iter.Seq2[Info, error] {
	return func(yield func(Info, error) bool) {
		list := a.targets(o)
		defer a.release(list)
		for _, s := range *list {
			if ctx.Err() != nil {
				yield(Info{}, context.Cause(ctx))
				return
			}
			if !yield(Info{ID: s.ID(), Rooms: a.index.Rooms(s.ID()), Local: s}, nil) {
				return
			}
		}
	}
}

func (a *memory) AddSockets(o Options, rooms ...string) error {
	list := a.targets(o)
	defer a.release(list)
	for _, s := range *list {
		a.index.Join(s.ID(), rooms...)
	}
	return nil
}

func (a *memory) DelSockets(o Options, rooms ...string) error {
	list := a.targets(o)
	defer a.release(list)
	for _, s := range *list {
		for _, room := range rooms {
			a.index.Leave(s.ID(), room)
		}
	}
	return nil
}

func (a *memory) DisconnectSockets(o Options, close bool) error {
	list := a.targets(o)
	defer a.release(list)
	a.host.Disconnect(*list, close)
	return nil
}

// ServerSideEmit does nothing: there is no other server.
func (a *memory) ServerSideEmit(*Packet) error { return nil }

func (a *memory) ServerSideEmitWithAck(_ *Packet, count func(int), _ func(Answer)) (func(), error) {
	count(0)
	return func() {}, nil
}

func (a *memory) ServerCount(context.Context) (int, error) { return 1, nil }

func (a *memory) Close() error { return nil }

// targets returns a pooled list of the sockets that o selects. release returns it to the pool.
func (a *memory) targets(o Options) *[]Socket {
	list, _ := a.lists.Get().(*[]Socket)
	if list == nil {
		list = new([]Socket)
	}
	*list = a.index.Select(*list, o.Rooms, o.Except)
	return list
}

func (a *memory) release(list *[]Socket) {
	clear(*list) // a pooled list must not keep sockets alive
	*list = (*list)[:0]
	a.lists.Put(list)
}
