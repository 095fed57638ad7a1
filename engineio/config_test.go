package engineio_test

import (
	"errors"
	"net/http"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gosocketio/socketio/engineio"
)

// Each field of Config that can have a value that does not work, with such values: New names the field and says what is
// allowed. A field that is in neither list here fails the test, so that a new one is thought about.
func TestConfigErrors(t *testing.T) {
	type cases map[string]engineio.Config
	anything := []string{"AllowEIO3", "NoUpgrades", "AllowRequest", "GenerateID", "InitialPacket", "NoCompression", "SessionContext", "Logger", "NewHandler", "Turn", "Events"}
	wrong := map[string]struct {
		allowed string
		configs cases
	}{
		"Path":                 {"it must start with / and have neither ? nor #", cases{"relative": {Path: "x"}, "query": {Path: "/x?y"}, "fragment": {Path: "/x#y"}}},
		"PingInterval":         {"at least 1ms", cases{"negative": {PingInterval: -1}, "below the grain": {PingInterval: time.Microsecond}}},
		"PingTimeout":          {"at least 1ms", cases{"negative": {PingTimeout: -time.Hour}, "below the grain": {PingTimeout: 1}}},
		"UpgradeTimeout":       {"at least 1ms", cases{"negative": {UpgradeTimeout: -time.Second}}},
		"WriteTimeout":         {"at least 1ms", cases{"negative": {WriteTimeout: -1}}},
		"ReadTimeout":          {"at least 1ms", cases{"negative": {ReadTimeout: -1}}},
		"MaxPayload":           {"it must be at", cases{"negative": {MaxPayload: -1}, "more than 32 bits allow": {MaxPayload: 1<<29 + 1}}},
		"MaxHeaderBytes":       {"at least 1", cases{"negative": {MaxHeaderBytes: -1}}},
		"MaxUntrustedPayload":  {"at least 1", cases{"negative": {MaxUntrustedPayload: -1}}},
		"CompressionThreshold": {"at least 1", cases{"negative": {CompressionThreshold: -1}}},
		"MaxBufferedBytes":     {"at least 1", cases{"negative": {MaxBufferedBytes: -1}}},
		"MaxBufferedPackets":   {"at least 1", cases{"negative": {MaxBufferedPackets: -1}}},
		"Transports": {"must be Polling", cases{
			"unknown": {Transports: []engineio.Transport{engineio.Polling, 9}},
			"zero":    {Transports: []engineio.Transport{0}},
		}},
		"Cookie": {"", cases{
			"name":      {Cookie: &http.Cookie{Name: "a b"}},
			"no name":   {Cookie: &http.Cookie{}},
			"domain":    {Cookie: &http.Cookie{Name: "a", Domain: "b;c"}},
			"attribute": {Cookie: &http.Cookie{Name: "a", Unparsed: []string{"Priority=High; Secure"}}},
			"no attr":   {Cookie: &http.Cookie{Name: "a", Unparsed: []string{""}}},
			"insecure":  {Cookie: &http.Cookie{Name: "a", Partitioned: true}},
		}},
		"CORS": {"", cases{
			"* and credentials": {CORS: engineio.CORS{Origins: []string{"*"}, Credentials: true}},
			"no scheme":         {CORS: engineio.CORS{Origins: []string{"app.test"}}},
			"no host":           {CORS: engineio.CORS{Origins: []string{"https://"}}},
			"path":              {CORS: engineio.CORS{Origins: []string{"https://app.test/"}}},
			"query":             {CORS: engineio.CORS{Origins: []string{"https://app.test?x"}}},
			"pattern":           {CORS: engineio.CORS{Origins: []string{"https://app[.test"}}},
			"empty":             {CORS: engineio.CORS{Origins: []string{""}}},
			"wide pattern":      {CORS: engineio.CORS{Origins: []string{"https://*app.test"}}},
			"header":            {CORS: engineio.CORS{AllowedHeaders: []string{"a b"}}},
			"two lines":         {CORS: engineio.CORS{AllowedHeaders: []string{"a\r\nb"}}},
			"method":            {CORS: engineio.CORS{Methods: []string{""}}},
		}},
		"PerMessageDeflate": {"it must be", cases{
			"threshold": {PerMessageDeflate: &engineio.PerMessageDeflate{Threshold: -1}},
			"level":     {PerMessageDeflate: &engineio.PerMessageDeflate{Level: 10}},
			"no level":  {PerMessageDeflate: &engineio.PerMessageDeflate{Level: -1}},
		}},
		"ConnectionMode": {"it must be", cases{"unknown": {ConnectionMode: 9}}},
		"TrustedProxies": {"netip.MustParsePrefix", cases{
			"zero":             {TrustedProxies: make([]netip.Prefix, 1)},
			"IPv4 within IPv6": {TrustedProxies: []netip.Prefix{netip.MustParsePrefix("::ffff:10.0.0.0/104")}},
		}},
		"Middleware": {"it must be a function", cases{"nil": {Middleware: []middleware{nil}}}},
		"Relay": {"it must", cases{
			"tag":     {Relay: &engineio.Relay{Tag: "a"}},
			"secret":  {Relay: &engineio.Relay{Tag: "server", Secret: "short"}},
			"address": {Relay: &engineio.Relay{Tag: "server", Secret: relaySecret}},
		}},
		"ByteLimit": {"", cases{
			"negative":       {ByteLimit: engineio.ByteLimit{Rate: -1}},
			"burst":          {ByteLimit: engineio.ByteLimit{Rate: 1, Burst: -1}},
			"burst, no rate": {ByteLimit: engineio.ByteLimit{Burst: 1}},
		}},
		"Admission": {"it must be at least 0", cases{"sessions": {Admission: engineio.Admission{MaxSessions: -1}}}},
	}
	for field := range reflect.TypeFor[engineio.Config]().Fields() {
		w, ok := wrong[field.Name]
		if !ok && !slices.Contains(anything, field.Name) {
			t.Errorf("nothing says which values of %s work", field.Name)
		}
		for name, c := range w.configs {
			_, err := engineio.New(c)
			if !errors.Is(err, engineio.ErrConfig) || !strings.Contains(err.Error(), field.Name) || !strings.Contains(err.Error(), w.allowed) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%s, %s: %v", field.Name, name, err)
			}
		}
	}
}
