package socketio_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"github.com/gosocketio/socketio"
)

// A long string is a part of its event's payload: it stays what it is when other events have come, whoever holds it.
func TestStringsAreTheReceivers(t *testing.T) {
	f := start(t)
	var kept, want []string
	f.Of("/").Handle("keep", func(e *socketio.Event) error {
		var n int
		var s string
		if err := e.Decode(&n, &s); err != nil {
			return err
		}
		args := e.Args()
		again := args[1].(string)
		if args[0] != float64(n) || again != s {
			t.Errorf("Args are %v, Decode gave %v and %q", args, n, s)
		}
		kept = append(kept, s, again)
		// An any that holds a pointer has what it points to decoded.
		var target string
		var v any = &target
		if err := e.Decode(new(int), &v); err != nil || target != s || v != any(&target) {
			t.Errorf("decoded %q, the any holds %T: %v", target, v, err)
		}
		return e.Ack(n)
	})
	conn := f.WebSocket()
	conn.Join("/", "")
	for i := range 50 {
		text := strings.Repeat(fmt.Sprint(i, ",é\n"), i)
		raw, err := json.Marshal(text)
		if err != nil {
			t.Fatal(err)
		}
		plain := strings.Repeat(fmt.Sprint(i, ",é"), 2*i)
		want = append(want, text, text, plain, plain)
		conn.Send(fmt.Sprintf(`420["keep",%d,%s]`, i, raw))
		conn.Want(fmt.Sprintf("430[%d]", i))
		conn.Send(fmt.Sprintf(`420["keep",%d,"%s","%s"]`, i, plain, strings.Repeat("x", i*i)))
		conn.Want(fmt.Sprintf("430[%d]", i))
	}
	if !slices.Equal(kept, want) {
		t.Errorf("kept %q, want %q", kept, want)
	}
}

// Whoever keeps a small part of a large payload keeps only that.
func TestASmallStringIsACopy(t *testing.T) {
	f := start(t)
	main := f.Of("/")
	var short, long bool // whether a string is the payload's memory
	main.Handle("measure", func(e *socketio.Event) error {
		var a, b, c, d string
		if err := errors.Join(e.Decode(&a, &b), e.Decode(&c, &d)); err != nil {
			return err
		}
		short, long = unsafe.StringData(a) == unsafe.StringData(c), unsafe.StringData(b) == unsafe.StringData(d)
		return e.Ack()
	})
	conn := f.WebSocket()
	conn.Join("/", "")
	conn.Send(`420["measure","` + strings.Repeat("s", 200) + `","` + strings.Repeat("l", 2000) + `"]`)
	conn.Want("430[]")
	if short || !long {
		t.Errorf("a short string is shared: %v; a long one: %v", short, long)
	}
}
