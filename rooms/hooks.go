package rooms

// Hooks are told about changes. Each is optional. They run on the goroutine that made the change, after the lock is
// released, so they may use the index; the hooks of one call run in order (Create before Join, Leave before
// Delete), those of concurrent calls may interleave.
type Hooks struct {
	// Create runs when a room gets its first member.
	Create func(room string)
	// Join runs when a member enters a room that it was not in.
	Join func(room, id string)
	// Leave runs when a member leaves a room that it was in.
	Leave func(room, id string)
	// Delete runs when a room lost its last member.
	Delete func(room string)
}

// changes collects, under the lock, what the hooks are told afterwards. With no hooks it stays empty.
type changes struct {
	hooks []*Hooks
	list  []change
}

type change struct {
	kind kind
	room string
	id   string
}

type kind uint8

const (
	created kind = iota
	joined
	left
	deleted
)

func (c *changes) add(k kind, room, id string) {
	if len(c.hooks) > 0 {
		c.list = append(c.list, change{k, room, id})
	}
}

// tell runs the hooks. The lock must not be held.
func (c *changes) tell() {
	for _, e := range c.list {
		for _, h := range c.hooks {
			h.tell(e)
		}
	}
}

func (h *Hooks) tell(e change) {
	switch {
	case e.kind == created && h.Create != nil:
		h.Create(e.room)
	case e.kind == joined && h.Join != nil:
		h.Join(e.room, e.id)
	case e.kind == left && h.Leave != nil:
		h.Leave(e.room, e.id)
	case e.kind == deleted && h.Delete != nil:
		h.Delete(e.room)
	}
}
