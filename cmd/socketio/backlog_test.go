package main

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func said(b *backlog, id string, size int) int64 {
	return b.add(Message{ID: id, Room: "lobby", File: &File{Data: make([]byte, size)}}).At
}

func all(Message) bool { return true }

func ids(messages []Message) string {
	var list []string
	for _, m := range messages {
		list = append(list, m.ID)
	}
	return strings.Join(list, " ")
}

func TestBacklogForgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b backlog
		first := said(&b, "a", 10)
		time.Sleep(time.Minute)
		second := said(&b, "b", 10)
		for at, want := range map[int64]string{0: "", -1: "", 1: "a b", first - 1: "a b", first: "b", second - 1: "b", second: ""} {
			if got := ids(b.page(at, all).Messages); got != want {
				t.Errorf("since %d: %q, want %q", at, got, want)
			}
		}
		// Too old, though nothing has been said since.
		time.Sleep(backlogAge - time.Minute + time.Millisecond)
		if got := ids(b.page(1, all).Messages); got != "b" {
			t.Errorf("after five minutes: %q", got)
		}
		said(&b, "c", 10)
		if len(b.messages) != 2 {
			t.Errorf("%d messages kept", len(b.messages))
		}
	})
}

func TestBacklogIsBounded(t *testing.T) {
	var b backlog
	for i := range backlogCount + 10 {
		said(&b, fmt.Sprint(i), 0)
	}
	if len(b.messages) != backlogCount || b.messages[0].ID != "10" {
		t.Errorf("%d messages, the first is %s", len(b.messages), b.messages[0].ID)
	}
	for range 9 {
		said(&b, "big", 900_000)
	}
	if b.bytes > backlogBytes || len(b.messages) != 4 {
		t.Errorf("%d messages, %d bytes", len(b.messages), b.bytes)
	}
	said(&b, "too big to keep", backlogBytes+1)
	if len(b.messages) != 0 || b.bytes != 0 {
		t.Errorf("%d messages, %d bytes", len(b.messages), b.bytes)
	}
}

// Pages are small, begin where the last one ended, and leave nothing out.
func TestBacklogPages(t *testing.T) {
	var b backlog
	for i := range 10 {
		said(&b, fmt.Sprint(i), 30_000)
	}
	said(&b, "large", 500_000)
	b.add(Message{ID: "elsewhere", Room: "den"})
	var got []string
	since := int64(1)
	for more := true; more; {
		p := b.page(since, func(m Message) bool { return m.Room == "lobby" })
		if n := len(p.Messages); n == 0 || n > 2 || p.UpTo <= since {
			t.Fatalf("a page of %d messages, from %d to %d", n, since, p.UpTo)
		}
		got = append(got, ids(p.Messages))
		since, more = p.UpTo, p.More
	}
	if s := strings.Join(got, " | "); s != "0 1 | 2 3 | 4 5 | 6 7 | 8 9 | large" {
		t.Errorf("pages %s", s)
	}
	if p := b.page(since, all); since != b.last || len(p.Messages) != 0 || p.More {
		t.Errorf("after the last page, from %d: %v", since, p)
	}
}
