package socketio_test

import (
	"context"
	"encoding/json"
	"iter"
	"testing"
	"time"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/adapter"
)

// elsewhere is an adapter that knows sockets of other servers: one as ours describes it, one as the
// official server does, and one of which nothing is known.
type elsewhere struct {
	adapter.Adapter
	host adapter.Host
	like *adapter.Socket // what the first one looks like
}

func (a elsewhere) FetchSockets(context.Context, adapter.Options) iter.Seq2[adapter.Info, error] {
	return func(yield func(adapter.Info, error) bool) {
		handshake, data := a.host.Describe(*a.like)
		_ = yield(adapter.Info{ID: "ours", Rooms: []string{"ours", "r"}, Handshake: handshake, Data: data}, nil) &&
			yield(adapter.Info{
				ID:    "official",
				Rooms: []string{"official", "room1"},
				Data:  json.RawMessage(`{"username":"john","count":"no number"}`),
				Handshake: json.RawMessage(
					`{"headers":{"accept":"*/*","cookie":["a=1","b=2"]},` +
						`"time":"Wed Nov 25 2026 08:51:18 GMT+0000 (Coordinated Universal Time)",` +
						`"address":"::ffff:127.0.0.1","xdomain":true,"secure":false,"issued":1795596678000,` +
						`"url":"/socket.io/?EIO=4&x=1","query":{"EIO":"4","x":"1"},"auth":{"token":"t"}}`,
				),
			}, nil) &&
			yield(adapter.Info{ID: "unknown"}, nil)
	}
}

// What other servers tell of their sockets: id, rooms, handshake and data.
func TestSocketsOfOtherServers(t *testing.T) {
	t.Attr("covers", "socketio/utility-methods/3")
	var like adapter.Socket
	s, e := serve(
		t,
		socketio.Config{OnError: func(*socketio.Socket, error) {}, Adapter: func(h adapter.Host) (adapter.Adapter, error) {
			a, err := adapter.Memory(h)
			return elsewhere{a, h, &like}, err
		}},
	)
	username, count := socketio.NewSharedKey[string]("username"), socketio.NewSharedKey[int]("count")
	private, broken := socketio.NewKey[string]("private"), socketio.NewSharedKey[func()]("broken")
	conn := e.WebSocket("x=a&x=%C3%A9")
	x, _ := s.Socket(conn.Join("/", `{"token":"t"}`))
	like = x
	username.Set(x, "ann")
	count.Set(x, 3)
	private.Set(x, "secret")
	broken.Set(x, func() {})

	var found []socketio.RemoteSocket
	for r, err := range s.FetchSockets(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if _, local := r.Local(); local {
			t.Error("it is on this server")
		}
		found = append(found, r)
	}
	ours, official, unknown := found[0], found[1], found[2]
	if ours.ID() != "ours" || len(official.Rooms()) != 2 || official.Rooms()[1] != "room1" {
		t.Errorf("ids and rooms differ: %v", found)
	}

	if got := string(ours.Data()); got != `{"count":3,"username":"ann"}` {
		t.Errorf("data %s", got)
	}
	want, got := x.Handshake(), ours.Handshake()
	if got.URL != want.URL || got.Host != want.Host || got.Query().Get("x") != want.Query().Get("x") ||
		string(got.Auth) != string(want.Auth) ||
		got.Header().Get("Sec-WebSocket-Version") != "13" ||
		got.Time.UnixMilli() != want.Time.UnixMilli() ||
		got.RemoteAddr != "127.0.0.1" ||
		got.ClientIP().String() != "127.0.0.1" {
		t.Errorf("handshake %+v, want %+v", got.Handshake, want.Handshake)
	}
	h := official.Handshake()
	if h.ClientIP().String() != "127.0.0.1" || !h.CrossDomain || h.Secure ||
		!h.Time.Equal(time.UnixMilli(1795596678000)) || h.Query().Get("x") != "1" ||
		len(h.Header()["Cookie"]) != 2 ||
		h.Header().Get("Accept") != "*/*" ||
		string(h.Auth) != `{"token":"t"}` {
		t.Errorf("handshake %+v", h.Handshake)
	}
	if h := unknown.Handshake(); h.Handshake == nil || h.URL != "" || string(h.Auth) != "{}" ||
		string(unknown.Data()) != "{}" {
		t.Errorf("of nothing: %+v, %s", h, unknown.Data())
	}

	for _, c := range []struct {
		r     socketio.RemoteSocket
		name  string
		n     int
		named bool
	}{{ours, "ann", 3, true}, {official, "john", 0, true}, {unknown, "", 0, false}} {
		name, named := username.GetRemote(c.r)
		n, counted := count.GetRemote(c.r)
		if name != c.name || named != c.named || n != c.n || counted != (c.n != 0) {
			t.Errorf("%s: %q, %d", c.r.ID(), name, n)
		}
		if _, ok := private.GetRemote(c.r); ok {
			t.Errorf("%s: a private value is known", c.r.ID())
		}
	}
	var official2 struct {
		Time  string
		Query map[string]string
	}
	data, err := json.Marshal(want)
	if err == nil {
		err = json.Unmarshal(data, &official2)
	}
	if err != nil || official2.Query["x"] != "é" ||
		len(official2.Time) != len("Wed Nov 25 2026 08:51:18 GMT+0000 (Coordinated Universal Time)") {
		t.Errorf("%s: %v", data, err)
	}
}

// On this server the value itself is found, shared or not.
func TestSharedKeyOnThisServer(t *testing.T) {
	s, e := serve(t, socketio.Config{})
	shared, private := socketio.NewSharedKey[[]int]("shared"), socketio.NewKey[func() int]("private")
	x, _ := s.Socket(e.WebSocket().Join("/", ""))
	shared.Set(x, []int{1})
	private.Set(x, func() int { return 2 })
	for r, err := range s.FetchSockets(t.Context()) {
		v, ok := shared.GetRemote(r)
		f, also := private.GetRemote(r)
		if err != nil || !ok || !also || v[0] != 1 || f() != 2 || string(r.Data()) != `{"shared":[1]}` ||
			r.Handshake().Handshake != x.Handshake().Handshake {
			t.Errorf("%v, %v, %s", v, err, r.Data())
		}
	}
}
