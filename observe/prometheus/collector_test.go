package prometheus

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/adapter/adaptertest"
	"github.com/gosocketio/socketio/internal/leak"
	"github.com/gosocketio/socketio/internal/rawclient"
)

func TestMain(m *testing.M) { leak.Main(m) }

// scrape returns the samples of a registry: "name{labels}" and the value, or the count of a histogram.
func scrape(t *testing.T, r prometheus.Gatherer) map[string]float64 {
	t.Helper()
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	samples := make(map[string]float64)
	for _, f := range families {
		for _, m := range f.GetMetric() {
			var labels []string
			for _, l := range m.GetLabel() {
				labels = append(labels, l.GetName()+"="+l.GetValue())
			}
			name := f.GetName()
			if len(labels) > 0 {
				name += "{" + strings.Join(labels, ",") + "}"
			}
			samples[name] = m.GetCounter().GetValue() + m.GetGauge().GetValue() +
				float64(m.GetHistogram().GetSampleCount())
		}
	}
	return samples
}

// want checks some samples.
func want(t *testing.T, got, want map[string]float64) {
	t.Helper()
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if v, ok := got[name]; !ok || v != want[name] {
			t.Errorf("%s is %v (there: %t), want %v", name, v, ok, want[name])
		}
	}
}

// Each metric of a server follows what happens to its clients and to its broker.
func TestEachMetricMoves(t *testing.T) { synctest.Test(t, testEachMetricMoves) }

func testEachMetricMoves(t *testing.T) {
	bus := adaptertest.NewBus()
	quiet := slog.New(slog.DiscardHandler)
	config := socketio.Config{
		Adapter: bus.Adapter(adapter.ClusterConfig{}), Logger: quiet, MaxBufferedPackets: 8, MaxInboxEvents: 2,
		ConnectionStateRecovery: &socketio.ConnectionStateRecovery{}, PingInterval: time.Hour,
		ByteLimit:            socketio.ByteLimit{Rate: 10_000, Burst: 2000},
		NamespaceEventLimits: map[string]socketio.EventLimit{"/limited": {Rate: 1, Burst: 2}},
	}
	io := socketio.New(config)
	config.Adapter, config.ConnectionStateRecovery = bus.Adapter(adapter.ClusterConfig{}), nil
	other := socketio.New(config)
	unblock := make(chan struct{})
	io.Handle("slow", func(e *socketio.Event) error {
		time.Sleep(3 * time.Millisecond)
		return e.Socket().Emit("done")
	})
	io.Handle("wrong", func(*socketio.Event) error { return errors.New("wrong") })
	io.Handle("block", func(*socketio.Event) error {
		<-unblock
		return nil
	})
	io.Of("/limited")
	io.OfRegexp(regexp.MustCompile(`^/room-\d$`))
	io.Of("/closed").Use(func(*socketio.Socket) error { return &socketio.Error{Message: "no"} })
	r := prometheus.NewPedanticRegistry()
	r.MustRegister(NewCollector(io))
	e := rawclient.ServePipe(t, io)
	t.Cleanup(func() {
		for _, s := range []*socketio.Server{io, other} {
			if err := s.Shutdown(context.Background()); err != nil {
				t.Error(err)
			}
		}
	})
	first := scrape(t, r)

	// Clients come, are refused, send and leave.
	ws := e.WebSocket()
	var session struct{ SID, PID string }
	ws.Send("40")
	if err := json.Unmarshal([]byte(strings.TrimPrefix(ws.Read(), "40")), &session); err != nil {
		t.Fatal(err)
	}
	for _, room := range []string{"/room-1", "/room-2"} {
		ws.Send("40" + room + ",")
		ws.Read()
	}
	ws.Send("40/room-x,", "40/closed,")
	ws.Read()
	ws.Read()
	ws.Send(`42["slow",1]`, `42["wrong"]`, `42/room-1,["x"]`, `42/room-2,["x"]`)
	synctest.Wait()
	time.Sleep(time.Second)
	ws.Read()
	ws.Send("40/limited,")
	ws.Read()
	ws.Send(`42/limited,["x"]`, `42/limited,["x"]`, `42/limited,["`+strings.Repeat("x", 3000)+`"]`)
	synctest.Wait()
	time.Sleep(time.Second)
	if res, err := e.Client().Get("http://pipe.test/socket.io/?EIO=4&transport=pigeon"); err != nil {
		t.Fatal(err)
	} else {
		_ = res.Body.Close()
	}
	poll := e.Polling()
	poll.Send("40")
	poll.Get()
	for range 9 { // more than its queue takes
		_ = io.Except(session.SID).Emit("much")
	}
	poll = e.Polling()
	poll.Send("40")
	poll.Get()
	synctest.Wait()

	// One socket is asked, and answers once; one comes back, and one in vain.
	sockets := io.Of("/").Sockets()
	go func() { _, _ = sockets[0].EmitWithAck(t.Context(), "question") }()
	var asked string
	for !strings.Contains(asked, "question") {
		asked = ws.Read()
	}
	ws.Send("43" + regexp.MustCompile(`^42(\d+)`).FindStringSubmatch(asked)[1] + "[1]")
	_, _ = sockets[0].Timeout(time.Second).EmitWithAck(t.Context(), "unanswered")
	ws.Close()
	synctest.Wait()
	mid := scrape(t, r)
	back := e.WebSocket()
	back.Send(`40{"pid":"` + session.PID + `"}`)
	e.WebSocket().Send(`40{"pid":"unknown"}`)
	synctest.Wait()
	back.Send(`42["block"]`, `42["block"]`, `42["block"]`)
	synctest.Wait()

	// The other server sends what nobody here wants, and the broker goes away.
	_ = other.To("a room that nobody has joined").SocketsLeave("x")
	_ = other.Of("/other").Emit("x")
	foreign(t, bus)
	synctest.Wait()
	bus.Stop()
	_ = io.Of("/").Emit("to other servers")
	queued := scrape(t, r)
	bus.Cut(0)
	bus.Continue()
	time.Sleep(time.Second)
	away := scrape(t, r)
	bus.Restore(0)
	time.Sleep(time.Second)
	close(unblock)
	synctest.Wait()
	last := scrape(t, r)

	const room = `{namespace=^/room-\d$}`
	want(t, first, map[string]float64{
		"socketio_connections{transport=websocket}": 0, "socketio_broker_connected": 1, "socketio_sockets{namespace=/}": 0,
		"socketio_sockets" + room: 0, "socketio_slow_consumers_total": 0,
	})
	want(t, mid, map[string]float64{
		"socketio_recovery_waiting{namespace=/}": 2, "socketio_connections{transport=polling}": 1,
	})
	want(t, queued, map[string]float64{"socketio_connections_paused": 1, "socketio_connections{transport=websocket}": 2})
	want(t, away, map[string]float64{"socketio_broker_connected": 0, "socketio_broker_away_seconds": 1})
	want(t, last, map[string]float64{
		"socketio_connections_opened_total": 5, "socketio_broker_connected": 1, "socketio_broker_away_seconds": 0,
		"socketio_connections_closed_total{rule=queue full}":                1,
		"socketio_slow_consumers_total":                                     1,
		"socketio_requests_refused_total{rule=unknown transport}":           1,
		"socketio_connects_refused_total{rule=unknown namespace}":           1,
		"socketio_connects_refused_total{rule=middleware}":                  1,
		"socketio_events_received_total{namespace=/}":                       5,
		"socketio_events_received_total" + room:                             2,
		"socketio_events_limited_total{limit=namespace,namespace=/limited}": 1,
		"socketio_reads_throttled_total":                                    1,
		"socketio_handler_duration_seconds{namespace=/}":                    5,
		"socketio_handler_duration_seconds" + room:                          2,
		"socketio_handler_errors_total{namespace=/}":                        1,
		"socketio_acks_total{namespace=/,outcome=answered}":                 1,
		"socketio_acks_total{namespace=/,outcome=timeout}":                  1,
		"socketio_recoveries_total{namespace=/,outcome=hit}":                1,
		"socketio_recoveries_total{namespace=/,outcome=miss}":               1,
		"socketio_broker_messages_discarded_total":                          1,
		"socketio_broker_messages_invalid_total":                            1,
		"socketio_broker_messages_failed_total":                             1,
		"socketio_broker_gaps_total":                                        1,
	})
	all := []map[string]float64{first, mid, queued, away, last}
	for _, m := range metrics {
		if !slices.ContainsFunc(all, func(samples map[string]float64) bool {
			for sample, v := range samples {
				if v > 0 && (sample == m.name || strings.HasPrefix(sample, m.name+"{")) {
					return true
				}
			}
			return false
		}) {
			t.Errorf("%s never was more than 0", m.name)
		}
	}
	if problems, err := testutil.GatherAndLint(r); err != nil || len(problems) > 0 {
		t.Error(problems, err)
	}
}

// member is a server that is not one of ours.
type member struct{}

func (member) Namespace() string        { return "/" }
func (member) Receive(*adapter.Message) {}
func (member) Gap(error)                {}

// foreign sends a broadcast that no server can read.
func foreign(t *testing.T, bus *adaptertest.Bus) {
	t.Helper()
	broker := bus.Broker()
	if err := broker.Start(t.Context(), "foreign", func(error) {}); err != nil {
		t.Fatal(err)
	}
	link, err := broker.Join(t.Context(), member{})
	if err != nil {
		t.Fatal(err)
	}
	m := &adapter.Message{
		UID: "foreign", Namespace: "/", Type: adapter.MessageBroadcast,
		Packet: &adapter.Packet{Data: []byte(`{"no":"event"}`)},
	}
	if err := errors.Join(link.Publish(m), link.Close(), broker.Close(t.Context())); err != nil {
		t.Error(err)
	}
}

// docs/observability.md lists every metric with its type, its labels and its help.
func TestMetricsAreDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/observability.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range metrics {
		labels := ""
		if len(m.labels) > 0 {
			labels = " `" + strings.Join(m.labels, "`, `") + "`"
		}
		line := "| `" + m.name + "` | " + m.kind + " |" + labels + " | " + m.help + " |"
		if !strings.Contains(string(page), "\n"+line+"\n") {
			t.Errorf("not in the page:\n%s", line)
		}
	}
	if n := strings.Count(string(page), "\n| `socketio_"); n != len(metrics) {
		t.Errorf("the page lists %d metrics, there are %d", n, len(metrics))
	}
}
