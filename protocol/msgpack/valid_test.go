package msgpack_test

import (
	"bytes"
	"encoding/json"
	"math"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/gosocketio/socketio/protocol"
	"github.com/gosocketio/socketio/protocol/msgpack"
)

// Where a string ends depends on the backslashes before a quote.
func TestAppendValid(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		var list []any
		for range r.IntN(4) {
			var text strings.Builder
			for range r.IntN(40) {
				text.WriteByte(`\\\\""a{[:,]}`[r.IntN(12)])
			}
			list = append(list, text.String(), map[string]any{text.String(): true})
		}
		text, err := json.Marshal(list)
		if err != nil {
			t.Fatal(err)
		}
		packed, err := msgpack.AppendValid(nil, text, nil)
		if err != nil {
			t.Fatal(err)
		}
		again, _, err := msgpack.ReadValue(packed, 0)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		var got []any
		if err := json.Unmarshal(again, &got); err != nil || !reflect.DeepEqual(got, list) {
			t.Fatalf("%s became %s, %v", text, again, err)
		}
	}
	if _, err := msgpack.AppendValid(nil, []byte("\"\xff\""), nil); err == nil {
		t.Error("text that is not UTF-8 is no error")
	}
}

// An event has the same bytes with or without JSON on the way.
func TestAppendEvent(t *testing.T) {
	for _, args := range [][]any{
		{}, {nil, true, false}, {"", "text", "é", strings.Repeat("x", 70_000)}, {[]byte{1}, []byte{}, []byte(nil)},
		{0, -1, -32, -33, 127, 128, 1 << 30, -1 << 30, math.MaxInt, math.MinInt}, make([]any, 20),
	} {
		text, attachments, err := protocol.AppendArgs(nil, nil, "name", true, args)
		if err != nil {
			t.Fatal(err)
		}
		want, err := msgpack.AppendValue(nil, text, attachments)
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := msgpack.AppendEvent(nil, "name", args); !ok || !bytes.Equal(got, want) {
			t.Errorf("%.80q: got %.80x, %v, want %.80x", text, got, ok, want)
		}
	}
	for _, arg := range []any{1.5, []any{}, "\xff", json.RawMessage("1"), int8(1)} {
		if got, ok := msgpack.AppendEvent([]byte("x"), "name", []any{1, arg}); ok || string(got) != "x" {
			t.Errorf("%v is packed: %q", arg, got)
		}
	}
}

func TestAppendStrings(t *testing.T) {
	for _, list := range [][]string{nil, {""}, {"room", "é", strings.Repeat("x", 300)}, make([]string, 70_000)} {
		text, err := json.Marshal(append([]string{}, list...))
		if err != nil {
			t.Fatal(err)
		}
		want, err := msgpack.AppendValue(nil, text, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := msgpack.AppendStrings(nil, list); !ok || !bytes.Equal(got, want) {
			t.Errorf("%.80q: got %.80x, %v, want %.80x", list, got, ok, want)
		}
	}
	if got, ok := msgpack.AppendStrings([]byte("x"), []string{"a", "\xff"}); ok || string(got) != "x" {
		t.Errorf("text that is not UTF-8 is packed: %q", got)
	}
}
