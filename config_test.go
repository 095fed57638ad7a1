package socketio_test

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/adapter"
)

const year = 365 * 24 * time.Hour

// wrongConfigs are values that cannot work, by the field that the error must name.
var wrongConfigs = map[string][]socketio.Config{
	"Path":           {{Path: "no-slash"}, {Path: "/a?b"}, {Path: "/a#b"}},
	"ClientFiles":    {{ClientFiles: fstest.MapFS{}}, {ClientFiles: fstest.MapFS{"socket.io.js": {}}}},
	"ClientVersion":  {{ClientVersion: "4.8.4"}},
	"ConnectTimeout": {{ConnectTimeout: -1}},
	"PingInterval": {
		{PingInterval: -1},
		{PingInterval: time.Microsecond},
		{PingInterval: year},
		{PingInterval: 1<<63 - 1},
	},
	"PingTimeout": {
		{PingTimeout: -time.Second},
		{PingTimeout: time.Microsecond},
		{PingInterval: 20 * 24 * time.Hour, PingTimeout: 5 * 24 * time.Hour},
	},
	"UpgradeTimeout":              {{UpgradeTimeout: -1}},
	"AckTimeout":                  {{AckTimeout: -1}},
	"AttachmentTimeout":           {{AttachmentTimeout: -1}},
	"HandlerStallTimeout":         {{HandlerStallTimeout: -1}},
	"WriteTimeout":                {{WriteTimeout: -1}},
	"ReadTimeout":                 {{ReadTimeout: -1}},
	"MaxPayload":                  {{MaxPayload: -1}, {MaxPayload: 1<<29 + 1}},
	"MaxUntrustedPayload":         {{MaxUntrustedPayload: -1}},
	"MaxHeaderBytes":              {{MaxHeaderBytes: -1}},
	"MaxAttachments":              {{MaxAttachments: -1}},
	"MaxNamespaces":               {{MaxNamespaces: -1}},
	"MaxBufferedBytes":            {{MaxBufferedBytes: -1}},
	"MaxBufferedPackets":          {{MaxBufferedPackets: -1}},
	"MaxInboxBytes":               {{MaxInboxBytes: -1}},
	"MaxInboxEvents":              {{MaxInboxEvents: -1}},
	"CompressionThreshold":        {{CompressionThreshold: -1}},
	"PerMessageDeflate.Threshold": {{PerMessageDeflate: &socketio.PerMessageDeflate{Threshold: -1}}},
	"PerMessageDeflate.Level": {
		{PerMessageDeflate: &socketio.PerMessageDeflate{Level: 10}},
		{PerMessageDeflate: &socketio.PerMessageDeflate{Level: -3}},
	},
	"Transports": {
		{Transports: []socketio.Transport{9}},
		{Transports: []socketio.Transport{socketio.Polling, 0}},
	},
	"ConnectionMode": {{ConnectionMode: 9}},
	"Cookie": {
		{Cookie: &http.Cookie{Name: "not a name"}},
		{Cookie: &http.Cookie{}},
		{Cookie: &http.Cookie{Name: "io", Domain: "a b"}},
	},
	"CORS.Origins": {
		{
			CORS: socketio.CORS{Origins: []string{"example.com"}},
		},
		{CORS: socketio.CORS{Origins: []string{"https://a.example/path"}}},
		{CORS: socketio.CORS{Origins: []string{""}}},
		{CORS: socketio.CORS{Origins: []string{"https://[*.example"}}},
		{CORS: socketio.CORS{Origins: []string{"https://*example.com"}}},
	},
	"CORS.Credentials":        {{CORS: socketio.CORS{Origins: []string{"*"}, Credentials: true}}},
	"Admission.Rate":          {{Admission: socketio.Admission{Rate: -1}}},
	"Admission.Burst":         {{Admission: socketio.Admission{Burst: -1}}, {Admission: socketio.Admission{Burst: 1}}},
	"Admission.MaxPending":    {{Admission: socketio.Admission{MaxPending: -1}}},
	"Admission.MaxPerAddress": {{Admission: socketio.Admission{MaxPerAddress: -1}}},
	"ByteLimit.Rate":          {{ByteLimit: socketio.ByteLimit{Rate: -1}}},
	"ByteLimit.Burst":         {{ByteLimit: socketio.ByteLimit{Rate: 1, Burst: -1}}, {ByteLimit: socketio.ByteLimit{Burst: 1}}},
	"EventLimit.Rate":         {{EventLimit: socketio.EventLimit{Rate: -1}}, {EventLimit: socketio.EventLimit{Rate: math.NaN()}}},
	"EventLimit.Burst":        {{EventLimit: socketio.EventLimit{Rate: 1, Burst: -1}}},
	"EventLimit.Answer":       {{EventLimit: socketio.EventLimit{Rate: 1, Answer: socketio.LimitDisconnect + 1}}},
	"EventLimit":              {{EventLimit: socketio.EventLimit{Burst: 1}}, {EventLimit: socketio.EventLimit{Answer: socketio.LimitDrop}}},
	`NamespaceEventLimits["/a"].Rate`: {
		{NamespaceEventLimits: map[string]socketio.EventLimit{"/a": {Rate: -1}}},
	},
	"Admission.MaxSessions": {{Admission: socketio.Admission{MaxSessions: -1}}},
	"TrustedProxies":        {{TrustedProxies: []netip.Prefix{{}}}},
	"Middleware": {
		{Middleware: []func(http.Handler) http.Handler{nil}},
		{Middleware: []func(http.Handler) http.Handler{func(http.Handler) http.Handler { return nil }}},
	},
	"ConnectionStateRecovery.MaxDisconnectionDuration": {
		{ConnectionStateRecovery: &socketio.ConnectionStateRecovery{MaxDisconnectionDuration: -1}},
	},
	"ConnectionStateRecovery.MaxEventBytes": {
		{ConnectionStateRecovery: &socketio.ConnectionStateRecovery{MaxEventBytes: -1}},
	},
	"ConnectionStateRecovery.MaxSessionBytes": {
		{ConnectionStateRecovery: &socketio.ConnectionStateRecovery{MaxSessionBytes: -1}},
	},
	"Relay":         {{Relay: &socketio.Relay{Address: "10.0.0.5:3000", Secret: relaySecret}}},
	"Relay.Address": {{Relay: &socketio.Relay{}}},
	"Adapter": {
		{Adapter: func(adapter.Host) (adapter.Adapter, error) { return nil, errors.New("no broker") }},
		{Adapter: func(adapter.Host) (adapter.Adapter, error) { return nil, nil }},
	},
}

// anyValue are the fields that no value of which is wrong: switches, and functions that may be nil.
var anyValue = []string{
	"CleanupEmptyChildNamespaces",
	"NoCompression",
	"NoUpgrades",
	"AllowEIO3",
	"AllowRequest",
	"GenerateID",
	"SessionContext",
	"Parser",
	"Logger",
	"OnError",
	"Hooks",
	"EngineEvents",
}

// A configuration that cannot work is refused in one line that names the field.
func TestConfigErrors(t *testing.T) {
	for field, list := range wrongConfigs {
		t.Run(field, func(t *testing.T) {
			for _, c := range list {
				_, err := socketio.NewServer(c)
				if !errors.Is(err, socketio.ErrConfig) || !strings.Contains(err.Error(), field) ||
					strings.Contains(err.Error(), "\n") {
					t.Errorf("NewServer returned %v", err)
					continue
				}
				func() {
					defer func() {
						if v := recover(); v == nil || fmt.Sprint(v) != err.Error() {
							t.Errorf("New panicked with %v", v)
						}
					}()
					socketio.New(c)
				}()
			}
		})
	}
}

// Each field is one of the two kinds.
func TestConfigFieldsAreChecked(t *testing.T) {
	for f := range reflect.TypeFor[socketio.Config]().Fields() {
		wrong := 0
		for name := range wrongConfigs {
			if first, _, _ := strings.Cut(name, "."); strings.TrimSuffix(first, `["/a"]`) == f.Name {
				wrong++
			}
		}
		if known := slices.Contains(anyValue, f.Name); known == (wrong > 0) {
			t.Errorf("%s: %d entries of wrong values, listed among those with none: %t", f.Name, wrong, known)
		}
	}
}

// What is at the edge of what works does work.
func TestConfigAtTheEdge(t *testing.T) {
	for _, c := range []socketio.Config{
		{PingInterval: time.Millisecond, PingTimeout: time.Millisecond, UpgradeTimeout: time.Millisecond},
		{PingInterval: 20 * 24 * time.Hour, PingTimeout: 4 * 24 * time.Hour},
		{MaxPayload: 1 << 29}, {MaxPayload: 1, MaxBufferedBytes: 1, MaxBufferedPackets: 1, MaxInboxBytes: 1,
			MaxInboxEvents: 1, MaxAttachments: 1, MaxNamespaces: 1},
		{Path: "/"}, {Transports: []socketio.Transport{socketio.WebSocket, socketio.WebSocket}}, {ConnectTimeout: year,
			AckTimeout: year, WriteTimeout: year},
	} {
		s, err := socketio.NewServer(c)
		if err != nil {
			t.Error(err)
			continue
		}
		if err := s.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

// closing is an adapter that tells when it is closed.
type closing struct {
	adapter.Adapter
	closed *int
}

func (c closing) Close() error {
	*c.closed++
	return c.Adapter.Close()
}

// An adapter that was made before another field turned out wrong is closed.
func TestConfigErrorClosesAdapter(t *testing.T) {
	closed := 0
	_, err := socketio.NewServer(socketio.Config{
		PingInterval: -1,
		Adapter: func(h adapter.Host) (adapter.Adapter, error) {
			a, err := adapter.Memory(h)
			return closing{a, &closed}, err
		},
	})
	if err == nil || closed != 1 {
		t.Errorf("closed %d times, %v", closed, err)
	}
}
