package main

import (
	"errors"
	"flag"
	"io"
	"strings"
	"testing"
	"time"
)

func TestOptionsAreRead(t *testing.T) {
	o, err := parseOptions([]string{
		"-addr", "127.0.0.1:1", "-ping-interval", "300ms", "-ping-timeout=200ms", "-max-payload", "1000",
		"-path", "/x/", "-cors", "https://a.example,https://b.example", "-connect-timeout", "1s",
	}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	want := options{
		addr: "127.0.0.1:1", path: "/x/", origins: "https://a.example,https://b.example", maxPayload: 1000,
		pingInterval: 300 * time.Millisecond, pingTimeout: 200 * time.Millisecond, connectTimeout: time.Second,
	}
	if o != want {
		t.Errorf("got %+v, want %+v", o, want)
	}
	if got := o.cors().Origins; len(got) != 2 || got[1] != "https://b.example" {
		t.Errorf("origins: got %q", got)
	}
}

func TestOptionsThatDoNotWorkAreRefused(t *testing.T) {
	for name, args := range map[string][]string{
		"an unknown flag":     {"-unknown"},
		"a stray argument":    {"stray"},
		"a duration of nails": {"-ping-interval", "nails"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := parseOptions(args, io.Discard)
			if err == nil {
				t.Fatal("no error")
			}
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("more than one line: %q", err)
			}
		})
	}
}

func TestHelpNamesEveryOption(t *testing.T) {
	var help strings.Builder
	if _, err := parseOptions([]string{"-h"}, &help); !errors.Is(err, flag.ErrHelp) {
		t.Fatalf("got %v", err)
	}
	for _, name := range []string{"addr", "path", "cors", "ping-interval", "ping-timeout", "connect-timeout", "max-payload", "eio3", "recovery", "trust"} {
		if !strings.Contains(help.String(), "  -"+name) {
			t.Errorf("no word about -%s", name)
		}
	}
}
