package msgpack_test

import (
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

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
