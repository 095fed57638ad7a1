package embedded

import (
	"strconv"
	"testing"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/adapter/adaptertest"
	"github.com/gosocketio/socketio/internal/brokertest"
	"github.com/gosocketio/socketio/siotest"
)

func TestSuite(t *testing.T) {
	t.Parallel() // it waits most of the time
	adaptertest.Suite{Adapters: func(t *testing.T, n int) (list []adapter.Factory) {
		for _, c := range nodes(t, n) {
			list = append(list, New(c))
		}
		return list
	}}.Run(t)
}

// nodes returns n nodes of a cluster. All but the first, which starts first, know the first.
func nodes(t *testing.T, n int) []Config {
	list := make([]Config, n)
	for i := range list {
		list[i].Listen = address(t)
		if i > 0 {
			list[i].Routes = []string{list[0].Listen}
		}
	}
	return list
}

// An event that is sent to a room right after Join has returned on another node reaches the socket.
func TestJoinIsHeard(t *testing.T) {
	t.Parallel()
	all := make([]*socketio.Server, 3)
	for i, c := range nodes(t, len(all)) {
		var err error
		if all[i], err = serve(t, c); err != nil {
			t.Fatal(err)
		}
	}
	for _, s := range all {
		counts(t, s, len(all))
	}
	joined := make(chan *socketio.Socket, 1)
	all[0].OnConnection(func(s *socketio.Socket) { joined <- s })
	client, err := siotest.Serve(t, all[0]).Connect(brokertest.Limit(t), "/", nil)
	if err != nil {
		t.Fatal(err)
	}
	socket, heard := brokertest.Get(t, "socket", joined), 0
	for i := range 300 {
		room, from := "room "+strconv.Itoa(i), all[1+i%2]
		socket.Join(room)
		for _, err := range []error{from.To(room).Emit("n", true), from.Emit("n", false)} {
			if err != nil {
				t.Fatal(err)
			}
		}
		for room := true; room; {
			m, err := client.Receive(brokertest.Limit(t), "n")
			if err != nil {
				t.Fatal(err)
			}
			if room = m.Args()[0] == true; room {
				heard++
			}
		}
	}
	if heard != 300 {
		t.Errorf("%d of 300 events were heard", heard)
	}
}
