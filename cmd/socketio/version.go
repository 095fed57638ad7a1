package main

import (
	"cmp"
	"fmt"
	"runtime"
	"runtime/debug"
)

// commit is the commit that the program was built from, where Go cannot know: -ldflags "-X main.commit=...".
var commit string

// version returns what -version prints.
func version() string {
	info, _ := debug.ReadBuildInfo()
	return versionOf(info, commit)
}

func versionOf(info *debug.BuildInfo, commit string) string {
	settings := map[string]string{}
	name := "(devel)"
	if info != nil {
		name = cmp.Or(info.Main.Version, name)
		for _, s := range info.Settings {
			settings[s.Key] = s.Value
		}
	}
	text := fmt.Sprintf("socketio %s, commit %s", name, cmp.Or(commit, settings["vcs.revision"], "unknown"))
	if commit == "" && settings["vcs.modified"] == "true" {
		text += " with changes"
	}
	return fmt.Sprintf("%s, %s %s/%s", text, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}
