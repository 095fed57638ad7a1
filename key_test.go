package socketio_test

import (
	"errors"
	"testing"

	"github.com/gosocketio/socketio"
)

func TestKey(t *testing.T) {
	s, e := serve(t, socketio.Config{})
	name, other := socketio.NewKey[string]("name"), socketio.NewKey[string]("name")
	failure := socketio.NewKey[error]("failure")
	s.Use(func(s *socketio.Socket) error {
		if v, ok := name.Get(s); ok || v != "" {
			t.Errorf("got %q before it was set", v)
		}
		name.Set(s, "Ann")
		return nil
	})
	a, b := e.WebSocket(), e.WebSocket()
	x, _ := s.Socket(a.Join("/", ""))
	y, _ := s.Socket(b.Join("/", ""))
	name.Set(x, "Bob")
	failure.Set(x, nil)
	if v, ok := name.Get(x); !ok || v != "Bob" {
		t.Errorf("got %q", v)
	}
	if v, ok := name.Get(y); !ok || v != "Ann" {
		t.Errorf("got %q of the other socket", v)
	}
	if _, ok := other.Get(x); ok {
		t.Error("another key with the same name finds it")
	}
	if v, ok := failure.Get(x); !ok || v != nil {
		t.Errorf("got %v", v)
	}
	failure.Set(x, errors.New("no"))
	if v, _ := failure.Get(x); v == nil || v.Error() != "no" {
		t.Errorf("got %v", v)
	}
	if name.String() != "name" {
		t.Error(name.String())
	}
}
