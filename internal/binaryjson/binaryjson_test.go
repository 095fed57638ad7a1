package binaryjson_test

import (
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/gosocketio/socketio"
	"github.com/gosocketio/socketio/internal/binaryjson"
	"github.com/gosocketio/socketio/internal/leak"
	"github.com/gosocketio/socketio/internal/refusal"
	"github.com/gosocketio/socketio/protocol"
	"github.com/gosocketio/socketio/siotest"
)

func TestMain(m *testing.M) { leak.Main(m) }

var (
	_ binaryjson.Arguments = (*socketio.Event)(nil)
	_ binaryjson.Arguments = socketio.Reply{}
)

// What goes from JSON to a client is the same JSON there.
func TestRoundTrip(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		io := socketio.New(socketio.Config{Logger: slog.New(slog.DiscardHandler)})
		c, err := siotest.Serve(t, io).Connect(t.Context(), "/", nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range []struct{ sent, want string }{
			{`[]`, ""},
			{`[null]`, ""},
			{`["text",true,1.5]`, ""},
			{`[12345678901234567890,{"z":1e400,"a":0.1000}]`, ""},
			{`[{"base64":"AAEC"}]`, ""},
			{`[{"base64":""},"and",[{"b":{"base64":"/+8="}}]]`, ""},
			{`[{"base64":"AAEC","more":1},{"base64":1},{"_placeholder":true,"num":5}]`, ""},
			{`[` + strings.Repeat(`[`, 5000) + `{"base64":"AA=="}` + strings.Repeat(`]`, 5000) + `]`, ""},
			// Beside binary data in the same argument numbers are those of JavaScript.
			{
				`[{"file":{"base64":"AAEC"},"size":12345678901234567890},1.50]`,
				`[{"file":{"base64":"AAEC"},"size":12345678901234567000},1.50]`,
			},
		} {
			args, err := binaryjson.Unmarshal([]byte(x.sent))
			if err != nil {
				t.Fatalf("%.100s: %v", x.sent, err)
			}
			if err := io.Emit("there", args...); err != nil {
				t.Fatalf("%.100s: %v", x.sent, err)
			}
			m, err := c.Next(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if x.want == "" {
				x.want = x.sent
			}
			if got, err := binaryjson.Marshal(m); err != nil || string(got) != x.want {
				t.Errorf("got %.200s, %v, want %.200s", got, err, x.want)
			}
		}
	})
}

func TestRefused(t *testing.T) {
	ten := strings.Repeat(`,{"base64":"AA=="}`, binaryjson.MaxBinary)[1:]
	if _, err := binaryjson.Unmarshal([]byte("[" + ten + "]")); err != nil {
		t.Error(err)
	}
	for sent, rule := range map[string]string{
		``:      "not a JSON array",
		`null`:  "not a JSON array",
		`{}`:    "not a JSON array",
		`[1] 2`: "not a JSON array",
		`[1,]`:  "not a JSON array",
		strings.Repeat("[", 10_001) + strings.Repeat("]", 10_001): "not a JSON array",
		"[\"\xff\"]":                      "text that is not UTF-8",
		`[{"base64":"AA"}]`:               "invalid base64",
		`[{"base64":"AB=="}]`:             "invalid base64",
		`[{"base64":"-_8="}]`:             "invalid base64",
		`[` + ten + `,{"base64":"AA=="}]`: "too many binary values",
		`[{"base64":"AA=="},{"_placeholder":true,"num":0}]`: "an object with _placeholder beside binary data",
	} {
		_, err := binaryjson.Unmarshal([]byte(sent))
		if r, ok := errors.AsType[*refusal.Refusal](err); !ok || r.Rule != rule {
			t.Errorf("%.100q: %v, want %s", sent, err, rule)
		}
	}
}

// Whatever comes is refused or can be emitted.
func FuzzUnmarshal(f *testing.F) {
	for _, seed := range []string{`[]`, `[1,{"base64":"AAEC"}]`, `[{"a":[{"base64":"/+8="}],"_placeholder":true}]`, `[1e999,"\ud800"]`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		args, err := binaryjson.Unmarshal(data)
		if err != nil {
			if _, ok := errors.AsType[*refusal.Refusal](err); !ok {
				t.Errorf("%T", err)
			}
			return
		}
		if _, _, err := protocol.AppendArgs(nil, nil, "event", true, args); err != nil {
			t.Error(err)
		}
	})
}
