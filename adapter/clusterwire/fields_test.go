package clusterwire_test

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gosocketio/socketio/adapter"
	"github.com/gosocketio/socketio/adapter/clusterwire"
)

// leaves calls f for each field within v that is no struct, with its path.
func leaves(v reflect.Value, path string, f func(path string, v reflect.Value)) {
	switch {
	case v.Kind() == reflect.Struct:
		for i, field := range v.Fields() {
			leaves(field, strings.TrimPrefix(path+"."+i.Name, "."), f)
		}
	case v.Kind() == reflect.Pointer && !v.IsNil():
		leaves(v.Elem(), path, f)
	case v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Struct && v.Len() > 0:
		leaves(v.Index(0), path, f)
	default:
		f(path, v)
	}
}

// Every field of a message reaches the other server in some type of message, and every field of
// Options and Flags in each type that has options. A field that is new and not written fails this
// test.
func TestEveryField(t *testing.T) {
	stays := []string{ // of this server alone, or what Packet.Data has too
		"Position", "Packet.Position", "Options.Flags.Local", "Sockets.Local", "Packet.Event", "Packet.Args",
	}
	var m adapter.Message
	m.Sockets, m.Packet, m.Hello = make([]adapter.Info, 1), new(adapter.Packet), new(adapter.Hello)
	leaves(reflect.ValueOf(&m).Elem(), "", func(path string, v reflect.Value) {
		switch p := v.Addr().Interface().(type) {
		case *string:
			*p = "text"
		case *bool:
			*p = true
		case *int:
			*p = 7
		case *uint64:
			*p = 7
		case *[]byte:
			*p = []byte(`["e",{"_placeholder":true,"num":0}]`)
		case *time.Duration:
			*p = time.Second
		case *[]string:
			*p = []string{"a", "b"}
		case *json.RawMessage:
			*p = json.RawMessage(`{"a":1}`)
		case *[]json.RawMessage:
			*p = []json.RawMessage{json.RawMessage(`{"_placeholder":true,"num":0}`)}
		case *[][]byte:
			*p = [][]byte{{1}}
		case *adapter.MessageType, *adapter.Socket, *[]any, *func(*adapter.Message) error:
		default:
			t.Fatalf("%s has the type %v: give it a value here", path, v.Type())
		}
	})
	arrived := map[string]bool{}
	for m.Type = adapter.MessageInitialHeartbeat; m.Type <= adapter.MessageAdapterClose; m.Type++ {
		data, _, err := clusterwire.Encode(&m)
		if err != nil {
			t.Fatal(err)
		}
		got, err := clusterwire.Decode(data)
		if err != nil {
			t.Fatalf("type %d: %q, %v", m.Type, data, err)
		}
		here := map[string]any{}
		leaves(reflect.ValueOf(got).Elem(), "", func(path string, v reflect.Value) { here[path] = v.Interface() })
		hasOptions := m.Type >= adapter.MessageBroadcast && m.Type <= adapter.MessageFetchSockets
		leaves(reflect.ValueOf(&m).Elem(), "", func(path string, v reflect.Value) {
			same := reflect.DeepEqual(here[path], v.Interface())
			arrived[path] = arrived[path] || same && !v.IsZero()
			if hasOptions && !same && strings.HasPrefix(path, "Options.") && !slices.Contains(stays, path) {
				t.Errorf("type %d: %s is %v, want %v", m.Type, path, here[path], v)
			}
		})
	}
	for path, is := range arrived {
		if path != "Rest" && is == slices.Contains(stays, path) {
			t.Errorf("%s arrived: %v", path, is)
		}
	}
}
