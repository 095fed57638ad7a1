package main

import (
	"runtime/debug"
	"strings"
	"testing"
)

func TestVersion(t *testing.T) {
	info := func(version string, settings ...debug.BuildSetting) *debug.BuildInfo {
		return &debug.BuildInfo{Main: debug.Module{Version: version}, Settings: settings}
	}
	revision := debug.BuildSetting{Key: "vcs.revision", Value: "4f0c"}
	modified := debug.BuildSetting{Key: "vcs.modified", Value: "true"}
	for _, c := range []struct {
		info         *debug.BuildInfo
		linked, want string
	}{
		{nil, "", "socketio (devel), commit unknown, go"},
		{info("v1.2.3"), "", "socketio v1.2.3, commit unknown, go"},
		{info("", revision), "", "socketio (devel), commit 4f0c, go"},
		{info("(devel)", revision, modified), "", "socketio (devel), commit 4f0c with changes, go"},
		{info("(devel)", revision, modified), "77aa", "socketio (devel), commit 77aa, go"},
	} {
		if got := versionOf(c.info, c.linked); !strings.HasPrefix(got, c.want) || strings.Contains(got, "\n") {
			t.Errorf("%+v, %q: %q, want %q", c.info, c.linked, got, c.want)
		}
	}
}
