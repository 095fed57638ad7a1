package socketio_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/adapter/adaptertest"
	"github.com/gosocketio/socketio/internal/rawclient"
)

const relaySecret = "0123456789abcdef"

// relaying starts servers that relay, and returns them and their addresses when all know each other.
func relaying(t *testing.T, n int) (servers []*socketio.Server, addresses []string) {
	t.Helper()
	bus := adaptertest.NewBus()
	for range n {
		var s *socketio.Server
		h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.ServeHTTP(w, r) }))
		t.Cleanup(h.Close)
		address := h.Listener.Addr().String()
		s = socketio.New(socketio.Config{
			Adapter: bus.Adapter(adapter.ClusterConfig{}),
			Logger:  slog.New(slog.NewTextHandler(io.Discard, nil)),
			Relay:   &socketio.Relay{Address: address, Secret: relaySecret},
		})
		t.Cleanup(func() { _ = s.Shutdown(context.Background()) })
		socketio.On(s, "echo", func(e *socketio.Event, text string) error { return e.Socket().Emit("echo", text) })
		servers, addresses = append(servers, s), append(addresses, address)
	}
	for _, a := range servers {
		for i, b := range servers {
			for end := time.Now().Add(10 * time.Second); a != b && socketio.RelayLookup(a, socketio.RelayTag(b)) == ""; {
				if time.Now().After(end) {
					t.Fatalf("server %d is not known", i)
				}
				time.Sleep(time.Millisecond)
			}
		}
	}
	return servers, addresses
}

// A client polls and upgrades over servers that do not have its session.
func TestRelay(t *testing.T) {
	_, addresses := relaying(t, 3)
	p := rawclient.At(t, addresses[0]).Polling()
	p.Via(rawclient.At(t, addresses[1]))
	p.Join("/", "")
	p.Send(`42["echo","polling"]`)
	p.Want(`42["echo","polling"]`)
	p.Via(rawclient.At(t, addresses[2]))
	c := p.Upgrade()
	c.Send(`42["echo","upgraded"]`)
	c.Want(`42["echo","upgraded"]`)
}

// While the broker is away, the servers that were known are still relayed to.
func TestRelayWithoutBroker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bus := adaptertest.NewBus()
		var servers []*socketio.Server
		for i := range 3 {
			s := socketio.New(socketio.Config{
				Adapter: bus.Adapter(adapter.ClusterConfig{}),
				Logger:  slog.New(slog.NewTextHandler(io.Discard, nil)),
				Relay:   &socketio.Relay{Address: fmt.Sprintf("10.0.0.%d:80", i), Secret: relaySecret},
			})
			defer func() { _ = s.Shutdown(t.Context()) }()
			servers = append(servers, s)
		}
		tag := func(i int) string { return socketio.RelayTag(servers[i]) }
		want := func(when string, i int, address string) {
			t.Helper()
			if got := socketio.RelayLookup(servers[0], tag(i)); got != address {
				t.Errorf("%s: server %d is at %q, want %q", when, i, got, address)
			}
		}
		time.Sleep(time.Second)
		want("at first", 1, "10.0.0.1:80")
		want("at first", 2, "10.0.0.2:80")
		bus.Cut(0)
		time.Sleep(time.Minute)
		want("in an outage", 1, "10.0.0.1:80")
		bus.Restore(0)
		want("after the outage", 1, "10.0.0.1:80")
		time.Sleep(time.Minute)
		want("long after the outage", 1, "10.0.0.1:80")
		bus.Kill(1)
		time.Sleep(adapter.DefaultHeartbeatTimeout + time.Minute)
		want("after its end", 1, "")
		want("after the end of another one", 2, "10.0.0.2:80")
		if got := socketio.RelayLookup(servers[0], "------"); got != "" {
			t.Errorf("nobody is at %q", got)
		}
	})
}

func TestRelayConfig(t *testing.T) {
	bus := adaptertest.NewBus()
	join := bus.Adapter(adapter.ClusterConfig{})
	for want, c := range map[string]socketio.Config{
		`socketio: invalid configuration: Relay needs an Adapter that joins servers, such as that of adapter/redis`: {
			Relay: &socketio.Relay{Address: "10.0.0.5:3000", Secret: relaySecret},
		},
		`socketio: invalid configuration: Relay.Address is ":3000", it must be host:port, such as 10.0.0.5:3000`: {
			Relay: &socketio.Relay{Address: ":3000", Secret: relaySecret}, Adapter: join,
		},
		`socketio: invalid configuration: Relay.Address is "host:http", it must be host:port, such as 10.0.0.5:3000`: {
			Relay: &socketio.Relay{Address: "host:http", Secret: relaySecret}, Adapter: join,
		},
		`socketio: invalid configuration: Relay.Secret has 6 bytes, it must have at least 16`: {
			Relay: &socketio.Relay{Address: "10.0.0.5:3000", Secret: "secret"}, Adapter: join,
		},
		`socketio: invalid configuration: Relay.MaxRequests is -1, it must be at least 1`: {
			Relay: &socketio.Relay{Address: "10.0.0.5:3000", Secret: relaySecret, MaxRequests: -1}, Adapter: join,
		},
		`socketio: invalid configuration: Relay: the address for relayed requests has 305 bytes, the limit is 256`: {
			Relay: &socketio.Relay{Address: strings.Repeat("x", 300) + ":3000", Secret: relaySecret}, Adapter: join,
		},
		`socketio: invalid configuration: GenerateID cannot go with Relay, which makes the ids: they begin with the server's tag`: {
			Relay: &socketio.Relay{Address: "10.0.0.5:3000", Secret: relaySecret}, Adapter: join,
			GenerateID: func(*http.Request) (string, error) { return "", nil },
		},
	} {
		c.Adapter = fresh(c.Adapter, bus)
		_, err := socketio.NewServer(c)
		if !errors.Is(err, socketio.ErrConfig) || err.Error() != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	}
}

// fresh returns an adapter of its own for each server.
func fresh(f adapter.Factory, bus *adaptertest.Bus) adapter.Factory {
	if f == nil {
		return nil
	}
	return bus.Adapter(adapter.ClusterConfig{})
}
