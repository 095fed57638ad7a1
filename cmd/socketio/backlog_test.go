package main

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func said(b *backlog, id string, size int) int64 {
	at := time.Now().UnixMilli()
	b.add(Message{ID: id, Room: "lobby", At: at, File: &File{Data: make([]byte, size)}})
	return at
}

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
		for at, want := range map[int64]string{0: "", -1: "", 1: "a b", first: "a b", first + 1: "b", second: "b", second + 1: ""} {
			if got := ids(b.since(at)); got != want {
				t.Errorf("since %d: %q, want %q", at, got, want)
			}
		}
		// Too old, though nothing has been said since.
		time.Sleep(backlogAge - time.Minute + time.Millisecond)
		if got := ids(b.since(1)); got != "b" {
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
