package adapter_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gosocketio/socketio/adapter"
)

func TestClusterFetchSockets(t *testing.T) {
	three(t, func(t *testing.T, _ *net, a, b, c *node) {
		fetch := func(ctx context.Context) (ids []string, last error) {
			for info, err := range a.cluster.FetchSockets(ctx, adapter.Options{}) {
				if err != nil {
					last = err
					continue
				}
				ids = append(ids, info.ID)
				if (info.Local == nil) != (info.ID != "a") || info.Local == nil && string(info.Data) != `{"of":"`+info.ID+`"}` {
					t.Errorf("got %+v", info)
				}
			}
			slices.Sort(ids)
			return ids, last
		}
		b.cluster.Add(socket("gone"))
		if ids, err := fetch(t.Context()); !slices.Equal(ids, []string{"a", "b", "c"}) || err != nil {
			t.Errorf("got %q, %v", ids, err)
		}
		// Those that do not answer are named, and what the others have is there.
		c.silent.Store(true)
		for _, limit := range []time.Duration{time.Second, 5 * time.Second} {
			ctx := t.Context()
			if limit < 5*time.Second { // else it is the default
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, limit)
				defer cancel()
			}
			began := time.Now()
			ids, err := fetch(ctx)
			var missing *adapter.MissingServersError
			if !slices.Equal(ids, []string{"a", "b"}) || !errors.As(err, &missing) || !errors.Is(err, context.DeadlineExceeded) ||
				!slices.Equal(missing.UIDs, []string{c.cluster.UID()}) || !strings.Contains(err.Error(), c.cluster.UID()) {
				t.Errorf("got %q, %v", ids, err)
			}
			if took := time.Since(began); took > limit+100*time.Millisecond {
				t.Errorf("took %v", took)
			}
			c.silent.Store(false)
			time.Sleep(6 * time.Second)
			c.silent.Store(true)
		}
		// One that goes meanwhile is not waited for.
		began := time.Now()
		go func() {
			time.Sleep(time.Second)
			c.silent.Store(false)
			_ = c.cluster.Close()
		}()
		if ids, err := fetch(t.Context()); len(ids) != 2 || err != nil || time.Since(began) > 2*time.Second {
			t.Errorf("got %q, %v after %v", ids, err, time.Since(began))
		}
		for _, err := range a.cluster.FetchSockets(t.Context(), adapter.Options{}) {
			if err != nil {
				t.Error(err)
			}
			break
		}
	})
}

func TestClusterAcks(t *testing.T) {
	three(t, func(t *testing.T, _ *net, a, b, c *node) {
		var mu sync.Mutex
		var got []string
		counts := 0
		ask := func() (cancel func()) {
			got, counts = nil, 0
			a.pending, b.pending, c.pending = nil, nil, nil
			cancel, err := a.cluster.BroadcastWithAck(&adapter.Packet{Event: "e"}, adapter.Options{Flags: adapter.Flags{Timeout: 3 * time.Second}},
				func(n int) {
					mu.Lock()
					defer mu.Unlock()
					counts++
					got = append(got, fmt.Sprint(n, " asked"))
				},
				func(a adapter.Answer) {
					mu.Lock()
					defer mu.Unlock()
					got = append(got, fmt.Sprintf("%s%s %v", a.SocketID, a.Args, a.Err))
				})
			if err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			return cancel
		}
		want := func(lines ...string) {
			t.Helper()
			synctest.Wait()
			mu.Lock()
			defer mu.Unlock()
			slices.Sort(got)
			slices.Sort(lines)
			if d := cmp.Diff(lines, got); d != "" || counts != 1 {
				t.Errorf("%d counts, %s", counts, d)
			}
		}
		value := func(v string) adapter.Answer {
			return adapter.Answer{SocketID: "x", Args: []json.RawMessage{json.RawMessage(v), json.RawMessage(`"second"`)}}
		}
		cancel := ask()
		a.pending[0](value("1"))
		b.pending[0](value("2"))
		c.pending[0](adapter.Answer{SocketID: "c"}) // without a value
		want("3 asked", `x[1 "second"] <nil>`, "[2] <nil>", "[] <nil>")
		cancel()

		// A client that disconnects on another server: the protocol has no word for it. Nothing is
		// kept of it for ever.
		cancel = ask()
		c.pending[0](adapter.Answer{SocketID: "c", Err: errors.New("gone")})
		a.pending[0](value("1"))
		want("3 asked", `x[1 "second"] <nil>`)
		cancel()
		before := b.forgotten.Load()
		time.Sleep(5 * time.Second)
		if b.forgotten.Load() == before {
			t.Error("b still waits")
		}

		// A server that goes owes no answers any more.
		cancel = ask()
		b.pending[0](value("2"))
		synctest.Wait()
		if err := c.cluster.Close(); err != nil {
			t.Fatal(err)
		}
		want("3 asked", "[2] <nil>", "[] "+adapter.ErrServerGone.Error())
		a.pending[0](value("1"))
		cancel()
	})
}

func TestClusterServerSide(t *testing.T) {
	three(t, func(t *testing.T, _ *net, a, b, c *node) {
		values := []any{1, []byte{2}, map[string]any{"x": []byte{3}}}
		if err := a.cluster.ServerSideEmit(&adapter.Packet{Event: "e", Args: values}); err != nil {
			t.Fatal(err)
		}
		if len(a.events) != 0 || len(b.events) != 1 || len(c.events) != 1 || b.events[0].Answer != nil || len(b.events[0].Attachments) != 2 {
			t.Errorf("a got %v, b %v", a.events, b.events)
		}
		var mu sync.Mutex
		var got []string
		servers := 0
		cancel, err := a.cluster.ServerSideEmitWithAck(&adapter.Packet{Event: "e"}, func(n int) { servers = n }, func(a adapter.Answer) {
			mu.Lock()
			defer mu.Unlock()
			got = append(got, fmt.Sprintf("%s %v", a.Args, a.Err))
		})
		if err != nil || servers != 2 {
			t.Fatalf("%d servers, %v", servers, err)
		}
		for range 2 { // only the first counts
			b.events[1].Answer(json.RawMessage(`"from b"`), nil)
		}
		synctest.Wait()
		_ = c.cluster.Close()
		synctest.Wait()
		if d := cmp.Diff([]string{`["from b"] <nil>`, "[] " + adapter.ErrServerGone.Error()}, got); d != "" {
			t.Error(d)
		}
		cancel()
		b.events[1].Answer(json.RawMessage(`"late"`), nil)
	})
}

// An answer that cannot be sent is reported.
func TestClusterAnswerFails(t *testing.T) {
	three(t, func(t *testing.T, w *net, a, b, _ *node) {
		w.fail(errors.New("no broker"))
		a.cluster.Receive(&adapter.Message{
			UID: b.cluster.UID(), Namespace: "/test", Type: adapter.MessageFetchSockets, RequestID: "r",
		})
		w.fail(nil)
		if errs := a.reported(); len(errs) != 1 || !errors.Is(errs[0], adapter.ErrBroker) {
			t.Errorf("reported %v", errs)
		}
	})
}

// What was announced is what is answered, whatever comes twice, late, or from a server that has
// only just come: the loop that waits counts.
func TestClusterAcksAreAsManyAsAnnounced(t *testing.T) {
	three(t, func(t *testing.T, w *net, a, b, c *node) {
		var announced, answers int
		var id string
		ask := func() (cancel func()) {
			announced, answers = -1, 0
			a.pending, b.pending, c.pending = nil, nil, nil
			cancel, err := a.cluster.BroadcastWithAck(&adapter.Packet{Event: "e"}, adapter.Options{},
				func(n int) { announced = n }, func(adapter.Answer) { answers++ })
			if err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			w.mu.Lock()
			defer w.mu.Unlock()
			id = w.request
			return cancel
		}
		say := func(uid string, kind adapter.MessageType, count int) {
			a.cluster.Receive(&adapter.Message{UID: uid, Namespace: "/test", Type: kind, RequestID: id, Count: count,
				Values: adapter.Values{JSON: []json.RawMessage{json.RawMessage("1")}}})
		}
		want := func(wantAnnounced, wantAnswers int) {
			t.Helper()
			synctest.Wait()
			if announced != wantAnnounced || answers != wantAnswers {
				t.Errorf("%d announced, %d answered; want %d and %d", announced, answers, wantAnnounced, wantAnswers)
			}
		}
		value := adapter.Answer{Args: []json.RawMessage{json.RawMessage("1")}}

		cancel := ask()
		want(3, 0)
		say("new", adapter.MessageBroadcastClientCount, 2) // too late to be waited for
		say("new", adapter.MessageBroadcastAck, 0)
		want(3, 0)
		a.pending[0](value)
		b.pending[0](value)
		want(3, 2)
		say(b.cluster.UID(), adapter.MessageBroadcastClientCount, 5) // once more
		say(b.cluster.UID(), adapter.MessageBroadcastAck, 0)
		want(3, 2)
		if err := c.cluster.Close(); err != nil {
			t.Fatal(err)
		}
		want(3, 3)
		say(c.cluster.UID(), adapter.MessageBroadcastAck, 0) // late
		want(3, 3)
		cancel()

		time.Sleep(15 * time.Second) // a and b are left
		b.silent.Store(true)
		cancel = ask()
		want(-1, 0)
		say("other", adapter.MessageBroadcastClientCount, 2) // has just come, in time
		say("other", adapter.MessageBroadcastAck, 0)
		say(b.cluster.UID(), adapter.MessageBroadcastClientCount, math.MaxInt)
		want(1+2+1<<20, 1) // as many as one server may have
		cancel()
		b.silent.Store(false)
		time.Sleep(6 * time.Second)
	})
}
