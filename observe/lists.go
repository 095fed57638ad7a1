package observe

import (
	"cmp"
	"encoding/base64"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gosocketio/socketio"
)

// maxRooms limits the rooms that are listed for one socket.
const maxRooms = 100

// socketInfo describes a socket.
type socketInfo struct {
	ID           string   `json:"id"`
	Namespace    string   `json:"namespace"`
	Rooms        []string `json:"rooms"`     // the first of them in alphabetical order
	RoomCount    int      `json:"roomCount"` // all of them
	Address      string   `json:"address"`
	Transport    string   `json:"transport"`
	QueueBytes   int      `json:"queueBytes"`
	QueuePackets int      `json:"queuePackets"`
	Paused       bool     `json:"paused"`    // not read: its events wait for handlers, or it is throttled
	Throttled    bool     `json:"throttled"` // not read: Config.ByteLimit
	Seconds      float64  `json:"seconds"`
}

func describe(s *socketio.Socket) socketInfo {
	rooms := s.Rooms()
	slices.Sort(rooms)
	stats, address := s.Conn().Stats(), s.Handshake().RemoteAddr
	if ip := s.Handshake().ClientIP(); ip.IsValid() {
		address = ip.String()
	}
	return socketInfo{
		ID: s.ID(), Namespace: s.Namespace().Name(), Rooms: rooms[:min(len(rooms), maxRooms)], RoomCount: len(rooms),
		Address: address, Transport: stats.Transport.String(),
		QueueBytes: stats.BufferedBytes, QueuePackets: stats.BufferedPackets, Paused: stats.Paused,
		Throttled: stats.Throttled, Seconds: stats.Age.Round(time.Millisecond).Seconds(),
	}
}

// socketsPage is the answer of /sockets and /slow.
type socketsPage struct {
	Sockets []socketInfo `json:"sockets"`
	Next    string       `json:"next,omitempty"`
}

// sockets answers with the sockets in the order of their namespaces and ids.
func (h *handler) sockets(w http.ResponseWriter, r *http.Request) {
	list, next, ok := page(h, w, r, func(ns *socketio.Namespace, add func(id string, s *socketio.Socket)) {
		for _, s := range ns.Sockets() {
			add(s.ID(), s)
		}
	})
	if !ok {
		return
	}
	all := socketsPage{Sockets: make([]socketInfo, len(list)), Next: next}
	for i, x := range list {
		all.Sockets[i] = describe(x.value)
	}
	answer(w, all)
}

// slow answers with the sockets that have a queue, or are not read.
func (h *handler) slow(w http.ResponseWriter, r *http.Request) {
	limit, ok := limitOf(w, r)
	if !ok {
		return
	}
	type queued struct {
		socket *socketio.Socket
		bytes  int
	}
	first := first[queued]{limit: limit, compare: func(a, b queued) int { return cmp.Compare(b.bytes, a.bytes) }}
	for _, ns := range h.io.Namespaces() {
		for _, s := range ns.Sockets() {
			if stats := s.Conn().Stats(); stats.BufferedPackets > 0 || stats.Paused {
				first.add(queued{s, stats.BufferedBytes})
			}
		}
	}
	all := socketsPage{Sockets: make([]socketInfo, len(first.list))}
	for i, x := range first.list {
		all.Sockets[i] = describe(x.socket)
	}
	answer(w, all)
}

// roomInfo describes a room.
type roomInfo struct {
	Namespace string `json:"namespace"`
	Room      string `json:"room"`
	Sockets   int    `json:"sockets"`
}

// rooms answers with the rooms in the order of their namespaces and names, without those that are
// named after a socket.
func (h *handler) rooms(w http.ResponseWriter, r *http.Request) {
	list, next, ok := page(h, w, r, func(ns *socketio.Namespace, add func(room string, _ *socketio.Namespace)) {
		for _, room := range ns.AllRooms() {
			if _, own := ns.Socket(room); !own {
				add(room, ns)
			}
		}
	})
	if !ok {
		return
	}
	all := struct {
		Rooms []roomInfo `json:"rooms"`
		Next  string     `json:"next,omitempty"`
	}{make([]roomInfo, len(list)), next}
	for i, x := range list {
		all.Rooms[i] = roomInfo{x.namespace, x.name, x.value.RoomLen(x.name)}
	}
	answer(w, all)
}

// item is a socket or a room of a namespace.
type item[T any] struct {
	namespace, name string
	value           T
}

func (x item[T]) compare(y item[T]) int {
	return cmp.Or(strings.Compare(x.namespace, y.namespace), strings.Compare(x.name, y.name))
}

// page returns the items behind the parameter cursor, at most as many as the parameter limit says,
// and the cursor of the next page. The parameter namespace leaves out the others. If a parameter is
// invalid page answers the request itself.
func page[T any](
	h *handler, w http.ResponseWriter, r *http.Request, list func(ns *socketio.Namespace, add func(name string, v T)),
) (items []item[T], next string, ok bool) {
	limit, ok := limitOf(w, r)
	if !ok {
		return nil, "", false
	}
	var after item[T]
	cursor := r.URL.Query().Get("cursor")
	if cursor != "" {
		raw, err := base64.RawURLEncoding.DecodeString(cursor)
		if err != nil {
			text(w, http.StatusBadRequest, "cursor is invalid, it must be the member next of an answer")
			return nil, "", false
		}
		after.namespace, after.name, _ = strings.Cut(string(raw), ",") // which no namespace has
	}
	only := r.URL.Query().Get("namespace")
	first := first[item[T]]{limit: limit + 1, compare: item[T].compare}
	for _, ns := range h.io.Namespaces() {
		if only != "" && ns.Name() != only || ns.Name() < after.namespace {
			continue
		}
		list(ns, func(name string, v T) {
			if x := (item[T]{ns.Name(), name, v}); cursor == "" || x.compare(after) > 0 {
				first.add(x)
			}
		})
	}
	if items = first.list; len(items) > limit {
		items = items[:limit]
		last := items[limit-1]
		next = base64.RawURLEncoding.EncodeToString([]byte(last.namespace + "," + last.name))
	}
	return items, next, true
}

// first keeps the first items of an order, without the memory for all of them.
type first[T any] struct {
	limit   int
	compare func(a, b T) int
	list    []T
}

func (f *first[T]) add(x T) {
	i, _ := slices.BinarySearchFunc(f.list, x, f.compare)
	if i == f.limit {
		return
	}
	if len(f.list) == f.limit {
		f.list = f.list[:f.limit-1]
	}
	f.list = slices.Insert(f.list, i, x)
}
