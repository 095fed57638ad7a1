package redis

import (
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/rueidis"

	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/adapter/redis/redistest"
	"github.com/gosocketio/socketio/internal/brokertest"
)

// The heartbeats of processes come to Go servers, and not to the channels and the stream of official
// servers.
func TestHeartbeatsOfProcesses(t *testing.T) {
	redis := redistest.Start(t)
	all := maps.Collect(maps.All(configs(redis.URL())))
	streams := strings.Replace(redis.URL(), "redis://", "redis+streams://", 1)
	all["streams"], all["streams sharded"] = Config{URL: streams}, Config{URL: streams, ShardedPubSub: true}
	for name, c := range all {
		t.Run(name, func(t *testing.T) {
			c.Prefix = strings.ReplaceAll(name, " ", "-")
			client, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{redis.Addr()}, DisableCache: true})
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			official, release := client.Dedicate()
			defer release()
			heard := make(chan string, 100)
			official.SetPubSubHooks(rueidis.PubSubHooks{OnMessage: func(m rueidis.PubSubMessage) { heard <- m.Channel }})
			for _, r := range official.DoMulti(t.Context(),
				client.B().Psubscribe().Pattern(c.Prefix+"#/*", c.Prefix+"-request#/*", c.Prefix+"-response#/*").Build(),
				client.B().Ssubscribe().Channel(c.Prefix+"#/#").Build(),
			) {
				if err := r.Error(); err != nil {
					t.Fatal(err)
				}
			}

			a, b := start(t, "aaaaaa", c), start(t, "bbbbbb", c)
			linkA, _ := a.Link("")
			_, memberB := b.Link("")
			hello := &adapter.Hello{Protocol: 3, Oldest: 2, Address: "http://10.0.0.1:3000"}
			for _, m := range []*adapter.Message{
				{UID: a.UID, Type: adapter.MessageInitialHeartbeat, Count: 1, Rooms: []string{"/"}, Hello: hello},
				{UID: a.UID, Type: adapter.MessageHeartbeat, Count: 2, Hello: hello},
				{UID: a.UID, Type: adapter.MessageAdapterClose},
			} {
				publishNow(t, linkA, m)
				if d := cmp.Diff(m, memberB.Next(t)); d != "" {
					t.Error(d)
				}
			}

			// A question comes behind them, to official servers too.
			link, _ := a.Link("/")
			publishNow(t, link, &adapter.Message{UID: a.UID, Namespace: "/", Type: adapter.MessageFetchSockets, RequestID: "q"})
			if channel := brokertest.Get(t, "question", heard); !strings.HasSuffix(channel, "#/#") || len(heard) > 0 {
				t.Errorf("official servers hear of %s and %d more", channel, len(heard))
			}
			if err := link.Close(); err != nil {
				t.Error(err)
			}
			if s := a.Stats(); s.Failed+s.Gaps+s.Invalid != 0 || redis.Do("EXISTS", c.Prefix) != "0" {
				t.Errorf("stats are %+v, stream: %s", s, redis.Do("EXISTS", c.Prefix))
			}
		})
	}
}
