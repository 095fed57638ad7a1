package adapter_test

import (
	"encoding/json"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gosocketio/socketio/adapter"
)

// What an adapter says comes before its good-bye: who hears of it afterwards would take it for one that is there.
func TestClusterCloseComesLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &net{}
		a, b := w.join(t, "a", adapter.ClusterConfig{}), w.join(t, "b", adapter.ClusterConfig{})
		synctest.Wait()
		w.mu.Lock() // the answer waits for the broker
		b.cluster.Receive(&adapter.Message{UID: a.cluster.UID(), Namespace: "/test", Type: adapter.MessageFetchSockets, RequestID: "r"})
		closed := make(chan error)
		go func() { closed <- b.cluster.Close() }()
		w.mu.Unlock()
		if err := <-closed; err != nil {
			t.Error(err)
		}
		synctest.Wait()
		// Nor does it say anything afterwards.
		if err := b.cluster.Broadcast(&adapter.Packet{Event: "e"}, adapter.Options{}); !errors.Is(err, adapter.ErrBroker) {
			t.Errorf("broadcast: %v", err)
		}
		if d := cmp.Diff([]string{"deliver e[] volatile=false: b"}, b.log); d != "" {
			t.Error(d)
		}
		if known, err := a.cluster.ServerCount(t.Context()); known != 1 || err != nil {
			t.Errorf("%d servers, %v", known, err)
		}
	})
}

// Who does not say who it is is nobody that could be waited for.
func TestClusterMessageWithoutSender(t *testing.T) {
	three(t, func(t *testing.T, _ *net, a, _, _ *node) {
		a.cluster.Receive(&adapter.Message{Namespace: "/test", Type: adapter.MessageHeartbeat})
		if known, err := a.cluster.ServerCount(t.Context()); known != 3 || err != nil {
			t.Errorf("%d servers, %v", known, err)
		}
	})
}

// FuzzClusterReceive gives an adapter whatever a broker may carry: data, and nothing that is run or made from it (CVE-2025-61765).
func FuzzClusterReceive(f *testing.F) {
	f.Attr("covers", "abuse/CVE-2025-61765")
	for kind := range 15 {
		f.Add("x", "/test", byte(kind), "r", "room", "event", `{"_placeholder":true,"num":0}`, []byte{1}, 3)
	}
	f.Add(adapter.Emitter, "/other", byte(3), "", "", "", `[`, []byte(nil), -1)
	f.Fuzz(func(t *testing.T, uid, namespace string, kind byte, request, room, event, value string, attachment []byte, count int) {
		synctest.Test(t, func(t *testing.T) {
			w := &net{}
			a, b := w.join(t, "a", adapter.ClusterConfig{}), w.join(t, "b", adapter.ClusterConfig{})
			synctest.Wait()
			cancel, err := a.cluster.BroadcastWithAck(&adapter.Packet{Event: "e"}, adapter.Options{}, func(int) {}, func(adapter.Answer) {})
			if err != nil {
				t.Fatal(err)
			}
			a.cluster.Receive(&adapter.Message{
				UID: uid, Namespace: namespace, Type: adapter.MessageType(kind), RequestID: request, Event: event,
				Options: adapter.Options{Rooms: []string{room}, Except: []string{event}}, Rooms: []string{room},
				Values:  adapter.Values{JSON: []json.RawMessage{json.RawMessage(value)}, Attachments: [][]byte{attachment}},
				Sockets: []adapter.Info{{ID: room}}, Count: count,
			})
			for info, err := range a.cluster.FetchSockets(t.Context(), adapter.Options{}) {
				_, _ = info, err
			}
			cancel()
			_ = b
			time.Sleep(time.Minute)
			synctest.Wait()
			if known, _ := a.cluster.ServerCount(t.Context()); known != 2 {
				t.Errorf("%d servers", known)
			}
		})
	})
}
